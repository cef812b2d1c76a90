import asyncio
import json
import os
import resource
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import tlsh  # type: ignore[import-not-found] # ships no types
from hypothesis import example, given
from hypothesis import strategies as st

from sigreq.domain.examination import Identity
from sigreq.domain.faults import Fault
from sigreq.scanning.identify import MAX_BYTES, identify, preload
from sigreq.scanning.scanner import Scanner
from tests.scanning.executables import pe
from tests.scanning.identified import Told, noise, told, told_of

PROGRAM = pe({"KERNEL32.dll": ["CreateFileA"]})


def in_a_process(code: str, sample: Path, **environment: str) -> Told:
    """What `code`, run after the imports, makes of the sample in a process of its own."""
    program = f"import sys, json, pathlib\n{code}\nfrom sigreq.scanning.identify import identify, preload\n"
    program += "is_loaded = preload()\nfound = identify(pathlib.Path(sys.argv[1]))\n"
    program += "print(json.dumps([is_loaded, 'lief' in sys.modules, found]))"
    run = subprocess.run(
        [sys.executable, "-c", program, sample], env=environment, stdout=subprocess.PIPE, timeout=60, check=True
    )
    is_loaded, knows_lief, found = json.loads(run.stdout)
    return {"is_loaded": is_loaded, "knows_lief": knows_lief, **found}


def test_text_has_a_type_a_description_and_no_executable() -> None:
    found = told(b"Dear laboratory,\nthis is not malware.\n")
    assert (found["mime"], found["description"]) == ("text/plain", "ASCII text")
    assert (found["tlsh"], found["executable"], found["fault"]) == (None, None, None)


@pytest.mark.parametrize(
    ("start", "mime"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(12), "image/png"),
        (b"#!/bin/sh\n", "text/x-shellscript"),
        (b"", "application/x-empty"),
    ],
)
def test_a_type_is_known_by_content(start: bytes, mime: str) -> None:
    assert told(start)["mime"] == mime


def test_the_type_of_a_large_program_comes_from_its_first_mebibyte() -> None:
    large = Path(getattr(find_spec("lief"), "origin", "")).with_name("_lief.so")
    whole, start = told_of(large), told(large.read_bytes()[: 1 << 20])
    assert (whole["mime"], whole["description"]) == (start["mime"], start["description"])
    assert whole["tlsh"] != start["tlsh"]


def test_a_description_is_cut_and_printable() -> None:
    found = told(b"#!" + "/bin/\u202e日本\x07".encode() * 60 + b"\n")
    assert 100 < len(found["description"]) <= 200


def test_tlsh_is_the_library_s_own_form_and_near_for_files_that_are_alike() -> None:
    content = noise(3 << 20)
    digest = told(content)["tlsh"]
    assert digest.startswith("T1")
    assert len(digest) == 72
    assert told(content[:-1000])["tlsh"] != digest
    # The streamed digest is that of the whole.
    assert digest == tlsh.hash(content)
    assert tlsh.diff(told(content[:-1000])["tlsh"], digest) < 10


@pytest.mark.parametrize("content", [b"", b"short", b"a" * 10_000], ids=["empty", "short", "uniform"])
def test_what_is_too_short_or_too_uniform_has_no_tlsh(content: bytes) -> None:
    assert told(content)["tlsh"] is None


def test_of_a_file_over_the_bound_only_the_type_and_the_format_are_told(tmp_path: Path) -> None:
    sample = tmp_path / "sample"
    with sample.open("wb") as file:
        file.write(PROGRAM)
        file.truncate(MAX_BYTES + 1)
    found = told_of(sample)
    assert found["mime"] == "application/vnd.microsoft.portable-executable"
    assert found["tlsh"] is None
    assert found["executable"] == {"format": "PE", "note": "too large"}


def test_a_sample_that_cannot_be_read_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        identify(tmp_path / "nothing")


def test_a_machine_without_libmagic_still_tells_the_rest(tmp_path: Path) -> None:
    sample = tmp_path / "sample"
    sample.write_bytes(PROGRAM)
    for missing in (
        in_a_process("sys.modules['magic'] = None", sample),
        in_a_process("", sample, MAGIC="/nonexistent/magic.mgc"),
    ):
        assert not missing["is_loaded"]
        assert (missing["mime"], missing["description"], missing["fault"]) == (None, None, Fault.LIBRARY_MISSING)
        assert missing["tlsh"]
        assert missing["executable"]["format"] == "PE"
    sample.write_bytes(PROGRAM[:0x48])
    assert in_a_process("sys.modules['magic'] = None", sample)["fault"] == Fault.LIBRARY_MISSING


def test_only_programs_cost_the_import_of_the_parser(tmp_path: Path) -> None:
    sample = tmp_path / "sample"
    sample.write_bytes(b"MZ is how this text starts")
    found = in_a_process("", sample)
    assert found["is_loaded"]
    assert not found["knows_lief"]


def test_a_locked_down_child_identifies_a_program(tmp_path: Path) -> None:
    async def run() -> Identity:
        scanner = Scanner(tmp_path / "work", shared=tmp_path / "shared", places=1)
        try:
            async with scanner.place() as place:
                (place.folder / "sample").write_bytes(PROGRAM)
                return await place.identify(place.folder / "sample")
        finally:
            await scanner.close()

    found = asyncio.run(run())
    assert found.fault is None
    assert found.executable is not None
    assert found.executable["libraries"] == ["KERNEL32.dll"]


def test_what_takes_too_much_memory_is_a_fault(tmp_path: Path) -> None:
    # Sixty sections, each of them the whole file: a parser that copies them needs sixty times its size.
    size, count = 20 << 20, 60
    header = bytearray(PROGRAM[:0x200])
    header[0x46:0x48] = count.to_bytes(2, "little")
    table = 0x40 + 24 + 112 + 16 * 8
    row = b".text\0\0\0" + b"".join(
        number.to_bytes(4, "little") for number in (size, 0x1000, size - 0x2000, 0x2000, 0, 0, 0, 0x60000020)
    )
    sample = tmp_path / "sample"
    sample.write_bytes(bytes(header[:table]) + row * count)
    os.truncate(sample, size)
    limit = f"import resource; resource.setrlimit({resource.RLIMIT_AS}, (800 << 20, 800 << 20))"
    found = in_a_process(limit, sample)
    assert (found["fault"], found["executable"]) == (Fault.OUT_OF_MEMORY, None)
    assert found["mime"] == "application/vnd.microsoft.portable-executable"
    assert found["tlsh"] is None or found["tlsh"].startswith("T1")


def test_libmagic_is_at_hand_where_the_tests_run() -> None:
    assert preload()


STARTS = [b"", b"MZ", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe\0\0\0\2", b"PK\x03\x04", b"#!"]


@given(st.sampled_from(STARTS), st.binary(max_size=3000))
@example(b"#!", b"\0\x1b[31m\xed\xa0\x80\xff")
def test_any_bytes_are_identified(start: bytes, rest: bytes) -> None:
    told(start + rest)
