"""What a child says is checked before it is believed."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigreq.domain.examination import Identity
from sigreq.domain.faults import Fault
from sigreq.domain.limits import UnpackLimits
from sigreq.domain.lint import Problem
from sigreq.domain.targets import Target
from sigreq.domain.verdict import Outcome
from sigreq.scanning import replies, rule_replies

LIMITS = UnpackLimits(members=3, total_bytes=100)
MEMBER = {"number": 1, "parent": 0, "name": "a.txt", "size": 3, "faults": []}
IDENTITY = {"mime": "text/plain", "description": "text", "tlsh": None, "executable": None, "fault": None}
HIT = {"rule": "Rule", "tags": [], "meta": {}, "strings": [{"identifier": "$a", "offsets": [0], "lengths": [1]}]}
SCAN = {"detections": ["Rule"], "hits": [HIT], "reason": None, "seconds": 0.1}
NO_HIT: dict[str, Any] = {"detections": [], "hits": [], "reason": None, "seconds": 0.1}


def said(reply: object) -> bytes:
    return json.dumps(reply).encode() + b"\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    place.mkdir()
    (place / "member-1").write_bytes(b"abc")
    (place / "member-2").write_bytes(b"")
    (place / "member-4").symlink_to("/etc/passwd")
    (place / "member-5").mkdir()
    os.mkfifo(place / "member-6")
    (tmp_path / "secret").write_bytes(b"abc")
    (place / "member-7").hardlink_to(tmp_path / "secret")
    return place


def unpacked(folder: Path, *members: dict[str, Any], **more: object) -> replies.Unpacked:
    return replies.unpacked(said({"faults": [], "members": members, **more}), folder, LIMITS)


def test_members_come_with_their_files(folder: Path) -> None:
    second = {**MEMBER, "number": 2, "parent": 1, "size": 0, "faults": ["archive_limit", "archive_limit"]}
    third = {**MEMBER, "number": 3, "size": None}
    found = unpacked(folder, MEMBER, second, third, faults=["archive_broken"])
    assert found.faults == (Fault.ARCHIVE_BROKEN,)
    assert [member.path for member in found.members] == [folder / "member-1", folder / "member-2", None]
    assert found.members[1].faults == (Fault.ARCHIVE_LIMIT,)
    with found.members[0].open() as file:
        assert file.read() == b"abc"
    # Whoever numbers them anew has to meet what holds a file before the file.
    assert unpacked(folder, third, second, MEMBER).members == found.members


@pytest.mark.parametrize(
    "lie",
    [
        {"number": 0},
        {"number": -1},
        {"number": 9},
        {"number": "1"},
        {"number": True},
        {"number": 4, "size": 11},
        {"number": 5, "size": 4096},
        {"number": 6, "size": 0},
        {"number": 7},
        {"parent": 1},
        {"parent": 2},
        {"parent": -1},
        {"size": 2},
        {"size": -3},
        {"size": 3.5},
        {"name": None},
        {"name": "x" * 5000},
        {"faults": ["no such fault"]},
        {"faults": ["timeout"] * 50},
        {"path": "/etc/passwd"},
    ],
    ids=str,
)
def test_a_lie_about_a_member_is_nonsense(folder: Path, lie: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        unpacked(folder, {**MEMBER, **lie})


def test_members_beyond_the_limits_or_twice_are_nonsense(folder: Path) -> None:
    nothing = {**MEMBER, "size": None}
    for members in (
        [{**nothing, "number": n} for n in range(1, 5)],
        [nothing, nothing],
        [{**MEMBER, "size": 101}],
    ):
        with pytest.raises(ValueError, match=r".+"):
            unpacked(folder, *members)


def test_a_name_is_made_text_that_a_database_takes(folder: Path) -> None:
    assert unpacked(folder, {**MEMBER, "name": "a\0b" + "é" * 400}).members[0].name == "a?b" + "é" * 252


@pytest.mark.parametrize("number", [4, 6, 7])
def test_only_a_plain_file_is_opened(folder: Path, number: int) -> None:
    with pytest.raises(OSError, match=r".+"):
        replies.opened(folder / f"member-{number}")


def test_what_a_file_is_comes_as_it_was_said() -> None:
    executable = {"format": "ELF", "sections": [{"name": ".text", "size": 1, "entropy": 6.5}], "signer": None}
    found = replies.identity(said({**IDENTITY, "executable": executable, "fault": "not_parsed"}))
    assert found == Identity("text/plain", "text", None, executable, Fault.NOT_PARSED)


@pytest.mark.parametrize(
    "lie",
    [
        {"mime": 1},
        {"tlsh": "T1"},
        {"tlsh": "T1" + "g" * 70},
        {"fault": "x"},
        {"executable": []},
        {"executable": {"a": [[[[[[[[1]]]]]]]]}},
        {"executable": {"a": list(range(300))}},
        {"executable": {"a": 1e300}},
        {"executable": {"a": 1 << 70}},
        {"executable": {str(n): "x" * 300 for n in range(200)} | {"z": {str(n): "x" * 300 for n in range(200)}}},
        {"more": 1},
    ],
    ids=lambda lie: str(lie)[:30],
)
def test_a_lie_about_a_file_is_nonsense(lie: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        replies.identity(said({**IDENTITY, **lie}))


def test_hits_outweigh_what_could_not_be_looked_at() -> None:
    assert replies.scan_result(said({**SCAN, "reason": "timeout"})).outcome is Outcome.DETECTED
    assert replies.scan_result(said({**NO_HIT, "reason": "timeout"})).reason is Fault.TIMEOUT
    assert replies.scan_result(said(NO_HIT)).outcome is Outcome.CLEAN


@pytest.mark.parametrize(
    "lie",
    [
        {"detections": []},
        {"detections": ["Other"]},
        {"detections": ["a b"], "hits": [{**HIT, "rule": "a b"}]},
        {"hits": [HIT] * 51},
        {"hits": [{**HIT, "tags": ["x"] * 11}]},
        {"hits": [{**HIT, "meta": {"x": None}}]},
        {"hits": [{**HIT, "meta": {"x": 1 << 70}}]},
        {"hits": [{**HIT, "strings": [{"identifier": "$a", "offsets": [-1], "lengths": []}]}]},
        {"reason": "clean"},
        {"seconds": -1},
        {"seconds": "soon"},
    ],
    ids=str,
)
def test_a_lie_about_a_scan_is_nonsense(lie: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        replies.scan_result(said({**SCAN, **lie}))


PROBLEM: dict[str, Any] = {
    "code": "clamav_word",
    "message": "said",
    "line": 1,
    "column": 2,
    "target": "clamav",
    "is_warning": False,
}


def test_a_problem_is_taken_as_it_is_said() -> None:
    assert rule_replies.problems(said({"problems": [PROBLEM]})) == (
        Problem("clamav_word", "said", 1, 2, Target.CLAMAV),
    )


@pytest.mark.parametrize(
    "lie",
    [
        {"problems": [PROBLEM] * 41},
        {"problems": ["said"]},
        {"problems": [{**PROBLEM, "code": "Any text"}]},
        {"problems": [{**PROBLEM, "message": "x" * 4097}]},
        {"problems": [{**PROBLEM, "line": 0}]},
        {"problems": [{**PROBLEM, "column": -1}]},
        {"problems": [{**PROBLEM, "target": "other"}]},
        {"problems": [{**PROBLEM, "is_warning": None}]},
        {"problems": [{**PROBLEM, "more": 1}]},
        {"problems": [{"code": "a"}]},
    ],
    ids=str,
)
def test_a_lie_about_a_rule_is_nonsense(lie: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        rule_replies.problems(said(lie))


READERS: list[Callable[[bytes], object]] = [
    replies.capabilities,
    replies.identity,
    replies.scan_result,
    replies.is_known,
    rule_replies.problems,
    rule_replies.formatted,
    lambda reply: replies.unpacked(reply, Path("/nonexistent"), LIMITS),
    lambda reply: replies.compile_fault(reply, Path("/nonexistent")),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
SHAPES = st.sampled_from(
    [IDENTITY, SCAN, NO_HIT, {"faults": [], "members": [MEMBER]}, {"problems": [PROBLEM]}, {"source": "x"}]
)


@settings(max_examples=40)
@given(SHAPES, st.dictionaries(st.sampled_from([*IDENTITY, *SCAN, "faults", "members", "problems", "source"]), JSON))
def test_whatever_is_said_is_an_answer_or_nonsense(shape: dict[str, Any], lies: dict[str, Any]) -> None:
    for read in READERS:
        try:
            found = read(said({**shape, **lies}))
        except (ValueError, RecursionError):
            continue
        assert "\\u0000" not in json.dumps(found, default=vars)


@given(st.binary())
def test_no_bytes_do_more_than_being_nonsense(reply: bytes) -> None:
    for read in READERS:
        with pytest.raises((ValueError, RecursionError)):
            read(reply)
