"""ClamAV: proves that it loads a bundle, and scans with it. The programs are the machine's own, none of them ours.

All that they read of ours may be hostile: samples, and rules, which have crashed them before. So they run locked in, in
a folder that is wiped, and are not believed: of what they say nothing about, nobody says that it is clean.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from sigreq.domain.faults import Fault
from sigreq.domain.verdict import Outcome, ScanResult
from sigreq.scanning import clamav_lines, clamd
from sigreq.scanning.clamav_grounds import LOAD_SECONDS, Bundle, Grounds, GroundsKeeper, write
from sigreq.scanning.clamav_lines import Answers
from sigreq.scanning.clamav_programs import Programs
from sigreq.scanning.programs import Ended, run

# The slowest that is no reason to give up.
_BYTES_A_SECOND = 1 << 20
# What failed together is tried in halves until the file that is to blame is alone. So many find two of a thousand.
_MOST_RUNS = 40
_OPTIONS = (
    # Every signature that fires, not only the first.
    "--allmatch=yes",
    # What passes for clean without them: what is encrypted, and what is larger than ClamAV looks.
    "--alert-encrypted=yes",
    "--alert-exceeds-max=yes",
    "--max-filesize=2000M",
    "--max-scansize=4000M",
    "--pcre-max-filesize=2000M",
    "--max-files=20000",
    # ClamAV's own suspicions are nothing that a bundle brings, or could mend.
    "--heuristic-alerts=no",
)


class ClamAv:
    """The installed ClamAV, of which at most `at_once` programs are at work."""

    def __init__(
        self,
        programs: Programs,
        work_dir: Path,
        *,
        timeout: timedelta = timedelta(seconds=60),
        at_once: int = 2,
        niceness: int = 0,
    ) -> None:
        """`timeout` bounds one scan of one file; `niceness` is added to that of this process."""
        self.engine = programs.engine
        self.version = programs.version
        self._programs = programs
        self._keeper = GroundsKeeper(work_dir, niceness)
        self._timeout = timeout.total_seconds()
        self._turns = asyncio.Semaphore(at_once)

    async def load(self, bundle: Bundle) -> str | None:
        """Why clamscan or clamd does not load all of it, or not detect its canary alone; None when both do.

        Raises OSError when they cannot be started at all.
        """
        async with self._turns, self._keeper.grounds(bundle) as ground:
            doubt = await self._load_by_clamscan(ground)
            return doubt or await clamd.load(self._programs, ground)

    async def _load_by_clamscan(self, ground: Grounds) -> str | None:
        probes = ground.both_probes
        ended = await self._clamscan(ground, ground.probes, list(probes), LOAD_SECONDS + self._timeout)
        if ended.code not in {clamav_lines.CLEAN, clamav_lines.FOUND}:
            return ground.failure("clamscan", ended)
        loaded = clamav_lines.known_viruses(ended.output)
        return ground.doubt("clamscan", loaded, self._answers(ended, probes), ended.errors)

    async def scan(self, bundle: Bundle, folder: Path, names: Sequence[str]) -> Mapping[str, ScanResult]:
        """What the bundle says of these files of `folder`, by their names. All that is wrong with one is in its result.

        The folder's path must be absolute. Clean means that ClamAV said so of this very file. Raises OSError when
        clamscan cannot be started at all.
        """
        if not names:
            return {}
        async with self._turns, self._keeper.grounds(bundle) as ground:
            return await _Halving(self, ground, folder).scan(names)

    async def scan_together(self, ground: Grounds, folder: Path, names: Sequence[str]) -> Answers:
        """One run of clamscan over these files, and over the canary, without which nothing that it says counts."""
        paths = {str(folder / name): name for name in names}
        size = sum((folder / name).stat().st_size for name in names)
        seconds = LOAD_SECONDS + self._timeout + size / _BYTES_A_SECOND
        canary = str(ground.canary)
        ended = await self._clamscan(ground, folder, [canary, *paths], seconds)
        said = self._answers(ended, {**paths, canary: canary})
        if said.by_name[canary].detections != (ground.bundle.canary_name,):
            return Answers({name: ScanResult.not_scanned(_fault(ended)) for name in names}, is_whole=False)
        return Answers({name: said.by_name[name] for name in names}, said.is_whole)

    async def _clamscan(self, ground: Grounds, folder: Path, paths: Sequence[str], seconds: float) -> Ended:
        listed = ground.probes / "list"
        write(listed, "".join(f"{path}\n" for path in paths).encode())
        arguments = [
            f"--database={ground.database}",
            f"--tempdir={ground.scratch}",
            f"--file-list={listed}",
            f"--max-scantime={math.ceil(self._timeout * 1000)}",
            *_OPTIONS,
        ]
        return await run(ground.terms(seconds, [folder]), self._programs.clamscan, arguments, ground.scratch, seconds)

    def _answers(self, ended: Ended, names: Mapping[str, str]) -> Answers:
        return clamav_lines.answers(ended.output, ended.code, names, _fault(ended), self.engine)


class _Halving:
    """Scans files together, and what failed together in halves, until the file that is to blame is alone."""

    def __init__(self, clamav: ClamAv, ground: Grounds, folder: Path) -> None:
        self._clamav = clamav
        self._ground = ground
        self._folder = folder
        self._runs_left = _MOST_RUNS

    async def scan(self, names: Sequence[str]) -> dict[str, ScanResult]:
        if not self._runs_left:
            return dict.fromkeys(names, ScanResult.not_scanned(Fault.CHILD_DIED))
        self._runs_left -= 1
        said = await self._clamav.scan_together(self._ground, self._folder, names)
        found = dict(said.by_name)
        if said.is_whole or len(names) == 1:
            return found
        again = [name for name in names if found[name].outcome is not Outcome.DETECTED]
        middle = (len(again) + 1) // 2
        for half in filter(None, (again[:middle], again[middle:])):
            found |= await self.scan(half)
        return found


def _fault(ended: Ended) -> Fault:
    """Why nothing was said of a file, as far as how the program ended tells."""
    if ended.code is None:
        return Fault.TIMEOUT
    if ended.signal == "SIGXCPU":
        return Fault.CPU_LIMIT
    return Fault.CHILD_DIED if ended.signal else Fault.SCAN_ERROR
