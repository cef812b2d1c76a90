"""What a file holds is examined as a file of its own, and customer and analyst are told what was not."""

import hashlib
from io import BytesIO
from typing import Any

import pytest
import pyzipper

from sigreq_client import Client
from tests.flows import after_test, published, refused, release_of
from tests.scanning.packed import seven_zipped, tarred, zipped
from tests.world import MARKER, World, rule

pytestmark = pytest.mark.usefixtures("balanced")

HIT = MARKER * 20
PLAIN = b"nothing of interest " * 20


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def submitted(world: World, customer: Client, content: bytes, name: str = "sent.bin", **more: Any) -> dict[str, Any]:
    fields = world.fields(more.pop("product", None) or world.product(), more.pop("kind", "false_positive"), **more)
    answer: dict[str, Any] = customer.submit(fields, [(name, BytesIO(content))])
    return answer


def report(client: Client, submission_id: str) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = client.report(submission_id)["files"]
    return files


def test_members_become_samples_of_their_own_at_every_depth(world: World) -> None:
    customer = world.customer()
    sent = zipped({"plain.txt": PLAIN, "inner.tar": tarred({"hit.bin": HIT})})
    case = world.until(submitted(world, customer, sent, "sent.zip")["id"], "queued")
    assert case["finding"] == "supported"
    files = report(world.analyst, case["id"])
    assert [(each["position"], each["parent"], each["name"]) for each in files] == [
        (0, None, "sent.zip"),
        (1, 0, "plain.txt"),
        (2, 0, "inner.tar"),
        (3, 2, "hit.bin"),
    ]
    assert [each["scans"][0]["outcome"] for each in files] == ["detected", "clean", "detected", "detected"]
    assert [each["identity"]["mime"] for each in files] == [
        "application/zip",
        "text/plain",
        "application/x-tar",
        "text/plain",
    ]
    assert [each["finding"] for each in files] == ["supported", None, None, None]


def test_a_member_can_be_downloaded_as_a_sample_of_the_case(world: World) -> None:
    case = world.until(submitted(world, world.customer(), zipped({"hit.bin": HIT}))["id"], "queued")
    got = BytesIO()
    world.analyst.download_sample(case["id"], sha256(HIT), "to look at it", got)
    with pyzipper.AESZipFile(got) as archive:
        assert archive.read(sha256(HIT), pwd=b"infected") == HIT


def test_the_report_says_which_rule_hit_where_to_staff_and_not_to_the_customer(world: World) -> None:
    customer = world.customer()
    case = world.until(submitted(world, customer, b"1234" + MARKER)["id"], "queued")
    (scan,) = report(world.analyst, case["id"])[0]["scans"]
    (hit,) = scan["hits"]
    assert (hit["rule"], hit["meta"], hit["strings"][0]["offsets"]) == (
        "Marker",
        {"description": "made for a test"},
        [4],
    )
    assert scan["engine"].startswith("YARA ")
    (own,) = report(customer, case["id"])[0]["scans"]
    assert own["detections"] == ["Marker"]
    assert "hits" not in own


@pytest.mark.parametrize("password", ["infected", "virus", "novirus", "malware", "of their own"])
def test_a_locked_archive_opens_by_the_customers_password_or_a_customary_one(world: World, password: str) -> None:
    sent = seven_zipped({"hit.bin": HIT}, password=password, is_header_encrypted=True)
    more = {"archive_password": password} if password == "of their own" else {}
    case = world.until(submitted(world, world.customer(), sent, **more)["id"], "queued")
    assert case["finding"] == "supported"


def test_an_unknown_password_is_told_to_customer_and_analyst_and_is_never_clean(world: World) -> None:
    customer = world.customer()
    sent = zipped({"hit.bin": HIT}, password="nobody knows")
    case = world.until(submitted(world, customer, sent, "locked.zip")["id"], "queued")
    assert case["finding"] == "undecided"
    own = customer.submission(case["id"])
    for seen in (case, own):
        assert [
            each for each in seen["notices"] if each.startswith("locked.zip > hit.bin: no password we know opens it")
        ]
    for client in (world.analyst, customer):
        outer, member = report(client, case["id"])
        assert [each["code"] for each in member["not_seen"]] == ["archive_encrypted"]
        assert (outer["scans"][0]["outcome"], outer["scans"][0]["reason"]) == ("not_scanned", "archive_encrypted")
    event = customer.timeline(case["id"])["items"][-1]
    assert event["data"]["remarks"][0]["code"] == "archive_encrypted"


def test_the_same_archive_with_its_password_is_looked_into_again(world: World) -> None:
    customer, product = world.customer(), world.product()
    sent = zipped({"hit.bin": HIT}, password="told later")
    first = world.until(submitted(world, customer, sent, product=product)["id"], "queued")
    customer.withdraw(first["id"])
    again = submitted(world, customer, sent, product=product, archive_password="told later")
    assert world.until(again["id"], "queued")["finding"] == "supported"


def test_a_limit_that_was_hit_is_told_and_the_outer_file_is_kept(world: World) -> None:
    customer, bomb = world.customer(), zipped({"zeros": bytes(8 << 20)})
    case = world.until(submitted(world, customer, bomb, "bomb.zip")["id"], "queued")
    assert case["finding"] == "undecided"
    assert any("it holds more than we unpack" in each for each in customer.submission(case["id"])["notices"])
    assert case["samples"][0]["sha256"] == sha256(bomb)
    assert world.analyst.sample(sha256(bomb))["items"][0]["submissions"][0]["submission"] == case["id"]


def test_submitting_the_same_content_again_scans_nothing(world: World) -> None:
    customer, product = world.customer(), world.product()
    sent = zipped({"hit.bin": HIT, "plain.txt": PLAIN})
    first = world.until(submitted(world, customer, sent, product=product)["id"], "queued")
    customer.withdraw(first["id"])
    again = world.until(submitted(world, customer, sent, product=product)["id"], "queued")
    before, after = (report(world.analyst, each["id"]) for each in (first, again))
    assert again["finding"] == "supported"
    assert [each["name"] for each in after] == [each["name"] for each in before]
    assert not any(scan["is_reused"] for each in before for scan in each["scans"])
    assert all(scan["is_reused"] for each in after for scan in each["scans"])
    scanned = [[scan["scanned_at"] for file in files for scan in file["scans"]] for files in (before, after)]
    assert scanned[0] == scanned[1]


def test_another_organisation_with_the_same_content_has_it_scanned_for_itself(world: World) -> None:
    product = world.product()
    cases = [world.until(submitted(world, world.customer(), HIT, product=product)["id"], "queued") for _ in range(2)]
    reports = [report(world.analyst, each["id"]) for each in cases]
    assert not any(scan["is_reused"] for files in reports for file in files for scan in file["scans"])


def test_a_new_version_is_scanned_with_though_the_content_is_known(world: World) -> None:
    customer, product = world.customer(), world.product()
    first = world.until(submitted(world, customer, HIT, product=product)["id"], "queued")
    customer.withdraw(first["id"])
    world.publish(product, "20261122.2")
    again = submitted(world, customer, HIT, product=product, database_version="20261122.2")
    (file,) = report(world.analyst, world.until(again["id"], "queued")["id"])
    # The same rules under another version's number are the same rules.
    assert [scan["is_reused"] for scan in file["scans"]] == [True]
    customer.withdraw(again["id"])
    world.publish(product, "20261122.3", {"Other": 'rule Other { strings: $a = "ACME" condition: $a }'})
    third = submitted(world, customer, HIT, product=product, database_version="20261122.3")
    (file,) = report(world.analyst, world.until(third["id"], "queued")["id"])
    assert [scan["is_reused"] for scan in file["scans"]] == [False]


@pytest.mark.parametrize("named", ["Marker", "marker", "Virus:Win32/Marker"])
def test_a_detection_name_as_products_show_it_is_one_of_ours(world: World, named: str) -> None:
    case = world.until(submitted(world, world.customer(), MARKER + b"!", detection_name=named)["id"], "queued")
    assert not any("not one of ours" in each for each in case["notices"])


def test_a_detection_name_that_no_rule_has_is_told_at_once(world: World) -> None:
    customer = world.customer()
    accepted = submitted(world, customer, PLAIN, detection_name="Gen:Variant.Foreign.42")
    case = world.until(accepted["id"], "queued")
    assert case["finding"] == "not_reproduced"
    (notice,) = customer.submission(case["id"])["notices"]
    assert notice.startswith("The detection name Gen:Variant.Foreign.42 is not one of ours")


def test_a_sample_is_found_by_each_of_its_hashes(world: World) -> None:
    customer = world.customer()
    content = HIT + bytes(range(256)) * 4
    case = world.until(submitted(world, customer, zipped({"inside.bin": content}))["id"], "queued")
    for algorithm in ("md5", "sha1", "sha256"):
        digest = hashlib.new(algorithm, content).hexdigest()
        for client in (world.analyst, customer):
            (found,) = client.sample(digest.upper() if algorithm == "md5" else digest)["items"]
            (place,) = found["submissions"]
            assert (found["sha256"], place["submission"]) == (sha256(content), case["id"])
            assert (place["name"], place["parent"]) == ("inside.bin", 0)
    tlsh = world.analyst.sample(sha256(content))["items"][0]["tlsh"]
    for digest in (tlsh, tlsh.removeprefix("T1").lower()):
        assert world.analyst.sample(digest)["items"][0]["sha256"] == sha256(content)


def test_a_customer_cannot_learn_that_another_one_sent_a_file(world: World) -> None:
    product = world.product()
    world.until(submitted(world, world.customer(), HIT + b"secret", product=product)["id"], "queued")
    with refused(404, "not_found"):
        world.customer().sample(sha256(HIT + b"secret"))
    with refused(404, "not_found"):
        world.analyst.sample("0" * 64)
    with refused(400, "request_malformed"):
        world.analyst.sample("not a hash")


def test_the_limits_are_told_without_a_key(world: World) -> None:
    told = world.plain().get("/v1/limits")
    assert told.status_code == 200
    document = told.json()
    assert document["submission"]["files"] == 20
    assert document["archives"] == {
        "members": 1000,
        "member_bytes": 256 << 20,
        "total_bytes": 1 << 30,
        "depth": 3,
        "ratio": 200,
        "seconds": 60,
    }
    assert document["lists"] == {"keys_of_a_person": 20, "views_of_a_person": 50, "texts_of_a_group": 200}
    assert "archive_encrypted" in document["outcomes"]


def test_a_change_is_tested_and_proved_on_members_too(world: World) -> None:
    customer, product = world.customer(), world.product()
    content = zipped({"hit.bin": HIT})
    case = world.determined(world.analyst, customer, product, content=content)
    change = world.analyst.draft_change([case["id"]], "hash_allow", {"sha256": sha256(HIT)})
    tested = after_test(world.analyst, change)
    assert tested["state"] == "tested", tested["report"]
    assert tested["report"]["scanned"]["requested"]["files"] == 2
    approved = world.lead.approve_change(tested["id"], tested["revision"])
    release = release_of(2, {"Marker": rule("Marker", MARKER.decode())}, [approved])
    release["ruleset"]["allowed"] = [sha256(HIT)]
    published(world, product, "20261122.2", release)
    fixed = world.until(case["id"], "fixed")
    assert fixed["fixed_in"] == "20261122.2"
    for client, purposes in ((world.analyst, {"claimed", "gate", "proof"}), (customer, {"claimed", "proof"})):
        seen = {scan["purpose"] for file in report(client, case["id"]) for scan in file["scans"]}
        assert seen == purposes
