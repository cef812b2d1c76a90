"""What the benchmarks scan, and with what: the machine's own files, and a generated ruleset; both from a seed."""

import random
import shutil
import sys
from pathlib import Path

RULES = 7_000
MEBIBYTE = 1 << 20
_FOLDERS = (Path("/usr/lib"), Path("/usr/bin"), Path(sys.prefix, "lib"))
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# What programs are full of: patterns that begin so are looked at often, as those of real rules are.
_STEMS = (
    *("http", "file", "user", "data", "name", "type", "open", "read", "lib", "get", "set", "error", "string", "init"),
    *("class", "value", "object", "system", "version", "create", "python", "return", "table", "memory", "thread"),
)


def ruleset(seed: int, count: int = RULES) -> dict[str, str]:
    """Rules such as analysts write: a few texts, a byte pattern with gaps, here and there a regular expression."""
    drawn = random.Random(seed)
    return {f"Generated_{number:05}": _rule(f"Generated_{number:05}", drawn) for number in range(count)}


def _rule(name: str, drawn: random.Random) -> str:
    words = [drawn.choice(_STEMS) + "".join(drawn.choices(_LETTERS, k=drawn.randint(0, 6))) for _ in range(3)]
    pattern = " ".join("??" if drawn.random() < 0.2 else f"{drawn.randrange(256):02X}" for _ in range(12))
    strings = [f'$t{at} = "{word}"{drawn.choice(["", " nocase", " wide ascii"])}' for at, word in enumerate(words)]
    strings.append(f"$h = {{ {drawn.randrange(256):02X} {drawn.randrange(256):02X} {pattern} }}")
    if drawn.random() < 0.1:
        strings.append(f"$r = /{words[0][:4]}[a-z0-9]{{3,12}}{words[1][:3]}/")
    body = "\n    ".join(strings)
    return (
        f'rule {name} {{\n  meta:\n    description = "generated"\n  strings:\n    {body}\n'
        "  condition:\n    2 of them\n}\n"
    )


def files_of_a_mebibyte(count: int, seed: int) -> list[Path]:
    """So many of the machine's own files, half of them below 1 MiB and half above; packed ones are left out."""
    own = {path for folder in _FOLDERS for path in folder.rglob("*") if _is_fit(path)}
    smaller = sorted(path for path in own if MEBIBYTE // 4 <= path.stat().st_size <= MEBIBYTE)
    larger = sorted(path for path in own if MEBIBYTE < path.stat().st_size <= 4 * MEBIBYTE)
    drawn = random.Random(seed)
    half = min(count // 2, len(smaller), len(larger))
    chosen = drawn.sample(smaller, half) + drawn.sample(larger, half)
    drawn.shuffle(chosen)
    return chosen


def _is_fit(path: Path) -> bool:
    if path.is_symlink() or not path.is_file() or path.suffix in {".gz", ".xz", ".zip", ".whl", ".jar", ".a"}:
        return False
    return MEBIBYTE // 4 <= path.stat().st_size <= 4 * MEBIBYTE


def program(name: str) -> str:
    """Where a program is. Raises SystemExit with what to install."""
    found = shutil.which(name)
    if found is None:
        sys.exit(f"{name} is not installed; on Debian: apt-get install yara")
    return found
