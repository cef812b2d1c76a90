"""Submissions while workers and Redis are killed and Redis is emptied: `python -m bench.kills`.

Every submission must end screened, by exactly the moves that screening consists of.
"""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import redis

from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from tests.embedded.support import query
from tests.world import World, wait_for

PATIENCE_SECONDS = 60
SUBMITTERS = 4
Fault = Literal["worker", "redis", "flush"]

_WAITING = "SELECT count(*) FROM submission WHERE state <> 'queued'"
_DONE = "SELECT count(*) FROM job WHERE done_at IS NOT NULL AND queue = '{}'"
_OTHER_MOVES = """
    SELECT count(*) FROM (
        SELECT string_agg(name, ' ' ORDER BY sequence) AS moves, array_agg(sequence ORDER BY sequence) AS numbers
        FROM event WHERE subject_id LIKE 'SR-%' GROUP BY subject_id
    ) each WHERE moves <> 'received screening_started screened' OR numbers <> '{1,2,3}'"""


@dataclass(frozen=True)
class Plan:
    """How much is submitted, and what happens meanwhile."""

    submissions: int
    worker_kills: int
    redis_kills: int
    flushes: int

    def faults(self) -> Iterator[Fault]:
        """The rare ones stand among the kills of workers."""
        counts: dict[Fault, int] = {"redis": self.redis_kills, "flush": self.flushes}
        rare = [fault for fault, count in counts.items() for _ in range(count)]
        every = max(1, self.worker_kills // (len(rare) + 1))
        for number in range(1, self.worker_kills + 1):
            yield "worker"
            if number % every == 0 and rare:
                yield rare.pop(0)
        yield from rare


@dataclass(frozen=True)
class Figures:
    """What came of it. `attempts` counts every start of a job, so what is over `accepted` was begun anew."""

    accepted: int
    screened: int
    with_other_moves: int
    open_jobs: int
    attempts: int
    seconds_after_last_fault: float

    def are_good(self, plan: Plan) -> bool:
        """Nothing was lost, nothing was done twice, nothing is left to do."""
        is_whole = self.accepted == self.screened == plan.submissions
        return is_whole and (self.with_other_moves, self.open_jobs) == (0, 0)


class Saboteur:
    """Does the faults; a worker dies only after it has done something since its start."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._url = service.env["SIGREQ_DATABASE__URL"]
        self._tracks = cycle(["expedited", "standard"])
        self._done_before = {"expedited": 0, "standard": 0}

    def do(self, fault: Fault) -> None:
        """Return when the fault has happened and what died is started again."""
        if fault == "worker":
            self._kill_worker(next(self._tracks))
        elif fault == "redis":
            self._service.kill("redis")
            self._service.revive()
        else:
            with redis.Redis.from_url(self._service.env["SIGREQ_REDIS__URL"]) as client:
                client.flushall()

    def _kill_worker(self, track: str) -> None:
        wait_for(lambda: self._done(track), lambda done: done > self._done_before[track])
        name: Literal["worker-expedited", "worker-standard"] = (
            "worker-expedited" if track == "expedited" else "worker-standard"
        )
        self._service.kill(name)
        self._service.start_part(name)
        self._done_before[track] = self._done(track)

    def _done(self, track: str) -> int:
        return int(query(self._url, _DONE.format(track))[0])


def play(plan: Plan, data: Path, fork_server: ForkServer | None = None) -> Figures:
    """Submit on both tracks while the faults happen, then wait until all is screened, or patience ends."""
    with Service(data, fork_server=fork_server) as service:
        url = service.env["SIGREQ_DATABASE__URL"]
        with World(service.url, first_keys(url, service.data / "keys")) as world:
            accepted = _submit(plan, world, Saboteur(service))
        last = time.monotonic()
        while query(url, _WAITING) != [0] and time.monotonic() < last + PATIENCE_SECONDS:
            time.sleep(0.05)
        return _figures(url, accepted, time.monotonic() - last)


def _submit(plan: Plan, world: World, saboteur: Saboteur) -> int:
    """Spread the submissions over the faults; each fault hits while its share is on its way."""
    product = world.product()
    customers = cycle([world.customer("standard"), world.customer("msa_business")])
    faults = list(plan.faults())
    sent: list[Future[dict[str, Any]]] = []
    with ThreadPoolExecutor(SUBMITTERS) as pool:
        for number, fault in enumerate(faults, start=1):
            while len(sent) < plan.submissions * number // len(faults):
                sent.append(pool.submit(world.submit, next(customers), product))
            saboteur.do(fault)
    return len({each.result()["id"] for each in sent})


def _figures(url: str, accepted: int, took: float) -> Figures:
    screened, others, still_open, attempts = query(
        url,
        "SELECT count(*) FROM submission WHERE state = 'queued'",
        _OTHER_MOVES,
        "SELECT count(*) FROM job WHERE done_at IS NULL",
        "SELECT sum(attempts) FROM job",
    )
    return Figures(accepted, screened, others, still_open, attempts, round(took, 1))


def main() -> None:
    """Print the figures; exit code 1 when a submission was lost or moved otherwise."""
    plan = Plan(submissions=200, worker_kills=10, redis_kills=1, flushes=1)
    with TemporaryDirectory(prefix="sigreq-kills-") as folder:
        found = play(plan, Path(folder) / "data")
    for name, figure in {**asdict(plan), **asdict(found)}.items():
        print(f"{name.replace('_', ' '):26} {figure}")
    sys.exit(not found.are_good(plan))


if __name__ == "__main__":
    main()
