"""What keeps a rule from being published."""

from pathlib import Path

import pytest

from sigreq.scanning.scanner import Scanner
from tests.scanning.support import with_scanner

GOOD = 'rule {name} {{ meta: description = "what it finds" strings: $a = "inert text" condition: $a }}'


def lint(tmp_path: Path, name: str, source: str, timeout: float = 60) -> tuple[str, ...]:
    async def run(scanner: Scanner) -> tuple[str, ...]:
        return await scanner.lint(name, source)

    return with_scanner(run, tmp_path, timeout=timeout)


@pytest.mark.parametrize("name", ["Abc", "_a1", "A" + "b" * 120])
def test_a_good_rule_has_no_problems(tmp_path: Path, name: str) -> None:
    assert lint(tmp_path, name, GOOD.format(name=name)) == ()


@pytest.mark.parametrize("name", ["Ab", "A" + "b" * 121])
def test_the_name_must_be_of_the_agreed_form(tmp_path: Path, name: str) -> None:
    assert lint(tmp_path, name, GOOD.format(name=name)) == (r"the name must match ^[A-Za-z_][A-Za-z0-9_]{2,120}$",)


def test_a_name_with_a_line_break_at_its_end_is_not_of_the_agreed_form(tmp_path: Path) -> None:
    assert lint(tmp_path, "Abc\n", GOOD.format(name="Abc"))[0].startswith("the name must match")


def test_the_identifier_must_be_the_name(tmp_path: Path) -> None:
    assert lint(tmp_path, "Abc", GOOD.format(name="Abd")) == ("the rule calls itself Abd, which is not its name",)


def test_no_rule_is_not_one_rule(tmp_path: Path) -> None:
    assert lint(tmp_path, "Abc", "// only a comment") == ("must hold exactly one rule, holds 0",)


def test_two_rules_are_not_one_rule_even_when_one_is_private(tmp_path: Path) -> None:
    source = GOOD.format(name="Abc") + " private " + GOOD.format(name="Helper")
    assert lint(tmp_path, "Abc", source) == ("must hold exactly one rule, holds 2",)


@pytest.mark.parametrize("source", ["rule Abc {", "rule Abc { condition: undeclared }", "", "rule Abc\0", "\ud800"])
def test_the_rule_must_compile(tmp_path: Path, source: str) -> None:
    (problem,) = lint(tmp_path, "Abc", source) if source else ("does not compile",)
    assert problem.startswith("does not compile")


def test_the_rule_must_not_include_files(tmp_path: Path) -> None:
    written = tmp_path / "other.yar"
    written.write_text("")
    (problem,) = lint(tmp_path, "Abc", f'include "{written}"\n' + GOOD.format(name="Abc"))
    assert problem.startswith("does not compile")


def test_the_rule_must_compile_without_warnings(tmp_path: Path) -> None:
    source = 'rule Abc { meta: description = "x" strings: $a = /a+/ condition: $a }'
    (problem,) = lint(tmp_path, "Abc", source)
    assert problem.startswith("warning: ")
    assert "slow" in problem


@pytest.mark.parametrize("meta", ["", 'meta: author = "x"', 'meta: description = "  "', "meta: description = 3"])
def test_the_rule_must_be_described(tmp_path: Path, meta: str) -> None:
    source = f'rule Abc {{ {meta} strings: $a = "inert text" condition: $a }}'
    assert lint(tmp_path, "Abc", source) == ("the meta section must have a description",)


@pytest.mark.parametrize("statement", ['import "console"', 'import/**/"console"', r'import "con\x73ole"'])
def test_the_rule_must_not_import_the_console_however_that_is_spelled(tmp_path: Path, statement: str) -> None:
    source = f"{statement}\n{GOOD.format(name='Abc')} // no line break at the end"
    assert lint(tmp_path, "Abc", source) == ('must not import "console"',)


def test_other_modules_and_mere_mention_of_the_console_are_no_problem(tmp_path: Path) -> None:
    source = 'import "pe" // not import "console"\n' + GOOD.format(name="Abc").replace("inert", "console")
    assert lint(tmp_path, "Abc", source) == ()


def test_several_problems_are_told_at_once(tmp_path: Path) -> None:
    source = 'import "console" rule Other { condition: true }'
    assert len(lint(tmp_path, "x", source)) == 4


def test_a_rule_that_takes_too_long_to_compile_is_a_problem(tmp_path: Path) -> None:
    assert lint(tmp_path, "Abc", GOOD.format(name="Abc"), timeout=0.001) == ("takes too long to compile",)
