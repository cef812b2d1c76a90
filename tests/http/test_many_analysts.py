"""Many analysts at one queue, some of whom vanish with what they hold."""

from pathlib import Path

from bench.analysts import Load, play
from sigreq.embedded.forking import ForkServer


def test_twenty_analysts_take_every_case_once_and_in_order_though_five_vanish(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    load = Load(cases=100)
    found = play(load, tmp_path / "data", fork_server)
    assert found.are_good(load), found
