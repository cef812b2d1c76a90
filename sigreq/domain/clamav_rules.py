"""What ClamAV does not understand of YARA: it drops such a rule without a word, refuses all rules, or dies.

Each of these was seen in ClamAV 1.4.6, and tests ask the clamscan that is installed again.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from sigreq.domain.lint import Problem
from sigreq.domain.rule_text import Kind, Rule, String, Token, imports, rules, tokens, unescaped
from sigreq.domain.targets import Target

MAX_STRINGS = 64
MAX_LITERAL_BYTES = 1022

_MODIFIERS = ("private", "xor", "base64", "base64wide")
_WORDS = frozenset(
    {
        *("none", "defined", "matches", "icontains", "startswith", "istartswith", "endswith", "iendswith"),
        *("iequals", "uint8be", "uint16be", "uint32be", "int8be", "int16be", "int32be"),
    }
)
# Numbers in hex are read digit pair by digit pair, into 32 bits with a sign.
_HIGHEST_HEX = 0x7FFFFFFF
# What is before a minus that has one operand.
_OPERATORS = frozenset({"and", "or", "not", "in", "at", "of", "any", "all"})


def unsupported(source: str) -> Iterator[Problem]:
    """What ClamAV would not understand in a source that YARA compiles, each with its place."""
    found = list(tokens(source))
    modules = {name for _, name in imports(found)}
    for rule in rules(found):
        for check in _CHECKS:
            yield from check(rule)
        yield from _modules(rule, modules)


def _problem(code: str, message: str, at: Token) -> Problem:
    return Problem(f"clamav_{code}", f"ClamAV {message}", at.line, at.column, Target.CLAMAV)


def _modules(rule: Rule, modules: set[str]) -> Iterator[Problem]:
    for word, after in pairwise(rule.condition):
        if word.text in modules and after.text == ".":
            yield _problem("module", f"has no module {word.text}; the rule would be dropped", word)


def _number_of_strings(rule: Rule) -> Iterator[Problem]:
    if not rule.strings:
        yield _problem("no_strings", "drops rules without strings", rule.name)
    if len(rule.strings) > MAX_STRINGS:
        at = rule.strings[MAX_STRINGS].name
        yield _problem("too_many_strings", f"drops rules with more than {MAX_STRINGS} strings", at)


def _modifiers(rule: Rule) -> Iterator[Problem]:
    for string in rule.strings:
        for name in _MODIFIERS:
            modifier = string.modifier(name)
            if modifier is not None:
                yield _problem("modifier", f"has no {name} strings; the rule would be dropped", modifier)


def _words(rule: Rule) -> Iterator[Problem]:
    for token in rule.condition:
        if token.kind is Kind.WORD and token.text in _WORDS:
            yield _problem("word", f"does not know {token.text}; the rule would not fire", token)
        if token.kind is Kind.WORD and token.text.startswith("!"):
            yield _problem("length", "does not know the lengths of matches; the rule would be dropped", token)
        if token.kind is Kind.TEXT:
            yield _problem("text", "dies of conditions about texts, with every file it scans", token)


def _places(rule: Rule) -> Iterator[Problem]:
    """`in` and `at` may follow one string only, neither a number of matches nor a set."""
    closes_set = _ends_of_sets(rule.condition)
    for at, (before, token) in enumerate(pairwise(rule.condition)):
        if token.text in {"in", "at"} and (before.text == "them" or before.text.startswith("#") or at in closes_set):
            yield _problem("place", f"allows `{token.text}` after a single string only", token)
        if (before.text, token.text) == ("%", "of"):
            yield _problem("percent", "does not know percentages; the rule would be dropped", before)


def _ends_of_sets(condition: Sequence[Token]) -> set[int]:
    """Where the sets that follow `of` close."""
    ends, is_open = set(), False
    for at, token in enumerate(condition):
        is_open = is_open or (token.text == "(" and at > 0 and condition[at - 1].text == "of")
        if is_open and token.text == ")":
            ends.add(at)
            is_open = False
    return ends


def _numbers(rule: Rule) -> Iterator[Problem]:
    for before, token in pairwise(rule.condition):
        if token.text == "-" and not _is_operand(before):
            yield _problem("negative", "knows no negative numbers; the rule would be dropped", token)
    for before, token in pairwise(rule.meta):
        if (before.text, token.text) == ("=", "-"):
            yield _problem("negative", "knows no negative numbers; the rule would be dropped", token)
    for token in rule.condition:
        if token.kind is Kind.NUMBER and (problem := _misread(token.text)):
            yield _problem("number", problem, token)


def _is_operand(token: Token) -> bool:
    """Whether a minus after it subtracts from it."""
    if token.kind is Kind.WORD:
        return token.text not in _OPERATORS
    return token.kind is Kind.NUMBER or token.text in {")", "]"}


def _misread(number: str) -> str | None:
    if "." in number or number.startswith("0o"):
        return f"cannot read {number}; the rule would be dropped"
    value = int(number, 16) if number.startswith("0x") else 0
    if value > _HIGHEST_HEX or (value and len(number) % 2):
        return f"takes {number} for another number; write {value}"
    return None


def _literals(rule: Rule) -> Iterator[Problem]:
    values = [string.value for string in rule.strings]
    for token in (*values, *(each for each in rule.meta if each.kind is Kind.TEXT)):
        text = token.text[1:-1]
        read = text.replace(r"\/", "/") if token.kind is Kind.REGEX else unescaped(text)
        if token.kind is not Kind.HEX and len(read.encode(errors="replace")) > MAX_LITERAL_BYTES:
            yield _problem("too_long", f"cannot read more than {MAX_LITERAL_BYTES} bytes of text at once", token)
        if token.kind is Kind.TEXT and re.search(r"(?<!\\)(?:\\\\)*\\r", text):
            yield _problem("escape", r"does not know \r in texts; write \x0d", token)


def _strings(rule: Rule) -> Iterator[Problem]:
    for string in rule.strings:
        said: str | None = None
        if string.value.kind is Kind.HEX:
            said = _of_hex(string.value.text)
        elif string.value.kind is Kind.REGEX:
            said = _of_regex(string)
        elif len(unescaped(string.value.text[1:-1]).encode(errors="replace")) < 2:  # noqa: PLR2004 - one is too short
            said = "drops rules with strings of one byte"
        if said:
            yield _problem(f"{string.value.kind}_string", said, string.value)


def _of_regex(string: String) -> str | None:
    text, _, flags = string.value.text.rpartition("/")
    if string.modifier("wide"):
        return "has no wide regular expressions; the rule would be dropped"
    plain = unescaped(re.sub(r"\\[A-Z]", "", text))
    if ("i" in flags or string.modifier("nocase")) and re.search("[A-Z]", plain):
        return "never matches capitals where case is ignored; write small letters"
    if re.search(r"(?<!\\)(?:\\\\)*\{,", text):
        return "takes {,n} for plain text; write {0,n}"
    return None


def _of_hex(text: str) -> str | None:
    if "//" in text or "/*" in text:
        return "cannot read comments in hex strings; the rule would be dropped"
    if "~" in text:
        return "cannot read ~ in hex strings; the rule would be dropped"
    inner = re.sub(r"\s", "", text[1:-1])
    if re.search(r"\([^)]*\[[0-9]*-", inner):
        return "refuses all rules because of a jump of no fixed length within an alternative"
    while "(" in inner:
        inner, replaced = re.subn(r"\([^()]*\)", "|", inner)
        if not replaced:
            return None
    between_jumps = re.split(r"\[[^\]]*\]", inner)
    between_ranges = re.split(r"\[[0-9]*-[0-9]*\]", inner)
    if any(len(piece) == 2 for piece in between_jumps) or not all(map(_has_two_bytes, between_ranges)):  # noqa: PLR2004
        return "refuses all rules because of it: between jumps it needs two full bytes side by side"
    return None


def _has_two_bytes(piece: str) -> bool:
    """Whether two bytes without a wildcard are neighbours, outside of alternatives."""
    parts = re.findall(r"\||\[[^\]]*\]|[0-9A-Fa-f?]{2}", piece)
    is_full = [bool(re.fullmatch("[0-9A-Fa-f]{2}", part)) for part in parts]
    return any(one and other for one, other in pairwise(is_full))


def _unused(rule: Rule) -> Iterator[Problem]:
    """YARA lets strings whose names begin with an underscore be unused, ClamAV does not."""
    words = {token.text for token in rule.condition if token.kind is Kind.WORD}
    wildcards = tuple(word[:-1] for word in words if word.endswith("*"))
    for string in rule.strings:
        name = string.name.text
        is_used = "them" in words or any(f"{sign}{name[1:]}" in words for sign in "$#@!")
        if name != "$" and not is_used and not name.startswith(wildcards):
            yield _problem("unused", f"drops rules with unused strings; {name} is one", string.name)


_CHECKS: Sequence[Callable[[Rule], Iterator[Problem]]] = (
    _number_of_strings,
    _modifiers,
    _words,
    _places,
    _numbers,
    _literals,
    _strings,
    _unused,
)
