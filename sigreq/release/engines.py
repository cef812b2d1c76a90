"""The engines that a product's signatures are for: loaded by them, and scanned with them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sigreq.domain.bundles import UnfitRulesetError
from sigreq.domain.examination import ALLOWED
from sigreq.domain.findings import CLAMAV, YARA, Code, Trouble, by_engine
from sigreq.domain.gate_reasons import (
    ClamavFailed,
    ClamavMissing,
    ClamavNotStarted,
    FilesNotScanned,
    SignaturesNotLoaded,
)
from sigreq.domain.gating import Purpose, Results
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.targets import Target
from sigreq.domain.verdict import Outcome
from sigreq.domain.worded import Reason
from sigreq.scanning.clamav import ClamAv
from sigreq.scanning.clamav_grounds import Bundle
from sigreq.scanning.fetching import Content
from sigreq.scanning.sweep import Sweep
from sigreq.tables.gates import GateRun

MISSING = str(ClamavMissing())


@dataclass(frozen=True)
class Swept:
    """What the engines say of some contents; without an answer of ClamAV, `troubles` say why, unless it need not."""

    run: GateRun
    by_yara: Results
    by_clamav: Results | None = None
    troubles: Sequence[Trouble] = ()

    def judged(self, judge: Callable[[Results], list[Trouble]]) -> list[Trouble]:
        """What is wrong, each with the engine that found it."""
        found = by_engine(YARA, judge(self.by_yara))
        if self.by_clamav is None:
            return found
        theirs = judge(self.by_clamav)
        if self.run.purpose is Purpose.RECHECK:
            theirs = _of_published(theirs)
        return found + by_engine(CLAMAV, theirs)


def _of_published(troubles: Sequence[Trouble]) -> list[Trouble]:
    """One trouble for all that ClamAV could not scan: of each case YARA has spoken, and nobody could look further."""
    seen = [each for each in troubles if each.code is not Code.NOT_SCANNED]
    left = len(troubles) - len(seen)
    return [*seen, Trouble(Code.COULD_NOT_RUN, FilesNotScanned(left))] if left else seen


@dataclass(frozen=True)
class Engines:
    """YARA, and the ClamAV of this worker, if it has one. What needs ClamAV does not pass without it."""

    sweep: Sweep
    clamav: ClamAv | None

    async def load(self, ruleset: Ruleset) -> list[Trouble]:
        """Why ClamAV does not load the signatures."""
        if self.clamav is None:
            return [_could_not_run(ClamavMissing())]
        try:
            why = await self.clamav.load(Bundle.of(ruleset))
        except UnfitRulesetError as error:
            why = str(error)
        except OSError as error:
            return [_could_not_run(ClamavNotStarted(str(error)))]
        return [Trouble(Code.NOT_LOADED, SignaturesNotLoaded(why), engine=CLAMAV)] if why else []

    async def scan(self, run: GateRun, contents: Sequence[Content], ruleset: Ruleset) -> Swept:
        """What the engines of a run say of some contents. Raises ServiceUnavailable."""
        troubles: list[Trouble] = []
        if Target.CLAMAV in run.targets and self.clamav is None:
            troubles = [_could_not_run(ClamavMissing())]
        elif Target.CLAMAV in run.targets and self.clamav is not None:
            try:
                return Swept(run, *await self.sweep.scan_twice(contents, ruleset, self.clamav))
            except (UnfitRulesetError, OSError) as error:
                troubles = [_could_not_run(ClamavFailed(str(error)))]
        return Swept(run, await self.sweep.scan(contents, ruleset), None, troubles)

    async def scan_by_clamav(self, run: GateRun, contents: Sequence[Content], ruleset: Ruleset) -> Swept:
        """The same, of ClamAV alone, also of what is allowed. Raises ServiceUnavailable."""
        if Target.CLAMAV not in run.targets:
            return Swept(run, {})
        if self.clamav is None:
            return Swept(run, {}, None, [_could_not_run(ClamavMissing())])
        try:
            found = await self.sweep.scan_by_clamav(contents, Bundle.of(ruleset), self.clamav)
            return Swept(run, {}, with_allowed(found, ruleset))
        except (UnfitRulesetError, OSError) as error:
            return Swept(run, {}, None, [_could_not_run(ClamavFailed(str(error)))])


def with_allowed(found: Results, ruleset: Ruleset) -> Results:
    """The same, where what is allowed and found clean is said to be allowed."""
    return {
        sha256: ALLOWED if sha256 in ruleset.allowed and result.outcome is Outcome.CLEAN else result
        for sha256, result in found.items()
    }


def _could_not_run(why: Reason) -> Trouble:
    return Trouble(Code.COULD_NOT_RUN, why, engine=CLAMAV)
