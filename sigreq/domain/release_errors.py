"""What can be wrong with a signature change or a release; facts as in `errors.py`."""

from dataclasses import dataclass

from sigreq.domain.errors import Problem
from sigreq.domain.reasons import WhyClean, WhyMalware, WhyNotGated, WhyNotLet, WhyUnfit
from sigreq.domain.release_reasons import WhyNoExtra, WhyNoTrain, WhyNoWayBack


@dataclass(eq=False)
class ChangeUnfit(Problem):
    """This change cannot be drafted: {reason}."""

    reason: WhyUnfit


@dataclass(eq=False)
class FourEyes(Problem):
    """Change {id} revision {rev} was written by you; somebody else has to approve it."""

    id: str
    rev: int


@dataclass(eq=False)
class OwnProposal(Problem):
    """The relief {id} was proposed by you; a lead who did not propose it has to approve it."""

    id: str


@dataclass(eq=False)
class KnownMalware(Problem):
    """The file {sha256} is known as malware and cannot be allowed: {why}."""

    sha256: str
    why: WhyMalware


@dataclass(eq=False)
class KnownClean(Problem):
    """The file {sha256} is known to be clean and cannot be detected by its hash: {why}."""

    sha256: str
    why: WhyClean


@dataclass(eq=False)
class ArchiveHoldsDetected(Problem):
    """The file {sha256} is an archive, and who allows it clears everything it holds; detected in it are: {members}.
    Allow those by themselves instead.
    """

    sha256: str
    members: str


@dataclass(eq=False)
class ExtraUnfit(Problem):
    """This extra cannot be made: {reason}."""

    reason: WhyNoExtra


@dataclass(eq=False)
class BaseReplaced(Problem):
    """Version {base} of {product} is not the newest live one; {newest} is. Make the extra for that."""

    product: str
    base: str
    newest: str | None


@dataclass(eq=False)
class GatePassStale(Problem):
    """The pass of change {id} does not hold: {why}. Test it again."""

    id: str
    why: WhyNotLet


@dataclass(eq=False)
class TrainNotGated(Problem):
    """Version {version} of {product} has no pass of the gate that holds: {why}. Send it through the gate first."""

    product: str
    version: str
    why: WhyNotGated


@dataclass(eq=False)
class CursorAhead(Problem):
    """The cursor {cursor} is ahead of the feed, whose last entry is {head}. The feed was restored from a backup: start
    again from 0.
    """

    cursor: int
    head: int


@dataclass(eq=False)
class CursorForeign(Problem):
    """Entry {cursor} of the feed is not the one that was read before. The feed was restored from a backup, or belongs
    to another server: start again from 0.
    """

    cursor: int


@dataclass(eq=False)
class CursorTooOld(Problem):
    """The cursor {cursor} is older than what the feed keeps, which begins behind {oldest}. Take the snapshot of
    {product}, and read on from its cursor.
    """

    cursor: int
    oldest: int
    product: str


@dataclass(eq=False)
class ReleaseExists(Problem):
    """Version {version} of {product} is already published with other content. A version is never used twice: publish
    under a higher one.
    """

    product: str
    version: str


@dataclass(eq=False)
class OrdinalNotHigher(Problem):
    """Ordinal {ordinal} is not higher than {highest}, the highest of {product}."""

    product: str
    ordinal: int
    highest: int


@dataclass(eq=False)
class TrainScheduleUnfit(Problem):
    """No train of {product} can run by this schedule: {why}."""

    product: str
    why: WhyNoTrain


@dataclass(eq=False)
class RulesetUnfit(Problem):
    """The ruleset of {version} cannot be written as files: {why}."""

    version: str
    why: str


@dataclass(eq=False)
class RollbackUnfit(Problem):
    """{product} cannot go back to version {version}: {why}."""

    product: str
    version: str
    why: WhyNoWayBack


@dataclass(eq=False)
class ChangeUnknown(Problem):
    """These changes are not waiting for a release of {product}: {changes}."""

    product: str
    changes: str


@dataclass(eq=False)
class FixDropped(Problem):
    """Version {version} no longer holds what these published changes asked for: {changes}. Build on the newest one."""

    version: str
    changes: str


@dataclass(eq=False)
class ChangeNotInRuleset(Problem):
    """The ruleset of {version} does not hold what change {change} asks for, though it is reported as included."""

    version: str
    change: str
