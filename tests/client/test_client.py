"""Both clients against a real HTTP server."""

import asyncio
import io
import json
import socket
import ssl
import tracemalloc
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from sigreq_client import ApiError, ApiUnreachable, AsyncClient, Client
from sigreq_client.certificates import trusted_at
from sigreq_client.operations import Operations
from tests.client.server import Answer, Scripted

Use = Callable[[Operations[Any]], Any]
BOTH = pytest.mark.parametrize("is_async", [False, True], ids=["blocking", "asyncio"])
BUSY = Answer({"status": 503, "code": "service_unavailable", "detail": "Later."}, 503, {"Retry-After": "0"})
MEBIBYTE = 1 << 20


def call(url: str, use: Use, *, is_async: bool) -> Any:
    """Carry out one operation with either client."""
    if not is_async:
        with Client(url, "sgrq_live_test") as client:
            return use(client)

    async def run() -> Any:
        async with AsyncClient(url, "sgrq_live_test") as client:
            return await use(client)

    return asyncio.run(run())


@BOTH
def test_the_claim_is_sent_before_the_files(server: Scripted, tmp_path: Path, *, is_async: bool) -> None:
    server.on("POST /v1/submissions", Answer({"id": "SR-1"}, 202))
    on_disk = tmp_path / "über.exe"
    on_disk.write_bytes(b"MZ first")
    files: list[Path | tuple[str, io.BytesIO]] = [on_disk, ("second.html", io.BytesIO(b"second"))]

    answer = call(server.url, lambda api: api.submit({"kind": "false_positive"}, files, "key-1"), is_async=is_async)

    [seen] = server.seen
    message = message_from_bytes(f"Content-Type: {seen.headers['Content-Type']}\r\n\r\n".encode() + seen.head)
    parts = [part for part in message.walk() if not part.is_multipart()]
    names = [part.get_param("name", header="content-disposition") for part in parts]
    assert answer == {"id": "SR-1"}
    assert names == ["submission", "file", "file"]
    assert [part.get_content_type() for part in parts] == ["application/json", *["application/octet-stream"] * 2]
    assert json.loads(seen.head.split(b"\r\n\r\n")[1].split(b"\r\n")[0]) == {"kind": "false_positive"}
    assert [part.get_payload(decode=True) for part in parts[1:]] == [b"MZ first", b"second"]
    assert 'filename="über.exe"'.encode() in seen.head
    assert seen.headers["Idempotency-Key"] == "key-1"
    assert seen.headers["Authorization"] == "Bearer sgrq_live_test"


@BOTH
def test_a_large_file_is_sent_in_little_memory_and_with_its_progress(
    server: Scripted, tmp_path: Path, *, is_async: bool
) -> None:
    server.on("POST /v1/submissions", Answer({"id": "SR-1"}, 202))
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(64 * MEBIBYTE)
    steps: list[tuple[int, int]] = []
    tracemalloc.start()
    call(
        server.url,
        lambda api: api.submit({}, [large], on_progress=lambda *step: steps.append(step)),
        is_async=is_async,
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    sent = [step[0] for step in steps]
    assert peak < 16 * MEBIBYTE
    assert sent == sorted(sent)
    assert steps[-1] == (server.seen[0].size, server.seen[0].size)
    assert server.seen[0].size > 64 * MEBIBYTE


@BOTH
def test_a_refusal_that_comes_while_the_file_is_still_being_sent_arrives(
    server: Scripted, tmp_path: Path, *, is_async: bool
) -> None:
    problem = {"status": 422, "code": "database_outdated", "detail": "Update.", "latest": "20261122.002"}
    server.on("POST /v1/submissions", Answer(problem, 422, is_early=True))
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(16 * MEBIBYTE)

    with pytest.raises(ApiError) as caught:
        call(server.url, lambda api: api.submit({}, [large]), is_async=is_async)
    assert (caught.value.status, caught.value.code, caught.value.detail) == (422, "database_outdated", "Update.")
    assert caught.value.data == {"latest": "20261122.002"}


@BOTH
def test_an_answer_to_ask_again_soon_is_followed(server: Scripted, *, is_async: bool) -> None:
    server.on("GET /v1/account", BUSY, BUSY, Answer({"person": "Ada"}))
    assert call(server.url, lambda api: api.account(), is_async=is_async) == {"person": "Ada"}
    assert len(server.seen) == 3


@BOTH
def test_a_repeated_submission_carries_the_whole_file_again(server: Scripted, *, is_async: bool) -> None:
    server.on("POST /v1/submissions", BUSY, Answer({"id": "SR-1"}, 202))
    files = [("a.bin", io.BytesIO(b"x" * 1000))]
    call(server.url, lambda api: api.submit({}, files, "key-1"), is_async=is_async)
    first, second = server.seen
    assert first.size == second.size > 1000
    assert b"x" * 1000 in second.head


@pytest.mark.parametrize("answer", [BUSY, Answer(BUSY.document, 503, {"Retry-After": "3600"}), Answer({}, 500)])
def test_a_write_that_could_happen_twice_is_never_repeated(server: Scripted, answer: Answer) -> None:
    server.on("POST /v1/queue/take", answer, Answer({"id": "SR-1"}))
    with Client(server.url) as client, pytest.raises(ApiError):
        client.take()
    assert len(server.seen) == 1


def test_a_long_pause_is_left_to_the_caller(server: Scripted) -> None:
    server.on("GET /v1/account", Answer(BUSY.document, 503, {"Retry-After": "3600"}), Answer({}))
    with Client(server.url) as client, pytest.raises(ApiError):
        client.account()
    assert len(server.seen) == 1


@BOTH
def test_nobody_listening_is_said_clearly(*, is_async: bool) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(ApiUnreachable, match=f"Nothing answers at {url}") as caught:
        call(url, lambda api: api.account(), is_async=is_async)
    assert not caught.value.is_undecided


@BOTH
def test_a_connection_that_breaks_leaves_open_what_happened(*, is_async: bool) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def attempt() -> None:
        broken = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{broken.sockets[0].getsockname()[1]}"
        async with broken:
            await asyncio.to_thread(call, url, lambda api: api.take(), is_async=is_async)

    with pytest.raises(ApiUnreachable, match="may have been carried out") as caught:
        asyncio.run(attempt())
    assert caught.value.is_undecided


def test_writes_name_the_revision_they_were_decided_on(server: Scripted) -> None:
    server.on("POST /v1/submissions/SR-1/determine", Answer({"id": "SR-1"}))
    with Client(server.url) as client:
        client.determine("SR-1", 7, "correct_detection", "malware", "It is what we say.")
    assert server.seen[0].headers["If-Match"] == '"7"'
    assert server.seen[0].document == {
        "determination": "correct_detection",
        "final_verdict": "malware",
        "message": "It is what we say.",
    }


def test_what_was_not_given_is_not_sent(server: Scripted) -> None:
    server.on("POST /v1/submissions/SR-1/withdraw", Answer({}))
    server.on("GET /v1/submissions", Answer({"items": [], "next_cursor": None}))
    with Client(server.url) as client:
        client.withdraw("SR-1")
        client.submissions(limit=5)
    assert server.seen[0].document == {}
    assert server.seen[1].query == {"limit": "5"}


def test_an_empty_queue_is_none(server: Scripted) -> None:
    server.on("POST /v1/queue/take", Answer(None, 204))
    with Client(server.url) as client:
        assert client.take() is None


def test_a_version_with_signs_in_it_stays_one_part_of_the_address(server: Scripted) -> None:
    server.on("GET /v1/releases/av/2023-11-10%20rev.%2F16/ruleset", Answer({"rules": {}, "allowed": []}))
    with Client(server.url) as client:
        assert client.ruleset("av", "2023-11-10 rev./16") == {"rules": {}, "allowed": []}


def test_an_answer_that_is_not_ours_becomes_an_error_too(server: Scripted) -> None:
    server.on("GET /v1/account", Answer(status=502, content=b"<html>bad gateway</html>"))
    with Client(server.url) as client, pytest.raises(ApiError) as caught:
        client.account()
    assert caught.value.code == "http_502"


@BOTH
def test_a_sample_is_written_into_the_file_given(server: Scripted, *, is_async: bool) -> None:
    server.on("GET /v1/submissions/SR-1/samples/aa", Answer(content=b"PK" * 50_000))
    into = io.BytesIO()
    call(server.url, lambda api: api.download_sample("SR-1", "aa", "to look", into), is_async=is_async)
    assert into.getvalue() == b"PK" * 50_000
    assert server.seen[0].query == {"reason": "to look"}


def test_a_refused_sample_leaves_the_file_empty(server: Scripted) -> None:
    into = io.BytesIO()
    with Client(server.url) as client, pytest.raises(ApiError):
        client.download_sample("SR-1", "aa", "to look", into)
    assert into.getvalue() == b""


def test_a_server_has_to_show_a_certificate_that_is_trusted_and_where_none_is_shown_nobody_is() -> None:
    secure, plain = trusted_at("https://sigreq.example"), trusted_at("http://127.0.0.1:8080")
    for context in (secure, plain):
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert trusted_at("https://another.example") is secure, "what takes long to read is read once"
    assert plain.get_ca_certs() == []
