"""A sample leaves only locked up, and it is written down who took it and why."""

import hashlib
from io import BytesIO

import httpx2
import pytest
import pyzipper

from tests.flows import call, names, refused
from tests.world import MARKER, World

pytestmark = pytest.mark.usefixtures("balanced")


def test_a_sample_comes_as_a_locked_zip_whose_file_is_named_by_its_hash(world: World) -> None:
    content = MARKER + b" to be downloaded"
    case = world.queued(world.customer(), world.product(), content=content)
    answer = _download(world, case["id"], hashlib.sha256(content).hexdigest(), "analyst")
    assert answer.status_code == 200
    sha256 = hashlib.sha256(content).hexdigest()
    assert MARKER not in answer.content
    with pyzipper.AESZipFile(BytesIO(answer.content)) as archive:
        assert archive.namelist() == [sha256]
        assert archive.infolist()[0].flag_bits & 1
        with pytest.raises(RuntimeError, match="password"):
            archive.read(sha256)
        assert archive.read(sha256, pwd=b"infected") == content


def test_the_download_is_nothing_a_browser_would_show_or_keep(world: World) -> None:
    case = world.queued(world.customer(), world.product())
    sha256 = case["samples"][0]["sha256"]
    headers = _download(world, case["id"], sha256, "analyst").headers
    assert headers["Content-Type"] == "application/zip"
    assert headers["Content-Disposition"] == f'attachment; filename="{sha256}.zip"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["Cache-Control"] == "no-store"


def test_the_reason_stands_in_the_staff_timeline_and_not_in_the_customers(world: World) -> None:
    customer = world.customer()
    case = world.queued(customer, world.product())
    sha256 = case["samples"][0]["sha256"]
    world.analyst.download_sample(case["id"], sha256, "to look at its strings", BytesIO())
    last = world.analyst.timeline(case["id"])["items"][-1]
    assert (last["name"], last["by"]) == ("sample_downloaded", "Example analyst")
    assert last["data"] == {"sha256": sha256, "reason": "to look at its strings"}
    assert names(customer.timeline(case["id"])) == ["received", "screened"]


@pytest.mark.parametrize("query", ["", "?reason=", "?reason=%20"])
def test_nothing_is_handed_out_without_a_reason(world: World, query: str) -> None:
    case = world.queued(world.customer(), world.product())
    path = f"/v1/submissions/{case['id']}/samples/{case['samples'][0]['sha256']}{query}"
    answer = call(world, world.keys["analyst"], "GET", path)
    assert (answer.status_code, answer.json()["code"]) == (422, "field_invalid")
    assert "reason" in answer.json()["detail"]
    assert names(world.analyst.timeline(case["id"]))[-1] == "screened"


def test_neither_customers_nor_auditors_get_a_sample(world: World) -> None:
    customer = world.customer()
    case = world.queued(customer, world.product())
    sha256 = case["samples"][0]["sha256"]
    for client in (customer, world.person("auditor"), world.release, world.administrator):
        with refused(403, "wrong_role"):
            client.download_sample(case["id"], sha256, "curious", BytesIO())
    assert names(world.analyst.timeline(case["id"]))[-1] == "screened"


def test_a_sample_of_another_case_is_not_found(world: World) -> None:
    customer, product = world.customer(), world.product()
    case, other = (world.queued(customer, product) for _ in range(2))
    with refused(404, "not_found"):
        world.analyst.download_sample(case["id"], other["samples"][0]["sha256"], "a mistake", BytesIO())


def _download(world: World, submission_id: str, sha256: str, who: str) -> httpx2.Response:
    return call(world, world.keys[who], "GET", f"/v1/submissions/{submission_id}/samples/{sha256}?reason=look")
