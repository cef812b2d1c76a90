"""The scanning child: answers one JSON line on standard output for each on standard input, until that closes.

Only light imports here: every child pays for them.
"""

import json
import sys
from pathlib import Path
from typing import Any

from sigreq.scanning import engine, sandbox
from sigreq.scanning.archive import Unpacker

KEPT_RULESETS = 4
# What the trade packs samples with.
CONVENTIONAL_PASSWORD = "infected"  # noqa: S105 - known to everybody, protects nothing


class Rulesets:
    """Compiled rules and allowed hashes of the rulesets used last."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[engine.Rules, frozenset[str]]] = {}

    def get(self, path: str) -> tuple[engine.Rules, frozenset[str]]:
        """Raise InvalidRulesetError when the rules do not compile."""
        found = self._kept.pop(path, None)
        if found is None:
            document = json.loads(Path(path).read_bytes())
            found = engine.Rules(document["rules"]), frozenset(document["allowed"])
        self._kept[path] = found
        if len(self._kept) > KEPT_RULESETS:
            del self._kept[next(iter(self._kept))]
        return found


def scan(rulesets: Rulesets, request: dict[str, Any]) -> dict[str, Any]:
    """The rules that fire on the sample or, when none does, on the first member of it where one does.

    Without a hit `reason` says what could not be examined, None when everything was.
    """
    try:
        rules, allowed = rulesets.get(request["ruleset"])
        return _examine(rules, allowed, request)
    except engine.InvalidRulesetError:
        return {"detections": [], "reason": "ruleset_invalid"}
    except MemoryError:
        return {"detections": [], "reason": "out_of_memory"}
    except OSError:
        return {"detections": [], "reason": "scan_error"}


def _examine(rules: engine.Rules, allowed: frozenset[str], request: dict[str, Any]) -> dict[str, Any]:
    faults: list[str] = []

    def detect(**where: str | bytes) -> list[str]:
        try:
            return rules.detect(timeout=request["timeout"], **where)
        except engine.ScanTimeoutError:
            faults.append("timeout")
        except engine.ScanError:
            faults.append("scan_error")
        except MemoryError:
            faults.append("out_of_memory")
        return []

    passwords = [word.encode(errors="replace") for word in (request["password"], CONVENTIONAL_PASSWORD) if word]
    with Path(request["sample"]).open("rb") as sample:
        members = Unpacker(passwords, allowed, faults).contents(sample)
        hits = detect(filepath=request["sample"]) or next(filter(None, (detect(data=each) for each in members)), [])
    return {"detections": hits, "reason": faults[0] if faults and not hits else None}


def main() -> None:
    """Lock down, then serve."""
    sandbox.lock_down()
    rulesets = Rulesets()
    for line in sys.stdin:
        request = json.loads(line)
        if request["ask"] == "scan":
            reply = scan(rulesets, request)
        else:
            reply = {"problems": list(engine.problems(request["name"], request["source"]))}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
