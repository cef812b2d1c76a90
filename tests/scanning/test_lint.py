"""What keeps a rule from being published."""

from collections.abc import Collection
from pathlib import Path

import pytest

from sigreq.domain.lint import MAX_PROBLEMS, Problem
from sigreq.domain.targets import Target
from sigreq.scanning.scanner import Scanner
from tests.scanning.support import with_scanner

GOOD = 'rule {name} {{ meta: description = "what it finds" strings: $a = "inert text" condition: $a }}'


def lint(
    tmp_path: Path, name: str, source: str, targets: Collection[Target] = (Target.YARA,), timeout: float = 60
) -> tuple[Problem, ...]:
    async def run(scanner: Scanner) -> tuple[Problem, ...]:
        return await scanner.lint(name, source, targets)

    return with_scanner(run, tmp_path, timeout=timeout)


def place(problem: Problem) -> tuple[str, int | None, int | None]:
    return problem.code, problem.line, problem.column


@pytest.mark.parametrize("name", ["Abc", "_a1", "A" + "b" * 120])
def test_a_good_rule_has_no_problems(tmp_path: Path, name: str) -> None:
    assert lint(tmp_path, name, GOOD.format(name=name)) == ()


@pytest.mark.parametrize("name", ["Ab", "A" + "b" * 121])
def test_the_name_must_be_of_the_agreed_form(tmp_path: Path, name: str) -> None:
    (problem,) = lint(tmp_path, name, GOOD.format(name=name))
    assert str(problem) == r"the name must match ^[A-Za-z_][A-Za-z0-9_]{2,120}$"


def test_a_name_with_a_line_break_at_its_end_is_not_of_the_agreed_form(tmp_path: Path) -> None:
    assert lint(tmp_path, "Abc\n", GOOD.format(name="Abc"))[0].code == "name"


def test_the_identifier_must_be_the_name(tmp_path: Path) -> None:
    (problem,) = lint(tmp_path, "Abc", "// a comment\n" + GOOD.format(name="Abd"))
    assert str(problem) == "line 2, column 6: the rule calls itself Abd, which is not its name"


def test_no_rule_is_not_one_rule(tmp_path: Path) -> None:
    (problem,) = lint(tmp_path, "Abc", "// only a comment")
    assert str(problem) == "must hold exactly one rule, holds 0"


def test_two_rules_are_not_one_rule_even_when_one_is_private(tmp_path: Path) -> None:
    source = GOOD.format(name="Abc") + "\nprivate " + GOOD.format(name="Helper")
    assert {place(each) for each in lint(tmp_path, "Abc", source)} == {("one_rule", 2, 14), ("private", 2, 1)}


@pytest.mark.parametrize("modifier", ["private", "global"])
def test_a_rule_that_is_never_shown_or_silences_others_is_refused(tmp_path: Path, modifier: str) -> None:
    source = f"{modifier} {GOOD.format(name='Abc')}"
    assert [place(each) for each in lint(tmp_path, "Abc", source)] == [(modifier, 1, 1)]


@pytest.mark.parametrize("source", ["rule Abc {", "rule Abc { condition: undeclared }", "rule Abc\0", "\ud800"])
def test_the_rule_must_compile(tmp_path: Path, source: str) -> None:
    (problem,) = lint(tmp_path, "Abc", source)
    assert problem.code == "does_not_compile"


def test_what_does_not_compile_is_told_with_its_place(tmp_path: Path) -> None:
    (problem,) = lint(tmp_path, "Abc", "rule Abc {\n  condition: undeclared\n}")
    assert str(problem) == 'line 2, column 14: does not compile: line 2: undefined identifier "undeclared"'


def test_the_rule_must_not_include_files(tmp_path: Path) -> None:
    written = tmp_path / "other.yar"
    written.write_text("")
    (problem,) = lint(tmp_path, "Abc", f'include "{written}"\n' + GOOD.format(name="Abc"))
    assert place(problem) == ("include", 1, 1)


@pytest.mark.parametrize("value", ["/a+/", "{ 00 00 }", '"a"'])
def test_slow_patterns_are_told_once_and_with_their_place(tmp_path: Path, value: str) -> None:
    source = f'rule Abc {{\n meta: description = "größe" strings: $a = {value}\n condition: $a }}'
    (problem,) = lint(tmp_path, "Abc", source)
    assert (problem.code, problem.line, problem.is_warning) == ("slow_pattern", 2, False)
    assert problem.column is not None
    assert source.splitlines()[1][problem.column - 1 :].startswith(("$a", value))


def test_what_only_yara_x_dislikes_keeps_nothing_from_being_published(tmp_path: Path) -> None:
    source = GOOD.format(name="Abc").replace("condition: $a", "condition: $a or true")
    (problem,) = lint(tmp_path, "Abc", source)
    assert (problem.code, problem.is_warning) == ("yara_x_invariant_expr", True)


def test_a_rule_without_strings_is_warned_of(tmp_path: Path) -> None:
    source = 'rule Abc { meta: description = "x" condition: filesize > 99 }'
    (problem,) = lint(tmp_path, "Abc", source)
    assert (*place(problem), problem.target, problem.is_warning) == ("no_strings", 1, 6, Target.YARA, True)


@pytest.mark.parametrize("meta", ["", 'meta: author = "x"', 'meta: description = "  "', "meta: description = 3"])
def test_the_rule_must_be_described(tmp_path: Path, meta: str) -> None:
    source = f'rule Abc {{ {meta} strings: $a = "inert text" condition: $a }}'
    assert [place(each) for each in lint(tmp_path, "Abc", source)] == [("description", 1, 6)]


@pytest.mark.parametrize("statement", ['import "console"', 'import/**/"console"', r'import "con\x73ole"'])
def test_the_rule_must_not_import_the_console_however_that_is_spelled(tmp_path: Path, statement: str) -> None:
    source = f"{statement}\n{GOOD.format(name='Abc')} // no line break at the end"
    found = [place(each) for each in lint(tmp_path, "Abc", source) if not each.is_warning]
    assert found == [("console", 1, 1)]


def test_other_modules_and_mere_mention_of_the_console_are_no_problem(tmp_path: Path) -> None:
    source = 'import "pe" // not import "console"\n' + GOOD.format(name="Abc").replace("inert", "console")
    assert lint(tmp_path, "Abc", source) == ()


def test_several_problems_are_told_at_once(tmp_path: Path) -> None:
    source = 'import "console" rule Other { strings: $a = "inert text" condition: $a }'
    found = {each.code for each in lint(tmp_path, "x", source)}
    assert found == {"name", "other_name", "description", "console"}


def test_what_clamav_does_not_understand_is_a_problem_of_products_for_it(tmp_path: Path) -> None:
    source = 'import "pe"\n' + GOOD.format(name="Abc").replace("condition: $a", "condition:\n  $a and pe.is_pe")
    assert lint(tmp_path, "Abc", source, [Target.YARA]) == ()
    (problem,) = lint(tmp_path, "Abc", source, [Target.YARA, Target.CLAMAV])
    assert (*place(problem), problem.target) == ("clamav_module", 3, 10, Target.CLAMAV)


def test_a_rule_that_takes_too_long_to_compile_is_a_problem(tmp_path: Path) -> None:
    (problem,) = lint(tmp_path, "Abc", GOOD.format(name="Abc"), timeout=0.001)
    assert problem.code == "too_slow_to_compile"


def test_more_problems_than_anybody_reads_are_counted(tmp_path: Path) -> None:
    strings = " ".join(f"$s{number} = /a+/" for number in range(99))
    source = f'rule Abc {{ meta: description = "x" strings: {strings} condition: any of them }}'
    found = lint(tmp_path, "Abc", source)
    assert (len(found), found[-1].code) == (MAX_PROBLEMS, "more")


def laid_out(tmp_path: Path, source: str) -> str | None:
    return with_scanner(lambda scanner: scanner.formatted(source), tmp_path)


def test_a_rule_is_laid_out_without_changing_what_it_says(tmp_path: Path) -> None:
    assert laid_out(tmp_path, 'rule Abc{strings:$a="größe  inert"condition:$a}') == (
        'rule Abc {\n  strings:\n    $a = "größe  inert"\n\n  condition:\n    $a\n}\n'
    )


def test_what_cannot_be_laid_out_is_left_alone(tmp_path: Path) -> None:
    assert laid_out(tmp_path, "\ud800") is None
