"""Which changes of a version are to blame when it does not pass the gate."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sigreq.domain.changes import ChangeKind, Content, content_of, is_narrowing
from sigreq.domain.findings import Code

Problem = Mapping[str, Any]


@dataclass(frozen=True)
class Suspect:
    """A change that is part of the version: what it asks for, and the cases that it is to help."""

    id: str
    content: Content
    helps: frozenset[str]

    @classmethod
    def of(cls, change: Mapping[str, Any]) -> "Suspect":
        """The change of an entry of the feed."""
        content = content_of(ChangeKind(change["kind"]), change["payload"])
        return cls(change["id"], content, frozenset(change["submission_ids"]))


def blamed(problems: Iterable[Problem], suspects: Sequence[Suspect]) -> Mapping[str, Sequence[str]]:
    """What each change that is to blame did wrong, in the gate's words, by the change's id."""
    found: dict[str, list[str]] = {}
    for problem in problems:
        for change_id in _guilty(problem, suspects):
            found.setdefault(change_id, []).append(problem["message"])
    return found


def _guilty(problem: Problem, suspects: Sequence[Suspect]) -> list[str]:
    """The changes of what the problem names: signature or file; else those that are to help the case it names.

    A detection that is lost names no signature: whoever takes something away did it, if only one does.
    """
    named = {*problem.get("signatures", ()), problem.get("sha256")}
    guilty = [each.id for each in suspects if not each.content.subjects.isdisjoint(named)]
    guilty = guilty or [each.id for each in suspects if problem.get("submission_id") in each.helps]
    if not guilty and problem["code"] == Code.DETECTION_LOST:
        narrowing = [each.id for each in suspects if is_narrowing(each.content)]
        guilty = narrowing if len(narrowing) == 1 else []
    return guilty


def gate_reason(messages: Sequence[str]) -> str:
    """Why a change is left out, for its analyst."""
    return f"The gate of the version: {'; '.join(messages)}"[:2000]


def problem_lines(problems: Sequence[Problem], by_change: Mapping[str, Sequence[str]]) -> list[str]:
    """The problems under the changes that are to blame, and those that no change can be blamed for."""
    lines = [f"  {change_id}: {message}" for change_id, messages in by_change.items() for message in messages]
    told = {message for messages in by_change.values() for message in messages}
    return [*lines, *(f"  no change alone: {each['message']}" for each in problems if each["message"] not in told)]
