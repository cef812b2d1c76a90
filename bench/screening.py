"""Whole screening against bare `yara` over the same files, and small samples a second: `python -m bench.screening`.

A B A B in one run: A is `yara -p 2` with compiled rules, B is everything between a stored row and a screened one:
fetch, hash, identify, scan with as many threads, record. Each B is another customer, so nothing is known from before.
"""

import argparse
import asyncio
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import asyncpg

from bench import corpus
from bench.processor import Processor, Seconds, shared_out, since
from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from sigreq_client import Client
from sigreq_client.upload import File
from tests.world import World

THREADS = 2
SMALL_BYTES = 10 * 1024
LEAST_SHARE = 0.8
LEAST_SMALL_A_SECOND = 300
# The MB/s of bare YARA, with as many rules as that takes, for which the share is wanted.
SLOWEST, FASTEST = 30.0, 60.0
FEWEST_RULES, MOST_RULES, NEAR_ENOUGH = 1_000, 32_000, 1.05
FILES_TO_TRY = 40
FILES_A_SUBMISSION = 20

_OPEN = "SELECT count(*) FROM submission WHERE state IN ('received', 'screening')"
_FAULTY = "SELECT count(*) FROM scan WHERE outcome = 'not_scanned'"


@dataclass(frozen=True)
class Screened:
    """Seconds on the wall, and of the processor by process."""

    seconds: float
    used: Seconds


@dataclass
class Bench:
    """A running service with a product whose rules are the generated ones."""

    service: Service
    world: World
    product: str

    def screened(self, files: Sequence[File], a_submission: int = FILES_A_SUBMISSION) -> "Screened":
        """What it takes from rows to screened rows for these files of a new customer."""
        customer, processor = self.world.customer(), Processor(self.service)
        with self.held():
            for part in _parts(files, a_submission):
                self._submit(customer, part)
            before, started = processor.used(), time.monotonic()
        self.wait()
        return Screened(time.monotonic() - started, since(before, processor.used()))

    def _submit(self, customer: Client, files: Sequence[File]) -> None:
        customer.submit(self.world.fields(self.product, "false_negative"), files)

    @contextmanager
    def held(self) -> Iterator[None]:
        """The worker stands still in the block."""
        pid = self.service.pid("worker-standard")
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def wait(self) -> None:
        """Until everything is screened. Looks seldom, on one connection, so that looking costs nothing that shows."""

        async def look() -> None:
            connection = await asyncpg.connect(self.service.env["SIGREQ_DATABASE__URL"].replace("+asyncpg", ""))
            try:
                while left := await connection.fetchval(_OPEN):  # noqa: ASYNC110 - another process does the work
                    await asyncio.sleep(0.02 if left <= THREADS else 0.2)
                assert not await connection.fetchval(_FAULTY), "something was not scanned"
            finally:
                await connection.close()

        asyncio.run(look())


def _parts(files: Sequence[File], size: int) -> Iterator[Sequence[File]]:
    for start in range(0, len(files), size):
        yield files[start : start + size]


@contextmanager
def running(folder: Path, rules: dict[str, str]) -> Iterator[Bench]:
    """A service with these rules, warm: every child has loaded them."""
    env = {"SIGREQ_SCANNING__CHILDREN": str(THREADS), "SIGREQ_LIMITS__SUBMISSION_FILES": str(FILES_A_SUBMISSION)}
    with Service(folder / "data", env=env) as service:
        keys = first_keys(service.env["SIGREQ_DATABASE__URL"], service.data / "keys")
        with World(service.url, keys) as world:
            bench = Bench(service, world, world.product(rules))
            bench.screened([Path(sys.executable).resolve(), Path("/bin/sh").resolve()] * 4, 1)
            yield bench


class Bare:
    """`yara` itself, with rules that were compiled beforehand."""

    def __init__(self, folder: Path, rules: dict[str, str], files: Sequence[Path]) -> None:
        source, self._rules, self._list = folder / "rules.yar", folder / "rules.yarc", folder / "files"
        source.write_text("\n".join(rules.values()))
        subprocess.run([corpus.program("yarac"), "-w", str(source), str(self._rules)], check=True)
        self._list.write_text("\n".join(map(str, files)))

    def seconds(self) -> float:
        return self.scanned().seconds

    def scanned(self) -> Screened:
        before, started = _used_by_ended(), time.monotonic()
        options = ["-C", "-w", "-p", str(THREADS), "--scan-list", str(self._rules), str(self._list)]
        subprocess.run([corpus.program("yara"), *options], check=True, stdout=subprocess.DEVNULL)
        return Screened(time.monotonic() - started, {"yara": _used_by_ended() - before})


def _used_by_ended() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rules_at(speed: float, seed: int, files: Sequence[Path]) -> int:
    """The most generated rules with which bare YARA still does so many MB/s, to within 5 % of their number.

    By its processor time: who else is at work while this tries does not matter then.
    """
    size = sum(path.stat().st_size for path in files) / 1e6
    enough, many = FEWEST_RULES, MOST_RULES
    while many / enough > NEAR_ENOUGH:
        tried = round((enough * many) ** 0.5)
        with TemporaryDirectory(prefix="sigreq-rules-") as name:
            bare = Bare(Path(name), corpus.ruleset(seed, tried), files)
            found = THREADS * size / min(bare.scanned().used["yara"] for _ in range(2))
        print(f"with {tried} rules bare yara does {found:.1f} MB/s", flush=True)
        enough, many = (tried, many) if found >= speed else (enough, tried)
    return enough


def compare(bench: Bench, bare: Bare, files: Sequence[Path], rounds: int) -> float:
    """Print each round; the share of bare YARA's speed, by the medians."""
    size = sum(path.stat().st_size for path in files)
    ours, theirs, costs = [], [], []
    # Not counted: files come into the page cache, every child loads the rules and its libraries.
    bare.scanned()
    bench.screened(files)
    for number in range(1, rounds + 1):
        bare_run, screened = bare.scanned(), bench.screened(files)
        theirs.append(size / 1e6 / bare_run.seconds)
        ours.append(size / 1e6 / screened.seconds)
        costs.append(sum(bare_run.used.values()) / sum(screened.used.values()))
        print(f"round {number}: bare yara -p {THREADS} {theirs[-1]:6.1f} MB/s, whole screening {ours[-1]:6.1f} MB/s")
        for run in (bare_run, screened):
            print(f"         processor time a MiB: {shared_out(run.used, size / corpus.MEBIBYTE)}")
    print(f"share by processor time: {median(costs):.2f}")
    if not SLOWEST <= median(theirs) <= FASTEST:
        print(f"bare yara did {median(theirs):.1f} MB/s; the share is wanted for {SLOWEST:.0f} to {FASTEST:.0f}")
    return median(ours) / median(theirs)


def small(bench: Bench, count: int, a_submission: int, drawn: random.Random) -> float:
    """Samples of 10 KiB a second, from stored rows."""
    files: list[File] = [(f"{number}", BytesIO(drawn.randbytes(SMALL_BYTES))) for number in range(count)]
    screened = bench.screened(files, a_submission)
    rate = count / screened.seconds
    print(f"10 KiB samples, {a_submission:2} a submission: {rate:6.0f} a second")
    print(f"         processor time a sample: {shared_out(screened.used, count)}")
    return rate


def main() -> None:
    """Print the figures; exit code 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=30.5, help="MB/s of bare yara, with as many rules as that takes")
    parser.add_argument("--rules", type=int, help="so many instead")
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", type=int, default=2000)
    told = parser.parse_args()
    drawn = random.Random(told.seed)
    files = corpus.files_of_a_mebibyte(told.files, told.seed)
    rules = corpus.ruleset(told.seed, told.rules or rules_at(told.speed, told.seed, files[:FILES_TO_TRY]))
    sizes = [path.stat().st_size / corpus.MEBIBYTE for path in files]
    print(f"{len(rules)} rules; {len(files)} files, median {median(sizes):.2f} MiB, {sum(sizes):.0f} MiB in all")
    with TemporaryDirectory(prefix="sigreq-screening-") as name, running(Path(name), rules) as bench:
        share = compare(bench, Bare(Path(name), rules, files), files, told.rounds)
        print(f"share of bare yara's speed: {share:.2f}; at least {LEAST_SHARE} is wanted")
        many = small(bench, told.small, FILES_A_SUBMISSION, drawn)
        small(bench, told.small // 4, 1, drawn)
    sys.exit(share < LEAST_SHARE or many < LEAST_SMALL_A_SECOND)


if __name__ == "__main__":
    main()
