"""How a run of the gate is planned: the candidate is built, linted and loaded, and what to scan is divided."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sigreq.blobs import Blobs, ruleset_key
from sigreq.domain.changes import Content, Unfit, changed_rules
from sigreq.domain.findings import Code, Trouble
from sigreq.domain.gate_reasons import CleanNamed, NothingToChange, RulesNotLoaded, rule_fault
from sigreq.domain.gating import PartKind, Purpose, RunState, narrowed, widened
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.targets import Target
from sigreq.release import gate_end
from sigreq.release.engines import Engines
from sigreq.scanning.published import Rulesets
from sigreq.scanning.scanner import Scanner
from sigreq.store import changes, corpus, gates, jobs, locks, releases, solved, submissions
from sigreq.store.jobs import Lease
from sigreq.store.locks import Lock
from sigreq.store.solved import Lost
from sigreq.tables.gates import GateRun
from sigreq.tables.releases import Release
from sigreq.transaction import Database, Transaction
from sigreq.work import Finish, nothing

REQUESTED_IN_PART, CASES_IN_PART, FILES_IN_PART = 5, 100, 100
Parts = list[tuple[PartKind, list[Any]]]


@dataclass(frozen=True)
class _Found:
    """What one short transaction read."""

    run: GateRun
    base: Release | None
    solved: int
    corpus: int
    content: Content | None
    alongside: Sequence[tuple[str, Content]]
    targets: Sequence[Target]


@dataclass(frozen=True)
class _Built:
    """The signatures as they are and as they would be, and which of them have to be scanned for new detections."""

    base: Ruleset
    candidate: Ruleset
    scanned: Ruleset

    @property
    def lost(self) -> Lost:
        return Lost(narrowed(self.base, self.candidate), self.candidate.allowed - self.base.allowed)


@dataclass(frozen=True)
class Planner:
    """Plans runs of the gate."""

    database: Database
    rulesets: Rulesets
    bundles: Blobs
    scanner: Scanner
    engines: Engines
    lease: timedelta

    async def plan(self, lease: Lease) -> Finish:
        """Build the candidate; end the run at once if that is not possible, else write its parts."""
        async with self.database.transaction() as tx:
            await jobs.renew(tx, lease, self.lease)
            found = await _read(tx, lease)
        if found is None:
            return nothing
        built, troubles = await self._build(found)
        if built is not None and not troubles:
            troubles = await self._load(found, built)

        async def finish(tx: Transaction) -> None:
            await _write(tx, found, built, troubles)

        return finish

    async def _build(self, found: _Found) -> tuple[_Built | None, list[Trouble]]:
        base = Ruleset() if found.base is None else await self.rulesets.load(found.base.ruleset_digest)
        if found.content is None:
            assert found.run.ruleset_digest is not None  # noqa: S101 - a version is tested as it was handed in
            candidate = await self.rulesets.load(found.run.ruleset_digest)
            return _Built(base, candidate, candidate), []
        if found.base is None:
            return None, [Trouble(Code.DOES_NOT_APPLY, NothingToChange())]
        with_others = base
        for _, content in found.alongside:
            with_others = _tried(content, with_others)
        try:
            candidate = found.content.apply(with_others)
        except Unfit as unfit:
            return None, [Trouble(Code.DOES_NOT_APPLY, unfit.why)]
        troubles = await self._lint(changed_rules(found.content, with_others), found.targets)
        return _Built(base, candidate, widened(base, candidate)), troubles

    async def _lint(self, rules: Mapping[str, str], targets: Sequence[Target]) -> list[Trouble]:
        return [
            Trouble(
                Code.LINT,
                rule_fault(name, problem),
                signatures=(name,),
                engine=problem.target,
                line=problem.line,
                column=problem.column,
            )
            for name, source in rules.items()
            for problem in await self.scanner.lint(name, source, targets)
            if not problem.is_warning
        ]

    async def _load(self, found: _Found, built: _Built) -> list[Trouble]:
        """Have the rules compiled, loaded by the product's engines, and kept where all workers find them."""
        # What is out is out; there the cases say what is wrong with it.
        is_for_clamav = Target.CLAMAV in found.targets and found.run.purpose is not Purpose.RECHECK
        by_yara, by_clamav = await asyncio.gather(
            self._load_by_yara(built.scanned), self.engines.load(built.scanned) if is_for_clamav else _no_trouble()
        )
        if by_yara or by_clamav:
            return by_yara or by_clamav
        for ruleset in {each.digest: each for each in (built.candidate, built.scanned)}.values():
            await self.bundles.put_bytes(ruleset_key(ruleset.digest), ruleset.document(), ruleset.digest)
        return []

    async def _load_by_yara(self, ruleset: Ruleset) -> list[Trouble]:
        fault = await self.scanner.prepare(ruleset) if ruleset.in_force else None
        return [] if fault is None else [Trouble(Code.NOT_LOADED, RulesNotLoaded(fault))]


async def _no_trouble() -> list[Trouble]:
    return []


def _tried(content: Content, ruleset: Ruleset) -> Ruleset:
    """With the change, if it applies; whoever builds the release will see the same."""
    try:
        return content.apply(ruleset)
    except Unfit:
        return ruleset


async def _read(tx: Transaction, lease: Lease) -> _Found | None:
    run = await gates.get(tx, lease.args["run_id"])
    if run.state is not RunState.RUNNING or run.total is not None:
        return None
    base = await releases.newest(tx, run.product_id)
    if run.purpose is Purpose.RECHECK:
        base = None
        await locks.share(tx, Lock.SOLVED)  # a proof that is about to end has tried the version before only
    content: Content | None = None
    alongside: list[tuple[str, Content]] = []
    if run.purpose is Purpose.CHANGE:
        change = await changes.get(tx, run.subject)
        content = await changes.content(tx, change)
        waiting = await gates.waiting_changes(tx, run.product_id, but=[change.id])
        alongside = [(each.id, await changes.content(tx, each)) for each in waiting]
    targets = [Target(each) for each in (await releases.known_product(tx, run.product_id)).targets]
    newest_case, clean_set = await solved.newest(tx, run.product_id), await corpus.revision(tx)
    return _Found(run, base, newest_case, clean_set, content, alongside, targets)


async def _write(tx: Transaction, found: _Found, built: _Built | None, troubles: Sequence[Trouble]) -> None:
    values: dict[str, Any] = {
        "base_version": found.base.version if found.base else None,
        "seen_solved": found.solved,
        "seen_corpus": found.corpus,
        "alongside": [change_id for change_id, _ in found.alongside],
        "targets": list(found.targets),
    }
    if built is not None:
        values |= {"ruleset_digest": built.candidate.digest, "scanned_digest": built.scanned.digest}
        # What is out is out: there the solved cases say what is wrong with it, and each is tried.
        if found.run.purpose is not Purpose.RECHECK:
            troubles = troubles or await _known_clean(tx, built)
    if built is None or troubles:
        await gate_end.end(tx, await gates.write(tx, found.run.id, values), troubles)
        return
    run = await gates.plan(tx, found.run, values, await _parts(tx, found, built))
    if run.total == 0:
        await gate_end.conclude(tx, run)


async def _known_clean(tx: Transaction, built: _Built) -> list[Trouble]:
    """Files that are to be detected by their hash, and are known to be clean: looked up, not scanned."""
    return [
        Trouble(
            Code.CLEAN_DETECTED,
            CleanNamed(sha256, built.scanned.hashes[sha256]),
            None,
            sha256,
            (built.scanned.hashes[sha256],),
        )
        for sha256 in sorted(await corpus.known_hashes(tx, built.scanned.hashes))
    ]


async def _parts(tx: Transaction, found: _Found, built: _Built) -> Parts:
    run, upto = found.run, found.solved
    before = await _seen_before(tx, found, built)
    after = before.seen_solved if before else 0
    earlier: Sequence[str] = []
    if built.scanned.in_force or built.scanned.hashes:
        earlier = await solved.must_stay_clean(tx, run.product_id, after, upto)
    lost = built.lost if run.purpose is Purpose.CHANGE else None
    clean: Sequence[tuple[str, int]] = []
    if built.scanned.in_force and before is None and run.purpose is not Purpose.RECHECK:
        clean = await corpus.all_contents(tx)
    return [
        *_shares(PartKind.REQUESTED, await submissions.ids_helped_by(tx, run.changes), REQUESTED_IN_PART),
        # The longest parts early, so that what is left in the end is soon done, whoever has it: ClamAV took 6 s of the
        # processor for a hundred cases of 10 MB, and 2.5 s for a hundred clean programs of 12.
        *_shares(PartKind.EARLIER, earlier, CASES_IN_PART),
        *_shares(PartKind.CLEAN, clean, FILES_IN_PART),
        *_shares(PartKind.KEPT, await solved.must_stay_detected(tx, run.product_id, after, upto, lost), CASES_IN_PART),
    ]


async def _seen_before(tx: Transaction, found: _Found, built: _Built) -> GateRun | None:
    """A run in which the very same candidate passed: what it saw need not be seen again."""
    if found.run.purpose is Purpose.RECHECK:
        return None
    runs = await gates.passed(tx, found.run.product_id, found.run.purpose, built.candidate.digest)
    for each in runs:
        has_seen_these = each.scanned_digest == built.scanned.digest and each.seen_corpus == found.corpus
        if has_seen_these and set(found.targets) <= set(each.targets):
            return each
    return None


def _shares(kind: PartKind, items: Sequence[Any], at_most: int) -> Parts:
    return [(kind, list(items[start : start + at_most])) for start in range(0, len(items), at_most)]
