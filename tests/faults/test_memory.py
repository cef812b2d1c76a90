"""A sample of 1 GiB goes through the API in constant memory."""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from tests.plain import BOUNDARY
from tests.wire import END, opening, stored
from tests.world import MARKER, World

MIB = 1024**2
SIZE = 1024 * MIB
MOST_GROWTH = 64 * MIB
HANG_SECONDS = 300


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Iterator[Service]:
    """A service whose processes nobody else keeps busy."""
    with Service(tmp_path_factory.mktemp("roomy") / "data", fork_server=fork_server) as running:
        yield running


@pytest.fixture(scope="module")
def town(roomy: Service) -> Iterator[World]:
    """The world of that service."""
    with World(roomy.url, first_keys(roomy.env["SIGREQ_DATABASE__URL"], roomy.data / "keys")) as made:
        yield made


def _content(start: bytes) -> Iterator[bytes]:
    """The body of an upload of SIZE bytes, no two MiB alike, made while it is sent."""
    yield start
    pattern = bytes(range(256)) * (MIB // 256)
    for number in range(SIZE // MIB):
        yield (MARKER + b" %d " % number).ljust(256, b".") + pattern[256:]
    yield b"\r\n" + END


def _submit(service: Service, key: str, fields: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    start = opening(fields, "large.bin")
    connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=HANG_SECONDS)
    try:
        headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Content-Length": str(len(start) + SIZE + len(b"\r\n" + END)),
        }
        connection.request("POST", "/v1/submissions", body=_content(start), headers=headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def _highest_memory(pid: int, stop: Event) -> int:
    """The most resident bytes seen until `stop`."""
    process, highest = psutil.Process(pid), 0
    while not stop.wait(0.02):
        highest = max(highest, process.memory_info().rss)
    return highest


def test_a_sample_of_one_gibibyte_is_accepted_in_constant_memory(roomy: Service, town: World) -> None:
    organisation, product = town.organisation(), town.product()
    key = town.key("customer", organisation)
    town.submit(town.client(key), product)  # what is imported and connected at first use is there from here on
    before = psutil.Process(roomy.pid("api")).memory_info().rss
    stop = Event()
    with ThreadPoolExecutor(1) as pool:
        watched = pool.submit(_highest_memory, roomy.pid("api"), stop)
        try:
            status, answer = _submit(roomy, key, town.fields(product))
        finally:
            stop.set()
    growth = watched.result() - before
    print(f"\nAPI: {before / MIB:.0f} MiB before, {growth / MIB:+.1f} MiB at most while 1 GiB came in")  # noqa: T201
    assert (status, answer["is_joined"]) == (202, False)
    assert len(stored(roomy, organisation)) == 2
    assert growth <= MOST_GROWTH
