"""Which ClamAV is installed here."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from subprocess import SubprocessError, run
from typing import Self

_NAMES = ("clamscan", "clamd", "clamdscan")
# Where Debian and others keep what only the administrator starts.
_PLACES = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
_VERSION = re.compile(r"^ClamAV ([0-9][0-9A-Za-z.-]*)")
_VERSION_SECONDS = 20


@dataclass(frozen=True)
class Programs:
    """The programs of one ClamAV."""

    clamscan: Path
    clamd: Path
    clamdscan: Path
    version: str

    @classmethod
    def find(cls, folder: Path | None = None) -> Self | None:
        """Those in `folder`, or where programs usually lie; None when one of them is missing or says no version."""
        places = str(folder) if folder else os.pathsep.join([os.environ.get("PATH", ""), *_PLACES])
        found = [shutil.which(name, path=places) for name in _NAMES]
        if not all(found):
            return None
        clamscan, daemon, client = (Path(each).absolute() for each in found if each)
        try:
            told = run(  # noqa: S603 - the machine's own program
                [clamscan, "--version"], capture_output=True, text=True, timeout=_VERSION_SECONDS, check=False
            )
        except (OSError, SubprocessError):
            return None
        version = _VERSION.match(told.stdout)
        return cls(clamscan, daemon, client, version[1]) if version else None

    @property
    def engine(self) -> str:
        """As it is named in evidence."""
        return f"ClamAV {self.version}"
