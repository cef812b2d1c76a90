"""Examines samples as they lie in the store: fetched, unpacked, identified, scanned, their members stored too."""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, TypeVar

from sigreq.blobs import Blobs, sample_key
from sigreq.domain.examination import ALLOWED, Examination, File, Identity, assembled, trees_of, with_hash
from sigreq.domain.faults import Fault
from sigreq.domain.limits import CUSTOMARY_PASSWORDS
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import SampleFacts
from sigreq.domain.verdict import ScanResult
from sigreq.scanning.fetching import Content
from sigreq.scanning.look_replies import Seen, Small
from sigreq.scanning.replies import Member, opened
from sigreq.scanning.scanner import Place, Scanner
from sigreq.spool import facts_of

# Sent files that are worked on at once for one submission: the next is fetched while one is scanned.
AT_ONCE = 4
UPLOADS_AT_ONCE = 8
# So small a file is in memory while it is looked at, with as many others.
SMALL_BYTES = 64 << 10
LOOKED_AT_ONCE = 20
# Each may be a few KiB; a submission has up to 20,000 files, and a file 50 hits.
MOST_HITS = 2_000


@dataclass(frozen=True)
class Order:
    """What is to be examined, and what is known already.

    Files that nobody has looked into (`faults` is None) are unpacked and identified; of the others and their members
    only what `known` does not hold (by SHA-256 and the ruleset's digest) is fetched and scanned.
    """

    organisation_id: str
    files: Sequence[File]
    rulesets: Sequence[Ruleset]
    passwords: Sequence[str] = ()
    known: Mapping[tuple[str, str], ScanResult] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredSamples:
    """Samples in the store, and the scanner that examines them."""

    samples: Blobs
    scanner: Scanner
    work_dir: Path
    patience: timedelta = timedelta(minutes=10)
    """For all files of one submission; what is left then was not examined for want of time."""

    async def examine(self, order: Order) -> Examination:
        """Everything that is wrong with a sample is in the result. Raises ServiceUnavailable.

        What comes from the store lies in a folder of its own, which goes away again.
        """
        self.work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.work_dir, prefix="samples-") as folder:
            return await _Examiner(self, order, Path(folder)).examine()


def small_ones(files: Iterable[File]) -> Iterator[list[File]]:
    """Those that are small, parted into what one look may hold."""
    some: list[File] = []
    for file in files:
        if file.facts is None or file.facts.size > SMALL_BYTES:
            continue
        some.append(file)
        if len(some) == LOOKED_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


class _Examiner:
    """One order on its way."""

    def __init__(self, stored: StoredSamples, order: Order, folder: Path) -> None:
        self._stored = stored
        self._order = order
        self._folder = folder
        self._numbers = count()
        # What is sent twice is scanned once.
        self._contents = defaultdict[str, asyncio.Lock](asyncio.Lock)
        self._ends = monotonic() + stored.patience.total_seconds()
        self._hits_left = MOST_HITS
        self._passwords = [*order.passwords, *CUSTOMARY_PASSWORDS]
        self._identified = {each.facts.sha256 for each in order.files if each.facts and each.is_identified}
        self._identities: dict[str, Identity] = {}
        self._results: dict[str, dict[str, ScanResult]] = {ruleset.digest: {} for ruleset in order.rulesets}
        for (sha256, digest), result in order.known.items():
            self._results[digest][sha256] = result

    async def examine(self) -> Examination:
        sent = [file for file in self._order.files if file.parent is None]
        trees = dict[int, list[File]]()
        for some in small_ones(root for root in sent if root.faults is None):
            trees |= await self._look_at(some)
        left = [root for root in sent if root.position not in trees]
        places = asyncio.Semaphore(AT_ONCE)

        async def in_turn(root: File) -> list[File]:
            async with places:
                return await self._root(root)

        found = await _all(in_turn(root) for root in left)
        trees |= {root.position: tree for root, tree in zip(left, found, strict=True)}
        return Examination(assembled(sent, trees), self._identities, self._results)

    async def _look_at(self, roots: Sequence[File]) -> dict[int, list[File]]:
        """Look at small files together; the trees, by position, of those that hold nothing and were seen whole."""
        known = {root.position: root.facts for root in roots if root.facts is not None}
        keys = {sample_key(self._order.organisation_id, facts.sha256): facts.sha256 for facts in known.values()}
        contents = await self._stored.samples.fetch_small(keys, SMALL_BYTES)
        files = {
            at: Small(content, self._wanted(facts), not self._is_identified(facts))
            for (at, facts), content in zip(known.items(), contents, strict=True)
            if content is not None
        }
        if not files or monotonic() > self._ends:
            return {}
        async with self._place() as place:
            looks = await place.look(list(files.values()), self._order.rulesets)
        seen = {at: look for at, look in zip(files, looks, strict=True) if look is not None}
        for at, look in seen.items():
            self._keep(known[at], files[at], look)
        return {root.position: [replace(root, position=0, faults=())] for root in roots if root.position in seen}

    def _wanted(self, facts: SampleFacts) -> tuple[int, ...]:
        digests = {ruleset.digest for ruleset in self._unknown(facts)}
        return tuple(at for at, ruleset in enumerate(self._order.rulesets) if ruleset.digest in digests)

    def _keep(self, facts: SampleFacts, file: Small, seen: Seen) -> None:
        if seen.identity is not None:
            self._identities[facts.sha256] = seen.identity
        for at, result in zip(file.rulesets, seen.results, strict=True):
            self._set(self._order.rulesets[at], facts, result)

    @cached_property
    def _trees(self) -> dict[int, list[File]]:
        return trees_of(self._order.files)

    async def _root(self, root: File) -> list[File]:
        if root.faults is None:
            return await self._open(root)
        tree = self._trees[root.position]
        for file in tree:
            if file.facts is not None:
                await self._scan_again(file.facts)
        return tree

    async def _open(self, root: File) -> list[File]:
        """The file and what was found in it, all of it in the store."""
        assert root.facts is not None  # noqa: S101 - what was sent has content
        path = await self._fetch(root.facts)
        if isinstance(path, Fault):
            self._note(root.facts, path)
            return [replace(root, position=0)]
        async with self._contents[root.facts.sha256], self._place() as place:
            # Named by its content: no answer about another file can be taken for one about this.
            sample = path.replace(place.folder / root.facts.sha256)
            wanted = self._unknown(root.facts)
            is_known = self._is_identified(root.facts)
            await place.begin(sample, wanted, passwords=self._passwords, is_identified=is_known)
            unpacked = await place.unpack(sample, self._passwords)
            # Exactly that, whatever is found out about the same content meanwhile: the child is at it.
            await self._look(place, sample, root.facts, wanted, is_identified=is_known)
            tree = [replace(root, position=0, faults=unpacked.faults)]
            kept: dict[str, Path] = {}
            for member in unpacked.members:
                facts = None
                if member.path is not None:
                    facts = await asyncio.to_thread(_facts, member)
                    is_known = self._is_identified(facts)
                    await self._look(place, member.path, facts, self._unknown(facts), is_identified=is_known)
                    kept[facts.sha256] = member.path.replace(self._new_path())
                tree.append(File(member.number, member.parent, member.name, facts, member.faults))
        await self._upload(kept)
        return tree

    async def _scan_again(self, facts: SampleFacts) -> None:
        if not self._unknown(facts):
            return
        path = await self._fetch(facts)
        if isinstance(path, Fault):
            self._note(facts, path)
            return
        async with self._contents[facts.sha256], self._place() as place:
            sample = path.replace(place.folder / facts.sha256)
            await self._look(place, sample, facts, self._unknown(facts), is_identified=True)

    def _place(self) -> AbstractAsyncContextManager[Place]:
        """One of the organisation's: alone it has all of them, and no more than its share as soon as others wait."""
        return self._stored.scanner.place(self._order.organisation_id)

    async def _look(
        self, place: Place, path: Path, facts: SampleFacts, wanted: Sequence[Ruleset], *, is_identified: bool
    ) -> None:
        """Identify it, unless it is, and scan with what is wanted."""
        if monotonic() > self._ends:
            self._note(facts, Fault.TIMEOUT)
            return
        if not is_identified:
            self._identities[facts.sha256] = await place.identify(path)
        for ruleset in wanted:
            self._set(ruleset, facts, await place.scan(ruleset, path))

    def _set(self, ruleset: Ruleset, facts: SampleFacts, result: ScanResult) -> None:
        self._results[ruleset.digest][facts.sha256] = with_hash(ruleset, facts.sha256, self._bounded(result))

    def _bounded(self, result: ScanResult) -> ScanResult:
        """The same, without where the rules hit once that is known of so many."""
        self._hits_left -= len(result.hits)
        return result if self._hits_left >= 0 else replace(result, hits=())

    def _is_identified(self, facts: SampleFacts) -> bool:
        return facts.sha256 in self._identified or facts.sha256 in self._identities

    def _unknown(self, facts: SampleFacts) -> list[Ruleset]:
        """The rulesets that the content has to be scanned with; what they allow needs no scan."""
        for ruleset in self._order.rulesets:
            if facts.sha256 in ruleset.allowed:
                self._results[ruleset.digest][facts.sha256] = ALLOWED
        return [each for each in self._order.rulesets if facts.sha256 not in self._results[each.digest]]

    def _note(self, facts: SampleFacts, fault: Fault) -> None:
        for ruleset in self._unknown(facts):
            self._results[ruleset.digest][facts.sha256] = with_hash(
                ruleset, facts.sha256, ScanResult.not_scanned(fault)
            )

    async def _fetch(self, facts: SampleFacts) -> Path | Fault:
        """The sample in a file, or what is wrong with it."""
        path = self._new_path()
        key = sample_key(self._order.organisation_id, facts.sha256)
        fault = await Content(self._stored.samples, key, facts.sha256).fetch(path)
        return fault or path

    async def _upload(self, kept: Mapping[str, Path]) -> None:
        """Members become samples of their own: their bytes are in the store before their rows are written."""
        places = asyncio.Semaphore(UPLOADS_AT_ONCE)

        async def put(sha256: str, path: Path) -> None:
            async with places:
                with opened(path) as file:
                    key = sample_key(self._order.organisation_id, sha256)
                    await self._stored.samples.put_file(key, file, sha256)
                await asyncio.to_thread(path.unlink)

        await _all(put(*each) for each in kept.items())

    def _new_path(self) -> Path:
        return self._folder / str(next(self._numbers))


Found = TypeVar("Found")


async def _all(works: Iterable[Coroutine[Any, Any, Found]]) -> list[Found]:
    """Everything at once; the first failure breaks off the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return [task.result() for task in tasks]


def _facts(member: Member) -> SampleFacts:
    with member.open() as file:
        return facts_of(member.name, file)
