"""Signed webhooks (Standard Webhooks) to addresses that customers choose, without a way into our own network."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import anyio
import httpcore2
from standardwebhooks import Webhook

# Delay before each further try, as the Standard Webhooks page suggests; after the last one we give up.
RETRIES = tuple(timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
# `is_global` alone lets multicast, 6to4 and its relays, Teredo, site-local, NAT64 and other ways to write an IPv4
# address through, each of which can lead back inside. Of IPv6 only 2000::/3 was ever given out for the internet.
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
FORBIDDEN = tuple(
    ipaddress.ip_network(net) for net in ("224.0.0.0/4", "192.88.99.0/24", "2001::/32", "2002::/16", "3fff::/20")
)


LONGEST_WAIT = timedelta(days=1)
WAIT_DIGITS = 6
SUCCESS = 2  # the first digit of the status


class AddressForbidden(Exception):
    """The webhook's host is, or resolves to, an address that is not on the public internet."""


@dataclass(frozen=True)
class Delivery:
    """What the receiver made of it. `is_gone`: it asked never to be called again (410)."""

    is_delivered: bool
    is_gone: bool
    told: str
    retry_after: timedelta | None = None


def is_public(address: str) -> bool:
    """Whether an address lies on the public internet."""
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip not in GLOBAL_UNICAST:
            return False
    return ip.is_global and not any(ip in net for net in FORBIDDEN if net.version == ip.version)


def is_private_literal(host: str) -> bool:
    """Whether a host is written as an address, or as a name, that can never be on the public internet."""
    try:
        return not is_public(host.strip("[]"))
    except ValueError:
        return host.rstrip(".").lower() == "localhost"


class _Guarded(httpcore2.AsyncNetworkBackend):
    """Resolves once, judges every address, and dials the very address it judged."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to a judged address of the host. Raises AddressForbidden."""
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        if not self._allow_private and not all(is_public(address) for address in addresses):
            raise AddressForbidden(host)
        return await self._backend.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait between the pool's own retries."""
        await self._backend.sleep(seconds)


class WebhookSender:
    """One connection pool for all deliveries: no redirects, no proxy from the environment, judged addresses only."""

    def __init__(self, *, allow_private: bool, timeout: timedelta) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            network_backend=_Guarded(allow_private=allow_private), max_connections=50
        )
        self._timeout = timeout.total_seconds()

    async def deliver(self, url: str, secret: str, message_id: str, body: str, at: datetime) -> Delivery:
        """Send once. Every outcome is an answer; only 2xx is delivered. The receiver's body is not read."""
        headers: dict[bytes | str, bytes | str] = {
            "content-type": "application/json",
            "content-length": str(len(body.encode())),
            "user-agent": "sigreq-webhooks",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(message_id, at, body),
        }
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._pool.stream("POST", url, headers=headers, content=body.encode()) as answer,
            ):
                return _judge(answer)
        except AddressForbidden:
            return Delivery(is_delivered=False, is_gone=False, told="the address is not on the public internet")
        except (
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            httpcore2.TimeoutException,
            OSError,
            TimeoutError,
        ) as error:
            return Delivery(is_delivered=False, is_gone=False, told=type(error).__name__)

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.aclose()


def _judge(answer: httpcore2.Response) -> Delivery:
    wait = next((value.decode("latin-1") for name, value in answer.headers if name.lower() == b"retry-after"), "")
    return Delivery(
        is_delivered=answer.status // 100 == SUCCESS,
        is_gone=answer.status == HTTPStatus.GONE,
        told=f"HTTP {answer.status}",
        retry_after=_waits(wait),
    )


def _waits(said: str) -> timedelta | None:
    """How long a receiver asks us to wait. Whatever else it writes there is nothing to us, a date too."""
    if not (said.isascii() and said.isdigit() and len(said) <= WAIT_DIGITS):
        return None
    return min(timedelta(seconds=int(said)), LONGEST_WAIT)
