"""The sample store and the bundle store: S3, content addressed. boto3 does all but reading, which has to be quick."""

import asyncio
import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from obstore.exceptions import BaseError
from obstore.store import S3Store

from sigreq.domain.errors import ServiceUnavailable
from sigreq.settings import S3, Bucket

if TYPE_CHECKING:
    from obstore.store import S3Credential

log = structlog.get_logger()
Result = TypeVar("Result")
CHUNK = 1024 * 1024
CONNECT_SECONDS, READ_SECONDS = 2, 120
LONGEST_READ = timedelta(days=1)
CONNECTIONS = 32
# Of the small objects that are asked for together: more at once makes none of them come sooner.
READ_TOGETHER = 4


class BlobMissing(Exception):
    """The store answers, and does not have the object."""


def sample_key(organisation_id: str, sha256: str) -> str:
    """Where a sample lies: per organisation, so that nothing shows whether another one sent the same file."""
    return f"{organisation_id}/{sha256}"


def corpus_key(sha256: str) -> str:
    """Where a file of the clean corpus lies."""
    return f"corpus/{sha256}"


def ruleset_key(digest: str) -> str:
    """Where the rules of a version lie."""
    return f"rulesets/{digest}.json"


def repository_key(path: str) -> str:
    """Where a file of the bundle repository lies; all under one prefix, which a mirror copies as it is."""
    return f"repository/{path}"


def relief_key(path: str) -> str:
    """Where a bundle lies that is for one organisation alone: not under the prefix that mirrors copy."""
    return f"relief/{path}"


def bundle_key(sha256: str) -> str:
    """Where a bundle lies."""
    return f"bundles/{sha256}.tar"


class Blobs:
    """One bucket, through one client: a client is expensive to make and safe to share between threads."""

    def __init__(self, s3: S3, bucket: Bucket) -> None:
        self._bucket = bucket.name
        access_key, secret_key = bucket.access_key.get_secret_value(), bucket.secret_key.get_secret_value()
        self._what = f"the store of {bucket.name}"
        self._reader = _reader(s3, bucket)
        self._client = boto3.client(
            "s3",
            endpoint_url=s3.endpoint,
            region_name=s3.region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=Config(
                s3={"addressing_style": "path"},
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                max_pool_connections=CONNECTIONS,
                proxies={},
                retries={"total_max_attempts": 2, "mode": "standard"},
            ),
        )

    async def put_file(self, key: str, file: BinaryIO, sha256: str) -> None:
        """Store a seekable file; the store checks the SHA-256 itself. Raises ServiceUnavailable."""

        def put() -> None:
            file.seek(0)
            self._client.put_object(Bucket=self._bucket, Key=key, Body=file, ChecksumSHA256=_base64(sha256))

        await self._in_thread(put)

    async def put_bytes(self, key: str, content: bytes, sha256: str) -> None:
        """Store a small object; the store checks the SHA-256 itself. Raises ServiceUnavailable."""

        def put() -> None:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content, ChecksumSHA256=_base64(sha256))

        await self._in_thread(put)

    async def fetch(self, key: str, into: BinaryIO) -> str:
        """Write an object into a file, in constant memory; its SHA-256. Raises BlobMissing, ServiceUnavailable."""

        def get() -> str:
            found = hashlib.sha256()
            with self._reading():
                for chunk in self._reader.get(key).stream(min_chunk_size=CHUNK):
                    found.update(chunk)
                    into.write(chunk)
            into.flush()
            return found.hexdigest()

        return await asyncio.to_thread(get)

    async def fetch_small(self, keys: Mapping[str, str], at_most: int) -> list[bytes | None]:
        """Small objects whole, a few at once; `keys` gives the SHA-256 of each.

        None for each that is missing, is not what it should be, or has more than `at_most` bytes. Raises
        ServiceUnavailable.
        """
        wanted = list(keys.items())

        def get(share: list[tuple[str, str]]) -> list[bytes | None]:
            return [self._small(*each, at_most) for each in share]

        # Threads that wait cost half of what the event loop pays for each object that it awaits.
        shares = [wanted[at::READ_TOGETHER] for at in range(READ_TOGETHER)]
        found = await asyncio.gather(*(asyncio.to_thread(get, share) for share in shares if share))
        return [found[at % READ_TOGETHER][at // READ_TOGETHER] for at in range(len(wanted))]

    def _small(self, key: str, sha256: str, at_most: int) -> bytes | None:
        try:
            with self._reading():
                answer = self._reader.get(key)
                content = bytes(answer.bytes()) if answer.meta["size"] <= at_most else b""
        except BlobMissing:
            return None
        return content if hashlib.sha256(content).hexdigest() == sha256 else None

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise BlobMissing(str(error)) from error
        except BaseError as error:
            log.warning("store.not_read", bucket=self._bucket, error=type(error).__name__)
            raise ServiceUnavailable(self._what) from error
        except OSError as error:
            raise ServiceUnavailable(self._what) from error

    async def get_bytes(self, key: str) -> bytes:
        """A small object whole. Raises BlobMissing, ServiceUnavailable."""

        def get() -> bytes:
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

        return await self._in_thread(get)

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        """The bytes from `start` to before `end`, where the object has them. Raises BlobMissing, ServiceUnavailable."""

        def get() -> bytes:
            asked = f"bytes={start}-{end - 1}"
            body = self._client.get_object(Bucket=self._bucket, Key=key, Range=asked)["Body"]
            return body.read(end - start)  # a store that knows no ranges begins at the first byte, and is not read on

        return await self._in_thread(get)

    async def keys(self, prefix: str) -> list[str]:
        """The keys of all objects under a prefix. Raises ServiceUnavailable."""

        def listed() -> list[str]:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return [each["Key"] for page in pages for each in page.get("Contents", []) if each["Size"]]

        return await self._in_thread(listed)

    async def remove(self, key: str) -> None:
        """Remove an object; one that is not there is no error. Raises ServiceUnavailable."""

        def delete() -> None:
            self._client.delete_object(Bucket=self._bucket, Key=key)

        await self._in_thread(delete)

    async def ping(self) -> None:
        """Ask the store for the bucket. Raises ServiceUnavailable."""

        def head() -> None:
            self._client.list_objects_v2(Bucket=self._bucket, MaxKeys=1)

        await self._in_thread(head)

    async def _in_thread(self, call: Callable[[], Result]) -> Result:
        try:
            return await asyncio.to_thread(call)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code in {"NoSuchKey", "404"}:
                raise BlobMissing(str(error)) from error
            log.warning("store.refused", bucket=self._bucket, code=code)
            raise ServiceUnavailable(self._what) from error
        except (BotoCoreError, OSError) as error:
            raise ServiceUnavailable(self._what) from error


def _reader(s3: S3, bucket: Bucket) -> S3Store:
    """What reads, at a third of the cost: with these credentials and no proxy, whatever the environment says."""
    credentials: S3Credential = {
        "access_key_id": bucket.access_key.get_secret_value(),
        "secret_access_key": bucket.secret_key.get_secret_value(),
        "token": None,
        "expires_at": None,
    }
    return S3Store(
        bucket.name,
        endpoint=s3.endpoint,
        region=s3.region,
        virtual_hosted_style_request=False,
        skip_signature=False,
        s3_express=False,
        credential_provider=lambda: credentials,
        client_options={
            "allow_http": True,
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            "read_timeout": timedelta(seconds=READ_SECONDS),
            "timeout": LONGEST_READ,
            "pool_max_idle_per_host": str(CONNECTIONS),
            # The one way to say that there is none.
            "proxy_url": s3.endpoint,
            "proxy_excludes": "*",
        },
        retry_config={"max_retries": 1},
    )


def _base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()
