"""What a run of the gate costs: `python -m bench.gate`.

500 solved cases of 64 KiB in the median lie in the store, and 700 of the machine's own programs and libraries are the
clean corpus. The product is for YARA and ClamAV. A whole version is sent through the gate, in turn with bare
`yara -p 2` and then `clamscan` over the same files; a change of one rule, before and after the database grew tenfold;
and whole versions again with one worker and with two, which have one examining child each. Needs Debian's `yara` and
`clamav`.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from bench.gate_files import BareBoth, clean_files, contents, for_both
from sigreq.embedded.keys import first_keys
from sigreq.embedded.process import Child, Program
from sigreq.embedded.service import Service
from tests.embedded.support import query
from tests.world import World, rule, wait_for

FEW_RULES, MANY_RULES = 500, 5_000
SUBMITTERS = 4
MOST_TIMES_BARE = 1.5
MOST_GROWTH = 1.25
LEAST_SPEEDUP = 1.6

_OPEN_JOBS = "SELECT count(*) FROM job WHERE done_at IS NULL AND name IN ('gate.plan', 'gate.part', 'release.prepare')"


@dataclass
class GateBench:
    """A running service with a product that has solved cases, and a clean corpus."""

    world: World
    database_url: str
    product: str
    versions: Iterator[int] = field(default_factory=lambda: count(2))
    ordinal: int = 1

    def solve(self, contents: Sequence[bytes]) -> None:
        """Have each found harmless by an analyst, so that no version may ever detect it."""
        customer, fields = self.world.customer(), self.world.fields(self.product, "false_negative")

        def submit(content: bytes) -> None:
            case = customer.submit(fields, [("file.bin", BytesIO(content))])
            found = self.world.until(case["id"], "queued")
            found = self.world.analyst.claim(found["id"], found["revision"])
            said = ("not_malicious", "clean", "There is nothing in it.")
            self.world.analyst.determine(found["id"], found["revision"], *said)

        with ThreadPoolExecutor(SUBMITTERS) as pool:
            list(pool.map(submit, contents))

    def train(self, rules: dict[str, str]) -> float:
        """Seconds that the gate takes for a version that was never tested before, and passes."""
        version = f"20261122.{next(self.versions)}"
        unique = f"Unique_{version.replace('.', '_')}"
        sources = {**rules, unique: rule(unique, f"never in a file {version}")}
        body = {"ordinal": self.ordinal + 1, "ruleset": {"rules": sources, "allowed": []}, "changes": []}
        return self._seconds(self.world.release.test_train(self.product, version, body)["id"])

    def grow(self, rules: dict[str, str]) -> None:
        """Publish a version with these rules, and wait until it was tried on all cases."""
        self.ordinal += 1
        self.world.publish(self.product, f"20261122.{next(self.versions)}", rules)
        wait_for(lambda: query(self.database_url, _OPEN_JOBS)[0], lambda left: not left, 600)

    def change(self, change: dict[str, Any]) -> float:
        """The same for a change."""
        return self._seconds(self.world.analyst.test_change(change["id"], change["revision"])["gate"])

    def _seconds(self, run_id: str) -> float:
        while (run := self.world.release.gate(run_id))["state"] == "running":
            time.sleep(1)
        if run["state"] != "passed":
            sys.exit(f"the gate was not passed: {run['report']['problems'][:3]}")
        return float(run["report"]["seconds"])


@contextmanager
def running(folder: Path, children: int) -> Iterator[tuple[Service, World]]:
    """A service whose workers have so many examining children."""
    with Service(folder / "data", env={"SIGREQ_SCANNING__CHILDREN": str(children)}) as service:
        keys = first_keys(service.env["SIGREQ_DATABASE__URL"], service.data / "keys")
        with World(service.url, keys) as world:
            yield service, world


@contextmanager
def another_worker(service: Service) -> Iterator[None]:
    """One more worker of the standard track, ready to work."""
    log = service.data / "logs" / "worker-second.log"
    program = Program(
        "worker-second",
        [sys.executable, "-m", "sigreq", "worker", "standard"],
        run=service.data / "run",
        log=log,
        env=service.env,
    )
    child = Child(program)
    try:
        wait_for(lambda: log.exists() and "worker.started" in log.read_text(), bool)
        time.sleep(1)
        yield
    finally:
        child.stop(10)


def add_corpus(world: World, folder: Path) -> None:
    """As a keeper adds it."""
    command = [sys.executable, "-m", "sigreq", "admin", "corpus", "add", str(folder), "--name", "clean"]
    key = world.keys["administrator"]
    subprocess.run([*command, "--url", world.url, "--key", key], check=True, capture_output=True)


@dataclass(frozen=True)
class Told:
    """What is asked of this run."""

    cases: int
    clean: int
    rounds: int
    seed: int


def prepared(service: Service, world: World, told: Told, folder: Path) -> tuple[GateBench, list[Path]]:
    """Cases, corpus and a database of few rules; all files that a whole version is scanned against."""
    bench = GateBench(
        world, service.env["SIGREQ_DATABASE__URL"], world.product(for_both(told.seed, FEW_RULES), ("yara", "clamav"))
    )
    sent = contents(told.cases, told.seed)
    bench.solve(sent)
    files = clean_files(told.clean, folder / "clean", told.seed)
    add_corpus(world, folder / "clean")
    (folder / "cases").mkdir()
    for place, content in enumerate(sent):
        path = folder / "cases" / f"{place:04}"
        path.write_bytes(content)
        files.append(path)
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{len(sent)} cases, {len(files) - len(sent)} clean files, {size:.0f} MB in all")
    return bench, files


def one_rule(bench: GateBench) -> float:
    """How much dearer a change of one rule is, once there are ten times as many rules."""
    case = bench.world.determined(
        bench.world.analyst, bench.world.customer(), bench.product, kind="false_negative", content=b"inert, one rule"
    )
    payload = {"rule": "One_Rule", "source": rule("One_Rule", "inert, one rule")}
    change = bench.world.analyst.draft_change([case["id"]], "rule_add", payload)
    seconds = []
    for rules in (FEW_RULES, MANY_RULES):
        runs = list[float]()
        for number in range(3):
            # Each anew: a candidate that has passed would be looked at for what is new only.
            revised = {**payload, "source": f"{payload['source']} // {number} {rules}"}
            change = bench.world.analyst.revise_change(change["id"], change["revision"], revised)
            runs.append(bench.change(change))
            change = bench.world.analyst.change(change["id"])
        seconds.append(median(runs))
        print(f"one changed rule beside {rules} rules: {seconds[-1]:.2f} s")
        if rules == FEW_RULES:
            bench.grow(for_both(1, MANY_RULES))
    return seconds[1] / seconds[0]


def whole_version(bench: GateBench, bare: BareBoth, rules: dict[str, str], rounds: int) -> float:
    """How many times bare scanning a whole version takes, by the medians of rounds in turn."""
    bare.seconds()
    bench.train(rules)
    ours, theirs = [], []
    for number in range(1, rounds + 1):
        theirs.append(bare.seconds())
        ours.append(bench.train(rules))
        print(f"round {number}: bare {theirs[-1]:.2f} s, the gate {ours[-1]:.2f} s")
    return median(ours) / median(theirs)


def two_workers(service: Service, bench: GateBench, rules: dict[str, str], rounds: int) -> float:
    """How much quicker two workers are than one, in turn."""
    one, two = [], []
    bench.train(rules)
    for number in range(1, rounds + 1):
        one.append(bench.train(rules))
        with another_worker(service):
            bench.train(rules)  # it compiles nothing twice, but has to load the rules once
            two.append(bench.train(rules))
        print(f"round {number}: one worker {one[-1]:.2f} s, two {two[-1]:.2f} s")
    return median(one) / median(two)


def with_two_children(told: Told, folder: Path, rules: dict[str, str]) -> list[bool]:
    """What holds of the cost of one rule and of a whole version."""
    with running(folder, children=2) as (service, world):
        bench, files = prepared(service, world, told, folder)
        growth = one_rule(bench)
        times = whole_version(bench, BareBoth(folder, rules, files), rules, told.rounds)
    print(f"a whole version: {times:.2f} times bare scanning; at most {MOST_TIMES_BARE} is wanted")
    print(f"one rule, beside ten times as many: {growth:.2f} times; at most {MOST_GROWTH} is wanted")
    return [times <= MOST_TIMES_BARE, growth <= MOST_GROWTH]


def with_one_child(told: Told, folder: Path, rules: dict[str, str]) -> bool:
    """Whether two workers are quick enough."""
    with running(folder, children=1) as (service, world):
        bench, _ = prepared(service, world, told, folder)
        speedup = two_workers(service, bench, rules, told.rounds)
    print(f"two workers: {speedup:.2f} times as quick; at least {LEAST_SPEEDUP} is wanted")
    return speedup >= LEAST_SPEEDUP


def main() -> None:
    """Print the figures; exit code 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--clean", type=int, default=700)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["cost", "workers"], help="one half of it")
    asked = vars(parser.parse_args())
    only, told = asked.pop("only"), Told(**asked)
    rules = for_both(told.seed, MANY_RULES)
    held = list[bool]()
    if only != "workers":
        with TemporaryDirectory(prefix="sigreq-gate-") as name:
            held += with_two_children(told, Path(name), rules)
    if only != "cost":
        with TemporaryDirectory(prefix="sigreq-gate-") as name:
            held.append(with_one_child(told, Path(name), rules))
    sys.exit(not all(held))


if __name__ == "__main__":
    main()
