"""Readers who follow a feed to its end, and a line between them and the server that breaks all the time."""

import random
import socket
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import urlsplit

from sigreq.embedded.service import Service
from sigreq_client import Client, Follow
from tests.database import rows
from tests.feed import Stream

END = "the end"
PIECE = 1 << 16


class Reader:
    """Follows a stream until the entry called END. `dies_after` ends it after so many events, to begin again."""

    def __init__(self, url: str, key: str, stream: Stream, cursor: Path, dies_after: int | None = None) -> None:
        self._url, self._key, self._cursor, self._dies_after = url, key, cursor, dies_after
        self._what = Follow(stream.product, wait=20, limit=50)
        self.seen: list[int] = []
        self.lives = 0

    def run(self) -> None:
        """Read to the end."""
        while not self._live():
            pass

    def _live(self) -> bool:
        """One life; True when the end was read. What a life was told last it has not dealt with."""
        self.lives += 1
        with Client(self._url, self._key, timeout=20) as client:
            for event in islice(client.follow(self._what, self._cursor), self._dies_after):
                self.seen.append(event["number"])
                if event["change"]["name"] == END:
                    return True
        return False

    @property
    def without_repetitions(self) -> list[int]:
        """What was seen, each the first time."""
        return list(dict.fromkeys(self.seen))


def told(service: Service, stream: Stream) -> list[int]:
    """The numbers of the stream's entries, as the database has them."""
    found = rows(service, "SELECT number FROM feed_entry WHERE product_id = :it ORDER BY number", it=stream.product)
    return [number for (number,) in found]


class BadLine(socketserver.ThreadingTCPServer):
    """Passes bytes on, and cuts each connection after some of the server's, most often in the middle of a body."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, url: str, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        parts = urlsplit(url)
        self.upstream = (parts.hostname or "", parts.port or 0)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.cuts = 0
        self._random, self._lock = random.Random(seed), Lock()  # noqa: S311 - lengths

    def length(self) -> int:
        """How many bytes the next connection brings: at least the head of an answer and an entry."""
        with self._lock:
            return self._random.randint(800, 8000)

    def count(self) -> None:
        """One more was cut."""
        with self._lock:
            self.cuts += 1


class _Connection(socketserver.BaseRequestHandler):
    server: BadLine

    def handle(self) -> None:
        left = self.server.length()
        with suppress(OSError), socket.create_connection(self.server.upstream) as upstream:
            Thread(target=_pass_on, args=(self.request, upstream), daemon=True).start()
            while left and (piece := upstream.recv(min(left, PIECE))):
                self.request.sendall(piece)
                left -= len(piece)
            if not left:
                self.server.count()
        with suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(PIECE):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def bad_line(url: str, seed: int = 7) -> Iterator[BadLine]:
    """Such a line to this address, for the block."""
    with BadLine(url, seed) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
