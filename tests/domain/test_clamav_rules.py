"""What ClamAV does not understand is said before anybody loads it, with its place."""

import pytest

from sigreq.domain.clamav_rules import unsupported
from sigreq.domain.targets import Target
from tests.rules_for_clamav import DEADLY, SUPPORTED, UNSUPPORTED, Case, rule


@pytest.mark.parametrize("case", [*UNSUPPORTED, *DEADLY], ids=lambda case: case.what)
def test_what_clamav_lacks_is_told_where_it_stands(case: Case) -> None:
    found = {(each.code, each.line, each.column, each.target) for each in unsupported(case.source)}
    assert (case.code, *case.place, Target.CLAMAV) in found
    assert {code for code, *_ in found} == {case.code}


@pytest.mark.parametrize("case", SUPPORTED, ids=lambda case: case.what)
def test_what_clamav_understands_is_no_problem(case: Case) -> None:
    assert list(unsupported(case.source)) == []


def test_each_of_several_problems_is_told() -> None:
    source = rule('$a = "x" xor\n    $b = /A+/i', '$a and "x" == "y" and !b > 0x1')
    codes = [each.code for each in unsupported(source)]
    assert codes.count("clamav_text") == 2
    assert set(codes) > {
        "clamav_modifier",
        "clamav_text_string",
        "clamav_regex_string",
        "clamav_length",
        "clamav_number",
    }
