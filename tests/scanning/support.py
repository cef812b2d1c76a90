"""What the scanning tests share: rules, facts of a file, and one scan from start to close."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import psutil
import pyzipper

from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import SampleFacts
from sigreq.domain.verdict import ScanResult
from sigreq.scanning.scanner import Scanner

T = TypeVar("T")

NEEDLE = b"inert marker of the scanning tests"
NEEDLE_RULE = f'rule Needle {{ strings: $a = "{NEEDLE.decode()}" condition: $a }}'
RULESET = Ruleset({"Needle": NEEDLE_RULE})
# Counting keeps YARA from stopping at the first match; inside the regex it does not look at its clock.
SLOW_RULESET = Ruleset({"Slow": "rule Slow { strings: $a = /a+/ condition: #a > 5 }"})
# More than a child needs to start.
BUSY_SECONDS = 0.6
SLOW_CONTENT = b"a" * 3_000_000


def facts_of(sample: Path) -> SampleFacts:
    content = sample.read_bytes()
    sha1, md5 = hashlib.sha1(content, usedforsecurity=False), hashlib.md5(content, usedforsecurity=False)
    return SampleFacts("name", len(content), hashlib.sha256(content).hexdigest(), sha1.hexdigest(), md5.hexdigest())


def with_scanner(
    work: Callable[[Scanner], Awaitable[T]],
    tmp_path: Path,
    *,
    children: int = 1,
    timeout: float = 60,
) -> T:
    async def run() -> T:
        scanner = Scanner(tmp_path / "work", children=children, timeout=timedelta(seconds=timeout))
        try:
            return await work(scanner)
        finally:
            await scanner.close()

    return asyncio.run(run())


def written(tmp_path: Path, content: bytes, name: str = "sample") -> Path:
    sample = tmp_path / name
    sample.write_bytes(content)
    return sample


async def scan(scanner: Scanner, sample: Path, ruleset: Ruleset = RULESET, password: str | None = None) -> ScanResult:
    return await scanner.scan(ruleset, sample, facts_of(sample), password=password)


def scan_once(
    tmp_path: Path,
    content: bytes,
    ruleset: Ruleset = RULESET,
    *,
    password: str | None = None,
    timeout: float = 60,
) -> ScanResult:
    sample = written(tmp_path, content)
    return with_scanner(lambda scanner: scan(scanner, sample, ruleset, password), tmp_path, timeout=timeout)


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
    """The scanning children, busy or idle."""
    return [child for child in process.children() if "sigreq.scanning.child" in child.cmdline()]


async def busy_child() -> psutil.Process:
    """The one scanning child of this process, once it works; an idle one has used no such time."""
    while True:
        for child in children_of(psutil.Process()):
            if child.cpu_times().user > BUSY_SECONDS:
                return child
        await asyncio.sleep(0.05)
