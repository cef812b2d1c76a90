"""The words of a YARA rule, each with its place. It only takes the text apart: whether it is a rule, YARA says."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise


class Kind(StrEnum):
    """What a token is."""

    TEXT = "text"
    REGEX = "regex"
    HEX = "hex"
    NUMBER = "number"
    WORD = "word"
    SIGN = "sign"


@dataclass(frozen=True)
class Token:
    """A word, a literal or a sign; `line` and `column` count from 1."""

    kind: Kind
    text: str
    line: int
    column: int


@dataclass(frozen=True)
class String:
    """One pattern of the strings section: its name, its value, and what follows that."""

    name: Token
    value: Token
    modifiers: Sequence[Token]

    def modifier(self, *names: str) -> Token | None:
        """The first of its modifiers that is called so."""
        return next((each for each in self.modifiers if each.text in names), None)


@dataclass(frozen=True)
class Rule:
    """One rule of a source."""

    name: Token
    modifiers: Sequence[Token]
    meta: Sequence[Token]
    strings: Sequence[String]
    condition: Sequence[Token]


_SPACE = r"\s+|//[^\n]*|/\*.*?\*/"
_TOKEN = re.compile(
    rf"""(?P<space>{_SPACE})
    |(?P<text>"(?:[^"\\\n]|\\.)*")
    |(?P<regex>/(?:[^/\\\n]|\\.)+/[a-z]*)
    |(?P<number>0x[0-9a-fA-F]+|0o[0-7]+|[0-9]+(?:\.[0-9]+)?(?:[KM]B)?)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*|\$[A-Za-z0-9_]*\*?|[\#@][A-Za-z0-9_]*|![A-Za-z0-9_]+|!(?=\s*\[))
    |(?P<sign>==|!=|<=|>=|<<|>>|\.\.|.)
    """,
    re.VERBOSE | re.DOTALL,
)
# After an equals sign a brace opens a hex string. What it holds may be commented on, with braces too.
_HEX = re.compile(r"\{(?:[^}/]|//[^\n]*|/\*.*?\*/)*\}", re.DOTALL)
_SECTIONS = ("meta", "strings", "condition")


def tokens(source: str) -> Iterator[Token]:
    """The tokens in their order, without space and comments."""
    line, line_start, at = 1, 0, 0
    before = ""
    while at < len(source):
        found = (_HEX.match(source, at) if before == "=" else None) or _TOKEN.match(source, at)
        assert found is not None  # noqa: S101 - any sign is a token
        kind, text = found.lastgroup or Kind.HEX, found.group()
        if kind != "space":
            yield Token(Kind(kind), text, line, at - line_start + 1)
            before = text
        if "\n" in text:
            line += text.count("\n")
            line_start = at + text.rindex("\n") + 1
        at = found.end()


def imports(source: Sequence[Token]) -> Iterator[tuple[Token, str]]:
    """Each import statement, and the module it names."""
    for word, what in pairwise(source):
        if (word.kind, word.text, what.kind) == (Kind.WORD, "import", Kind.TEXT):
            yield word, unescaped(what.text[1:-1])


def unescaped(text: str) -> str:
    r"""What a literal's text stands for: `\x41` is A, any other escaped letter counts as itself."""
    return re.sub(
        r"\\(?:x([0-9a-fA-F]{2})|(.))",
        lambda found: chr(int(found[1], 16)) if found[1] else found[2],
        text,
        flags=re.DOTALL,
    )


def rules(source: Sequence[Token]) -> Iterator[Rule]:
    """The rules of a source that YARA compiles; of any other source, what looks like one."""
    depth, start = 0, 0
    for at, token in enumerate(source):
        if token.kind is Kind.SIGN:
            depth += {"{": 1, "}": -1}.get(token.text, 0)
            if token.text == "}" and depth == 0:
                yield from _rule(source[start:at])
                start = at + 1


def _rule(source: Sequence[Token]) -> Iterator[Rule]:
    at = next((at for at, each in enumerate(source[:-1]) if each.text == "rule" and each.kind is Kind.WORD), None)
    if at is None:
        return
    parts = _sections(source[at + 2 :])
    modifiers = [each for each in source[:at] if each.text in {"global", "private"}]
    yield Rule(source[at + 1], modifiers, parts["meta"], list(_strings(parts["strings"])), parts["condition"])


def _sections(body: Sequence[Token]) -> dict[str, list[Token]]:
    parts: dict[str, list[Token]] = {name: [] for name in _SECTIONS}
    into: list[Token] = []
    for token, after in zip(body, [*body[1:], None], strict=True):
        if token.kind is Kind.WORD and token.text in _SECTIONS and after is not None and after.text == ":":
            into = parts[token.text]
        else:
            into.append(token)
    return {name: each[1:] for name, each in parts.items()}  # without the colon


def _strings(section: Sequence[Token]) -> Iterator[String]:
    starts = [at for at, each in enumerate(section[:-2]) if each.text.startswith("$") and section[at + 1].text == "="]
    for start, end in pairwise([*starts, len(section)]):
        yield String(section[start], section[start + 2], section[start + 3 : end])
