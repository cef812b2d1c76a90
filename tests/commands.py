"""The command `sigreq` within the test's own process, for tests of what it says and does, not of its start."""

import os
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from sigreq.cli.main import main


@dataclass(frozen=True)
class Done:
    """How a command ended, in the words of `subprocess`."""

    returncode: int
    stdout: str
    stderr: str


def sigreq(*arguments: str, env: Mapping[str, str], folder: Path | None = None) -> Done:
    """Run a command in a folder; of sigreq's own settings, it sees those of `env` alone. What it raises comes out.

    Not from threads: the command writes to what is this process's output meanwhile.
    """
    none = {name: None for name in os.environ if name.startswith("SIGREQ_")}
    with chdir(folder or Path.cwd()):
        result = CliRunner().invoke(main, arguments, env={**none, **env}, catch_exceptions=False)
    return Done(result.exit_code, result.stdout, result.stderr)


def key_to(url: str, key: str) -> dict[str, str]:
    """The environment of somebody who has a key to this server."""
    return {"SIGREQ_URL": url, "SIGREQ_API_KEY": key}
