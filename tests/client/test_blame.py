"""Who is to blame when a version does not pass the gate."""

from typing import Any

import pytest

from sigreq.cli.blame import Suspect, blamed, problem_lines

SHA256 = "a" * 64


def suspect(change: str, kind: str, *helps: str, **payload: str) -> Suspect:
    """A change as the feed tells of it."""
    return Suspect.of({"id": change, "kind": kind, "payload": payload, "submission_ids": list(helps)})


BROAD = suspect("C1", "rule_add", "S1", rule="Broad", source="rule Broad {}")
ALLOW = suspect("C2", "hash_allow", "S2", sha256=SHA256)
RETIRE = suspect("C3", "sig_retire", "S3", signature="Old")


def problem(code: str, **more: Any) -> dict[str, Any]:
    """One problem of a report."""
    return {"code": code, "message": f"{code}.", **more}


@pytest.mark.parametrize(
    ("found", "guilty"),
    [
        (problem("clean_detected", signatures=["Broad", "Ancient"]), ["C1"]),
        (problem("detected_again", signatures=["Broad"], submission_id="S2"), ["C1"]),
        (problem("not_detected", submission_id="S1"), ["C1"]),
        (problem("detection_lost", sha256=SHA256, submission_id="S9"), ["C2"]),
        (problem("clean_detected", signatures=["Ancient"], sha256="b" * 64), []),
        (problem("could_not_run"), []),
    ],
)
def test_to_blame_is_who_changed_what_the_problem_names_else_who_helps_the_case(
    found: dict[str, Any], guilty: list[str]
) -> None:
    assert list(blamed([found], [BROAD, ALLOW, RETIRE])) == guilty


def test_a_lost_detection_is_blamed_on_the_only_change_that_takes_something_away() -> None:
    lost = problem("detection_lost", submission_id="S9")
    assert list(blamed([lost], [BROAD, RETIRE])) == ["C3"]
    assert list(blamed([lost], [BROAD, RETIRE, ALLOW])) == [], "either may be"


def test_each_problem_stands_under_its_change_and_the_others_under_none() -> None:
    problems = [problem("clean_detected", signatures=["Broad"]), problem("could_not_run")]
    lines = problem_lines(problems, blamed(problems, [BROAD]))
    assert lines == ["  C1: clean_detected.", "  no change alone: could_not_run."]
