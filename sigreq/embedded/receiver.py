"""A webhook receiver as a customer would write one: checks each signature, keeps each event once."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from standardwebhooks import Webhook, WebhookVerificationError


class Receiver:
    """Listens on a free port of 127.0.0.1. The first `refuse_first` deliveries are answered with 503."""

    def __init__(self, *, refuse_first: int = 0) -> None:
        self.secret = ""
        self.events: dict[str, dict[str, Any]] = {}
        self.calls = 0
        self.forged = 0
        self._refusals = refuse_first
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def of(self, submission_id: str) -> list[dict[str, Any]]:
        """The events of one submission in their own order, whatever order they came in."""
        mine = [each["data"] for each in self.events.values() if each["data"].get("submission_id") == submission_id]
        return sorted(mine, key=lambda data: int(data["sequence"]))

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        """Judge one delivery; the HTTP status."""
        self.calls += 1
        if self.calls <= self._refusals:
            return 503
        try:
            event: dict[str, Any] = Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError:
            self.forged += 1
            return 401
        self.events[headers["webhook-id"]] = event
        return 204

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(receiver.take(body, headers))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
