"""YARA itself. Imported only by the scanning child: both rules and samples can make it hang or crash."""

import re
from collections.abc import Iterator
from typing import Any

import yara

MAX_DETECTIONS = 50
MAX_WARNINGS = 20

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,120}")

ScanError = yara.Error
ScanTimeoutError = yara.TimeoutError


class InvalidRulesetError(Exception):
    """The rules of a database version do not compile."""


class Rules:
    """Compiled rules of one database version."""

    def __init__(self, sources: dict[str, str]) -> None:
        """Raise InvalidRulesetError when any source does not compile; warnings are no hindrance here."""
        try:
            self._rules = yara.compile(sources=sources, includes=False)
        except (yara.Error, ValueError) as error:
            raise InvalidRulesetError from error

    def detect(self, *, timeout: int, **where: str | bytes) -> list[str]:
        """The public rules that fire, in alphabetical order, at most MAX_DETECTIONS.

        `where` is `filepath` (mapped, not read) or `data`; `timeout` is in seconds and may be overrun.
        """
        # Fast mode keeps one match of a string when the rule does not count them: a million cost 2 GiB.
        # The console and warning callbacks keep YARA off our standard output and error.
        matches = self._rules.match(
            timeout=timeout,
            fast=True,
            which_callbacks=yara.CALLBACK_MATCHES,
            console_callback=_ignore,
            warnings_callback=_ignore,
            **where,
        )
        return sorted({match.rule for match in matches})[:MAX_DETECTIONS]


def problems(name: str, source: str) -> Iterator[str]:
    """Say what keeps `source` from being published as the rule `name`; nothing when it may be."""
    if not NAME.fullmatch(name):
        yield f"the name must match ^{NAME.pattern}$"
    try:
        rules = list(yara.compile(source=source, includes=False, error_on_warning=True))
    except yara.WarningError as error:
        yield from (f"warning: {warning}" for warning in error.args[0][:MAX_WARNINGS])
        return
    except (yara.Error, ValueError) as error:
        yield f"does not compile: {error}"
        return
    if len(rules) != 1:
        yield f"must hold exactly one rule, holds {len(rules)}"
    elif rules[0].identifier != name:
        yield f"the rule calls itself {rules[0].identifier}, which is not its name"
    if not all(_is_described(rule) for rule in rules):
        yield "the meta section must have a description"
    if _imports_console(source):
        yield 'must not import "console"'


def _is_described(rule: Any) -> bool:
    description = rule.meta.get("description")
    return isinstance(description, str) and bool(description.strip())


def _imports_console(source: str) -> bool:
    """Ask the compiler, because an import can be spelled in more ways than a text search would find.

    The probe's identifier is too short for a rule's name, so no acceptable rule can collide with it.
    """
    try:
        yara.compile(source=f'{source}\nrule _ {{ condition: console.log("") }}', includes=False)
    except yara.Error:
        return False
    return True


def _ignore(*_: object) -> int:
    return int(yara.CALLBACK_CONTINUE)
