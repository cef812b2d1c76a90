"""The reference release tool's rules: what waits, what goes into the next version, what that version is called."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

from sigreq.cli.atomic import replace_file
from sigreq.domain.changes import ChangeKind, Content, Unfit, content_of
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Track
from sigreq.domain.trains import Schedule, departure
from sigreq.domain.versions import Scheme, VersionKey, parse

FeedItem = Mapping[str, Any]


@dataclass
class Waiting:
    """The last entry of the feed that was read, and the approved changes no release has answered, oldest first."""

    last: FeedItem | None = None
    items: dict[str, FeedItem] = field(default_factory=dict)

    @property
    def cursor(self) -> int:
        """Where to read on."""
        return 0 if self.last is None else self.last["number"]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; a missing file is the beginning of the feed."""
        return cls(**json.loads(path.read_text())) if path.exists() else cls()

    def save(self, path: Path) -> None:
        """Replace the file at once, so that a crash leaves the old one or the new one."""
        replace_file(path, json.dumps(asdict(self)).encode())

    def read(self, items: Iterable[FeedItem]) -> None:
        """Go on by these. Whatever follows an approval (published, withdrawn) ends the waiting."""
        for item in items:
            self.last = item
            if "change" not in item:  # about an extra, which ends no change's waiting
                continue
            change = item["change"]["id"]
            self.items.pop(change, None)
            if item["action"] == "approved":
                self.items[change] = item

    def forget(self, changes: Iterable[str]) -> None:
        """These were answered."""
        for change in changes:
            self.items.pop(change, None)


def due(items: Iterable[FeedItem], schedule: Schedule | None, now: datetime) -> list[FeedItem]:
    """What may go out by now: what is urgent at once, what is not with the first train since it was approved."""
    return [
        item for item in items if departure(schedule, Track(item["track"]), datetime.fromisoformat(item["at"])) <= now
    ]


@dataclass(frozen=True)
class Train:
    """The next version's rules, and what to report about each change; `left` waits for the version after."""

    ruleset: Ruleset
    changes: Sequence[Mapping[str, Any]]
    left: Sequence[str]


def couple(items: Iterable[FeedItem], base: Ruleset, left_out: Mapping[str, str] | None = None) -> Train:
    """Apply the changes in the order of their approval, but for those `left_out` for a reason.

    A version takes one change of each signature: a second one would leave nothing of the first, which could then not be
    proved. What does not apply is reported with the reason, as is what was left out.
    """
    ruleset, reports, left, touched = base, [], [], set[str]()
    reasons = left_out or {}
    for item in items:
        change = item["change"]
        if change["id"] in reasons:
            why = reasons[change["id"]]
            reports.append({"id": change["id"], "rev": change["rev"], "is_included": False, "reason": why})
            continue
        content = content_of(ChangeKind(change["kind"]), change["payload"])
        if not touched.isdisjoint(content.subjects):
            left.append(change["id"])
            continue
        report = {"id": change["id"], "rev": change["rev"], "is_included": True}
        try:
            ruleset = _with(content, ruleset)
        except Unfit as error:
            report |= {"is_included": False, "reason": str(error)}
        else:
            touched |= content.subjects
        reports.append(report)
    return Train(ruleset, reports, left)


def _with(content: Content, ruleset: Ruleset) -> Ruleset:
    """Content that is there already, because somebody published it by hand, is as good as applied."""
    return ruleset if content.is_in(ruleset) else content.apply(ruleset)


def next_version(published: Iterable[str], today: date) -> str | None:
    """The version after all of these, in the form YYYYMMDD.NNN; None where they are written in another form.

    Never before the newest, though its date may lie ahead of `today`.
    """
    try:
        day, revision = max(map(_dated, published))
    except ValueError:
        return None
    if day < today.toordinal():
        return f"{today:%Y%m%d}.001"
    return f"{date.fromordinal(day):%Y%m%d}.{revision + 1:03d}"


def is_behind(version: str, newest: str) -> bool:
    """Whether a version is not above the newest; False where the form does not tell."""
    try:
        return _dated(version) <= _dated(newest)
    except ValueError:
        return False


def _dated(version: str) -> VersionKey:
    return parse(Scheme.DATE_REVISION, version)
