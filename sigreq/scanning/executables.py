"""What PE, ELF and Mach-O files say of themselves. Costs 0.4 s to import, so only who has such a file imports it.

Runs in the scanning child only: a damaged file may take any time or memory, or the whole process.
"""

import hashlib
import struct
import warnings
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import lief

MAX_SECTIONS = 100
MAX_LIBRARIES = 64
MAX_SLICES = 16

_FLAWS = lief.PE.Signature.VERIFICATION_FLAGS

# From Apple's cs_blobs.h: magic numbers, and the first version of a code directory that names a team.
_SUPER_BLOB, _CODE_DIRECTORY, _TEAM_SINCE = 0xFADE0CC0, 0xFADE0C02, 0x20200
_MAX_BLOBS = 64

# It writes warnings to standard error about nearly every damaged file.
lief.logging.disable()


def described(sample: Path, kind: str) -> dict[str, Any] | None:
    """What a file of the `kind` PE, ELF or Mach-O says of itself, None when it is too damaged to be read.

    Strings are as the file has them, str or bytes of any length and content; lists are bounded. Sizes are in bytes,
    entropy in bits a byte, the timestamp in seconds since 1970. `import_hash` is what pefile computes for a PE, and
    for the others the SHA-256 of the sorted names of all imported libraries and symbols, one a line; None when nothing
    is imported. Of a Mach-O file for several architectures the first is told. Raises anything on damage, MemoryError
    when it takes too much.
    """
    with warnings.catch_warnings():
        # A number that names no known machine or kind of file is only news to the library.
        warnings.simplefilter("ignore", RuntimeWarning)
        return _READERS[kind](str(sample))


def _pe(sample: str) -> dict[str, Any] | None:
    config = lief.PE.ParserConfig()
    config.parse_exports = config.parse_rsrc = config.parse_reloc = False
    binary = lief.PE.parse(sample, config)
    if binary is None or not len(binary.sections):
        return None
    return {
        "format": "PE",
        **_common(binary),
        "is_library": binary.header.has_characteristic(lief.PE.Header.CHARACTERISTICS.DLL),
        "import_hash": lief.PE.get_imphash(binary, lief.PE.IMPHASH_MODE.PEFILE) or None,
        "signer": _authenticode(binary),
        "timestamp": binary.header.time_date_stamps,
    }


def _elf(sample: str) -> dict[str, Any] | None:
    config = lief.ELF.ParserConfig()
    config.parse_relocations = config.parse_symtab_symbols = config.parse_symbol_versions = False
    config.parse_notes = config.parse_overlay = False
    binary = lief.ELF.parse(sample, config)
    if binary is None or not (len(binary.sections) or len(binary.segments)):
        return None
    return {
        "format": "ELF",
        **_common(binary),
        "is_library": binary.header.file_type == lief.ELF.Header.FILE_TYPE.DYN and not _is_marked_program(binary),
        "import_hash": _digest(binary.libraries, binary.imported_symbols),
        "signer": None,
    }


def _macho(sample: str) -> dict[str, Any] | None:
    # The slices do not keep alive what they are slices of.
    parsed = lief.MachO.parse(sample, lief.MachO.ParserConfig.quick)
    slices = list(islice(parsed or (), MAX_SLICES))
    if not slices or not len(slices[0].commands):
        return None
    binary = slices[0]
    return {
        "format": "Mach-O",
        **_common(binary),
        "is_library": binary.header.file_type == lief.MachO.Header.FILE_TYPE.DYLIB,
        "import_hash": _digest(binary.libraries, binary.imported_symbols),
        "signer": _code_signer(binary),
        "other_architectures": [other.abstract.header.architecture.name for other in slices[1:]],
    }


_READERS: dict[str, Callable[[str], dict[str, Any] | None]] = {"PE": _pe, "ELF": _elf, "Mach-O": _macho}


def _common(binary: lief.Binary) -> dict[str, Any]:
    header = binary.abstract.header
    return {
        "architecture": header.architecture.name,
        "bits": 64 if header.is_64 else 32,
        "entry_point": hex(header.entrypoint),
        "sections": [
            # A section of one repeated byte has minus zero bits.
            {"name": section.name, "size": section.size, "entropy": abs(round(section.entropy, 3))}
            for section in islice(binary.sections, MAX_SECTIONS)
            if section.name or section.size  # an ELF file's first one is always neither
        ],
        "libraries": [_named(library) for library in islice(binary.libraries, MAX_LIBRARIES)],
    }


def _is_marked_program(binary: lief.ELF.Binary) -> bool:
    """Programs that can be loaded anywhere look like libraries but for this mark of the linker."""
    flags = binary.get(lief.ELF.DynamicEntry.TAG.FLAGS_1)
    return isinstance(flags, lief.ELF.DynamicEntryFlags) and flags.has(lief.ELF.DynamicEntryFlags.FLAG.PIE)


def _named(item: Any) -> str | bytes:
    """Names are bytes where they are no UTF-8, and libraries of Mach-O files are objects with a name."""
    name: str | bytes = item if isinstance(item, str | bytes) else item.name
    return name


def _digest(libraries: Iterable[Any], symbols: Iterable[Any]) -> str | None:
    names = [_named(item) for group in (libraries, symbols) for item in group]
    lines = sorted({name.encode(errors="replace") if isinstance(name, str) else name for name in names})
    return hashlib.sha256(b"\n".join(lines)).hexdigest() if lines else None


def _authenticode(binary: lief.PE.Binary) -> dict[str, Any] | None:
    """Whose certificate the first signature names; nobody checked who issued it, nor whether it has expired.

    `is_intact`: the file is as it was signed with that certificate's key, None when lief does not know the algorithm.
    """
    signature = next(iter(binary.signatures), None)
    signer = next(iter(signature.signers), None) if signature else None
    if signature is None or signer is None:
        return None
    certificate = signer.cert
    raw = bytes(certificate.raw) if certificate else None
    return {
        "subject": certificate.subject if certificate else None,
        "issuer": signer.issuer,
        "serial": bytes(signer.serial_number).hex(),
        "sha1": hashlib.sha1(raw, usedforsecurity=False).hexdigest() if raw else None,
        "sha256": hashlib.sha256(raw).hexdigest() if raw else None,
        "is_intact": _is_intact(binary, signature, signer),
    }


def _is_intact(binary: lief.PE.Binary, signature: lief.PE.Signature, signer: lief.PE.SignerInfo) -> bool | None:
    # The library dies of an empty one.
    if not signer.encrypted_digest:
        return False
    flaws = binary.verify_signature(signature, lief.PE.Signature.VERIFICATION_CHECKS.SKIP_CERT_TIME)
    return None if _FLAWS.UNSUPPORTED_ALGORITHM in flaws else flaws == _FLAWS.OK


def _code_signer(binary: lief.MachO.Binary) -> dict[str, Any] | None:
    """The names in a code signature, which anybody can write: nothing of it is checked."""
    command = binary.code_signature
    content = bytes(command.content) if command else b""
    try:
        magic, _, count = struct.unpack_from(">3I", content)
        starts = [struct.unpack_from(">I", content, 16 + 8 * number)[0] for number in range(min(count, _MAX_BLOBS))]
        directories = [start for start in starts if struct.unpack_from(">I", content, start)[0] == _CODE_DIRECTORY]
        return _names(content[directories[0] :]) if magic == _SUPER_BLOB and directories else None
    except struct.error:
        return None


def _names(directory: bytes) -> dict[str, Any]:
    version, identifier = struct.unpack_from(">I8xI", directory, 8)
    team = struct.unpack_from(">I", directory, 48)[0] if version >= _TEAM_SINCE else 0
    return {"identifier": _string(directory, identifier), "team": _string(directory, team) if team else None}


def _string(content: bytes, offset: int) -> bytes:
    return content[offset:].split(b"\0", 1)[0]
