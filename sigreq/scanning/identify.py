"""What a file is: its type, its fuzzy digest, and what it says of itself if it is a program.

Runs in the scanning child only: the libraries parse hostile bytes.
"""

import json
import math
import os
from functools import cache
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

import tlsh  # type: ignore[import-not-found] # ships no types

from sigreq.domain.faults import Fault
from sigreq.domain.printable import printable

# Of a larger file only the type is told: a digest of its beginning would be near to nothing that others have, and
# parsing a program takes more than twice its size in memory.
MAX_BYTES = 256 << 20
# Counted as JSON writes it, in ASCII.
MAX_TEXT = 200
# Enough for every type that libmagic knows by its content.
_START = 1 << 20
_CHUNK = 1 << 20
_NOTHING: dict[str, Any] = {"mime": None, "description": None, "tlsh": None, "executable": None, "fault": None}
# Beyond it readers of JSON lose digits. Headers may announce any size.
_MAX_NUMBER = (1 << 53) - 1

# What libmagic calls a file that it does not know.
_UNKNOWN, _UNKNOWN_MIME = "data", "application/octet-stream"

_MACH_O = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")
_FAT_MACH_O = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
# A Java class starts like a fat Mach-O file and goes on with its version, which was never as small.
_FEWER_THAN_JAVA = 43


def preload() -> bool:
    """Load what has to be loaded before the lock-down: libmagic and its database. False when there is none."""
    return _libmagic() is not None


def identify(sample: Path) -> dict[str, Any]:
    """What the file is, in the terms of `Identity`, as JSON of at most 64 KiB without unprintable characters.

    Type and description come from the first MiB. A file over 256 MiB has no TLSH, nor has one that is too short or
    too uniform. Fault: library_missing, out_of_memory, or not_parsed when it is a damaged program; whatever could be
    told is told. Raises OSError when the sample cannot be read, nothing else.
    """
    told = dict(_NOTHING)
    try:
        with sample.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(_START)
            if size <= MAX_BYTES:
                told["tlsh"] = _tlsh(start, file)
        types = _types(start)
        told |= types
        if kind := kind_of_program(start):
            # A missing library outweighs damage, which stays as it is: another look on a better day would tell more.
            told |= _program(sample, kind, size) | types
    except MemoryError:
        told["fault"] = Fault.OUT_OF_MEMORY
    return told


def identify_plain(content: bytes) -> dict[str, Any]:
    """The same of a small file that is no program, from its content. Raises MemoryError."""
    return {**_NOTHING, "tlsh": _tlsh(content, BytesIO()), **_types(content)}


def _types(start: bytes) -> dict[str, Any]:
    """What libmagic says, or that it is missing."""
    libmagic = _libmagic()
    if not libmagic:
        return {"fault": Fault.LIBRARY_MISSING}
    tells_mime, describes = libmagic
    description = _type(describes, start)
    # What no pattern describes, which takes the longest to find out, no pattern gives a type.
    mime = _UNKNOWN_MIME if description == _UNKNOWN else _type(tells_mime, start)
    return {"mime": mime, "description": description}


@cache
def _libmagic() -> tuple[Any, Any] | None:
    """One that tells MIME types and one that describes."""
    try:
        import magic  # noqa: PLC0415 - raises ImportError where the system has no libmagic

        return magic.Magic(mime=True), magic.Magic()
    except Exception:  # noqa: BLE001 - the error for a missing database is defined in what may be missing
        return None


def _type(libmagic: Any, start: bytes) -> str | None:
    try:
        return _text(libmagic.from_buffer(start))
    except Exception:  # noqa: BLE001 - the library's error cannot be named where it is missing
        return None


def _tlsh(start: bytes, rest: BinaryIO) -> str | None:
    digest = tlsh.Tlsh()
    digest.update(start)
    while chunk := rest.read(_CHUNK):
        digest.update(chunk)
    try:
        digest.final()
        return str(digest.hexdigest())
    except ValueError:
        return None


def _program(sample: Path, kind: str, size: int) -> dict[str, Any]:
    """What is told about a program: all of it, or why not."""
    if size > MAX_BYTES:
        return {"executable": {"format": kind, "note": "too large"}}
    try:
        from sigreq.scanning import executables  # noqa: PLC0415 - costs 0.4 s

        executable = _plain(executables.described(sample, kind))
    except MemoryError:
        raise
    except ImportError:
        return {"fault": Fault.LIBRARY_MISSING}
    except Exception:  # noqa: BLE001 - damage makes the library raise nearly anything
        executable = None
    return {"executable": executable} if executable else {"fault": Fault.NOT_PARSED}


def kind_of_program(start: bytes) -> str | None:
    """PE, ELF or Mach-O by the first bytes. Programs for DOS and 16-bit Windows are none of them."""
    if start[:4] == b"\x7fELF":
        return "ELF"
    if start[:4] in _MACH_O:
        return "Mach-O"
    if start[:4] in _FAT_MACH_O and 0 < int.from_bytes(start[4:8], "big") < _FEWER_THAN_JAVA:
        return "Mach-O"
    header = int.from_bytes(start[0x3C:0x40], "little")
    return "PE" if start[:2] == b"MZ" and start[header : header + 4] == b"PE\0\0" else None


def _plain(value: Any) -> Any:
    """The same as JSON that every reader and every database takes, whatever stands in the file."""
    match value:
        case str() | bytes():
            return _text(value)
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case float():
            return value if math.isfinite(value) else None
        case bool() | None:
            return value
        case _:
            return min(int(value), _MAX_NUMBER)


def _text(raw: str | bytes) -> str:
    """At most MAX_TEXT characters, with a mark for each that cannot be printed: control, invalid, invisible ones."""
    words = raw[:MAX_TEXT]
    words = words.decode(errors="replace") if isinstance(words, bytes) else words
    words = printable(words)
    if len(json.dumps(words)) - len('""') <= MAX_TEXT:
        return words
    lengths = accumulate(len(json.dumps(each)) - len('""') for each in words)
    return words[: sum(length <= MAX_TEXT for length in lengths)]
