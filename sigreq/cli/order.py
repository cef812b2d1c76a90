"""What the release tool is to publish: the part of what waits that may go out by now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sigreq.cli.approvals import check_approvals
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
    root: Path | None = None
    is_dry_run: bool = False
    waits_for_train: bool = False

    def candidate(
        self, waiting: Waiting, left_out: Mapping[str, str], schedule: Schedule | None = None
    ) -> Candidate | None:
        """The next version with what waits and is asked for, and may go out by now; None when there is nothing."""
        items = due(asked(waiting, self.track), schedule, datetime.now(UTC))
        if not items:
            return None
        check_approvals(self.root, self.product, items)
        place = next_place(self.session.client, self.product, self.version, datetime.now(UTC).date())
        return Candidate.made(self.product, place, items, left_out)

    def nothing(self, waiting: Waiting, schedule: Schedule | None) -> str:
        """Why no version goes out: nothing waits, or no train departs yet."""
        items = asked(waiting, self.track)
        if not items or schedule is None:
            return "Nothing waits."
        departs = min(schedule.next_departure(datetime.fromisoformat(item["at"])) for item in items)
        return f"Nothing departs before {moment(departs.isoformat())}; waiting: {len(items)}."

    def schedule(self, waiting: Waiting) -> Schedule | None:
        """The trains that what waits has to wait for; None where it need not."""
        if not (self.waits_for_train and asked(waiting, self.track)):
            return None
        said = self.session.client.schedule(self.product)["schedule"]
        return None if said is None else Schedule.read(said["days"], said["times"], said["time_zone"])


def asked(waiting: Waiting, track: str | None) -> list[FeedItem]:
    """What waits on this track, or on any."""
    return [item for item in waiting.items.values() if track in (None, item["track"])]
