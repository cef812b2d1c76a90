"""Uploads sent bit by bit, and what an upload leaves behind in the service while it lasts."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from sigreq.embedded.service import Service
from tests.plain import BOUNDARY, part

END = f"--{BOUNDARY}--\r\n".encode()


def opening(fields: Mapping[str, Any], name: str) -> bytes:
    """The first bytes of an upload: the whole JSON part, and the head of one file."""
    return part("submission", json.dumps(fields).encode()) + part("file", b"", name).removesuffix(b"\r\n")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    content_type: str
    document: dict[str, Any]


class SlowUpload:
    """A connection on which one upload is on its way. Without a length it is sent in chunks."""

    def __init__(self, url: str, key: str, length: int | None = None) -> None:
        self._is_chunked = length is None
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._connection.putrequest("POST", "/v1/submissions")
        self._connection.putheader("Authorization", f"Bearer {key}")
        self._connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
        coded = ("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length))
        self._connection.putheader(*coded)
        self._connection.endheaders()

    def send(self, content: bytes) -> None:
        """The next bytes of the body."""
        self._connection.send(b"%x\r\n%s\r\n" % (len(content), content) if self._is_chunked else content)

    def end(self) -> None:
        """The last bytes of the body."""
        self.send(b"\r\n" + END)
        if self._is_chunked:
            self._connection.send(b"0\r\n\r\n")

    def answer(self) -> Answer:
        """Wait for the answer, whether all was sent or not."""
        response = self._connection.getresponse()
        return Answer(response.status, response.getheader("Content-Type", ""), json.loads(response.read()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()


def spooled(service: Service) -> int:
    """How many files the API holds open in its spool; they have no name, so its open files tell."""
    targets = []
    for link in Path(f"/proc/{service.pid('api')}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed between the two looks
            targets.append(str(link.readlink()))
    return sum("/spool/" in target for target in targets)


def stored(service: Service, organisation: str) -> list[str]:
    """The keys of an organisation's objects in the sample store."""
    env = service.env
    s3 = boto3.client(
        "s3",
        endpoint_url=env["SIGREQ_S3__ENDPOINT"],
        region_name="us-east-1",
        aws_access_key_id=env["SIGREQ_S3__SAMPLES__ACCESS_KEY"],
        aws_secret_access_key=env["SIGREQ_S3__SAMPLES__SECRET_KEY"],
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )
    try:
        found = s3.list_objects_v2(Bucket=env["SIGREQ_S3__SAMPLES__NAME"], Prefix=f"{organisation}/")
        return [each["Key"] for each in found.get("Contents", [])]
    finally:
        s3.close()
