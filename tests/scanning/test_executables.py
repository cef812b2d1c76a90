import hashlib
import json
import math
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.faults import Fault
from tests.scanning.executables import CODE, TIMESTAMP, Imports, code_signature, fat, macho, pe, signed, signer
from tests.scanning.identified import executable, noise, told, told_of

# Programs for Windows that come with Python's own tools.
LAUNCHERS = Path(getattr(find_spec("setuptools"), "origin", "")).parent
IMPORTS: Imports = {"KERNEL32.dll": ["CreateFileA", "ExitProcess"], "WS2_32.dll": [115, "send"], "own.part.DLL": [7]}
PROGRAM = pe(IMPORTS)
SYSTEM = "/usr/lib/libSystem.B.dylib"
SIGNER = ("Inert Tests", "Nobody, Ltd.")
OWN_ELF = Path(sys.executable).resolve()
TRUE = Path(shutil.which("true") or "")


def entropy_of(content: bytes) -> float:
    shares = [content.count(byte) / len(content) for byte in set(content)]
    return -sum(share * math.log2(share) for share in shares)


def test_a_pe_file_tells_what_it_is() -> None:
    found = executable(PROGRAM)
    assert (found["format"], found["architecture"], found["bits"]) == ("PE", "X86_64", 64)
    assert (found["entry_point"], found["timestamp"]) == (hex((1 << 32) + 0x1000), TIMESTAMP)
    assert found["libraries"] == list(IMPORTS)
    assert not found["is_library"]
    assert found["signer"] is None
    assert executable(pe(IMPORTS, characteristics=0x2022))["is_library"]


@pytest.mark.parametrize(("name", "architecture"), [("32", "X86"), ("64", "X86_64"), ("arm64", "ARM64")])
def test_a_real_pe_file_is_told_apart_by_its_processor(name: str, architecture: str) -> None:
    found = told_of(LAUNCHERS / f"cli-{name}.exe")
    assert found["executable"]["architecture"] == architecture
    assert found["executable"]["bits"] == (32 if name == "32" else 64)
    assert len(found["executable"]["import_hash"]) == 32
    assert found["fault"] is None


def test_the_import_hash_of_a_pe_file_is_the_one_of_the_trade() -> None:
    # Libraries lose .dll and names their capitals; an ordinal of a well-known library has a name, others a number.
    names = "kernel32.createfilea,kernel32.exitprocess,ws2_32.wsastartup,ws2_32.send,own.part.ord7"
    expected = hashlib.md5(names.encode(), usedforsecurity=False).hexdigest()
    assert executable(PROGRAM)["import_hash"] == expected
    assert executable(pe(IMPORTS, b"other code"))["import_hash"] == expected
    assert executable(pe({}))["import_hash"] is None


def test_the_entropy_of_a_section_is_in_bits_a_byte() -> None:
    random = noise(0x2000)
    for content, expected in ((random, entropy_of(random)), (bytes(range(16)) * 0x20, 4.0), (b"\0" * 0x200, 0.0)):
        section = executable(pe({}, content))["sections"][0]
        assert (section["name"], section["size"]) == (".text", len(content))
        assert section["entropy"] == round(expected, 3)
        assert math.copysign(1, section["entropy"]) == 1


def test_the_signer_of_a_pe_file_is_the_certificate_s_subject_though_it_has_expired() -> None:
    by = signer(*SIGNER)
    found = executable(signed(PROGRAM, by))["signer"]
    assert found == {
        "subject": "O=Nobody\\, Ltd., CN=Inert Tests",
        "issuer": "O=Nobody\\, Ltd., CN=Inert Tests",
        "serial": by.serial.hex(),
        "sha1": hashlib.sha1(by.certificate, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(by.certificate).hexdigest(),
        "is_intact": True,
    }


def test_a_signed_pe_file_that_was_changed_is_not_intact() -> None:
    original = signed(PROGRAM, signer(*SIGNER))
    at = original.index(CODE.ljust(16, b"\0"))
    changed = original[:at] + b"\xcc" + original[at + 1 :]
    found = executable(changed)["signer"]
    assert found["is_intact"] is False
    assert found["subject"] == "O=Nobody\\, Ltd., CN=Inert Tests"


def test_a_signature_by_another_key_than_the_certificate_s_is_not_intact() -> None:
    mine, other = signer(*SIGNER), signer("Somebody", "Else")
    forged = signed(PROGRAM, type(mine)(other.key, mine.certificate, mine.name, mine.serial))
    assert executable(forged)["signer"]["is_intact"] is False


def test_an_empty_signature_is_not_intact() -> None:
    whole = signed(PROGRAM, signer(*SIGNER))
    # The last field: a string of 128 bytes becomes one of none.
    at = whole.rindex(b"\x04\x81\x80")
    empty = whole[: at + 1] + b"\0" + whole[at + 2 :]
    assert executable(empty)["signer"]["is_intact"] is False


def test_an_unknown_processor_or_kind_of_file_is_no_fault() -> None:
    assert executable(pe(IMPORTS, machine=0x1234))["architecture"] == "UNKNOWN"
    assert executable(macho(cpu=0x1234))["architecture"] == "UNKNOWN"
    assert not executable(macho(file_type=0x1234))["is_library"]
    content = TRUE.read_bytes()
    assert not executable(content[:16] + b"\x34\x12" + content[18:])["is_library"]


@pytest.mark.parametrize("path", [TRUE, OWN_ELF], ids=["true", "python"])
def test_a_real_elf_program_is_told(path: Path) -> None:
    found = told_of(path)
    program = found["executable"]
    assert (program["format"], program["bits"], program["signer"]) == ("ELF", 64, None)
    assert not program["is_library"]
    assert any(library.startswith("libc.") for library in program["libraries"])
    names = [section["name"] for section in program["sections"]]
    assert ".text" in names
    assert "" not in names
    assert all(0 <= section["entropy"] <= 8 for section in program["sections"])
    assert found["mime"].startswith("application/x-")


def test_a_library_is_told_from_a_program_also_where_it_can_be_started() -> None:
    with Path("/proc/self/maps").open() as maps:
        library = next(Path(line.split()[-1]) for line in maps if "libc.so" in line or "libc-" in line)
    assert told_of(library)["executable"]["is_library"]


def test_the_import_hash_of_an_elf_file_names_what_it_imports_and_not_its_content() -> None:
    content = TRUE.read_bytes()
    found = executable(content)
    at = content.index(b"Usage")
    assert executable(content[:at] + b"usage" + content[at + 5 :])["import_hash"] == found["import_hash"]
    assert executable(content.replace(b"\0abort\0", b"\0abhor\0"))["import_hash"] != found["import_hash"]
    assert len(found["import_hash"]) == 64


@pytest.mark.parametrize(
    ("bits", "endian", "cpu", "architecture"),
    [(64, "<", 7, "X86_64"), (64, "<", 12, "ARM64"), (32, "<", 7, "X86"), (32, ">", 18, "PPC"), (64, ">", 18, "PPC64")],
)
def test_a_mach_o_file_tells_what_it_is(bits: int, endian: str, cpu: int, architecture: str) -> None:
    found = executable(macho([SYSTEM], bits=bits, endian=endian, cpu=cpu))
    assert (found["format"], found["bits"], found["architecture"]) == ("Mach-O", bits, architecture)
    assert found["libraries"] == [SYSTEM]
    assert found["sections"] == [{"name": "__text", "size": 1, "entropy": 0.0}]
    assert found["import_hash"] == hashlib.sha256(SYSTEM.encode()).hexdigest()
    assert (found["is_library"], found["signer"], found["other_architectures"]) == (False, None, [])


def test_the_import_hash_of_a_mach_o_file_does_not_depend_on_the_order() -> None:
    libraries = [f"/usr/lib/{number}.dylib" for number in range(9, 0, -1)]
    expected = hashlib.sha256("\n".join(sorted(libraries)).encode()).hexdigest()
    assert executable(macho(libraries))["import_hash"] == expected


def test_a_mach_o_library_is_a_library() -> None:
    assert executable(macho(file_type=6))["is_library"]


def test_of_a_fat_mach_o_file_the_first_program_is_told_and_the_others_named() -> None:
    found = executable(fat((0x1000007, macho([SYSTEM])), (0x100000C, macho(cpu=12)), (7, macho(bits=32))))
    assert (found["architecture"], found["other_architectures"]) == ("X86_64", ["ARM64", "X86"])
    assert found["libraries"] == [SYSTEM]


@pytest.mark.parametrize(("team", "told_team"), [(b"TEAM123456", "TEAM123456"), (b"", "")])
def test_a_mach_o_file_names_its_signer(team: bytes, told_team: str) -> None:
    found = executable(macho(signature=code_signature(b"com.example.inert", team)))
    assert found["signer"] == {"identifier": "com.example.inert", "team": told_team}


def test_a_damaged_code_signature_names_nobody() -> None:
    whole = code_signature(b"com.example.inert", b"TEAM123456")
    for damaged in (whole[:20], b"\0" * len(whole), whole[:16] + b"\xff" * 4 + whole[20:]):
        assert executable(macho(signature=damaged))["signer"] is None


@pytest.mark.parametrize(
    "content",
    [
        b"\xca\xfe\xba\xbe\x00\x00\x00\x34" + bytes(100),
        b"MZ" + bytes(0x200),
        b"MZ".ljust(0x3C, b"\0") + b"\x40\0\0\0NE" + bytes(100),
        b"MZ",
        b"\x7fEL",
        b"\xca\xfe\xba\xbe",
    ],
    ids=["Java", "DOS", "16-bit Windows", "two letters", "three bytes", "no slices"],
)
def test_what_is_no_program_of_the_three_formats_is_no_fault(content: bytes) -> None:
    found = told(content)
    assert (found["executable"], found["fault"]) == (None, None)


@pytest.mark.parametrize(
    "content",
    [
        PROGRAM[:0x48],
        PROGRAM[:0x100],
        PROGRAM[:0x46] + b"\0\0" + PROGRAM[0x48:],
        b"\x7fELF",
        b"\x7fELF" + b"\xff" * 200,
        TRUE.read_bytes()[:64],
        macho()[:10],
        fat((7, macho()))[:12],
        b"\xcf\xfa\xed\xfe" + bytes(100),
    ],
    ids=range(9),
)
def test_a_damaged_program_is_a_fault_that_leaves_the_rest(content: bytes) -> None:
    found = told(content)
    assert (found["executable"], found["fault"]) == (None, Fault.NOT_PARSED)
    assert found["mime"]


def test_a_program_that_says_too_much_is_cut() -> None:
    found = executable(macho([f"{number}\U0001f600" * 100 for number in range(200)]))
    assert len(found["libraries"]) == 64
    assert all(150 < len(json.dumps(library)) <= 202 for library in found["libraries"])


def test_names_that_cannot_be_printed_are_marked() -> None:
    assert executable(macho(["a\x07\u202e\x1b[1m"]))["libraries"] == ["a\ufffd\ufffd\ufffd[1m"]
    renamed = TRUE.read_bytes().replace(b"libc.so.6", b"lib\xff.so.6")
    assert "lib\ufffd.so.6" in executable(renamed)["libraries"]


@given(
    st.sampled_from(
        [
            PROGRAM,
            signed(PROGRAM, signer(*SIGNER)),
            TRUE.read_bytes(),
            macho([SYSTEM], signature=code_signature(b"com.example.inert", b"TEAM123456")),
            fat((0x1000007, macho([SYSTEM])), (0x100000C, macho(cpu=12))),
        ]
    ),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=8)), max_size=20),
    st.none() | st.integers(8, 1 << 14),
)
def test_any_damage_to_a_program_is_endured(program: bytes, changes: list[tuple[int, bytes]], end: int | None) -> None:
    damaged = bytearray(program)
    for place, change in changes:
        # The headers are where damage tells; they lie in the first KiB of each.
        at = place % (0x400 if place % 2 else len(damaged))
        damaged[at : at + len(change)] = change
    told(bytes(damaged[:end]))
