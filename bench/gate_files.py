"""What the benchmark of the gate scans, with what, and how bare engines scan it."""

import random
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench import corpus
from bench.screening import Bare
from sigreq.domain import clamav_files
from sigreq.domain.clamav_rules import unsupported
from sigreq.domain.ruleset import Ruleset

CASE_BYTES = 64 * 1024
_EXPRESSION = re.compile(r"^ *\$r = .*\n", re.MULTILINE)


def for_both(seed: int, number: int) -> dict[str, str]:
    """Generated rules that ClamAV understands as well, without regular expressions.

    ClamAV tries each expression of each rule on each file: 4,600 of them take it 1.8 s for 64 KiB, with us or without.
    """
    plain = {name: _EXPRESSION.sub("", source) for name, source in corpus.ruleset(seed, number).items()}
    return {name: source for name, source in plain.items() if not any(unsupported(source))}


class BareBoth:
    """`yara` and `clamscan` themselves, one after the other, with what each loads made beforehand."""

    def __init__(self, folder: Path, rules: dict[str, str], files: Sequence[Path]) -> None:
        self._yara = Bare(folder, rules, files)
        self._bundle, self._list = folder / "bundle", folder / "files"
        self._bundle.mkdir()
        for name, content in clamav_files.contents(Ruleset(rules)).items():
            (self._bundle / name).write_bytes(content)

    def seconds(self) -> float:
        """Of both."""
        yara = self._yara.seconds()
        started = time.monotonic()
        command = [corpus.program("clamscan"), "--no-summary", "-d", str(self._bundle), "-f", str(self._list)]
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            sys.exit(f"clamscan ended with {done.returncode}")
        clamscan = time.monotonic() - started
        print(f"  bare yara {yara:.2f} s, clamscan {clamscan:.2f} s")
        return yara + clamscan


def contents(number: int, seed: int) -> list[bytes]:
    """What was sent: pieces of the machine's own files, log-normal with a median of 64 KiB, no two alike."""
    drawn = random.Random(seed)
    files = corpus.files_of_a_mebibyte(60, seed)
    found = []
    for _ in range(number):
        whole = drawn.choice(files).read_bytes()
        size = min(int(drawn.lognormvariate(0, 1) * CASE_BYTES), len(whole))
        start = drawn.randrange(len(whole) - size + 1)
        found.append(drawn.randbytes(16) + whole[start : start + size])
    return found


def clean_files(number: int, folder: Path, seed: int) -> list[Path]:
    """So many of the machine's own programs and libraries, as copies: a link would be passed over."""
    own = [path for top in ("/usr/bin", "/usr/lib") for path in sorted(Path(top).rglob("*"))]
    fit = [path for path in own if not path.is_symlink() and path.is_file() and 0 < path.stat().st_size < 4 << 20]
    programs = [path for path in fit if path.read_bytes()[:4] == b"\x7fELF"]
    folder.mkdir()
    copies = []
    for place, path in enumerate(random.Random(seed).sample(programs, min(number, len(programs)))):
        copy = folder / f"{place:04}"
        copy.write_bytes(path.read_bytes())
        copies.append(copy)
    return copies
