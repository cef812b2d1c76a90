"""Webhooks: signed, retried with the same id, told to go away, and never sent into our own network."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigreq.embedded.receiver import Receiver
from sigreq.webhooks import Delivery, WebhookSender, is_public
from tests.flows import names
from tests.world import World, wait_for

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEVER_PUBLIC = [
    "127.0.0.0/8", "0.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
    "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4", "192.88.99.0/24", "::1/128", "::/96", "fc00::/7", "fe80::/10",
    "fec0::/10", "ff00::/8", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "2001:db8::/32",
    "3fff::/20", "5f00::/16", "::ffff:0:0:0/96",
]  # fmt: skip
INSIDE = [network for network in NEVER_PUBLIC if "." in network and network != "192.88.99.0/24"]


class Gone(Receiver):
    """Wants to hear nothing more."""

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        super().take(body, headers)
        return 410


def test_every_delivery_is_signed_and_numbered_without_gaps(world: World) -> None:
    customer, product = world.customer(), world.product()
    with Receiver() as receiver:
        receiver.secret = customer.set_webhook(receiver.url)["secret"]
        for submission_id in [world.queued(customer, product)["id"] for _ in range(2)]:
            customer.withdraw(submission_id)
            told = wait_for(partial(receiver.of, submission_id), lambda seen: len(seen) == 3)
            assert [event["sequence"] for event in told] == [1, 2, 3]
            assert [event["name"] for event in told] == ["received", "screened", "withdrawn"]
        assert receiver.forged == 0


def test_a_refused_delivery_is_tried_again_under_the_same_id(world: World) -> None:
    customer, product = world.customer(), world.product()
    with Receiver(refuse_first=1) as receiver:
        receiver.secret = customer.set_webhook(receiver.url)["secret"]
        case = world.queued(customer, product)
        told = wait_for(lambda: receiver.of(case["id"]), lambda seen: len(seen) == 2)
        assert receiver.calls == 3
    assert [event["id"] for event in told] == [item["id"] for item in customer.timeline(case["id"])["items"]]
    assert set(receiver.events) == {event["id"] for event in told}


def test_a_receiver_that_is_gone_is_not_called_again(world: World) -> None:
    customer, product = world.customer(), world.product()
    with Gone() as receiver:
        receiver.secret = customer.set_webhook(receiver.url)["secret"]
        case = world.queued(customer, product)
        wait_for(lambda: customer.account()["webhook"], lambda seen: bool(seen["is_disabled"]))
        calls = receiver.calls
        customer.withdraw(case["id"])
        assert names(customer.timeline(case["id"]))[-1] == "withdrawn"
        with Receiver() as other:
            other.secret = customer.set_webhook(other.url)["secret"]
            again = world.queued(customer, product)
            wait_for(lambda: other.of(again["id"]), lambda seen: len(seen) == 2)
        assert receiver.calls <= max(calls, 2), "only what was on its way already may have come"


def test_a_redirect_is_a_failure_and_leads_nowhere() -> None:
    with Receiver() as target, _redirecting_to(target.url) as url:
        sent = _send(url, allow_private=True)
        assert (sent.is_delivered, sent.is_gone, sent.told) == (False, False, "HTTP 302")
        assert target.calls == 0


def test_a_receiver_on_our_own_network_is_not_called() -> None:
    with Receiver() as receiver:
        receiver.secret = SECRET
        port = receiver.url.rsplit(":", 1)[1]
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"):
            sent = _send(f"http://{host}:{port}", allow_private=False)
            assert (sent.is_delivered, sent.told) == (False, "the address is not on the public internet")
        assert receiver.calls == 0
        assert _send(receiver.url, allow_private=True).is_delivered


@pytest.mark.parametrize(
    ("said", "waits"),
    [
        (b"7", timedelta(seconds=7)),
        (b"999999", timedelta(days=1)),
        ("\N{SUPERSCRIPT TWO}".encode(), None),
        (b"\xb2", None),
        (b"\xff", None),
        (b"9" * 5000, None),
        (b"-1", None),
        (b"", None),
        (b"Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_whatever_a_receiver_asks_for_a_delivery_ends_in_an_answer(said: bytes, waits: timedelta | None) -> None:
    head = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: " + said + b"\r\n\r\n"
    with _answering(head) as url:
        sent = _send(url, allow_private=True)
    assert (sent.is_delivered, sent.told, sent.retry_after) == (False, "HTTP 503", waits)


@pytest.mark.parametrize("network", NEVER_PUBLIC)
def test_the_ends_of_a_network_that_is_not_public_are_refused(network: str) -> None:
    found = IPv6Network(network) if ":" in network else IPv4Network(network)
    assert not is_public(str(found[0]))
    assert not is_public(str(found[-1]))


@given(st.data())
def test_an_inner_address_is_refused_in_every_disguise(data: st.DataObject) -> None:
    network = IPv4Network(data.draw(st.sampled_from(INSIDE)))
    inner = int(network[0]) + data.draw(st.integers(0, network.num_addresses - 1))
    disguises = {
        "plain": IPv4Address(inner),
        "mapped": IPv6Address((0xFFFF << 32) | inner),
        "compatible": IPv6Address(inner),
        "translated": IPv6Address((0xFFFF << 48) | inner),
        "NAT64": IPv6Address((0x64FF9B << 96) | inner),
        "6to4": IPv6Address((0x2002 << 112) | (inner << 80) | 1),
        "Teredo": IPv6Address((0x20010000 << 96) | (inner ^ 0xFFFFFFFF)),
    }
    assert [name for name, address in disguises.items() if is_public(str(address))] == []


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)


def _send(url: str, *, allow_private: bool) -> Delivery:
    async def send() -> Delivery:
        sender = WebhookSender(allow_private=allow_private, timeout=timedelta(seconds=5))
        try:
            return await sender.deliver(url, SECRET, "EV-1", '{"a": 1}', datetime.now(UTC))
        finally:
            await sender.close()

    return asyncio.run(send())


@contextmanager
def _answering(head: bytes) -> Iterator[str]:
    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.wfile.write(head)

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@contextmanager
def _redirecting_to(url: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(302)
            self.send_header("Location", url)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
