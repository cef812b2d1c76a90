"""Many slow uploads at once keep nobody else waiting."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

from sigreq.embedded.service import Service
from tests.database import open_transactions
from tests.wire import Answer, SlowUpload, opening, spooled
from tests.world import MARKER, World, wait_for

AT_ONCE = 50


def _slowly(service: Service, key: str, fields: dict[str, Any], number: int, hurry: Event) -> Answer:
    """Send a few bytes at a time for as long as nobody is in a hurry."""
    with SlowUpload(service.url, key) as upload:
        upload.send(opening(fields, f"{number}.bin"))
        upload.send(MARKER + f" {number} ".encode())
        while not hurry.wait(0.05):
            upload.send(b"drop by drop ")
        upload.end()
        return upload.answer()


def test_fifty_slow_uploads_at_once_keep_nobody_waiting_and_all_end_well(world: World, service: Service) -> None:
    fields = world.fields(world.product())
    customer = world.client(key := world.key("customer", world.organisation()))
    hurry = Event()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            sent = [pool.submit(_slowly, service, key, fields, number, hurry) for number in range(AT_ONCE)]
            wait_for(lambda: spooled(service), lambda count: count == AT_ONCE)
            wait_for(lambda: open_transactions(service), lambda count: count == 0)
            began = time.monotonic()
            assert customer.account()["role"] == "customer"
            assert world.submit(customer, fields["product"])["state"] == "received"
            assert time.monotonic() - began < 20, "only a guard against hanging"
            assert not any(each.done() for each in sent)
        finally:
            hurry.set()
        answers = [each.result() for each in sent]
    assert [answer.status for answer in answers] == [202] * AT_ONCE
    assert len({answer.document["id"] for answer in answers}) == AT_ONCE
    wait_for(lambda: spooled(service), lambda count: count == 0)
