"""YARA itself. Imported only by the scanning child: both rules and samples can make it hang or crash."""

import json
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import yara

from sigreq.domain.spelling import spelling, spellings

MAX_DETECTIONS = 50

_MAX_TAGS = 10
_MAX_META = 20
_MAX_STRINGS = 16
_MAX_OFFSETS = 8
_TEXT_LENGTH = 200

ScanError = yara.Error

# Where a string matched is enough. Zero would mean YARA's default.
yara.set_config(max_match_data=1)


def compile_document(document: Path, compiled: Path) -> str | None:
    """Compile rules, in JSON by their names, into a file; the fault when any of them does not compile.

    Warnings are no hindrance here. Raises OSError.
    """
    sources = json.loads(document.read_bytes())
    try:
        yara.compile(sources=sources, includes=False).save(str(compiled))
    except (yara.Error, ValueError):
        return "ruleset_invalid"
    return None


class Rules:
    """Compiled rules of one database version."""

    def __init__(self, compiled: str) -> None:
        """Raise yara.Error when the file does not hold compiled rules."""
        self._rules = yara.load(compiled)

    def scan(self, sample: str | bytes, timeout: int) -> dict[str, Any]:
        """The public rules that fire, in alphabetical order, at most MAX_DETECTIONS, and where they hit.

        The sample is a file's path, or the content itself.

        When none does, `reason` is what kept YARA from looking properly, None when nothing did. `timeout` is in seconds
        and may be overrun. Raises MemoryError.
        """
        started = time.monotonic()
        warnings: set[int] = set()
        hits, reason = [], None
        try:
            hits = self._hits(sample, timeout, warnings.add)
        except yara.TimeoutError:
            reason = "timeout"
        except yara.Error:
            reason = "scan_error"
        if not hits and yara.CALLBACK_TOO_MANY_MATCHES in warnings:
            reason = reason or "too_many_matches"
        detections = [hit["rule"] for hit in hits]
        return {"detections": detections, "hits": hits, "reason": reason, "seconds": time.monotonic() - started}

    def _hits(self, sample: str | bytes, timeout: int, warn: Callable[[int], None]) -> list[dict[str, Any]]:
        def warned(kind: int, _: object) -> int:
            warn(kind)
            return int(yara.CALLBACK_CONTINUE)

        # Fast mode keeps one match of a string when the rule does not count them: a million cost 150 MiB. When it does
        # count, they are all there for a moment. The console and warning callbacks keep YARA off our output and error.
        matches = self._rules.match(
            **({"data": sample} if isinstance(sample, bytes) else {"filepath": sample}),
            timeout=timeout,
            fast=True,
            callback=_forget_most_matches,
            which_callbacks=yara.CALLBACK_MATCHES,
            console_callback=_ignore,
            warnings_callback=warned,
        )
        by_name = {match.rule: match for match in reversed(matches)}
        return [_hit(by_name[name]) for name in sorted(by_name)[:MAX_DETECTIONS]]

    def knows(self, name: str) -> bool:
        """Whether a rule is called `name`, or nearly so.

        Products show `Family:Win32/Rule`, and spell a rule's name as they like.
        """
        return not self._spellings.isdisjoint(spellings(name))

    @cached_property
    def _spellings(self) -> frozenset[str]:
        return frozenset(spelling(rule.identifier) for rule in self._rules)


def _forget_most_matches(rule: dict[str, Any]) -> int:
    """As soon as a rule has fired, so that those of all rules are never there together."""
    for string in rule["strings"]:
        del string.instances[_MAX_OFFSETS:]
    return int(yara.CALLBACK_CONTINUE)


def _hit(match: Any) -> dict[str, Any]:
    meta = [(name[:_TEXT_LENGTH], value) for name, value in match.meta.items() if isinstance(value, str | int | bool)]
    return {
        "rule": match.rule,
        "tags": [tag[:_TEXT_LENGTH] for tag in match.tags[:_MAX_TAGS]],
        "meta": {name: value[:_TEXT_LENGTH] if isinstance(value, str) else value for name, value in meta[:_MAX_META]},
        "strings": [_string(string) for string in match.strings[:_MAX_STRINGS]],
    }


def _string(string: Any) -> dict[str, Any]:
    return {
        "identifier": string.identifier[:_TEXT_LENGTH],
        "offsets": [instance.offset for instance in string.instances],
        "lengths": [instance.matched_length for instance in string.instances],
    }


def _ignore(*_: object) -> int:
    return int(yara.CALLBACK_CONTINUE)
