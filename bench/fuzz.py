"""Damaged archives and programs, sent through the real examining children: `python -m bench.fuzz --minutes 10`.

Children may die of them. The parent must not, has to have an answer for each, and may leak nothing.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random

import psutil

from sigreq.domain.faults import Fault
from sigreq.domain.limits import UnpackLimits
from sigreq.scanning.scanner import Scanner
from tests.scanning import executables, packed

PLACES = 2
LIMITS = UnpackLimits(members=100, member_bytes=8 << 20, total_bytes=16 << 20, seconds=5)
PASSWORDS = ("infected", "wrong")
LEAKED_BYTES = 50 << 20
WARM_UP_SHARE = 0.1

_MOST_CHANGES = 8
_PIECE = 64
_TELLING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
_DEADLY = frozenset({Fault.CHILD_DIED, Fault.TIMEOUT, Fault.CPU_LIMIT})
PIPES_OF_A_CHILD = 2


@dataclass
class Figures:
    """What came of it. `deadly` are the numbers of the samples that a child died of or had to be killed over."""

    outcomes: Counter[str] = field(default_factory=Counter)
    deadly: list[int] = field(default_factory=list)
    started: int = 0
    answered: int = 0
    crashes: list[str] = field(default_factory=list)
    grown_bytes: int = 0
    more_descriptors: int = 0
    files_left: int = 0

    def are_good(self) -> bool:
        """Whether every sample was answered and nothing was left behind."""
        leaked = self.grown_bytes > LEAKED_BYTES or self.more_descriptors > 0 or self.files_left > 0
        return self.started == self.answered > 0 and not self.crashes and not leaked


@cache
def seeds() -> tuple[bytes, ...]:
    """One small sample of each kind."""
    members = {"first": b"inert " * 60, "second": bytes(range(256))}
    inner = {"inner": packed.zipped(members)}
    kinds = ("cpio", "cpio_newc", "ar_svr4", "iso9660", "xar", "7zip")
    filters = ("gzip", "bzip2", "xz", "zstd", "lz4", "lzma", "lzip", "compress")
    return (
        packed.zipped(members),
        packed.zipped(members, password="infected"),  # noqa: S106 - protects nothing
        packed.by_libarchive(members, "zip", password="infected"),  # noqa: S106
        packed.program_with(packed.zipped(inner)),
        packed.seven_zipped(members),
        packed.seven_zipped(members, password="infected", is_header_encrypted=True),  # noqa: S106
        packed.cabinet(members),
        packed.rar4(members),
        packed.rar5(members),
        packed.lha(members),
        packed.rpm(members),
        packed.tarred(inner),
        *(packed.by_libarchive(members, kind) for kind in kinds),
        *(packed.by_libarchive(inner, "ustar", kind) for kind in filters),
        *(packed.compressed_by(kind, b"inert " * 60) for kind in filters),
        *_programs(),
    )


def _programs() -> tuple[bytes, ...]:
    windows = executables.pe({"KERNEL32.dll": ["ExitProcess", 1]})
    signer = executables.signer("Inert", "Nobody")
    # Its beginning is what is looked at; the whole would make each damage miss it.
    linux = Path(sys.executable).resolve().read_bytes()[: 64 << 10]
    return windows, executables.signed(windows, signer), executables.macho(), linux


def sample(seed: int, number: int) -> bytes:
    """The same for the same numbers: one of the seeds, damaged in a few places."""
    random = Random(f"{seed} {number}")
    content = bytearray(random.choice(seeds()))
    for _ in range(random.randint(1, _MOST_CHANGES)):
        _damage(content, random)
    return bytes(content)


def _damage(content: bytearray, random: Random) -> None:
    at, size = random.randrange(len(content) + 1), random.randint(1, _PIECE)
    match random.randrange(7):
        case 0:
            content[at : at + 1] = random.randbytes(1)
        case 1:
            value = random.choice(_TELLING)
            width = random.choice((1, 2, 4, 8))
            content[at : at + width] = (value & ((1 << 8 * width) - 1)).to_bytes(
                width, random.choice(("little", "big"))
            )
        case 2:
            content[at : at + size] = b""
        case 3:
            content[at:at] = content[at : at + size]
        case 4:
            content[at:at] = random.randbytes(size)
        case 5:
            del content[at:]
        case _:
            other = random.choice(seeds())
            start = random.randrange(len(other))
            content[at:at] = other[start : start + _PIECE * size]


async def fuzz(seconds: float, seed: int, folder: Path) -> Figures:
    """Send damaged samples for so long."""
    figures = Figures()
    scanner = Scanner(folder, shared=folder / "shared", places=PLACES, timeout=timedelta(seconds=5), unpack=LIMITS)
    process = psutil.Process()
    try:
        await _round(scanner, figures, seconds * WARM_UP_SHARE, seed)
        memory, descriptors = process.memory_info().rss, _descriptors(process)
        await _round(scanner, figures, seconds * (1 - WARM_UP_SHARE), seed)
        figures.grown_bytes = process.memory_info().rss - memory
        figures.more_descriptors = _descriptors(process) - descriptors
    finally:
        await scanner.close()
    figures.files_left = _files_in(folder)
    return figures


def _descriptors(process: psutil.Process) -> int:
    """Those that are open beside the pipes of the children that live just now: a place may be without its child."""
    return process.num_fds() - PIPES_OF_A_CHILD * len(process.children())


def _files_in(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


async def _round(scanner: Scanner, figures: Figures, seconds: float, seed: int) -> None:
    end = time.monotonic() + seconds

    async def work() -> None:
        while time.monotonic() < end:
            figures.started += 1
            await _examine(scanner, figures, seed, figures.started)

    await asyncio.gather(*(work() for _ in range(PLACES)))


async def _examine(scanner: Scanner, figures: Figures, seed: int, number: int) -> None:
    try:
        async with scanner.place() as place:
            path = place.folder / "sample"
            path.write_bytes(sample(seed, number))
            found = await place.unpack(path, PASSWORDS)
            identity = await place.identify(path)
    except Exception as error:  # noqa: BLE001 - that there is none is what is tested
        figures.crashes.append(f"sample {number}: {error!r}")
        return
    figures.answered += 1
    faults = [*found.faults, *(fault for member in found.members for fault in member.faults)]
    if identity.fault:
        faults.append(identity.fault)
    figures.outcomes.update({str(fault) for fault in faults} or {"whole" if found.members else "no archive"})
    if not _DEADLY.isdisjoint(faults):
        figures.deadly.append(number)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what came of it; exit with 1 when it is not good."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(fuzz(options.minutes * 60, options.seed, Path(folder)))
    print(f"{figures.answered} of {figures.started} samples answered; seed {options.seed}")
    for outcome, count in figures.outcomes.most_common():
        print(f"{count:8} {outcome}")
    print(f"children that died or were killed: {len(figures.deadly)}, over the samples {figures.deadly[:20]}")
    print(f"the parent grew by {figures.grown_bytes >> 20} MiB, {figures.more_descriptors} descriptors")
    print(f"files left: {figures.files_left}")
    for crash in figures.crashes[:20]:
        print(crash)
    sys.exit(0 if figures.are_good() else 1)


if __name__ == "__main__":
    main()
