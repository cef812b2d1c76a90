"""What keeps a rule from being published. Imported only by the scanning child: rules can make both compilers crash.

YARA says what is true, because its engine is what scans here; YARA-X knows more about what is slow, and where.
"""

import io
import re
from collections.abc import Collection, Iterator
from typing import Any

import yara
import yara_x

from sigreq.domain import clamav_rules
from sigreq.domain.lint import Problem, in_order
from sigreq.domain.rule_text import Kind, Rule, Token, imports, rules, tokens
from sigreq.domain.targets import Target

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,120}")

_TEXT_LENGTH = 300
_MODIFIERS = {"private": "a private rule never shows a detection", "global": "a global rule silences all others"}


def problems(name: str, source: str, targets: Collection[Target]) -> list[Problem]:
    """What is to be said of `source` as the rule `name` of a product with these targets, at most MAX_PROBLEMS."""
    return list(in_order([*_of_name(name), *_of_source(name, source, targets)]))


def formatted(source: str) -> str | None:
    """The same rule, laid out as YARA-X does it; None when that would change more than space."""
    written = io.StringIO()
    try:
        yara_x.Formatter().format(io.StringIO(source), written)
    except ValueError:
        return None
    return written.getvalue() if _words(written.getvalue()) == _words(source) else None


def _words(source: str) -> list[str]:
    return [re.sub(r"\s", "", each.text) if each.kind is Kind.HEX else each.text for each in tokens(source)]


def _of_name(name: str) -> Iterator[Problem]:
    if not NAME.fullmatch(name):
        yield Problem("name", f"the name must match ^{NAME.pattern}$")


def _of_source(name: str, source: str, targets: Collection[Target]) -> Iterator[Problem]:
    try:
        compiled = yara.compile(source=source, includes=False)
    except (yara.Error, ValueError) as error:
        yield _failure(str(error), source)
        return
    words = list(tokens(source))
    told = list(rules(words))
    yield from _of_rules(name, list(compiled), told)
    if _imports_console(source):
        at = next((word for word, module in imports(words) if module == "console"), None)
        yield _at(at, "console", 'must not import "console"')
    slow = list(_of_yara_x(source))
    yield from slow
    yield from _of_warnings(compiled.warnings, {each.line for each in slow if each.code == "slow_pattern"})
    if Target.CLAMAV in targets:
        yield from clamav_rules.unsupported(source)
    if Target.YARA in targets:
        for rule in (each for each in told if not each.strings):
            said = "without strings it is evaluated for every file, and easily fires on too many"
            yield Problem("no_strings", said, rule.name.line, rule.name.column, Target.YARA, is_warning=True)


def _failure(said: str, source: str) -> Problem:
    line, _ = _split(said)
    column = None if line is None else _column(source, line)
    code = "include" if "includes are disabled" in said else "does_not_compile"
    return Problem(code, f"does not compile: {said}"[:_TEXT_LENGTH], line, column)


def _split(said: str) -> tuple[int | None, str]:
    """The line that YARA names, and what it says of it."""
    found = re.match(r"line ([0-9]+): (.*)", said, re.DOTALL)
    return (int(found[1]), found[2]) if found and found[1] != "0" else (None, said)


def _column(source: str, line: int) -> int | None:
    """Where in the line YARA-X sees the error; YARA does not say."""
    _, errors, _ = _yara_x(source)
    return next((int(each["column"]) for each in errors if each["line"] == line), None)


def _of_rules(name: str, compiled: list[Any], told: list[Rule]) -> Iterator[Problem]:
    """`compiled` and `told` are the same rules, as YARA sees them and as they are written."""
    if len(compiled) != 1:
        yield _at(
            told[1].name if len(told) > 1 else None, "one_rule", f"must hold exactly one rule, holds {len(compiled)}"
        )
    for rule, written in zip(compiled, told, strict=False):
        if len(compiled) == 1 and rule.identifier != name:
            yield _at(written.name, "other_name", f"the rule calls itself {rule.identifier}, which is not its name")
        description = rule.meta.get("description")
        if not isinstance(description, str) or not description.strip():
            yield _at(written.name, "description", "the meta section must have a description")
        for modifier in written.modifiers:
            yield _at(modifier, modifier.text, f"must not be {modifier.text}: {_MODIFIERS[modifier.text]}")


def _of_warnings(warnings: list[str], known: set[int | None]) -> Iterator[Problem]:
    """Of slowness only what YARA-X has not told of the same line."""
    for warning in warnings:
        line, said = _split(warning)
        if "slow" not in said:
            yield Problem("yara_warning", said[:_TEXT_LENGTH], line)
        elif line not in known:
            yield Problem("slow_pattern", said[:_TEXT_LENGTH], line)


def _of_yara_x(source: str) -> Iterator[Problem]:
    """Slow patterns keep a rule from being published; that YARA-X would say something else than YARA does not."""
    said, errors, warnings = _yara_x(source)
    if said is not None and not errors:
        yield Problem("yara_x", f"YARA-X refuses it: {said}"[:_TEXT_LENGTH], is_warning=True)
    for each in errors:
        yield _told("yara_x", f"YARA-X refuses it: {_message(each)}", each, is_warning=True)
    for each in warnings:
        is_slow = each["code"] == "slow_pattern"
        yield _told(
            "slow_pattern" if is_slow else f"yara_x_{each['code']}", _message(each), each, is_warning=not is_slow
        )


def _yara_x(source: str) -> tuple[str | None, list[dict[str, Any]], list[dict[str, Any]]]:
    """What it says when it cannot compile the source, and its errors and warnings."""
    # The relaxed syntax is YARA's own.
    compiler = yara_x.Compiler(relaxed_re_syntax=True, includes_enabled=False)
    try:
        compiler.add_source(source)
    except (yara_x.CompileError, ValueError) as error:
        return str(error), compiler.errors(), compiler.warnings()
    return None, compiler.errors(), compiler.warnings()


def _message(told: dict[str, Any]) -> str:
    labels = [label["text"] for label in told["labels"] if label["text"]]
    return ": ".join([told["title"], *labels[:1]])


def _told(code: str, message: str, told: dict[str, Any], *, is_warning: bool) -> Problem:
    return Problem(code, message[:_TEXT_LENGTH], told["line"], told["column"], is_warning=is_warning)


def _at(token: Token | None, code: str, message: str) -> Problem:
    return Problem(code, message) if token is None else Problem(code, message, token.line, token.column)


def _imports_console(source: str) -> bool:
    """Ask the compiler, because an import can be spelled in more ways than a text search would find.

    The probe's identifier is too short for a rule's name, so no acceptable rule can collide with it.
    """
    try:
        yara.compile(source=f'{source}\nrule _ {{ condition: console.log("") }}', includes=False)
    except yara.Error:
        return False
    return True
