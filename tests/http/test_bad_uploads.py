"""What an upload may look like, and what is said about one that does not."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.plain import BOUNDARY, part, post_parts, problem, upload
from tests.world import MARKER, World

FILE = ("file.bin", MARKER)


@dataclass(frozen=True)
class Desk:
    """A customer with a claim that would be accepted."""

    http: httpx2.Client
    fields: dict[str, Any]

    def said(self, **more: Any) -> bytes:
        """The JSON part."""
        return json.dumps({**self.fields, **more}).encode()

    def problems(self, answer: httpx2.Response) -> dict[str, str]:
        """What a refusal says about each field."""
        found = problem(answer, 422, "field_invalid", "fields that cannot be accepted")
        for each in found["problems"]:
            assert each["field"] in found["detail"]
        return {each["field"]: each["problem"] for each in found["problems"]}


@pytest.fixture
def desk(world: World) -> Iterator[Desk]:
    made = Desk(world.plain(world.key("customer", world.organisation())), world.fields(world.product()))
    yield made
    assert made.http.get("/v1/submissions").json()["items"] == [], "something was kept of a refused upload"


def test_a_false_positive_needs_the_name_of_the_detection(desk: Desk) -> None:
    del desk.fields["detection_name"]
    found = desk.problems(upload(desk.http, desk.fields, FILE))
    assert "detection_name is needed for a false positive" in found["submission"]


def test_unknown_and_wrong_fields_are_all_named(desk: Desk) -> None:
    wrong = {"severity": 5, "kind": "false_alarm", "serverity": 1, "details": {"colour": "blue", "hosts_affected": -1}}
    found = desk.problems(upload(desk.http, {**desk.fields, **wrong}, FILE))
    assert set(found) == {"severity", "kind", "serverity", "details.colour", "details.hosts_affected"}
    assert "false_positive" in found["kind"], "what is allowed is not said"
    assert "4" in found["severity"], "what is allowed is not said"
    assert "not permitted" in found["serverity"]


def test_missing_fields_are_all_named(desk: Desk) -> None:
    found = desk.problems(upload(desk.http, {}, FILE))
    assert {"kind", "product", "database_version", "severity", "contact"} <= set(found)


@pytest.mark.parametrize("sent", [b"[]", b'"text"', b"null"])
def test_json_that_is_no_object_is_refused(desk: Desk, sent: bytes) -> None:
    found = desk.problems(post_parts(desk.http, part("submission", sent), part("file", MARKER, "a")))
    assert "object" in found["submission"]


@pytest.mark.parametrize(
    "sent", [b"", b"{", b"kind=false_positive", b"\xff\xfe", b"[" * 30_000, b'{"kind": "\\ud800"}']
)
def test_a_description_that_is_not_json_is_malformed(desk: Desk, sent: bytes) -> None:
    answer = post_parts(desk.http, part("submission", sent), part("file", MARKER, "a"))
    problem(answer, 400, "request_malformed", "the part `submission` is not JSON")


def test_a_file_before_the_description_is_malformed(desk: Desk) -> None:
    answer = post_parts(desk.http, part("file", MARKER, "a"), part("submission", desk.said()))
    problem(answer, 400, "request_malformed", "the first part must be `submission` (JSON)", "`file`")


def test_a_part_of_another_name_is_malformed(desk: Desk) -> None:
    answer = post_parts(desk.http, part("submission", desk.said()), part("sample", MARKER, "a"))
    problem(answer, 400, "request_malformed", "only parts named `file`", "`sample`")


def test_a_description_without_end_is_refused_before_it_fills_the_memory(desk: Desk) -> None:
    answer = post_parts(desk.http, part("submission", desk.said() + b" " * 70_000), part("file", MARKER, "a"))
    problem(answer, 400, "request_malformed", "is over 65536 bytes")


def test_a_body_that_is_cut_off_is_malformed(desk: Desk) -> None:
    answer = post_parts(desk.http, part("submission", desk.said()), part("file", MARKER, "a"), end=b"")
    problem(answer, 400, "request_malformed", "the multipart body is broken")


def test_an_empty_body_is_malformed(desk: Desk) -> None:
    problem(post_parts(desk.http, end=b""), 400, "request_malformed", "the multipart body is broken")
    problem(post_parts(desk.http), 400, "request_malformed", "the first part must be `submission`")


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "multipart/mixed; boundary=x", ""])
def test_another_media_type_is_malformed(desk: Desk, kind: str) -> None:
    answer = desk.http.post("/v1/submissions", content=desk.said(), headers={"Content-Type": kind})
    problem(answer, 400, "request_malformed", "send multipart/form-data with a boundary")


def test_no_file_is_refused(desk: Desk) -> None:
    problem(upload(desk.http, desk.fields), 422, "sample_missing", "at least one part named `file`")


def test_an_empty_file_is_refused_by_its_name(desk: Desk) -> None:
    answer = upload(desk.http, desk.fields, FILE, ("hollow.bin", b""))
    assert problem(answer, 422, "sample_empty", "hollow.bin is empty")["name"] == "hollow.bin"


def test_twenty_one_files_are_too_many(desk: Desk) -> None:
    files = [(f"{number}.bin", b"%d" % number) for number in range(21)]
    assert problem(upload(desk.http, desk.fields, *files), 422, "samples_too_many", "More than 20 files")["limit"] == 20


ZEROES = "0" * 64


@pytest.mark.parametrize("stated", [{"name": "file.bin", "sha256": ZEROES}, {"sha256": ZEROES}])
def test_a_stated_hash_that_does_not_match_is_refused_with_both_hashes(desk: Desk, stated: dict[str, str]) -> None:
    computed = hashlib.sha256(MARKER).hexdigest()
    answer = upload(desk.http, {**desk.fields, "hashes": [stated]}, FILE)
    found = problem(answer, 422, "hash_mismatch", "file.bin", ZEROES, computed)
    assert (found["stated"], found["computed"]) == (ZEROES, computed)


def test_each_of_several_stated_hashes_counts(desk: Desk) -> None:
    stated = [{"sha256": ZEROES}, {"sha256": hashlib.sha256(MARKER).hexdigest()}]
    problem(upload(desk.http, {**desk.fields, "hashes": stated}, FILE), 422, "hash_mismatch", ZEROES)


def test_a_hash_for_a_file_that_did_not_come_is_refused(desk: Desk) -> None:
    stated = [{"name": "other.bin", "sha256": ZEROES}]
    problem(upload(desk.http, {**desk.fields, "hashes": stated}, FILE), 422, "hash_mismatch", "other.bin", ZEROES)


def test_a_hash_in_another_form_is_refused_by_its_field(desk: Desk) -> None:
    found = desk.problems(upload(desk.http, {**desk.fields, "hashes": [{"sha256": "ABC"}]}, FILE))
    assert set(found) == {"hashes.0.sha256"}


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_an_idempotency_key_without_or_beyond_measure_is_malformed(desk: Desk, key: str) -> None:
    answer = upload(desk.http, desk.fields, FILE, Idempotency_Key=key)
    problem(answer, 400, "request_malformed", "Idempotency-Key must have 1 to 200 characters")


@pytest.mark.parametrize("field", ["contact", "product", "product_version", "detection_name"])
def test_a_nul_character_in_a_field_is_malformed(desk: Desk, field: str) -> None:
    answer = upload(desk.http, {**desk.fields, field: "a\0b"}, FILE)
    problem(answer, 400, "request_malformed", "NUL")


def test_a_nul_character_in_the_details_or_a_file_name_is_malformed(desk: Desk) -> None:
    problem(upload(desk.http, {**desk.fields, "details": {"publisher": "\0"}}, FILE), 400, "request_malformed", "NUL")
    answer = post_parts(desk.http, part("submission", desk.said()), part("file", MARKER, "a\0b"))
    problem(answer, 400, "request_malformed", "NUL")


def test_a_file_name_that_is_not_utf8_is_malformed(desk: Desk) -> None:
    raw = part("file", MARKER, "name").replace(b'"name"', b'"\xff"')
    problem(post_parts(desk.http, part("submission", desk.said()), raw), 400, "request_malformed", "multipart")


def test_a_boundary_beyond_measure_is_malformed(desk: Desk) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY * 100}"}
    answer = desk.http.post("/v1/submissions", content=part("submission", desk.said()), headers=headers)
    problem(answer, 400, "request_malformed")
