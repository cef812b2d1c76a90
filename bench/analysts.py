"""Twenty analysts at one queue, five of whom vanish: `python -m bench.analysts`.

No case may be taken while somebody holds it, none may be left, and the takes must replay to the order of
`domain/queueing`. Those who vanish hold cases until their claims lapse; then others are given these.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

from sigreq.domain.queueing import Waiting, next_case, order_key
from sigreq.domain.submission import Track
from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from sigreq_client import ApiError, Client
from tests.database import one, rows, write
from tests.promises import plan
from tests.world import World

CLAIM = "PT3S"
SUBMITTERS = 6
PATIENCE_SECONDS = 60
# A lapse has its time from before its commit: a take in between cannot have seen it.
SLACK = timedelta(seconds=2)

_DUE_AT_ALL_TIMES = """
    UPDATE submission SET
        due_at = received_at + make_interval(mins => abs(hashtext(id)) % 400 - 200),
        warn_at = CASE WHEN is_guaranteed
            THEN received_at + make_interval(mins => abs(hashtext(id)) % 400 - 200 - 30) END"""
_WAITING = "SELECT id, track, received_at, due_at, warn_at FROM submission WHERE state = 'queued'"
_EVENTS = """
    SELECT subject_id, name, at FROM event WHERE name IN ('taken', 'claim_lapsed', 'determined')
    AND subject_id LIKE 'SR-%' ORDER BY at, sequence"""


@dataclass(frozen=True)
class Load:
    """How many cases and analysts. Each of those who vanish takes `held` cases with them."""

    cases: int
    analysts: int = 20
    vanishing: int = 5
    held: int = 3


@dataclass(frozen=True)
class Figures:
    """What came of it. `by_fairness` are the takes of a standard case before an expedited one."""

    closed: int = 0
    concluded: int = 0
    taken: int = 0
    lapsed: int = 0
    taken_while_held: int = 0
    out_of_order: int = 0
    by_fairness: int = 0
    seconds: float = 0

    def are_good(self, load: Load) -> bool:
        """All done, once each, in order; and what had to happen for that to mean something did happen."""
        is_whole = self.closed == self.concluded == load.cases
        is_hard = self.lapsed >= load.vanishing * load.held and self.by_fairness > 0
        return is_whole and is_hard and (self.taken_while_held, self.out_of_order) == (0, 0)


@dataclass
class Replay:
    """The takes as the rules give them, one after the other."""

    waiting: dict[str, Waiting]
    cases: Mapping[str, Waiting]
    back_at: dict[str, datetime] = field(default_factory=dict)
    tracks: list[Track] = field(default_factory=list)
    found: Figures = field(default_factory=Figures)

    def happened(self, case_id: str, name: str, at: datetime) -> None:
        """Take one event in."""
        if name == "determined":
            self.found = replace(self.found, concluded=self.found.concluded + 1)
        elif name == "claim_lapsed":
            self.found = replace(self.found, lapsed=self.found.lapsed + 1)
            self.waiting[case_id] = self.cases[case_id]
            self.back_at[case_id] = at
        else:
            self._take(case_id, at)

    def _take(self, case_id: str, at: datetime) -> None:
        is_held = case_id not in self.waiting
        right = is_held or self._is_right(case_id, at)
        first = min(self.waiting.values(), key=lambda case: order_key(case, at), default=None)
        case = self.cases[case_id]
        is_fair = right and case.track is Track.STANDARD and first is not None and first.track is Track.EXPEDITED
        self.found = replace(
            self.found,
            taken=self.found.taken + 1,
            taken_while_held=self.found.taken_while_held + is_held,
            out_of_order=self.found.out_of_order + (not right),
            by_fairness=self.found.by_fairness + is_fair,
        )
        self.waiting.pop(case_id, None)
        self.tracks.append(case.track)

    def _is_right(self, case_id: str, at: datetime) -> bool:
        """Whether it was the next one, leaving aside what had lapsed so lately that it may not have been seen."""
        pool = dict(self.waiting)
        while (due := next_case(list(pool.values()), self.tracks, at)) is not None:
            if due.id == case_id:
                return True
            if due.id not in self.back_at or at - self.back_at[due.id] > SLACK:
                return False
            del pool[due.id]
        return False


def play(load: Load, data: Path, fork_server: ForkServer | None = None) -> Figures:
    """Fill the queue, let all analysts at it, and replay what they did."""
    with Service(data, env={"SIGREQ_ANALYSIS__CLAIM": CLAIM}, fork_server=fork_server) as service:
        with World(service.url, first_keys(service.env["SIGREQ_DATABASE__URL"], data / "keys.json")) as world:
            _fill(load, world, service)
            cases = {row[0]: Waiting(row[0], Track(row[1]), *row[2:]) for row in rows(service, _WAITING)}
            began = time.monotonic()
            _work(load, world, lambda: _closed(service))
        replay = Replay(dict(cases), cases)
        for case_id, name, at in rows(service, _EVENTS):
            replay.happened(case_id, name, at)
        return replace(replay.found, closed=_closed(service), seconds=round(time.monotonic() - began, 1))


def _fill(load: Load, world: World, service: Service) -> None:
    """Cases of all three bands, with due times before and after now."""
    plans = [
        plan(world),
        plan(world, is_guaranteed=False),
        plan(world, track="standard", is_guaranteed=False),
        "standard",
    ]
    customers = cycle([world.customer(each) for each in plans])
    product = world.product()
    with ThreadPoolExecutor(SUBMITTERS) as pool:
        sent = [pool.submit(world.submit, next(customers), product) for _ in range(load.cases)]
        assert len({each.result()["id"] for each in sent}) == load.cases
    queued = "SELECT count(*) FROM submission WHERE state = 'queued'"
    _until(lambda: bool(one(service, queued) == load.cases))
    write(service, _DUE_AT_ALL_TIMES)


def _work(load: Load, world: World, closed: Callable[[], int]) -> None:
    analysts = [world.person("analyst") for _ in range(load.analysts)]
    done = Event()
    with ThreadPoolExecutor(load.analysts) as pool:
        gone = [pool.submit(_vanish, analyst, load.held) for analyst in analysts[: load.vanishing]]
        busy = [pool.submit(_conclude_all, analyst, done) for analyst in analysts[load.vanishing :]]
        try:
            _until(lambda: closed() == load.cases)
        finally:
            done.set()
        for each in [*gone, *busy]:
            each.result()


def _vanish(analyst: Client, held: int) -> None:
    for _ in range(held):
        analyst.take()


def _conclude_all(analyst: Client, done: Event) -> None:
    while not done.is_set():
        case: dict[str, Any] | None = analyst.take()
        if case is None:
            done.wait(0.4)
            continue
        try:
            analyst.determine(case["id"], case["revision"], "inconclusive", "unknown", "We cannot tell.")
        except ApiError as error:
            if error.code not in {"claim_lapsed", "claim_held"}:  # too slow: another one was given the case
                raise


def _closed(service: Service) -> int:
    found: int = one(service, "SELECT count(*) FROM submission WHERE state = 'closed'")
    return found


def _until(is_so: Callable[[], bool]) -> None:
    """Wait for as long as patience lasts; the figures tell the rest."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_so() and time.monotonic() < end:
        time.sleep(0.1)


def main() -> None:
    """Print the figures; exit code 1 when a case was lost, taken twice at once, or taken out of its turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=500)
    load = Load(parser.parse_args().cases)
    with TemporaryDirectory(prefix="sigreq-analysts-") as folder:
        found = play(load, Path(folder) / "data")
    for name, figure in {**asdict(load), **asdict(found)}.items():
        print(f"{name.replace('_', ' '):18} {figure}")
    sys.exit(not found.are_good(load))


if __name__ == "__main__":
    main()
