"""What was found in a file: what it is, what it holds, and which rules fire on it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sigreq.domain.faults import Fault, blocking, is_final
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Kind, SampleFacts
from sigreq.domain.verdict import Outcome, ScanResult


@dataclass(frozen=True)
class Identity:
    """What a file is. `fault` says why a part of it is unknown; then its outcome is `not_identified`.

    `executable` holds what a PE, ELF or Mach-O file says of itself: format, signer, import hash, sections and their
    entropy (bits a byte, 0 to 8).
    """

    mime: str | None = None
    description: str | None = None
    tlsh: str | None = None
    executable: Mapping[str, Any] | None = None
    fault: Fault | None = None


@dataclass(frozen=True)
class File:
    """One file of a submission: sent (no parent), or found in another, whose position is `parent`.

    `name` is only data. Without `facts` its content could not be had. `faults` is None until somebody has looked.
    `is_identified` says that it is known what the content is.
    """

    position: int
    parent: int | None
    name: str
    facts: SampleFacts | None
    faults: tuple[Fault, ...] | None = None
    is_identified: bool = False


ALLOWED = ScanResult(Outcome.CLEAN, reason="allowed")
"""The database version never detects this content, nor what it holds."""

MAX_DETECTIONS = 50


def with_hash(ruleset: Ruleset, sha256: str, result: ScanResult) -> ScanResult:
    """What the rules found, with the detection by the content's hash, if there is one: scanned or not."""
    name = ruleset.hashes.get(sha256)
    if name is None:
        return result
    return replace(result, outcome=Outcome.DETECTED, detections=tuple(sorted({name, *result.detections})), reason=None)


def overall(files: Sequence[File], results: Mapping[str, ScanResult]) -> dict[int, ScanResult]:
    """The result of each file, by its position, with everything it holds; `results` are by SHA-256.

    A rule that fires anywhere in it is a detection. Without one it is clean only when every part was examined.
    """
    below: dict[int | None, list[File]] = {}
    for file in files:
        below.setdefault(file.parent, []).append(file)
    return {file.position: _weighed(_parts(file, below, results)) for file in files}


Part = tuple[File, ScanResult | None]


def _parts(file: File, below: Mapping[int | None, Sequence[File]], results: Mapping[str, ScanResult]) -> Iterator[Part]:
    """The file and all it holds, save what is allowed."""
    result = results.get(file.facts.sha256) if file.facts else None
    if result == ALLOWED:
        return
    yield file, result
    for member in below.get(file.position, []):
        yield from _parts(member, below, results)


def _weighed(parts: Iterator[Part]) -> ScanResult:
    detections: set[str] = set()
    reasons: list[str] = []
    for file, result in parts:
        if result is not None:
            detections.update(result.detections)
            reasons += [result.reason] if result.outcome is Outcome.NOT_SCANNED and result.reason else []
        elif file.facts is not None:
            reasons.append(Fault.NOT_EXAMINED)
        reasons += blocking(file.faults if file.faults is not None else [Fault.NOT_EXAMINED])
    if detections:
        return ScanResult(Outcome.DETECTED, tuple(sorted(detections)[:MAX_DETECTIONS]))
    return ScanResult.not_scanned(reasons[0]) if reasons else ScanResult(Outcome.CLEAN)


Tree = Sequence[File]
"""A sent file at position 0 and, numbered from 1, what was found in it at any depth."""


def shown(kind: Kind, files: Sequence[File], results: Mapping[str, ScanResult]) -> dict[int, bool | None]:
    """Whether each sent file, by its position, shows what the customer complains of; None when that was not seen.

    A false positive shows where any part is detected. A false negative shows where any part that holds nothing else is
    not detected, neither by itself nor in what holds it: one detected member of an archive says nothing of the others.
    """
    if kind is Kind.FALSE_POSITIVE:
        found = overall(files, results)
        return {file.position: found[file.position].shows_fault(kind) for file in files if file.parent is None}
    return {at: _is_missed(tree, results) for at, tree in trees_of(files).items()}


def _is_missed(tree: Tree, results: Mapping[str, ScanResult]) -> bool | None:
    """`tree` has what holds a file before it."""
    holders = {file.parent for file in tree if file.facts is not None}
    settled: set[int] = set()
    is_missed = False
    for file in tree:
        result = results.get(file.facts.sha256) if file.facts else None
        if file.parent in settled or (result is not None and result.detections):
            settled.add(file.position)
        elif result == ALLOWED:  # passed over with all it holds
            settled.add(file.position)
            is_missed = True
        elif file.faults is None or blocking(file.faults) or (file.facts and (not result or _is_unseen(result))):
            return None
        elif file.position not in holders and file.facts is not None:
            is_missed = True
    return is_missed


def _is_unseen(result: ScanResult) -> bool:
    return result.outcome is Outcome.NOT_SCANNED


def assembled(sent: Sequence[File], trees: Mapping[int, Tree]) -> list[File]:
    """The files of a submission: those sent keep their positions, what was found in them is numbered behind them."""
    files = [replace(file, faults=trees[file.position][0].faults) if file.position in trees else file for file in sent]
    free = 1 + max((file.position for file in sent), default=-1)
    for root in sent:
        tree = trees.get(root.position, [root])
        places = {file.position: free + number for number, file in enumerate(tree[1:])}
        places[0] = root.position
        files += [replace(file, position=places[file.position], parent=places[file.parent or 0]) for file in tree[1:]]
        free += len(tree) - 1
    return files


def trees_of(files: Iterable[File]) -> dict[int, list[File]]:
    """Each sent file, by its position, with all it holds, numbered as a tree of its own."""
    trees: dict[int, list[File]] = {}
    places: dict[int, tuple[list[File], int]] = {}
    for file in sorted(files, key=lambda each: each.position):
        if file.parent is None:
            tree, parent = trees.setdefault(file.position, []), None
        else:
            tree, parent = places[file.parent]
        places[file.position] = tree, len(tree)
        tree.append(replace(file, position=len(tree), parent=parent))
    return trees


def to_look_into_again(files: Sequence[File]) -> list[File]:
    """The same, without what was found where another look may find more: the sent file is as nobody had looked."""
    kept: list[File] = []
    trees = trees_of(files)
    for root in (file for file in files if file.parent is None):
        tree = trees[root.position]
        is_done = root.faults is not None and all(is_final(file.faults or ()) for file in tree)
        held = _held(files, root.position) if is_done else []
        kept += [root, *held] if is_done else [replace(root, faults=None)]
    return sorted(kept, key=lambda file: file.position)


def _held(files: Sequence[File], position: int) -> list[File]:
    inside = {position}
    held = []
    for file in sorted(files, key=lambda each: each.position):
        if file.parent in inside:
            inside.add(file.position)
            held.append(file)
    return held


@dataclass(frozen=True)
class Examination:
    """What was found: all files, what those newly looked at are, and the results by the rulesets' digests."""

    files: Sequence[File]
    identities: Mapping[str, Identity]
    results: Mapping[str, Mapping[str, ScanResult]]

    def of_sent(self, digest: str) -> list[tuple[File, ScanResult]]:
        """The result of each file sent, with everything it holds."""
        results = overall(self.files, self.results[digest])
        return [(file, results[file.position]) for file in self.files if file.parent is None]

    def shown(self, kind: Kind, digest: str) -> list[bool | None]:
        """For each file sent, whether it shows what the customer complains of; None when that was not seen."""
        return list(shown(kind, self.files, self.results[digest]).values())
