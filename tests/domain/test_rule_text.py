"""A rule's text is taken apart into words that say where they stand."""

import pytest
import yara
from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.rule_text import Kind, Token, imports, rules, tokens, unescaped


def words(source: str) -> list[tuple[str, str]]:
    return [(each.kind.value, each.text) for each in tokens(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"a\\"b" // c', [("text", '"a\\"b"')]),
        ("/a\\/b/is /* c */ x", [("regex", "/a\\/b/is"), ("word", "x")]),
        ("= { 41 /* } */ ?? }", [("sign", "="), ("hex", "{ 41 /* } */ ?? }")]),
        ("x { 41 }", [("word", "x"), ("sign", "{"), ("number", "41"), ("sign", "}")]),
        ("$a* #a*2", [("word", "$a*"), ("word", "#a"), ("sign", "*"), ("number", "2")]),
        ("!a != 0", [("word", "!a"), ("sign", "!="), ("number", "0")]),
        ("(1..5) 1.5 0x1f 2KB", [
            ("sign", "("), ("number", "1"), ("sign", ".."), ("number", "5"), ("sign", ")"),
            ("number", "1.5"), ("number", "0x1f"), ("number", "2KB"),
        ]),
        ('"open', [("sign", '"'), ("word", "open")]),
    ],
)  # fmt: skip
def test_the_words_of_a_source(source: str, expected: list[tuple[str, str]]) -> None:
    assert words(source) == expected


@given(st.text(st.sampled_from('ab ${}[]/\\"=!#\n\r\t*1x.ö\ud800'), max_size=60) | st.text(max_size=30))
def test_every_token_stands_where_it_says(source: str) -> None:
    lines = source.split("\n")
    for token in tokens(source):
        assert lines[token.line - 1][token.column - 1 :].startswith(token.text.split("\n")[0])


@given(st.text(st.sampled_from('ab ${}=:"/'), max_size=40) | st.text(max_size=30))
def test_whatever_it_is_looking_for_rules_in_it_does_no_harm(source: str) -> None:
    assert isinstance(list(rules(list(tokens(source)))), list)


def test_a_rule_has_its_parts() -> None:
    source = 'import "pe"\nprivate rule A : tag { meta: d = "{" strings: $a = "x" xor $b = { 41 } condition: $a }'
    found = list(tokens(source))
    (rule,) = rules(found)
    assert rule.name == Token(Kind.WORD, "A", 2, 14)
    assert [each.text for each in rule.modifiers] == ["private"]
    assert [each.text for each in rule.meta] == ["d", "=", '"{"']
    assert [(each.name.text, each.value.text, len(each.modifiers)) for each in rule.strings] == [
        ("$a", '"x"', 1),
        ("$b", "{ 41 }", 0),
    ]
    assert [each.text for each in rule.condition] == ["$a"]
    assert [module for _, module in imports(found)] == ["pe"]


def test_rules_are_those_that_yara_sees() -> None:
    source = (
        'rule A { strings: $x = "rule B {" condition: $x } global rule C { condition: for any i in (1, 2) : (i == 1) }'
    )
    assert [each.name.text for each in rules(list(tokens(source)))] == [
        each.identifier for each in yara.compile(source=source)
    ]


def test_escapes_stand_for_what_they_mean() -> None:
    assert unescaped(r"con\x73ole \" \\") == 'console " \\'
