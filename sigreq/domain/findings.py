"""What the gate found: one trouble, and all that a part of a run or a whole run has to tell."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from sigreq.domain import gate_reasons
from sigreq.domain.gate_reasons import AsTold
from sigreq.domain.worded import Reason

YARA, CLAMAV = "yara", "clamav"
MOST_TROUBLES = 200
"""As many are kept of a part and shown of a run, and of a part one more for each case and code; the rest is counted."""


class Code(StrEnum):
    """What is wrong, in stable words."""

    COULD_NOT_RUN = "could_not_run"
    DOES_NOT_APPLY = "does_not_apply"
    LINT = "lint"
    NOT_LOADED = "not_loaded"
    NOT_SCANNED = "not_scanned"
    STILL_DETECTED = "still_detected"
    NOT_DETECTED = "not_detected"
    FAULT_NOT_SHOWN = "fault_not_shown"
    DETECTED_AGAIN = "detected_again"
    DETECTION_LOST = "detection_lost"
    CLEAN_DETECTED = "clean_detected"


@dataclass(frozen=True)
class Trouble:
    """One thing that keeps something from going out. Line and column count from 1."""

    code: Code
    said: Reason
    submission_id: str | None = None
    sha256: str | None = None
    signatures: tuple[str, ...] = ()
    engine: str | None = None
    line: int | None = None
    column: int | None = None

    @property
    def message(self) -> str:
        """It in words, with the engine that found it."""
        return str(self.said) + (f" [{self.engine}]" if self.engine else "")

    def document(self) -> dict[str, Any]:
        """What is kept and shown: only what is known."""
        facts = {name: getattr(self, name) for name in _FACTS}
        told = {"code": self.code, "message": self.message, "reason": self.said.document, **facts}
        return {name: value for name, value in told.items() if value not in (None, ())}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """What `document` wrote, or wrote when there were no reasons yet."""
        facts = {name: document[name] for name in _FACTS if name in document}
        known = {**facts, "signatures": tuple(document.get("signatures", ()))}
        if "reason" in document:
            return cls(Code(document["code"]), gate_reasons.read(document["reason"]), **known)
        said = document["message"].removesuffix(f" [{document.get('engine')}]")
        return cls(Code(document["code"]), AsTold(said), **known)


_FACTS = ("submission_id", "sha256", "signatures", "engine", "line", "column")


def by_engine(engine: str, troubles: Iterable[Trouble]) -> list[Trouble]:
    """The same, with the engine that found it."""
    return [replace(each, engine=engine) for each in troubles]


@dataclass(frozen=True)
class Findings:
    """What was looked at, and what is wrong with it. `unseen` says which solved cases could not be seen whole, and why.

    `seconds` are those of the workers, added up.
    """

    troubles: tuple[Trouble, ...] = ()
    left_out: int = 0
    cases: int = 0
    files: int = 0
    bytes: int = 0
    seconds: float = 0.0
    unseen: tuple[Mapping[str, str], ...] = ()

    def plus(self, troubles: Iterable[Trouble]) -> Self:
        """With more of what is wrong."""
        return replace(self, troubles=(*self.troubles, *troubles))

    def over(self, cases: int, sizes: Sequence[int], seconds: float) -> Self:
        """With how much was looked at: cases, files of these sizes in bytes, and how long it took."""
        return replace(self, cases=cases, files=len(sizes), bytes=sum(sizes), seconds=seconds)

    def without_seeing(self, submission_id: str, why: str | None) -> Self:
        """With a solved case that could not be seen whole, if there is a reason."""
        if why is None:
            return self
        return replace(self, unseen=(*self.unseen, {"submission_id": submission_id, "why": why}))

    def counts(self) -> dict[str, Any]:
        """What was looked at."""
        return {"cases": self.cases, "files": self.files, "bytes": self.bytes, "seconds": round(self.seconds, 3)}

    def document(self) -> dict[str, Any]:
        """What is kept of it, bounded, and yet no case is forgotten: it may have to be reopened."""
        said = {(each.submission_id, each.code) for each in self.troubles[:MOST_TROUBLES]}
        kept = [each.document() for each in self.troubles[:MOST_TROUBLES]]
        for each in self.troubles[MOST_TROUBLES:]:
            if (each.submission_id, each.code) not in said:
                said.add((each.submission_id, each.code))
                kept.append(each.document())
        left_out = self.left_out + len(self.troubles) - len(kept)
        return {**self.counts(), "troubles": kept, "left_out": left_out, "unseen": list(self.unseen)}

    def shown(self) -> Self:
        """With no more troubles than anybody reads."""
        left_out = self.left_out + len(self.troubles[MOST_TROUBLES:])
        return replace(self, troubles=self.troubles[:MOST_TROUBLES], left_out=left_out)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """What `document` wrote."""
        troubles = tuple(Trouble.read(each) for each in document["troubles"])
        return cls(**{**document, "troubles": troubles, "unseen": tuple(document["unseen"])})

    @classmethod
    def sum(cls, parts: Iterable[Self]) -> Self:
        """All of them together."""
        whole = cls()
        for each in parts:
            whole = replace(
                whole,
                troubles=whole.troubles + each.troubles,
                left_out=whole.left_out + each.left_out,
                cases=whole.cases + each.cases,
                files=whole.files + each.files,
                bytes=whole.bytes + each.bytes,
                seconds=whole.seconds + each.seconds,
                unseen=whole.unseen + each.unseen,
            )
        return whole
