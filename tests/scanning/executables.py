"""Programs that do nothing, built by hand: PE files, signed ones too, and Mach-O files."""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from Cryptodome.Hash import SHA256
from Cryptodome.PublicKey import RSA
from Cryptodome.Signature import pkcs1_15
from Cryptodome.Util.asn1 import DerObjectId

Imports = Mapping[str, Sequence[str | int]]

CODE = b"\xc3"
TIMESTAMP = 1_600_000_000

_PE_HEADER = 0x40
_PE_OPTIONAL_SIZE = 112 + 16 * 8
_CHECKSUM = _PE_HEADER + 24 + 64
_CERTIFICATE_TABLE = _PE_HEADER + 24 + 112 + 4 * 8

_SEQUENCE, _SET, _INTEGER, _BITS, _OCTETS, _TEXT, _TIME = 0x30, 0x31, 0x02, 0x03, 0x04, 0x0C, 0x17
_SHA256 = "2.16.840.1.101.3.4.2.1"
_SHA256_WITH_RSA = "1.2.840.113549.1.1.11"
_RSA = "1.2.840.113549.1.1.1"
_INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4"


def pe(imports: Imports, content: bytes = CODE, *, characteristics: int = 0x22, machine: int = 0x8664) -> bytes:
    """A 64-bit one with a section for `content` and one for what it imports, by name or by ordinal."""
    directory = _import_directory(imports, 0x100000)
    text, idata = _aligned(content), _aligned(directory)
    sections = b"".join(
        struct.pack("<8s6I2HI", name, len(raw), address, len(raw), offset, 0, 0, 0, 0, flags)
        for name, raw, address, offset, flags in (
            (b".text", text, 0x1000, 0x200, 0x60000020),
            (b".idata", idata, 0x100000, 0x200 + len(text), 0xC0000040),
        )
    )
    versions = (6, 0, 0, 0, 6, 0)
    optional = struct.pack(
        "<HBB5IQII6H", 0x20B, 14, 0, len(text), 0, 0, 0x1000, 0x1000, 1 << 32, 0x1000, 0x200, *versions
    )
    optional += struct.pack("<4I2H4QII", 0, 0x200000, 0x200, 0, 3, 0, 1 << 20, 1 << 12, 1 << 20, 1 << 12, 0, 16)
    optional += struct.pack("<4I", 0, 0, 0x100000, len(directory)).ljust(16 * 8, b"\0")
    header = struct.pack("<4s2H3I2H", b"PE\0\0", machine, 2, TIMESTAMP, 0, 0, _PE_OPTIONAL_SIZE, characteristics)
    start = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", _PE_HEADER)
    return (start + header + optional + sections).ljust(0x200, b"\0") + text + idata


def _aligned(raw: bytes) -> bytes:
    return raw.ljust(-(-len(raw) // 0x200) * 0x200, b"\0")


def _import_directory(imports: Imports, address: int) -> bytes:
    """Descriptors first, then for each library its name, its thunks and the names they point to."""
    descriptors, rest = b"", b""
    base = address + 20 * (len(imports) + 1)
    for library, functions in imports.items():
        name = base + len(rest)
        rest += library.encode() + b"\0"
        thunks = []
        for function in functions:
            if isinstance(function, int):
                thunks.append(1 << 63 | function)
            else:
                thunks.append(base + len(rest))
                rest += b"\0\0" + function.encode() + b"\0"
        table = base + len(rest)
        rest += struct.pack(f"<{len(thunks) + 1}Q", *thunks, 0)
        descriptors += struct.pack("<5I", table, 0, 0, name, table)
    return descriptors + bytes(20) + rest


@dataclass(frozen=True)
class Signer:
    """A self-signed certificate and its key."""

    key: RSA.RsaKey
    certificate: bytes
    name: bytes
    serial: bytes


@cache
def signer(common_name: str, organisation: str) -> Signer:
    """Its certificate expired in 2021."""
    key = RSA.generate(1024)  # noqa: S505 - made in an instant, protects nothing
    name = _der(_SEQUENCE, _named("2.5.4.10", organisation), _named("2.5.4.3", common_name))
    serial = b"\x12\x34\x56\x78"
    validity = _der(_SEQUENCE, _der(_TIME, b"200101000000Z"), _der(_TIME, b"210101000000Z"))
    public = key.public_key().export_key("DER")
    body = _der(_SEQUENCE, _der(_INTEGER, serial), _algorithm(_SHA256_WITH_RSA), name, validity, name, public)
    signature = _der(_BITS, b"\0" + _signature(key, body))
    return Signer(key, _der(_SEQUENCE, body, _algorithm(_SHA256_WITH_RSA), signature), name, serial)


def signed(program: bytes, by: Signer) -> bytes:
    """The PE file `program` with an Authenticode signature at its end."""
    place = struct.pack("<I", len(program))
    unsigned = program[:_CHECKSUM] + program[_CHECKSUM + 4 : _CERTIFICATE_TABLE] + program[_CERTIFICATE_TABLE + 8 :]
    pkcs7 = _authenticode(hashlib.sha256(unsigned).digest(), by)
    pkcs7 = pkcs7.ljust(-(-len(pkcs7) // 8) * 8, b"\0")
    table = struct.pack("<IHH", len(pkcs7) + 8, 0x200, 2) + pkcs7
    entry = place + struct.pack("<I", len(table))
    return program[:_CERTIFICATE_TABLE] + entry + program[_CERTIFICATE_TABLE + 8 :] + table


def _authenticode(digest: bytes, by: Signer) -> bytes:
    file = _der(0xA0, _der(0xA2, _der(0x80, b"")))
    image = _der(_SEQUENCE, _oid("1.3.6.1.4.1.311.2.1.15"), _der(_SEQUENCE, _der(_BITS, b"\0"), file))
    content = image + _der(_SEQUENCE, _algorithm(_SHA256), _der(_OCTETS, digest))
    attributes = _der(_SEQUENCE, _oid("1.2.840.113549.1.9.3"), _der(_SET, _oid(_INDIRECT_DATA)))
    hashed = _der(_OCTETS, hashlib.sha256(content).digest())
    attributes += _der(_SEQUENCE, _oid("1.2.840.113549.1.9.4"), _der(_SET, hashed))
    signer_info = _der(
        _SEQUENCE,
        _der(_INTEGER, b"\x01"),
        _der(_SEQUENCE, by.name, _der(_INTEGER, by.serial)),
        _algorithm(_SHA256),
        _der(0xA0, attributes),
        _algorithm(_RSA),
        _der(_OCTETS, _signature(by.key, _der(_SET, attributes))),
    )
    signed_data = _der(
        _SEQUENCE,
        _der(_INTEGER, b"\x01"),
        _der(_SET, _algorithm(_SHA256)),
        _der(_SEQUENCE, _oid(_INDIRECT_DATA), _der(0xA0, _der(_SEQUENCE, content))),
        _der(0xA0, by.certificate),
        _der(_SET, signer_info),
    )
    return _der(_SEQUENCE, _oid("1.2.840.113549.1.7.2"), _der(0xA0, signed_data))


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _oid(dotted: str) -> bytes:
    return DerObjectId(dotted).encode()


def _algorithm(dotted: str) -> bytes:
    return _der(_SEQUENCE, _oid(dotted), b"\x05\x00")


def _named(kind: str, value: str) -> bytes:
    return _der(_SET, _der(_SEQUENCE, _oid(kind), _der(_TEXT, value.encode())))


def _signature(key: RSA.RsaKey, message: bytes) -> bytes:
    return pkcs1_15.new(key).sign(SHA256.new(message))


def macho(
    libraries: Sequence[str] = (),
    *,
    bits: int = 64,
    endian: str = "<",
    cpu: int = 7,
    file_type: int = 2,
    signature: bytes = b"",
) -> bytes:
    """With one section and a code signature, if any; `cpu` is Apple's number without the bit for 64-bit ones."""
    is_64 = bits == 64
    word, spare = ("Q", 3) if is_64 else ("I", 2)
    at = 0x1000
    section = struct.pack(f"{endian}16s16s2{word}", b"__text", b"__TEXT", at, len(CODE))
    section += struct.pack(f"{endian}{5 + spare}I", at, *[0] * (4 + spare))

    def segment(name: bytes, offset: int, size: int, sections: bytes = b"") -> bytes:
        content = struct.pack(f"{endian}16s4{word}", name, offset, 0x1000 + size, offset, size)
        content += struct.pack(f"{endian}4I", 5, 5, 1 if sections else 0, 0) + sections
        return struct.pack(f"{endian}II", 0x19 if is_64 else 1, len(content) + 8) + content

    commands = [segment(b"__TEXT", 0, at + len(CODE), section)]
    commands.append(segment(b"__LINKEDIT", at + len(CODE), len(signature)))
    for library in libraries:
        name = library.encode() + b"\0"
        name = name.ljust(-(-len(name) // 8) * 8, b"\0")
        commands.append(struct.pack(f"{endian}6I", 0xC, 24 + len(name), 24, 0, 0, 0) + name)
    if signature:
        commands.append(struct.pack(f"{endian}4I", 0x1D, 16, at + len(CODE), len(signature)))
    size = sum(map(len, commands))
    machine = cpu | (1 << 24 if is_64 else 0)
    magic = 0xFEEDFACF if is_64 else 0xFEEDFACE
    header = struct.pack(f"{endian}7I", magic, machine, 3, file_type, len(commands), size, 0) + bytes(4 if is_64 else 0)
    return (header + b"".join(commands)).ljust(at, b"\0") + CODE + signature


def code_signature(identifier: bytes, team: bytes) -> bytes:
    """What names the signer of a Mach-O file; it holds no digest of anything."""
    names = 88
    fields = (0x20400, 0, 0, names, 0, 0, 0, 0, 0, 0, names + len(identifier) + 1)
    rest = struct.pack(">11I", *fields).ljust(names - 8, b"\0") + identifier + b"\0" + team + b"\0"
    directory = struct.pack(">II", 0xFADE0C02, len(rest) + 8) + rest
    return struct.pack(">5I", 0xFADE0CC0, 20 + len(directory), 1, 0, 20) + directory


def fat(*slices: tuple[int, bytes]) -> bytes:
    """Each slice with Apple's number of its processor."""
    entries, content = b"", b""
    for cpu, program in slices:
        content = content.ljust(-(-len(content) // 0x1000) * 0x1000, b"\0")
        entries += struct.pack(">5I", cpu, 3, 0x1000 + len(content), len(program), 12)
        content += program
    return (struct.pack(">II", 0xCAFEBABE, len(slices)) + entries).ljust(0x1000, b"\0") + content
