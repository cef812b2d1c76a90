"""What screening answers by itself, and what it leaves to an analyst."""

from datetime import timedelta
from io import BytesIO

import pytest
import pyzipper

from tests.flows import HARMLESS, hit_by, names
from tests.world import MARKER, World

pytestmark = pytest.mark.usefixtures("balanced")


def test_a_false_positive_that_the_newest_version_no_longer_shows_is_closed_at_once(world: World) -> None:
    customer, product = world.customer(), world.product()
    world.publish(product, "20261122.2", {"Marker": HARMLESS}, ago=timedelta(hours=1))
    case = world.until(world.submit(customer, product)["id"], "closed", "queued")
    assert (case["state"], case["determination"], case["final_verdict"]) == ("closed", "already_fixed", "clean")
    assert (case["fixed_in"], case["resolution"], case["analyst"]) == ("20261122.2", "no_change", None)
    assert case["answered_at"] is None, "an automatic answer is not a qualified one"
    last = customer.timeline(case["id"])["items"][-1]
    assert last["name"] == "answered_automatically"
    assert last["data"]["steps"][0] == "Update now."


def test_a_false_negative_that_the_newest_version_detects_is_closed_at_once(world: World) -> None:
    customer, product = world.customer(), world.product({})
    world.publish(product, "20261122.2", {"Inert": hit_by("Inert")}, ago=timedelta(hours=1))
    case = world.until(world.submit(customer, product, kind="false_negative")["id"], "closed", "queued")
    assert (case["state"], case["determination"], case["final_verdict"]) == ("closed", "already_detected", "malware")


def test_an_automatic_answer_that_does_not_help_is_reopened_for_any_analyst(world: World) -> None:
    customer, product = world.customer(), world.product()
    world.publish(product, "20261122.2", {"Marker": HARMLESS}, ago=timedelta(hours=1))
    case = world.until(world.submit(customer, product)["id"], "closed")
    back = customer.still_happens(case["id"], "We updated, it is still detected.")
    assert back["state"] == "queued"
    assert world.analyst.claim(back["id"], back["revision"])["state"] == "in_analysis"


@pytest.mark.parametrize("kind", ["false_positive", "false_negative"])
def test_a_fault_that_the_claimed_version_does_not_show_goes_to_an_analyst(world: World, kind: str) -> None:
    product = world.product({"Marker": HARMLESS} if kind == "false_positive" else {"Inert": hit_by("Inert")})
    case = world.queued(world.customer(), product, kind=kind)
    assert (case["finding"], case["determination"]) == ("not_reproduced", None)


def test_a_file_that_cannot_be_opened_goes_to_an_analyst_and_is_never_called_clean(world: World) -> None:
    customer, product = world.customer(), world.product()
    world.publish(product, "20261122.2", {"Marker": HARMLESS}, ago=timedelta(hours=1))
    case = world.queued(customer, product, content=_locked_zip())
    assert case["finding"] == "undecided"
    assert {scan["outcome"] for scan in case["scans"]} == {"not_scanned"}
    assert {scan["reason"] for scan in case["scans"]} == {"archive_encrypted"}


def test_the_password_that_came_along_opens_the_archive(world: World) -> None:
    customer, product = world.customer(), world.product()
    case = world.queued(customer, product, content=_locked_zip(), archive_password="s3cret")
    assert case["finding"] == "supported"


def test_several_files_are_screened_as_one_case(world: World) -> None:
    customer, product = world.customer(), world.product()
    files = [("clean.bin", BytesIO(b"nothing in here")), ("hit.bin", BytesIO(MARKER + b" two files"))]
    answer = customer.submit(world.fields(product), files)
    case = world.until(answer["id"], "queued")
    assert [sample["name"] for sample in case["samples"]] == ["clean.bin", "hit.bin"]
    assert sorted(scan["outcome"] for scan in case["scans"]) == ["clean", "detected"]
    assert case["finding"] == "supported"
    assert names(customer.timeline(case["id"])) == ["received", "screened"]


def test_one_file_that_cannot_be_opened_forbids_an_automatic_answer_for_all(world: World) -> None:
    customer, product = world.customer(), world.product()
    world.publish(product, "20261122.2", {"Marker": HARMLESS}, ago=timedelta(hours=1))
    files = [("hit.bin", BytesIO(MARKER + b" and a locked one")), ("locked.zip", BytesIO(_locked_zip()))]
    case = world.until(customer.submit(world.fields(product), files)["id"], "queued", "closed")
    assert (case["state"], case["finding"]) == ("queued", "undecided")


def _locked_zip() -> bytes:
    file = BytesIO()
    with pyzipper.AESZipFile(file, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"s3cret")
        archive.writestr("inside.bin", MARKER)
    return file.getvalue()
