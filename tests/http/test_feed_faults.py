"""Eight approve at once, four read, and what lies between them breaks: each reader gets all, in order."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sigreq.embedded.service import Service
from tests.feed import Stream, at_database, new_stream, say, tell_all
from tests.feed_readers import END, Reader, bad_line, told
from tests.world import World

WRITERS, EACH = 8, 12


def _nothing(_: Service) -> None:
    """Goes wrong."""


def _api_dies(service: Service) -> None:
    service.kill("api")
    service.revive()


def _postgresql_dies(service: Service) -> None:
    service.kill("postgres")
    service.revive()


def test_every_reader_gets_all_in_order_over_restarts_and_cut_bodies(
    service: Service, world: World, tmp_path: Path
) -> None:
    url, key = service.env["SIGREQ_DATABASE__URL"], world.keys["release"]
    stream = new_stream(url)
    with bad_line(service.url) as line, ThreadPoolExecutor(WRITERS) as pool:
        steady = [Reader(service.url, key, stream, tmp_path / f"{number}") for number in range(2)]
        mortal = Reader(service.url, key, stream, tmp_path / "mortal", dies_after=9)
        unlucky = Reader(line.url, key, stream, tmp_path / "unlucky")
        readers = [*steady, mortal, unlucky]
        reading = [pool.submit(reader.run) for reader in readers]
        try:
            for fault in (_nothing, _api_dies, _postgresql_dies, _nothing):
                _write_through(pool, fault, service, stream)
        finally:
            say(url, stream, END)  # or the readers would wait for ever
        for each in reading:
            each.result()
    everything = told(service, stream)
    assert len(everything) > 4 * WRITERS * EACH
    assert [reader.without_repetitions == everything for reader in readers] == [True] * 4
    assert [reader.seen == everything for reader in (*steady, unlucky)] == [True] * 3
    assert mortal.lives > len(everything) / 9
    assert line.cuts > 5


def _write_through(
    pool: ThreadPoolExecutor, fault: Callable[[Service], None], service: Service, stream: Stream
) -> None:
    """Eight writers at once, while something goes wrong."""
    url = service.env["SIGREQ_DATABASE__URL"]
    writing = pool.submit(at_database, url, lambda database: tell_all(database, stream, WRITERS, EACH))
    fault(service)
    writing.result()
