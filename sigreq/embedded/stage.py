"""Where stories are played: a running service, people with keys, and somebody who is told each step."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from sigreq_client.certificates import trusted

PATIENCE_SECONDS = 60


class StoryBroken(Exception):
    """The service did something else than the story says."""


@dataclass
class Stage:
    """Where the story is played: a running service, people with keys, and somebody who is told each step."""

    url: str
    keys: dict[str, str]
    samples: Path
    work: Path
    say: Callable[[str], None] = print
    cases: dict[str, str] = field(default_factory=dict)

    def run(self, who: str, *arguments: str, refused: str | None = None) -> dict[str, Any]:
        """Run `sigreq ...` as somebody; its JSON. `refused` is the code of the problem that must come instead."""
        env = {**os.environ, "SIGREQ_URL": self.url, "SIGREQ_API_KEY": self.keys[who]}
        command = [sys.executable, "-m", "sigreq", *arguments]
        self.say(f"  {who}$ sigreq {shlex.join(self._short(arguments))}")
        done = subprocess.run([*command, "--json"], env=env, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        if (done.returncode != 0) != (refused is not None):
            raise StoryBroken(f"sigreq {shlex.join(arguments)}: {done.stdout}{done.stderr}")
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {}
        if refused is not None and answer.get("code") != refused:
            raise StoryBroken(f"expected {refused}, got {answer}")
        return answer

    def wait(self, submission_id: str, *states: str) -> dict[str, Any]:
        """Look as an analyst until the submission is in one of these states."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            case = self.look("analyst", f"/v1/submissions/{submission_id}")
            if case["state"] in states:
                return case
            if time.monotonic() > deadline:
                raise StoryBroken(f"{submission_id} is {case['state']}, not {' or '.join(states)}")
            time.sleep(0.1)

    def look(self, who: str, path: str) -> dict[str, Any]:
        """Read something without a word."""
        headers = {"Authorization": f"Bearer {self.keys[who]}"}
        found = httpx2.get(self.url + path, headers=headers, trust_env=False, verify=trusted())
        found.raise_for_status()
        answer: dict[str, Any] = found.json()
        return answer

    def must(self, is_so: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Say what holds, or end the story."""
        if not is_so:
            raise StoryBroken(f"not so: {what}")
        self.say(f"    -> {what}")

    def _short(self, arguments: tuple[str, ...]) -> list[str]:
        return [each.replace(f"{self.samples}/", "samples/").replace(f"{self.work}/", "") for each in arguments]

    def until(self, look: Callable[[], bool], what: str) -> None:
        """Wait until it is so, and say it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not look() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.must(look(), what)
