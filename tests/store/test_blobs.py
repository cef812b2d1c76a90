"""Reading from the store: what is asked for and nothing else, whatever the environment says."""

import asyncio
from hashlib import sha256
from io import BytesIO

import pytest

from sigreq.blobs import BlobMissing, Blobs
from sigreq.domain.errors import ServiceUnavailable
from sigreq.embedded.stack import Addresses
from sigreq.settings import S3
from tests.trust.support import stores

SOMEBODY_ELSES = {
    "AWS_SESSION_TOKEN": "nonsense",
    "AWS_SKIP_SIGNATURE": "true",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
}


def blobs_of(s3: S3) -> Blobs:
    return Blobs(s3, s3.samples)


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def test_what_is_read_is_whole_and_what_it_should_be(addresses: Addresses, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SOMEBODY_ELSES.items():
        monkeypatch.setenv(name, value)
    blobs = blobs_of(stores(addresses))
    small, large, odd = b"small", bytes(range(256)) * 12_345, "odd/100% of+a b"

    async def read() -> None:
        for key, content in {"of/small": small, "of/large": large, odd: small}.items():
            await blobs.put_bytes(key, content, digest(content))
        wanted = {
            "of/large": digest(large),
            "of/none": digest(small),
            odd: digest(small),
            "of/small": digest(large),
        }
        assert await blobs.fetch_small(wanted, len(large)) == [large, None, small, None]
        assert await blobs.fetch_small(wanted, len(large) - 1) == [None, None, small, None]
        into = BytesIO()
        assert await blobs.fetch("of/large", into) == digest(large)
        assert into.getvalue() == large
        with pytest.raises(BlobMissing):
            await blobs.fetch("of/none", BytesIO())

    asyncio.run(read())


def test_a_store_that_refuses_or_is_not_there_is_unavailable(addresses: Addresses) -> None:
    s3 = stores(addresses)
    strange = s3.model_copy(update={"samples": s3.bundles.model_copy(update={"name": s3.samples.name})})
    away = s3.model_copy(update={"endpoint": "http://127.0.0.1:9"})

    async def read(blobs: Blobs) -> None:
        with pytest.raises(ServiceUnavailable):
            await blobs.fetch("of/any", BytesIO())
        with pytest.raises(ServiceUnavailable):
            await blobs.fetch_small({"of/any": digest(b"")}, 1)

    for each in (strange, away):
        asyncio.run(read(blobs_of(each)))
