"""A queue of many cases, and many who watch it: the benchmark, shorter, and without its times."""

from pathlib import Path

from bench.console import Load, play
from sigreq.api.console.queue import ROWS
from sigreq.embedded.forking import ForkServer

MOST_STATEMENTS = 10


def test_a_long_queue_makes_a_small_page_of_few_statements_and_who_watches_it_holds_no_connection(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    load = Load(cases=ROWS * 4, analysts=20, rounds=1, quiet=1)
    found = play(load, tmp_path / "data", fork_server)
    assert found.is_small, found
    assert [each.statements for each in found.pages if each.statements > MOST_STATEMENTS] == [], found
    assert found.watching.holds_nothing, found
