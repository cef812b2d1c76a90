"""Reading objects from an S3 store with little processor time, which is what bounds small samples a second.

boto3's `get_object` takes twenty times as much for a small object, urllib3 and botocore's signer ten times. Everything
but reading is boto3's.
"""

import hashlib
import hmac
import socket
import ssl
import time
import weakref
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import quote, urlsplit

import httptools

from sigreq.settings import S3, Bucket

CONNECT_SECONDS, READ_SECONDS = 2, 120
_RECEIVED_AT_ONCE = 256 << 10
# Of what nobody else asks for: more threads than that are rare, and a connection is soon made.
_KEPT = 32
_NOTHING = hashlib.sha256().hexdigest()
_SIGNED = "host;x-amz-content-sha256;x-amz-date"

Take = Callable[[bytes], object]


class RefusedError(Exception):
    """The store answered with another status than 200."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Signer:
    """AWS Signature Version 4 of GET requests without a query, as the AWS General Reference describes it."""

    def __init__(self, s3: S3, bucket: Bucket) -> None:
        self._access_key = bucket.access_key.get_secret_value()
        self._secret_key = bucket.secret_key.get_secret_value()
        self._region = s3.region
        # Both at once: threads share it.
        self._day_and_key = ("", b"")

    def headers(self, host: str, path: str, moment: time.struct_time) -> dict[str, str]:
        """The headers to ask for `path`, which is quoted already, at a moment in UTC."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", moment)
        day = stamp[:8]
        kept_day, key = self._day_and_key
        if kept_day != day:
            key = self._key_of(day)
            self._day_and_key = (day, key)
        asked = (
            f"GET\n{path}\n\nhost:{host}\nx-amz-content-sha256:{_NOTHING}\nx-amz-date:{stamp}\n\n{_SIGNED}\n{_NOTHING}"
        )
        scope = f"{day}/{self._region}/s3/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        credential = f"Credential={self._access_key}/{scope}, SignedHeaders={_SIGNED}, Signature={signature}"
        return {
            "Host": host,
            "X-Amz-Date": stamp,
            "X-Amz-Content-SHA256": _NOTHING,
            "Authorization": f"AWS4-HMAC-SHA256 {credential}",
        }

    def _key_of(self, day: str) -> bytes:
        key = f"AWS4{self._secret_key}".encode()
        for part in (day, self._region, "s3", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return key


class Objects:
    """The objects of one bucket, over connections that are kept. Safe to share between threads."""

    def __init__(self, s3: S3, bucket: Bucket) -> None:
        address = urlsplit(s3.endpoint.rstrip("/"))
        self._is_secure = address.scheme == "https"
        self._name = address.hostname or ""
        self._port = address.port or (443 if self._is_secure else 80)
        self._host = address.netloc.rpartition("@")[2]
        self._path = f"{address.path}/{bucket.name}/"
        self._signer = Signer(s3, bucket)
        self._kept: deque[socket.socket] = deque()
        weakref.finalize(self, _close, self._kept)

    def read(self, key: str, take: Take) -> None:
        """Hand an object over piece by piece. Raises RefusedError, and OSError also when it breaks off."""
        path = self._path + quote(key)
        headers = self._signer.headers(self._host, path, time.gmtime())
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()
        answer = _Answer(take)
        connection = self._kept_one()
        if connection is not None:
            try:
                return self._exchange(connection, request, answer)
            except OSError:
                # The store may close what nobody used for a while; nothing was taken of an answer that never began.
                if answer.has_begun:
                    raise
        return self._exchange(self._connected(), request, answer)

    def _exchange(self, connection: socket.socket, request: bytes, answer: "_Answer") -> None:
        try:
            connection.sendall(request)
            buffer = memoryview(bytearray(_RECEIVED_AT_ONCE))
            while not answer.is_whole:
                answer.feed(buffer[: connection.recv_into(buffer)])
        except BaseException:
            connection.close()
            raise
        if answer.keeps_connection and len(self._kept) < _KEPT:
            self._kept.append(connection)
        else:
            connection.close()
        if answer.status != HTTPStatus.OK:
            raise RefusedError(answer.status)

    def _kept_one(self) -> socket.socket | None:
        try:
            return self._kept.pop()
        except IndexError:
            return None

    def _connected(self) -> socket.socket:
        connection = socket.create_connection((self._name, self._port), CONNECT_SECONDS)
        connection.settimeout(READ_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._is_secure:
            return connection
        return ssl.create_default_context().wrap_socket(connection, server_hostname=self._name)


def _close(connections: deque[socket.socket]) -> None:
    for connection in connections:
        connection.close()


class _Answer:
    """One answer on its way in."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._parser = httptools.HttpResponseParser(self)
        self.status = 0
        self.has_begun = self.is_whole = self.keeps_connection = False

    def feed(self, received: memoryview) -> None:
        """Raise OSError when the answer breaks off or is none."""
        if not received:
            raise ConnectionResetError("the answer broke off")
        self.has_begun = True
        try:
            self._parser.feed_data(received)
        except httptools.HttpParserError as error:
            raise OSError(f"no answer in HTTP: {error}") from error

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        if self.status == HTTPStatus.OK:
            self._take(body)

    def on_message_complete(self) -> None:
        self.keeps_connection = self._parser.should_keep_alive()
        self.is_whole = True
