"""Who is slow, silent or told to stop holds up nobody else: receivers, Redis, a worker in the middle of a scan."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import psutil
import pytest
import yara

from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.postbox import Postbox
from sigreq.embedded.process import still_alive
from sigreq.embedded.service import Service
from sigreq_client import Client
from tests.database import one, rows
from tests.flows import events_out_of_step
from tests.world import MARKER, World, wait_for

A_FEW_SECONDS = 15  # what is held up waits for longer than a receiver has time, or for ever
WEBHOOK_SECONDS = 25
PLACES = 8  # how many deliveries a worker has under way at once
# Of processor time: long enough to outlast what a worker that stops waits for, short enough for a test.
LONG_SECONDS = 12
COUNTING_RULE = 'rule Marker {{ strings: $a = "ACME" condition: $a and for all i in (0..{}) : (i >= 0) }}'
UNSENT = "SELECT count(*) FROM job WHERE name = 'mail.send' AND done_at IS NULL"


class Silent:
    """Takes every connection and never says a word."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self._listener.settimeout(0)
        self._taken: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/hook"

    def callers(self) -> int:
        """How many have called so far."""
        while True:
            try:
                self._taken.append(self._listener.accept()[0])
            except BlockingIOError:
                return len(self._taken)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (*self._taken, self._listener):
            each.close()


@pytest.fixture(scope="module")
def postbox() -> Iterator[Postbox]:
    with Postbox() as running:
        yield running


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer, postbox: Postbox) -> Iterator[Service]:
    """A service whose receivers may take long, and whose scans may take longer."""
    env = {
        **postbox.env,
        "SIGREQ_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES": "true",
        "SIGREQ_WEBHOOKS__TIMEOUT": str(WEBHOOK_SECONDS),
        "SIGREQ_SCANNING__TIMEOUT": "300",
        "SIGREQ_JOBS__AT_ONCE": str(PLACES),
        "SIGREQ_JOBS__LEASE": "3",
    }
    with Service(tmp_path_factory.mktemp("slow") / "data", env=env, fork_server=fork_server) as running:
        yield running
        assert events_out_of_step(running.env["SIGREQ_DATABASE__URL"]) == 0


@pytest.fixture(scope="module")
def town(own: Service) -> Iterator[World]:
    """The world of that service."""
    with World(own.url, first_keys(own.env["SIGREQ_DATABASE__URL"], own.data / "keys")) as made:
        yield made


def seconds_until_screened(town: World, client: Client, product: str) -> float:
    """How long a new case takes from the request to the queue."""
    begin = time.monotonic()
    town.queued(client, product)
    return time.monotonic() - begin


@contextmanager
def frozen_redis(service: Service) -> Iterator[None]:
    """Redis takes connections, and answers none."""
    process = psutil.Process(json.loads((service.data / "run" / "redis.json").read_text())["pid"])
    process.suspend()
    try:
        yield
    finally:
        process.resume()


def test_a_receiver_that_never_answers_delays_no_other_customers_screening(town: World) -> None:
    product, other = town.product(), town.customer()
    with Silent() as receiver:
        slow = town.customer()
        slow.set_webhook(receiver.url)
        for _ in range(PLACES):
            town.submit(slow, product)
        wait_for(receiver.callers, lambda count: count >= PLACES)
        assert seconds_until_screened(town, other, product) < A_FEW_SECONDS
        slow.delete_webhook()


def test_a_redis_that_is_silent_delays_neither_the_answer_nor_the_screening_for_long(own: Service, town: World) -> None:
    product, client = town.product(), town.customer()
    with frozen_redis(own):
        for _ in range(2):
            begin = time.monotonic()
            accepted = town.submit(client, product)
            assert time.monotonic() - begin < A_FEW_SECONDS
            assert town.until(accepted["id"], "queued")["finding"] == "supported"
    wait_for(lambda: town.administrator.ready()["status"], lambda status: status == "ready")
    assert seconds_until_screened(town, client, product) < A_FEW_SECONDS


def test_a_worker_told_to_stop_in_the_middle_of_a_scan_leaves_it_to_the_next_worker(own: Service, town: World) -> None:
    product = town.product({"Marker": long_rule()})
    case = town.submit(town.customer(), product)
    worker = psutil.Process(own.pid("worker-standard"))
    wait_for(lambda: busiest_child(worker), lambda seconds: seconds > 1.5)
    worker.terminate()
    assert still_alive([worker], 20) == []
    assert town.analyst.submission(case["id"])["state"] == "screening"
    assert rows(own, "SELECT outcome FROM scan WHERE submission_id = :id", id=case["id"]) == []
    assert own.revive() == ["worker-standard"]
    screened = town.until(case["id"], "queued")
    assert (screened["finding"], screened["needs_attention"]) == ("supported", None)


def long_rule() -> str:
    """A rule that takes so long on this machine."""
    few = 4_000_000
    rules, began = yara.compile(source=COUNTING_RULE.format(few)), time.process_time()
    assert rules.match(data=MARKER)
    return COUNTING_RULE.format(int(few * LONG_SECONDS / (time.process_time() - began)))


def busiest_child(process: psutil.Process) -> float:
    """The processor time of that child of a process which has used most."""
    return max((child.cpu_times().user for child in process.children(recursive=True)), default=0.0)


def test_a_person_whose_keys_were_revoked_gets_no_more_mail(own: Service, town: World, postbox: Postbox) -> None:
    organisation, product = town.organisation(), town.product()
    made = town.administrator.add_person("leaves", "customer", organisation, email="leaves@customer.example")
    stays = town.person("customer", organisation)
    stays.set_contact("stays@customer.example")
    before = town.queued(stays, product)
    wait_for(lambda: postbox.about(before["id"]), lambda seen: len(seen) == 2)
    town.administrator.revoke_keys(made["id"])
    after = town.queued(stays, product)
    wait_for(lambda: postbox.about(after["id"]), lambda seen: "stays@customer.example" in seen)
    wait_for(lambda: one(own, UNSENT), lambda count: count == 0)
    assert postbox.about(after["id"]) == {"stays@customer.example"}
    town.administrator.add_key(made["id"])
    stays.reply(after["id"], "Any news?")
    wait_for(lambda: postbox.about(after["id"]), lambda seen: len(seen) == 2)
