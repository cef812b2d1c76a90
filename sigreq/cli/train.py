"""The reference release tool's rules: what waits, what goes into the next version, what that version is called."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

import click

from sigreq.cli.atomic import replace_file
from sigreq.domain.changes import ChangeKind, Content, Unfit, content_of
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Track
from sigreq.domain.trains import Schedule
from sigreq.domain.versions import Scheme, VersionKey, parse
from sigreq_client.cursors import Cursor

FeedItem = Mapping[str, Any]


_ENDINGS = {"superseded", "withdrawn", "published"}


@dataclass
class Waiting:
    """How far the feed of a product was read, and the approved changes no release has answered, oldest first.

    `urgent` is what became of each that was to go out at once, by change.
    """

    product: str
    cursor: Cursor = field(default_factory=Cursor)
    items: dict[str, FeedItem] = field(default_factory=dict)
    urgent: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, product: str) -> Self:
        """Read what `save` wrote; without it all is read anew. Raises ClickException for another product's."""
        try:
            kept = json.loads(path.read_bytes())
            found = cls(kept["product"], Cursor(**kept["cursor"]), kept["items"], kept["urgent"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # missing, broken, or of an earlier form
            return cls(product)
        if found.product != product:
            raise click.ClickException(f"{path} is kept for {found.product}, not for {product}: name another --state.")
        return found

    def save(self, path: Path) -> None:
        """Replace the file at once, so that a crash leaves the old one or the new one."""
        replace_file(path, json.dumps(asdict(self)).encode())

    def read(self, event: Mapping[str, Any]) -> None:
        """Go on by an event of the feed. What it tells of anything but a change that waits is skipped."""
        if event["action"] == "snapshot":
            self._begin_with(event["items"])
        elif event["action"] == "approved":
            self.forget([event["change"]["id"]])
            self.items[event["change"]["id"]] = event
        elif event["action"] == "extra_published":
            self._note(event["extra"])
        elif event["action"] in _ENDINGS:
            self.forget([event["change"]["id"]])

    def forget(self, changes: Iterable[str]) -> None:
        """These were answered."""
        for change in changes:
            self.items.pop(change, None)
            self.urgent.pop(change, None)

    def _begin_with(self, items: Sequence[FeedItem]) -> None:
        """All that is open by now; since when is not told, so the next train from now on takes it."""
        now = datetime.now(UTC).isoformat()
        opened = {item["change"]["id"]: item for item in items if item["action"] == "approved"}
        known = {change: item["at"] for change, item in self.items.items()}
        self.items = {change: {"at": known.get(change, now), **item} for change, item in opened.items()}
        self.urgent = {change: each for change, each in self.urgent.items() if change in opened}
        for item in items:
            if item["action"] == "extra_published":
                self._note(item["extra"])

    def _note(self, extra: Mapping[str, Any]) -> None:
        """That it was put in force is known from here on, though whoever did it died before it could say so.

        Else it would be sent again when somebody has taken it back.
        """
        if extra["change_id"] in self.items:
            self.urgent[extra["change_id"]] = noted(extra["base_version"], extra["expires_at"])


def noted(base: str, until: str | None, why: str | None = None) -> dict[str, Any]:
    """What is kept of an urgent change: the version it was sent for, until when it is in force there, or why not."""
    return {"base": base, "until": until, "why": why}


def due(items: Iterable[FeedItem], schedule: Schedule | None, now: datetime) -> list[FeedItem]:
    """What the train that departs now takes: all that was approved before it was due, and all that is urgent.

    Nothing before it is due; without a schedule everything goes at any time.
    """
    waiting = list(items)
    if schedule is None:
        return waiting
    on_board = [each for each in waiting if schedule.next_departure(datetime.fromisoformat(each["at"])) <= now]
    return [each for each in waiting if each in on_board or (on_board and each["track"] == Track.EXPEDITED)]


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
