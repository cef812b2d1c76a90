"""What ClamAV's programs get to see: a bundle, and a private folder for one piece of work with it."""

import asyncio
import hashlib
import math
import os
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Self

from sigreq.domain import clamav_files
from sigreq.domain.bundles import contents
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.targets import Target
from sigreq.domain.verdict import Outcome
from sigreq.scanning import clamav_lines
from sigreq.scanning.clamav_lines import Answers
from sigreq.scanning.kept import Kept
from sigreq.scanning.programs import Ended, Terms

# 6,000 rules take 1 to 10 seconds, as busy as the machine is.
LOAD_SECONDS = 300
# To write 4,600 rules as files of their own takes 2 to 5 seconds, longer than to load them; to link them 0.2.
KEPT_BUNDLES = 4

_MEMORY = 3 << 30
_FILE_BYTES = 2 << 30
_OPEN_FILES = 256
_PROBE = b"sigreq probe: nothing to detect\n"


@dataclass(frozen=True)
class Bundle:
    """What ClamAV loads: files by name, and the content that only these files detect, with the name it then has."""

    files: Mapping[str, bytes]
    canary: bytes
    canary_name: str

    @cached_property
    def key(self) -> str:
        """The same for the same files alone."""
        digest = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()

    @staticmethod
    @lru_cache(KEPT_BUNDLES)
    def of(ruleset: Ruleset) -> "Bundle":
        """The bundle of a ruleset. Raises UnfitRulesetError."""
        return Bundle.published(contents(Target.CLAMAV, ruleset), ruleset.digest)

    @classmethod
    def published(cls, files: Mapping[str, bytes], digest: str) -> Self:
        """A bundle that was built before, of the ruleset with this digest."""
        return cls(files, clamav_files.canary(digest), clamav_files.canary_name(digest))


@dataclass(frozen=True)
class Grounds:
    """The bundle as it lies in `database`, and a private folder: probes to read, and a folder to write in.

    `niceness` is for those who do.
    """

    folder: Path
    database: Path
    bundle: Bundle
    niceness: int = 0

    @property
    def scratch(self) -> Path:
        """The only place where the programs write."""
        return self.folder / "scratch"

    @property
    def probes(self) -> Path:
        """Where files of ours lie that are to be looked at, and the list of what is."""
        return self.folder / "probes"

    @property
    def canary(self) -> Path:
        """What has to be detected."""
        return self.probes / "canary"

    @property
    def both_probes(self) -> Mapping[str, str]:
        """The canary and what must not be detected: names by paths."""
        return {str(self.canary): "canary", str(self.probes / "clean"): "clean"}

    def fill(self) -> None:
        """Write what is to be read."""
        for each in (self.scratch, self.probes):
            each.mkdir(mode=0o700)
        write(self.canary, self.bundle.canary)
        write(self.probes / "clean", _PROBE)

    def terms(self, seconds: float, readable: Sequence[Path] = (), *, sockets: bool = False) -> Terms:
        """What a program may do here for so long."""
        return Terms(
            readable=tuple(str(each) for each in (self.database, self.probes, *readable)),
            writable=str(self.scratch),
            memory=_MEMORY,
            file_bytes=_FILE_BYTES,
            open_files=_OPEN_FILES,
            seconds=math.ceil(seconds) + 1,
            niceness=self.niceness,
            sockets=sockets,
        )

    def doubt(self, program: str, loaded: int | None, said: Answers, errors: str) -> str | None:
        """Why what a program said of both probes is no proof that it has the whole bundle; None when it is.

        `errors` is what it has complained of.
        """
        wanted = clamav_files.signatures(self.bundle.files)
        canary, clean = said.by_name["canary"], said.by_name["clean"]
        if loaded != wanted:
            complaint = clamav_lines.why(errors, str(self.database))
            return f"{program} loads {loaded or 0} of its {wanted} signatures" + (f": {complaint}" if complaint else "")
        if canary.detections != (self.bundle.canary_name,):
            return f"{program} does not detect its canary as {self.bundle.canary_name}"
        if clean.outcome is not Outcome.CLEAN or not said.is_whole:
            return f"{program} does not find a harmless text clean ({', '.join(clean.detections) or clean.reason})"
        return None

    def failure(self, program: str, ended: Ended) -> str:
        """How a program failed, and what it said of that."""
        if ended.code is None:
            return f"{program} takes too long"
        if ended.signal is not None:
            return f"{program} dies of it ({ended.signal})"
        said = clamav_lines.why(ended.errors + ended.output, str(self.database))
        return f"{program} refuses it: {said or f'it ends with {ended.code}'}"


class GroundsKeeper:
    """Makes grounds below a folder. Bundles are written once, and read by all who work with them."""

    def __init__(self, folder: Path, niceness: int = 0) -> None:
        self._folder = folder.absolute()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._niceness = niceness
        self._databases = Kept[Path](KEPT_BUNDLES, _wipe_aside)
        self._last: tuple[Mapping[str, bytes], Path] = ({}, self._folder)

    @asynccontextmanager
    async def grounds(self, bundle: Bundle) -> AsyncIterator[Grounds]:
        """Grounds with this bundle; all but the bundle is wiped in the end."""
        async with self._databases.used(bundle.key, lambda: self._database(bundle)) as database:
            folder = Path(mkdtemp(dir=self._folder, prefix="clamav-"))
            try:
                made = Grounds(folder, database, bundle, self._niceness)
                await asyncio.to_thread(made.fill)
                yield made
            finally:
                await asyncio.to_thread(_wipe, folder)

    async def _database(self, bundle: Bundle) -> Path:
        database = Path(mkdtemp(dir=self._folder, prefix="bundle-"))
        try:
            await asyncio.to_thread(_fill, database, bundle.files, *self._last)
        except BaseException:
            await asyncio.to_thread(_wipe, database)
            raise
        self._last = bundle.files, database
        return database


def _fill(folder: Path, files: Mapping[str, bytes], last: Mapping[str, bytes], there: Path) -> None:
    """Write these files, of which nobody ever changes one; those that the `last` bundle has too are its own."""
    for name, content in files.items():
        if last.get(name) != content or not _is_linked(there / name, folder / name):
            write(folder / name, content)


def _is_linked(file: Path, name: Path) -> bool:
    """Not where links are not to be had, or the file is gone with its bundle."""
    try:
        os.link(file, name)
    except OSError:
        return False
    return True


def _wipe_aside(folder: Path) -> None:
    """Thousands of files take a while; nobody waits for them."""
    asyncio.get_running_loop().run_in_executor(None, _wipe, folder)


def _wipe(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def write(path: Path, content: bytes) -> None:
    """For our eyes only, and never executable."""
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)
