"""Compiled rulesets on disk, made once each, which children can read and not write."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from sigreq.domain.faults import Fault
from sigreq.domain.ruleset import Ruleset
from sigreq.scanning import replies
from sigreq.scanning.kept import Kept
from sigreq.scanning.pool import Place, Pool, answer_or_fault
from sigreq.scanning.shared import SharedFiles

KEPT_RULESETS = 16

# 22,000 rules took 7 to 51 seconds, as busy as the machine was.
_COMPILE_SECONDS = 300.0
# What one version compiles, another may not load.
_YARA = version("yara-python")


class CompiledRulesets:
    """The rulesets used last. They are compiled by children that never see a sample, and once for all workers here."""

    def __init__(self, folder: Path, compilers: Pool, shared: Path) -> None:
        """`shared` is a folder of the same file system as `folder`."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._compilers = compilers
        self._shared = SharedFiles(shared, KEPT_RULESETS)
        self._kept = Kept[Path | Fault](KEPT_RULESETS, _drop, _is_lasting)

    @asynccontextmanager
    async def used(self, ruleset: Ruleset) -> AsyncIterator[Path | Fault]:
        """The compiled rules, which stay at least as long as the context lasts, or why there are none."""
        async with self._kept.used(ruleset.digest, lambda: self._found(ruleset)) as found:
            yield found

    async def _found(self, ruleset: Ruleset) -> Path | Fault:
        path, name = self._folder / f"{ruleset.digest}.yarc", f"{ruleset.digest}-{_YARA}.yarc"
        if await asyncio.to_thread(self._shared.take, name, path):
            return path
        found = await self._compile(ruleset, path)
        if isinstance(found, Path):
            await asyncio.to_thread(self._shared.leave, name, path)
        return found

    async def _compile(self, ruleset: Ruleset, path: Path) -> Path | Fault:
        async with self._compilers.place() as place:
            document = await asyncio.to_thread(_rules_of, ruleset)
            await asyncio.to_thread((place.folder / "document").write_bytes, document)
            try:
                fault = await answer_or_fault(_ask_to_compile(place))
            finally:
                # Rules may have harmed it; and once it is gone, nobody holds the file open for writing.
                await place.retire()
            return fault or (place.folder / "compiled").replace(path)


def _drop(found: Path | Fault) -> None:
    if isinstance(found, Path):
        found.unlink(missing_ok=True)


def _is_lasting(found: Path | Fault) -> bool:
    """Another attempt at what failed for another reason than its rules may go better."""
    return found is Fault.RULESET_INVALID or isinstance(found, Path)


def _rules_of(ruleset: Ruleset) -> bytes:
    return json.dumps(dict(ruleset.in_force)).encode()


async def _ask_to_compile(place: Place) -> Fault | None:
    def read(reply: bytes) -> Fault | None:
        return replies.compile_fault(reply, place.folder / "compiled")

    return await place.ask_for_files({"ask": "compile", "ruleset": "document"}, _COMPILE_SECONDS, read, "compiled")
