"""What the scanning tests share: rules, facts of a file, and one examination from start to close."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import psutil
import pyzipper

from sigreq.domain.limits import UnpackLimits
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.verdict import ScanResult
from sigreq.scanning import sandbox
from sigreq.scanning.scanner import Place, Scanner

T = TypeVar("T")

NEEDLE = b"inert marker of the scanning tests"
NEEDLE_RULE = f'rule Needle {{ strings: $a = "{NEEDLE.decode()}" condition: $a }}'
RULESET = Ruleset({"Needle": NEEDLE_RULE})
# Counting keeps YARA from stopping at the first match; inside the regex it does not look at its clock.
SLOW_RULESET = Ruleset({"Slow": "rule Slow { strings: $a = /a+/ condition: #a > 5 }"})
# More than a child needs to start.
BUSY_SECONDS = 0.6
SLOW_CONTENT = b"a" * 3_000_000


def with_scanner(
    work: Callable[[Scanner], Awaitable[T]],
    tmp_path: Path,
    *,
    places: int = 1,
    timeout: float = 60,
    unpack: UnpackLimits | None = None,
) -> T:
    async def run() -> T:
        limits = unpack or UnpackLimits()
        scanner = Scanner(
            tmp_path / "work",
            shared=tmp_path / "shared",
            places=places,
            timeout=timedelta(seconds=timeout),
            unpack=limits,
        )
        try:
            return await work(scanner)
        finally:
            await scanner.close()

    return asyncio.run(run())


def in_place(
    work: Callable[[Place], Awaitable[T]],
    tmp_path: Path,
    *,
    timeout: float = 60,
    unpack: UnpackLimits | None = None,
) -> T:
    """The same with a place of the scanner."""

    async def run(scanner: Scanner) -> T:
        async with scanner.place() as place:
            return await work(place)

    return with_scanner(run, tmp_path, timeout=timeout, unpack=unpack)


def written(folder: Path, content: bytes, name: str = "sample") -> Path:
    sample = folder / name
    sample.write_bytes(content)
    return sample


async def scan(scanner: Scanner, content: bytes, ruleset: Ruleset = RULESET) -> ScanResult:
    async with scanner.place() as place:
        return await place.scan(ruleset, written(place.folder, content))


def scan_once(tmp_path: Path, content: bytes, ruleset: Ruleset = RULESET, *, timeout: float = 60) -> ScanResult:
    return with_scanner(lambda scanner: scan(scanner, content, ruleset), tmp_path, timeout=timeout)


def zipped(*members: bytes, password: bytes | None = None) -> bytes:
    """A zip of `members`; AES-encrypted when there is a password."""
    file = BytesIO()
    with pyzipper.AESZipFile(file, "w", compression=pyzipper.ZIP_DEFLATED) as archive:
        if password is not None:
            archive.setencryption(pyzipper.WZ_AES, nbits=256)
            archive.setpassword(password)
        for number, content in enumerate(members):
            archive.writestr(f"../../{number}", content)
    return file.getvalue()


def children_of(process: psutil.Process) -> list[psutil.Process]:
    """The examining children, busy or idle, of which some are forked by another process; not those of a service."""
    own = process.children()
    forked = [child for each in own if _is_from("sigreq.scanning.fork_server", each) for child in each.children()]
    return [each for each in own if _is_from("sigreq.scanning.child", each)] + forked


def _is_from(module: str, process: psutil.Process) -> bool:
    try:
        return module in process.cmdline()
    except psutil.NoSuchProcess:  # nor does one that has ended and is not yet reaped
        return False


def see_nothing_of_ours(environment: Mapping[str, str]) -> None:
    """How memory is had is all that a child is told; the C library takes that variable apart where it lies."""
    assert {name for name in environment if not name.startswith("glibc.malloc.")} == {"GLIBC_TUNABLES"}


def see_locked_down(status: Mapping[str, str], limits: Sequence[str]) -> None:
    """That a child is as every child has to be, by what the kernel says of it."""
    assert (status["NoNewPrivs"], status["Seccomp"], status["Umask"]) == ("1", "2", "0177")
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    for name, value in {
        "Max address space": sandbox.ADDRESS_SPACE,
        "Max core file size": 0,
        "Max file size": (256 << 20) + (1 << 20),
        "Max open files": sandbox.OPEN_FILES,
        "Max processes": 0,
    }.items():
        (line,) = (line for line in limits if line.startswith(name))
        assert line.removeprefix(name).split()[:2] == [str(value)] * 2


def examining_children() -> list[psutil.Process]:
    """Those that work in a sample's place; compilers work elsewhere."""
    return [each for each in children_of(psutil.Process()) if _works_in_a_place(each)]


def _works_in_a_place(process: psutil.Process) -> bool:
    try:
        return "/places/" in process.cwd()
    except psutil.NoSuchProcess:
        return False


async def busy_child() -> psutil.Process:
    """The one examining child of this process, once it works; an idle one has used no such time."""
    while True:
        for child in children_of(psutil.Process()):
            if child.cpu_times().user > BUSY_SECONDS:
                return child
        await asyncio.sleep(0.05)
