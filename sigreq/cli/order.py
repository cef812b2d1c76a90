"""What the release tool is to publish: the part of what waits that may go out by now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sigreq.cli.candidate import Candidate, next_place
from sigreq.cli.options import Session
from sigreq.cli.output import moment
from sigreq.cli.train import FeedItem, Waiting, due
from sigreq.domain.trains import Schedule


@dataclass(frozen=True)
class Order:
    """What to release, and how."""

    session: Session
    product: str
    track: str | None
    version: str | None
    state: Path
    into: Path | None
    is_dry_run: bool = False
    waits_for_train: bool = False

    def candidate(self, waiting: Waiting, left_out: Mapping[str, str]) -> Candidate | None:
        """The next version with what waits and is asked for, and may go out by now; None when there is nothing."""
        items = asked(waiting, self.track)
        if items and self.waits_for_train:
            items = due(items, self._schedule(), datetime.now(UTC))
        if not items:
            return None
        place = next_place(self.session.client, self.product, self.version, datetime.now(UTC).date())
        return Candidate.made(self.product, place, items, left_out)

    def nothing(self, waiting: Waiting) -> str:
        """Why nothing goes out: nothing waits, or no train departs yet."""
        items = asked(waiting, self.track)
        schedule = self._schedule() if items and self.waits_for_train else None
        if schedule is None:
            return "Nothing waits."
        departs = min(schedule.next_departure(datetime.fromisoformat(item["at"])) for item in items)
        return f"Nothing departs before {moment(departs.isoformat())}; waiting: {len(items)}."

    def _schedule(self) -> Schedule | None:
        said = self.session.client.schedule(self.product)["schedule"]
        return None if said is None else Schedule.read(said["days"], said["times"], said["time_zone"])


def asked(waiting: Waiting, track: str | None) -> list[FeedItem]:
    """What waits on this track, or on any."""
    return [item for item in waiting.items.values() if track in (None, item["track"])]
