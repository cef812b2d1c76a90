"""What the benchmarks scan, and with what: the machine's own files, and a generated ruleset; both from a seed."""

import random
import shutil
import sys
from pathlib import Path

from sigreq.scanning.archives.kinds import kinds

REGULAR_EXPRESSIONS = 0.8
USUAL_BEGINNINGS = 0.3
MEBIBYTE = 1 << 20
_FOLDERS = (Path("/usr/lib"), Path("/usr/bin"), Path(sys.prefix, "lib"))
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# What programs are full of: patterns that begin so are looked at often, as those of real rules are.
_STEMS = (
    *("http", "file", "user", "data", "name", "type", "open", "read", "lib", "get", "set", "error", "string", "init"),
    *("class", "value", "object", "system", "version", "create", "python", "return", "table", "memory", "thread"),
)


def ruleset(seed: int, count: int) -> dict[str, str]:
    """Rules such as analysts write: a few texts, a byte pattern with gaps, here and there a regular expression."""
    drawn = random.Random(seed)
    return {f"Generated_{number:05}": _rule(f"Generated_{number:05}", drawn) for number in range(count)}


def _rule(name: str, drawn: random.Random) -> str:
    strings = [f'$t{at} = "{_word(drawn)}"{_modifier(drawn)}' for at in range(drawn.randint(2, 6))]
    strings += [f"$h{at} = {{ {_pattern(drawn)} }}" for at in range(drawn.randint(0, 3))]
    if drawn.random() < REGULAR_EXPRESSIONS:
        strings.append(f"$r = /{_expression(drawn)}/")
    kind = drawn.choice(["uint16(0) == 0x5A4D and ", "uint32(0) == 0x464C457F and ", "filesize < 5MB and ", "", ""])
    body = "\n    ".join(strings)
    return (
        f'rule {name} {{\n  meta:\n    description = "generated"\n  strings:\n    {body}\n'
        f"  condition:\n    {kind}all of them\n}}\n"
    )


def _letters(drawn: random.Random, least: int, most: int) -> str:
    return "".join(drawn.choices(_LETTERS, k=drawn.randint(least, most)))


def _word(drawn: random.Random) -> str:
    is_usual = drawn.random() < USUAL_BEGINNINGS
    return drawn.choice(_STEMS) + _letters(drawn, 1, 5) if is_usual else _letters(drawn, 5, 12)


def _modifier(drawn: random.Random) -> str:
    return drawn.choice(["", "", " nocase", " ascii wide", " ascii wide", " fullword"])


def _pattern(drawn: random.Random) -> str:
    """Bytes with single gaps and jumps, which begin and end with known ones."""
    middle = []
    for _ in range(drawn.randint(6, 20)):
        kind = drawn.random()
        middle.append("??" if kind < 0.15 else "[1-4]" if kind < 0.2 else f"{drawn.randrange(256):02X}")
        if middle[-1] == "[1-4]":
            middle.append(f"{drawn.randrange(256):02X}")
    return " ".join(["6A", f"{drawn.randrange(256):02X}", *middle, "E8"])


def _expression(drawn: random.Random) -> str:
    return drawn.choice(
        [
            f"https?:\\/\\/[a-z0-9.\\-]{{4,30}}\\/{_letters(drawn, 3, 6)}",
            f"[A-Z]:\\\\[a-zA-Z\\\\]{{4,40}}{_letters(drawn, 3, 5)}\\.(exe|dll|pdb)",
            f"{_letters(drawn, 4, 6)}[0-9a-f]{{8,16}}",
        ]
    )


def files_of_a_mebibyte(count: int, seed: int) -> list[Path]:
    """So many of the machine's own files, half of them below 1 MiB and half above.

    Archives are left out, because bare YARA does not unpack them.
    """
    own = {path for folder in _FOLDERS for path in folder.rglob("*") if _is_fit(path)}
    smaller = sorted(path for path in own if MEBIBYTE // 4 <= path.stat().st_size <= MEBIBYTE)
    larger = sorted(path for path in own if MEBIBYTE < path.stat().st_size <= 4 * MEBIBYTE)
    drawn = random.Random(seed)
    half = min(count // 2, len(smaller), len(larger))
    chosen = drawn.sample(smaller, half) + drawn.sample(larger, half)
    drawn.shuffle(chosen)
    return chosen


def _is_fit(path: Path) -> bool:
    if path.is_symlink() or not path.is_file() or not MEBIBYTE // 4 <= path.stat().st_size <= 4 * MEBIBYTE:
        return False
    with path.open("rb") as file:
        return not kinds(file)


def program(name: str) -> str:
    """Where a program is. Raises SystemExit with what to install."""
    found = shutil.which(name)
    if found is None:
        sys.exit(f"{name} is not installed; on Debian: apt-get install yara clamav")
    return found
