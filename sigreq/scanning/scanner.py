"""Examination of samples out of reach of what a sample or a rule may do."""

import math
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from sigreq.domain.examination import Identity
from sigreq.domain.faults import Fault
from sigreq.domain.limits import UnpackLimits
from sigreq.domain.lint import Problem
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.targets import Target
from sigreq.domain.verdict import ScanResult
from sigreq.scanning import pool, replies, rule_replies
from sigreq.scanning.compiled import CompiledRulesets
from sigreq.scanning.look_replies import Seen, Small, looks
from sigreq.scanning.pool import Content, Pool, answer_or_fault
from sigreq.scanning.process import ChildDiedError, Request, Terms
from sigreq.scanning.replies import Capabilities, Unpacked

_IDENTIFY_SECONDS = 20.0
# YARA and the unpacker keep time themselves; whoever has not stopped this long after it is killed. Of a scan nothing is
# lost by that, of unpacking all members are.
_SCAN_GRACE_SECONDS = 1.0
_UNPACK_GRACE_SECONDS = 5.0
# Small files take milliseconds each. A child leaves what takes longer; it may have rules and libraries to load first.
_GLANCE_SECONDS = 3
# A child sees no more files before it is replaced than if each were unpacked, identified and scanned by itself.
_ASKS_A_FILE = 3
_LOOK_PROCESSOR_SECONDS = 6.0
_LOOK_SECONDS = 20.0
_COMPILED_BYTES = 1 << 30
# The unpacker counts for itself; this stops one that does not.
_SLACK_BYTES = 1 << 20

T = TypeVar("T")


class Place:
    """A private folder for one sample at a time, and what can be asked about files that lie in it.

    Every failure is a fault in the answer. A caller must not follow links when it writes here or reads from here.
    """

    def __init__(
        self,
        place: pool.Place,
        rulesets: CompiledRulesets,
        timeout: timedelta,
        limits: UnpackLimits,
        used: AsyncExitStack,
    ) -> None:
        """`used` lasts until the place is left: so long the rules stay that the child was told of ahead."""
        self._place = place
        self._used = used
        self._rulesets = rulesets
        self._timeout = timeout.total_seconds()
        self._limits = limits

    @property
    def folder(self) -> Path:
        """The folder, empty when the place is entered and wiped when it is left."""
        return self._place.folder

    async def begin(
        self, sample: Path, rulesets: Sequence[Ruleset], *, passwords: Sequence[str] | None, is_identified: bool
    ) -> None:
        """Let the child begin with what will be asked of this sample next, and in this order.

        That is `unpack` if there are passwords to try, `identify` unless it was, and `scan` with each of the rulesets.
        """
        asks = [] if passwords is None else [self._to_unpack(sample, passwords)]
        asks += [] if is_identified else [_to_identify(sample)]
        for ruleset in rulesets:
            rules = await self._used.enter_async_context(self._rulesets.used(ruleset))
            if isinstance(rules, Path):
                asks.append(self._to_scan(sample, rules))
        await self._place.send_ahead(asks)

    async def unpack(self, sample: Path, passwords: Sequence[str]) -> Unpacked:
        """What the sample holds, at all depths, within the limits; at most once for each time a place is entered."""
        asked = self._place.ask_for_files(
            *self._to_unpack(sample, passwords),
            lambda reply: replies.unpacked(reply, self.folder, self._limits),
            made="member-",
        )
        answer = await answer_or_fault(asked)
        faults = (answer,) if isinstance(answer, Fault) else answer.faults
        await self._retire_after(faults if isinstance(answer, Fault) else faults + _of_members(answer))
        return Unpacked(faults) if isinstance(answer, Fault) else answer

    async def identify(self, sample: Path) -> Identity:
        """What the sample is."""
        answer = await answer_or_fault(self._place.ask(*_to_identify(sample), replies.identity))
        identity = Identity(fault=answer) if isinstance(answer, Fault) else answer
        await self._retire_after([identity.fault])
        return identity

    async def scan(self, ruleset: Ruleset, sample: Path) -> ScanResult:
        """Clean means that the sample was examined as it is, and no rule fired. What it holds is not examined."""
        async with self._rulesets.used(ruleset) as rules:
            if isinstance(rules, Fault):
                return ScanResult.not_scanned(rules)
            self._place.will_use(str(rules))
            answer = await answer_or_fault(self._place.ask(*self._to_scan(sample, rules), replies.scan_result))
        result = ScanResult.not_scanned(answer) if isinstance(answer, Fault) else answer
        await self._retire_after([result.reason])
        return result

    async def look(self, files: Sequence[Small], rulesets: Sequence[Ruleset]) -> list[Seen | None]:
        """What is seen of small files at a glance, each as if it lay alone in an empty place.

        None for one that holds others, or of which anything was not seen: it has to be examined by itself. So have all
        when one of them is the death of the child.
        """
        async with AsyncExitStack() as used:
            rules = [await used.enter_async_context(self._rulesets.used(each)) for each in rulesets]
            paths = [str(each) for each in rules if isinstance(each, Path)]
            if len(paths) < len(rules):
                return [None] * len(files)
            for each in paths:
                self._place.will_use(each, len(files))
            asked = self._place.ask_once(
                _to_look(files, paths, min(_GLANCE_SECONDS, math.ceil(self._timeout))),
                Content(b"".join(file.content for file in files), _ASKS_A_FILE * len(files)),
                _LOOK_SECONDS,
                lambda reply: looks(reply, files),
            )
            answer = await answer_or_fault(asked)
        return [None] * len(files) if isinstance(answer, Fault) else answer

    def _to_unpack(self, sample: Path, passwords: Sequence[str]) -> tuple[Request, float]:
        request = {"ask": "unpack", "sample": sample.name, "passwords": list(passwords)}
        return {**request, "limits": vars(self._limits)}, self._limits.seconds + _UNPACK_GRACE_SECONDS

    def _to_scan(self, sample: Path, rules: Path) -> tuple[Request, float]:
        request = {"ask": "scan", "sample": sample.name, "ruleset": str(rules), "timeout": math.ceil(self._timeout)}
        return request, self._timeout + _SCAN_GRACE_SECONDS

    async def _retire_after(self, faults: Sequence[str | None]) -> None:
        """Memory that ran out may be memory that an earlier sample took."""
        if Fault.OUT_OF_MEMORY in faults:
            await self._place.retire()


class Scanner:
    """Examines samples in child processes that can be killed."""

    def __init__(
        self,
        work_dir: Path,
        *,
        shared: Path,
        places: int = 2,
        timeout: timedelta = timedelta(seconds=60),
        unpack: UnpackLimits = UnpackLimits(),  # noqa: B008 - frozen
        niceness: int = 0,
    ) -> None:
        """`timeout` bounds one attempt at one scan; `niceness` is added to that of this process.

        In `shared`, of the same file system, compiled rules lie for all scanners of this machine.
        """
        work_dir = work_dir.absolute()
        rulesets = work_dir / "rulesets"
        self._timeout = timeout
        self._limits = unpack
        # Rules are compiled apart, so that no sample can have a hand in what all children load.
        self._compilers = Pool(work_dir / "compilers", 1, Terms(str(rulesets), _COMPILED_BYTES, niceness))
        self._pool = Pool(
            work_dir / "places", places, Terms(str(rulesets), unpack.member_bytes + _SLACK_BYTES, niceness)
        )
        self._rulesets = CompiledRulesets(rulesets, self._compilers, shared)

    @asynccontextmanager
    async def place(self, owner: Hashable = None) -> AsyncIterator[Place]:
        """A place for one sample at a time; waits until one is free. Of those who wait, who has fewest is next."""
        async with AsyncExitStack() as used, self._pool.place(owner) as place:
            yield Place(place, self._rulesets, self._timeout, self._limits, used)

    async def prepare(self, ruleset: Ruleset) -> Fault | None:
        """Have the rules compiled and at hand; why that cannot be."""
        async with self._rulesets.used(ruleset) as rules:
            return rules if isinstance(rules, Fault) else None

    async def lint(self, name: str, source: str, targets: Collection[Target]) -> tuple[Problem, ...]:
        """What is to be said of `source` as the rule `name` of a product with these targets; empty when all is well.

        Only problems that are no warnings keep it from being published.
        """
        request = {"ask": "lint", "name": name, "source": source, "targets": sorted(targets)}
        answer = await self._ask_compiler(request, rule_replies.problems)
        if not isinstance(answer, Fault):
            return answer
        if answer in {Fault.TIMEOUT, Fault.CPU_LIMIT}:
            return (Problem("too_slow_to_compile", "takes too long to compile"),)
        return (Problem("compiler_died", "the compiler died of it"),)

    async def formatted(self, source: str) -> str | None:
        """The same rule, laid out; None when it cannot be without changing more than space."""
        answer = await self._ask_compiler({"ask": "format", "source": source}, rule_replies.formatted)
        return None if isinstance(answer, Fault) else answer

    async def _ask_compiler(self, request: Request, read: Callable[[bytes], T]) -> T | Fault:
        """Ask a child that nobody else asks afterwards: the next one compiles rules that others rely on."""
        async with self._compilers.place() as place:
            answer = await answer_or_fault(place.ask(request, self._timeout.total_seconds(), read))
            await place.retire()
        return answer

    async def knows(self, ruleset: Ruleset, name: str) -> bool | None:
        """Whether a rule is called so, or nearly so, as products show names. None when the rules cannot be asked."""
        async with self._rulesets.used(ruleset) as rules:
            if isinstance(rules, Fault):
                return None
            async with self._compilers.place() as place:
                request = {"ask": "knows", "ruleset": str(rules), "name": name}
                answer = await answer_or_fault(place.ask(request, self._timeout.total_seconds(), replies.is_known))
        return None if isinstance(answer, Fault) else answer

    async def capabilities(self) -> Capabilities | None:
        """What keeps samples in here, as the last child said; None when no child can be started."""
        if self._pool.hello is None and self._compilers.hello is None:
            async with self._compilers.place() as place:
                try:
                    await place.start()
                except ChildDiedError:
                    return None
        hello = self._pool.hello or self._compilers.hello
        try:
            return None if hello is None else replies.capabilities(hello)
        except ValueError:
            return None

    async def close(self) -> None:
        """Kill the children. What is under way ends as `child_died`, and so does all that is asked later."""
        await self._pool.close()
        await self._compilers.close()


def _to_identify(sample: Path) -> tuple[Request, float]:
    return {"ask": "identify", "sample": sample.name}, _IDENTIFY_SECONDS


def _to_look(files: Sequence[Small], rulesets: Sequence[str], timeout: int) -> Request:
    wanted = [{"size": len(file.content), "identify": file.is_new, "rulesets": list(file.rulesets)} for file in files]
    limits = {"timeout": timeout, "enough": timeout, "seconds": _LOOK_PROCESSOR_SECONDS}
    return {"ask": "look", "files": wanted, "rulesets": list(rulesets), **limits}


def _of_members(found: Unpacked) -> tuple[Fault, ...]:
    return tuple(fault for member in found.members for fault in member.faults)
