"""The examining child: answers one JSON line on its first output for each on standard input, until that closes.

What a library prints goes nowhere: it must not pass for an answer.
"""

import importlib
import json
import locale
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from sigreq.domain.limits import UnpackLimits
from sigreq.domain.targets import Target
from sigreq.scanning import engine, identify, lint, sandbox

KEPT_RULESETS = 4

Request = dict[str, Any]
Reply = dict[str, Any]


class Rulesets:
    """The rulesets used last, loaded once."""

    def __init__(self) -> None:
        self._kept: dict[str, engine.Rules] = {}

    @property
    def paths(self) -> list[str]:
        """Of which files the rules are loaded."""
        return list(self._kept)

    def get(self, path: str) -> engine.Rules:
        """The rules compiled into this file, which never changes."""
        found = self._kept.pop(path, None)
        if found is None:
            found = engine.Rules(path)
        self._kept[path] = found
        if len(self._kept) > KEPT_RULESETS:
            del self._kept[next(iter(self._kept))]
        return found


class Answers:
    """What this child can be asked. Whatever raises here ends the child, which its parent takes for an answer."""

    def __init__(self, rulesets: Rulesets) -> None:
        self._rulesets = rulesets

    def unpack(self, request: Request) -> Reply:
        """Write what a sample holds into the private folder, and say what that is."""
        from sigreq.scanning import unpacking  # noqa: PLC0415 - costs 0.2 s; a child that compiles rules is asked once

        limits = UnpackLimits(**request["limits"])
        try:
            return unpacking.unpack(Path(request["sample"]), Path(), request["passwords"], limits)
        except MemoryError:
            return {"faults": ["out_of_memory"], "members": []}

    def identify(self, request: Request) -> Reply:
        """Say what a sample is."""
        return identify.identify(Path(request["sample"]))

    def scan(self, request: Request) -> Reply:
        """Say which rules fire on a sample."""
        nothing: Reply = {"detections": [], "hits": [], "seconds": 0.0}
        try:
            return self._rulesets.get(request["ruleset"]).scan(request["sample"], request["timeout"])
        except MemoryError:
            return {**nothing, "reason": "out_of_memory"}
        except engine.ScanError:
            return {**nothing, "reason": "scan_error"}

    def look(self, request: Request) -> Reply:
        """Say what small files are and which rules fire on them; their content follows the request."""
        from sigreq.scanning import looking  # noqa: PLC0415 - reads archives too

        files = request["files"]
        content = sys.stdin.buffer.read(sum(each["size"] for each in files))
        try:
            named = {at for each in files for at in each["rulesets"]}  # large rules take seconds to load
            rulesets = {at: self._rulesets.get(request["rulesets"][at]) for at in named}
        except engine.ScanError:
            return {"looks": [None] * len(files)}
        return {"looks": looking.look(files, content, rulesets, request["timeout"], request["enough"])}

    def compile(self, request: Request) -> Reply:
        """Write a ruleset's compiled form into the private folder."""
        try:
            return {"fault": engine.compile_document(Path(request["ruleset"]), Path("compiled"))}
        except MemoryError:
            return {"fault": "out_of_memory"}

    def knows(self, request: Request) -> Reply:
        """Say whether rules know a name."""
        return {"is_known": self._rulesets.get(request["ruleset"]).knows(request["name"])}

    def lint(self, request: Request) -> Reply:
        """Say what keeps a rule from being published."""
        targets = [Target(each) for each in request["targets"]]
        return {"problems": [asdict(each) for each in lint.problems(request["name"], request["source"], targets)]}

    def format(self, request: Request) -> Reply:
        """Lay a rule out."""
        return {"source": lint.formatted(request["source"])}


def main() -> None:
    """Get ready, then serve."""
    terms = json.loads(sys.argv[1])
    with os.fdopen(os.dup(1), "wb") as replies, Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        serve(terms, replies, prepared(terms), Rulesets())


def prepared(terms: dict[str, Any]) -> dict[str, bool]:
    """Load what has to start a program to find its system library: after the lock-down nothing can be started."""
    # Libraries read file names as the locale says, and the environment says nothing.
    locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    os.nice(terms["niceness"])
    return {
        "libmagic": identify.preload(),
        "libarchive": _is_loaded("libarchive"),
        "libseccomp": _is_loaded("pyseccomp"),
    }


def serve(terms: dict[str, Any], replies: BinaryIO, libraries: dict[str, bool], rulesets: Rulesets) -> None:
    """Lock down, say hello, then answer what is asked."""
    layers = sandbox.lock_down(Path.cwd(), [terms["readable"]], terms["file_bytes"])
    _say(replies, {"layers": layers, "libraries": libraries})
    answers = Answers(rulesets)
    asks: dict[str, Callable[[Request], Reply]] = {
        ask.__name__: ask
        for ask in (
            answers.unpack,
            answers.identify,
            answers.scan,
            answers.look,
            answers.compile,
            answers.knows,
            answers.lint,
            answers.format,
        )
    }
    for line in sys.stdin.buffer:
        request = json.loads(line)
        sandbox.allow_processor(request["seconds"])
        _say(replies, asks[request["ask"]](request))


def _is_loaded(binding: str) -> bool:
    try:
        importlib.import_module(binding)
    except Exception:  # noqa: BLE001 - each has its own way to say that its library is missing
        return False
    return True


def _say(replies: BinaryIO, reply: Reply) -> None:
    replies.write(json.dumps(reply).encode() + b"\n")
    replies.flush()


if __name__ == "__main__":
    main()
