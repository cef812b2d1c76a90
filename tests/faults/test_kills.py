"""No submission is lost or screened twice when processes die."""

from pathlib import Path

from bench.kills import Plan, play
from sigreq.embedded.forking import ForkServer


def test_every_submission_is_screened_once_though_workers_and_redis_are_killed(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    plan = Plan(submissions=60, worker_kills=4, redis_kills=1, flushes=1)
    found = play(plan, tmp_path / "data", fork_server)
    assert found.are_good(plan), found
