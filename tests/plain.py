"""Plain HTTP for tests of what is refused: uploads part by part, and a look at the whole problem document."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2

BOUNDARY = "a-boundary-of-the-tests"


def upload(
    http: httpx2.Client, fields: Mapping[str, Any], *files: tuple[str, bytes], **headers: str
) -> httpx2.Response:
    """Submit these files; a header's name is written with _ for -."""
    parts: list[Any] = [("submission", (None, json.dumps(fields).encode(), "application/json"))]
    parts += [("file", (name, content, "application/octet-stream")) for name, content in files]
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return http.post("/v1/submissions", files=parts, headers=sent)


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    """One part of a body written by hand, with its boundary before it."""
    named = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def post_parts(http: httpx2.Client, *parts: bytes, end: bytes = f"--{BOUNDARY}--\r\n".encode()) -> httpx2.Response:
    """Submit a body written by hand."""
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return http.post("/v1/submissions", content=b"".join(parts) + end, headers=headers)


def problem(answer: httpx2.Response, status: int, code: str, *says: str) -> dict[str, Any]:
    """The problem document, checked: its status, its code, its shape, and the words that the message has to have."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    document: dict[str, Any] = answer.json()
    assert document["code"] == code, document
    assert document["type"] == f"urn:sigreq:problem:{code}"
    assert document["status"] == status
    assert document["title"]
    for words in says:
        assert words in document["detail"], document["detail"]
    return document
