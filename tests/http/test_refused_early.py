"""A refusal comes before the bytes, reaches every client, and leaves nothing behind."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sigreq.embedded.service import Service
from tests.database import one, open_transactions
from tests.wire import SlowUpload, opening, spooled, stored
from tests.world import MARKER, World, wait_for

HUGE = 200 * 1024**2


@dataclass(frozen=True)
class Outdated:
    """A customer whose database is outdated."""

    organisation: str
    key: str
    fields: dict[str, Any]


@pytest.fixture
def outdated(world: World, service: Service) -> Iterator[Outdated]:
    organisation, product = world.organisation(), world.product()
    world.publish(product, "20261122.2", ago=timedelta(hours=5))
    made = Outdated(organisation, world.key("customer", organisation), world.fields(product))
    yield made
    nothing_is_left(service, made.organisation)


@pytest.fixture
def huge(tmp_path: Path) -> Path:
    """200 MB that take no space."""
    path = tmp_path / "huge.bin"
    with path.open("wb") as file:
        file.truncate(HUGE)
    return path


def nothing_is_left(service: Service, organisation: str) -> None:
    wait_for(lambda: (spooled(service), open_transactions(service)), lambda left: left == (0, 0))
    assert stored(service, organisation) == []
    rows = "SELECT count(*) FROM {} WHERE organisation_id = :it"
    assert [one(service, rows.format(table), it=organisation) for table in ("submission", "sample")] == [0, 0]


def test_the_refusal_comes_while_the_file_is_still_to_be_sent(service: Service, outdated: Outdated) -> None:
    with SlowUpload(service.url, outdated.key, HUGE) as upload:
        upload.send(opening(outdated.fields, "huge.bin") + MARKER)
        answer = upload.answer()
        assert (answer.status, answer.content_type) == (422, "application/problem+json")
        assert answer.document["code"] == "database_outdated"
        nothing_is_left(service, outdated.organisation)


def test_the_refusal_does_not_even_wait_for_the_head_of_the_file(service: Service, outdated: Outdated) -> None:
    fields = opening(outdated.fields, "huge.bin")
    with SlowUpload(service.url, outdated.key, HUGE) as upload:
        upload.send(fields[: fields.index(b'name="file"')])
        assert upload.answer().document["code"] == "database_outdated"


def test_an_upload_that_is_accepted_so_far_holds_a_file_but_no_transaction(world: World, service: Service) -> None:
    organisation = world.organisation()
    with SlowUpload(service.url, world.key("customer", organisation), HUGE) as upload:
        upload.send(opening(world.fields(world.product()), "huge.bin") + MARKER)
        wait_for(lambda: spooled(service), lambda count: count == 1)
        wait_for(lambda: open_transactions(service), lambda count: count == 0)
    nothing_is_left(service, organisation)


@pytest.mark.parametrize("length", [HUGE, None])
def test_of_an_upload_that_breaks_off_nothing_is_left(world: World, service: Service, length: int | None) -> None:
    organisation, product = world.organisation(), world.product()
    key = world.key("customer", organisation)
    with SlowUpload(service.url, key, length) as upload:
        upload.send(opening(world.fields(product), "huge.bin"))
        for _ in range(50):
            upload.send(MARKER * 1000)
        wait_for(lambda: spooled(service), lambda count: count == 1)
    nothing_is_left(service, organisation)
    assert world.submit(world.client(key), product)["state"] == "received"


def test_curl_is_told_of_the_refusal(service: Service, outdated: Outdated, huge: Path) -> None:
    told = [
        "curl", "--silent", "--noproxy", "*", "--max-time", "60", "--write-out", "\n%{http_code}",
        "--header", f"Authorization: Bearer {outdated.key}",
        "--form", f"submission={json.dumps(outdated.fields)};type=application/json",
        "--form", f"file=@{huge}", f"{service.url}/v1/submissions",
    ]  # fmt: skip
    for _ in range(3):
        done = subprocess.run(told, capture_output=True, text=True, check=True)
        document, _, status = done.stdout.rpartition("\n")
        assert (status, json.loads(document)["code"]) == ("422", "database_outdated")


def test_httpx2_is_told_of_the_refusal(service: Service, outdated: Outdated, huge: Path) -> None:
    with httpx2.Client(**_options(service, outdated)) as http:
        for _ in range(3):
            with huge.open("rb") as file:
                answer = http.post("/v1/submissions", files=_parts(outdated, file))
            assert (answer.status_code, answer.json()["code"]) == (422, "database_outdated")


def test_httpx2_under_asyncio_is_told_of_the_refusal(service: Service, outdated: Outdated, huge: Path) -> None:
    async def ten_times() -> list[tuple[int, str]]:
        found = []
        async with httpx2.AsyncClient(**_options(service, outdated)) as http:
            for _ in range(10):
                with huge.open("rb") as file:
                    answer = await http.post("/v1/submissions", files=_parts(outdated, file))
                found.append((answer.status_code, answer.json()["code"]))
        return found

    assert asyncio.run(ten_times()) == [(422, "database_outdated")] * 10


def _options(service: Service, outdated: Outdated) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {outdated.key}"}
    return {"base_url": service.url, "headers": headers, "timeout": 60, "trust_env": False}


def _parts(outdated: Outdated, file: Any) -> list[Any]:
    fields = (None, json.dumps(outdated.fields).encode(), "application/json")
    return [("submission", fields), ("file", ("huge.bin", file, "application/octet-stream"))]
