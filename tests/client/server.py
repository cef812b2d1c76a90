"""A real HTTP server whose answers a test writes down beforehand."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

PIECE = 1 << 16


@dataclass(frozen=True)
class Answer:
    """What to send back. `is_early` sends it before the request's body is read."""

    document: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    is_early: bool = False

    @property
    def body(self) -> bytes:
        """The bytes of the answer."""
        if self.content is not None:
            return self.content
        return b"" if self.document is None else json.dumps(self.document).encode()


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; `head` is the beginning of its body."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    head: bytes
    size: int

    @property
    def document(self) -> Any:
        """Its body as JSON."""
        return json.loads(self.head)


@dataclass
class Scripted:
    """Answers by `METHOD path`; the last one of a list stays. Whatever has no answer is 404."""

    url: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)

    def on(self, what: str, *answers: Answer) -> None:
        """Write down the answers to a request."""
        self.answers[what] = list(answers)

    def next_answer(self, what: str) -> Answer:
        """The answer that is due."""
        due = self.answers.get(what)
        if not due:
            return Answer({"status": 404, "code": "not_found", "detail": f"There is no {what}."}, 404)
        return due.pop(0) if len(due) > 1 else due[0]

    @property
    def asked(self) -> list[str]:
        """The requests in their order."""
        return [f"{each.method} {each.path}" for each in self.seen]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Scripted

    def _serve(self) -> None:
        url = urlsplit(self.path)
        answer = self.script.next_answer(f"{self.command} {url.path}")
        if answer.is_early:
            self._send(answer)
        head, size = self._receive()
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.script.seen.append(Seen(self.command, url.path, query, dict(self.headers), head, size))
        if not answer.is_early:
            self._send(answer)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 -- the names http.server looks for

    def _receive(self) -> tuple[bytes, int]:
        left = size = int(self.headers.get("Content-Length", 0))
        head = b""
        while left:
            piece = self.rfile.read(min(left, PIECE))
            left -= len(piece)
            head += piece if len(head) < PIECE else b""
        return head, size

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def running() -> Iterator[Scripted]:
    """A server on a free port, for the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {}))
    server.daemon_threads = True
    script = Scripted(f"http://127.0.0.1:{server.server_port}")
    setattr(server.RequestHandlerClass, "script", script)  # noqa: B010 -- the class was made for this server
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
