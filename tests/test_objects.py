"""Objects are read from the store as they lie there, or not at all."""

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Thread
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from sigreq.objects import Objects, RefusedError, Signer
from sigreq.settings import S3, Bucket

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole"
KEY = "organisation/0123"

Act = Callable[[socket.socket], None]


def settings(port: int = 1) -> tuple[S3, Bucket]:
    bucket = Bucket(name="samples", access_key="who", secret_key="secret")
    return S3(endpoint=f"http://127.0.0.1:{port}", samples=bucket, bundles=bucket), bucket


@contextmanager
def store(*connections: Sequence[bytes]) -> Iterator[tuple[Objects, list[bytes]]]:
    """A store that gives these answers on each connection, one after the other, and then closes it."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for answers in connections:
                with listener.accept()[0] as connection:
                    for answer in answers:
                        asked.append(connection.recv(1 << 16))
                        connection.sendall(answer)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield Objects(*settings(listener.getsockname()[1])), asked
        thread.join(10)


def read(objects: Objects) -> bytes:
    pieces: list[bytes] = []
    objects.read(KEY, pieces.append)
    return b"".join(pieces)


@given(st.text(min_size=1), st.integers(0, 1 << 32))
def test_a_request_is_signed_as_the_sdk_signs_it(key: str, at: int) -> None:
    path, moment = "/samples/" + quote(key), time.gmtime(at)
    own = Signer(*settings()).headers("store:8333", path, moment)
    said = {name: own[name] for name in ("X-Amz-Date", "X-Amz-Content-SHA256")}
    asked = AWSRequest("GET", f"http://store:8333{path}", headers=said)
    asked.context["timestamp"] = own["X-Amz-Date"]
    signer = S3SigV4Auth(Credentials("who", "secret"), "s3", settings()[0].region)
    signature = signer.signature(signer.string_to_sign(asked, signer.canonical_request(asked)), asked)
    assert own["Authorization"].endswith(f"Signature={signature}")


def test_a_connection_is_used_again_and_a_new_one_when_it_was_closed() -> None:
    with store([WHOLE, WHOLE], [WHOLE]) as (objects, asked):
        assert [read(objects) for _ in range(3)] == [b"whole"] * 3
        assert len(asked) == 3


def test_content_without_a_length_is_read_to_its_end() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    with store([chunked, WHOLE]) as (objects, _):
        assert (read(objects), read(objects)) == (b"abc", b"whole")


@pytest.mark.parametrize("status", [403, 404, 503])
def test_another_status_is_told_and_its_body_is_no_content(status: int) -> None:
    answer = f"HTTP/1.1 {status} Why\r\nContent-Length: 3\r\n\r\nwhy".encode()
    taken: list[bytes] = []
    with store([answer, WHOLE]) as (objects, _):
        with pytest.raises(RefusedError, match=str(status)):
            objects.read(KEY, taken.append)
        assert taken == []
        assert read(objects) == b"whole"


@pytest.mark.parametrize("broken", [b"", WHOLE[:-1], b"HTTP/1.1 200 OK\r\nContent-Le", b"nonsense\r\n\r\n"])
def test_an_answer_that_breaks_off_is_none(broken: bytes) -> None:
    with store([broken]) as (objects, _), pytest.raises(OSError, match=r".+"):
        read(objects)
