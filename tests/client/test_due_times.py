"""`sigreq admin due-times`, and the public holidays it reads."""

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sigreq.calendars import UnknownRegion, calendar_with, public_holidays
from sigreq.cli.due_times import COLUMNS
from sigreq.cli.main import main
from sigreq.domain.worktime import parse_hours

CASES = Path(__file__).parent / "data" / "due_times.csv"
GOOD = {
    "case": "one",
    "time_zone": "Europe/Berlin",
    "hours": "Mon-Fri 09:00-18:00",
    "holidays": "DE-BE",
    "exceptions": "",
    "submitted": "2026-03-02T10:00+01:00",
    "goal_hours": "6",
    "due": "2026-03-02T16:00+01:00",
}


def run(file: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["admin", "due-times", str(file), *options])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cases.csv"


def write(file: Path, *rows: dict[str, str]) -> Path:
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return file


def document(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(file, "--json").stdout)
    return found


def test_every_due_time_is_the_one_in_the_file() -> None:
    found = document(CASES)
    assert len(found["cases"]) == 23
    assert [case for case in found["cases"] if not case["is_equal"] or case["due"] != case["expected"]] == []
    assert found["differences"] == 0


def test_every_case_is_shown_beside_what_was_expected() -> None:
    result = run(CASES)
    assert result.exit_code == 0
    assert "submitted at closing" in result.stdout
    assert result.stdout.count("2028-12-22 10:00+01:00") == 2
    assert "23 due times, none of them different from the expected." in result.stdout


def test_a_difference_is_named_and_ends_with_exit_code_1(file: Path) -> None:
    write(file, GOOD, GOOD | {"case": "two", "due": "2026-03-02T17:00+01:00"})
    result = run(file)
    assert result.exit_code == 1
    assert [line.endswith("differs") for line in result.stdout.splitlines()[1:3]] == [False, True]
    assert "2 due times, 1 of them different" in result.stdout
    assert run(file, "--json").exit_code == 1
    assert document(file)["differences"] == 1


def test_the_other_of_two_equal_wall_clock_times_is_a_difference(file: Path) -> None:
    row = {"hours": "24x7", "holidays": "", "submitted": "2026-10-25T01:30+02:00", "goal_hours": "1"}
    write(file, GOOD | row | {"due": "2026-10-25T02:30+02:00"})
    assert run(file).exit_code == 0
    write(file, GOOD | row | {"due": "2026-10-25T02:30+01:00"})
    assert run(file).exit_code == 1


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("time_zone", "Europe/Berlim", "no time zone 'Europe/Berlim'"),
        ("time_zone", "", "no time zone ''"),
        ("hours", "9 to 5", "'9 to 5' is not understood"),
        ("hours", "Mon 09:00-25:00", "not between 00:00 and 24:00"),
        ("hours", "Mon 09:00-13:00 12:00-18:00", "overlap"),
        ("holidays", "XX", "no public holidays of 'XX'"),
        ("holidays", "DE-XX", "DE has no part 'XX'"),
        ("holidays", "DE-", "no public holidays of 'DE-'"),
        ("holidays", "HolidayBase", "no public holidays of 'HolidayBase'"),
        ("exceptions", "2026-02-30 closed", "no day 2026-02-30"),
        ("exceptions", "2026-03-02 09:00-13:00 12:00-18:00", "overlap"),
        ("submitted", "2026-03-02T10:00", "not a time with its offset"),
        ("submitted", "2026-02-30T10:00+01:00", "not a time with its offset"),
        ("submitted", "2026-03-02T24:01+01:00", "not a time with its offset"),
        ("submitted", "9999-12-31T24:00+00:00", "out of range"),
        ("goal_hours", "six", "'six' is not a number of hours"),
        ("goal_hours", "-1", "'-1' is not a number of hours"),
        ("goal_hours", "nan", "'nan' is not a number of hours"),
        ("due", "", "not a time with its offset"),
    ],
)
def test_what_cannot_be_read_is_named_by_line_and_column(file: Path, column: str, value: str, message: str) -> None:
    result = run(write(file, GOOD, GOOD | {column: value}))
    assert result.exit_code == 2
    assert f"line 3, column {column}: " in result.stderr
    assert message in result.stderr
    assert result.stdout == ""


def test_a_line_for_which_nothing_can_be_computed_is_named(file: Path) -> None:
    result = run(write(file, GOOD | {"submitted": "9999-12-31T20:00+00:00"}))
    assert (result.exit_code, "line 2: no due time can be computed" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: there is no column case, time_zone"),
        (b"case,time_zone,hours,holidays,exceptions,submitted,goal_hours\n", "line 1: there is no column due."),
        (",".join(COLUMNS).encode(), "line 2: there are no cases"),
        (",".join(COLUMNS).encode() + b"\none,Europe/Berlin\n", "line 2, column hours: the line ends before it"),
        (",".join(COLUMNS).encode() + b"\n" + b"," * 8, "line 2: more values than columns"),
        (",".join(COLUMNS).encode() + b'\n"one', "line 2: unexpected end of data"),
        (",".join(COLUMNS).encode() + b"\n\xff", "line 2: this is not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(file: Path, content: bytes, message: str) -> None:
    file.write_bytes(content)
    result = run(file)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def test_a_missing_file_is_a_wrong_command_line(file: Path) -> None:
    assert run(file).exit_code == 2


def test_the_refusal_is_json_where_json_was_asked_for(file: Path) -> None:
    result = run(write(file, GOOD | {"hours": ""}), "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["code"] == "file_unusable"
    assert "line 2, column hours" in json.loads(result.stdout)["detail"]


def test_a_file_saved_by_a_spreadsheet_can_be_read(file: Path) -> None:
    write(file, GOOD)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert run(file).exit_code == 0


def test_holidays_are_those_of_the_years_asked_for() -> None:
    russia = public_holidays("RU", [2024])
    assert sorted(russia.extra_workdays) == [date(2024, 4, 27), date(2024, 11, 2), date(2024, 12, 28)]
    assert {day.year for day in russia.closed} == {2024}
    assert date(2024, 4, 29) in russia.closed
    china = public_holidays("CN", [2026])
    assert {day.year for day in china.closed | china.extra_workdays} == {2026}
    assert not china.closed & china.extra_workdays


def test_a_part_of_a_country_has_holidays_of_its_own() -> None:
    womens_day = date(2026, 3, 8)
    assert womens_day in public_holidays("DE-BE", [2026]).closed
    assert womens_day not in public_holidays("DE-BY", [2026]).closed
    assert womens_day not in public_holidays("DE", [2026]).closed


@pytest.mark.parametrize("region", ["", "-", "DE-", "de", "XX", "DE-XX", "utils", "__name__", "DE-BE-"])
def test_an_unknown_region_is_refused(region: str) -> None:
    with pytest.raises(UnknownRegion):
        public_holidays(region, [2026])


def test_a_calendar_without_hours_on_workdays_moves_none() -> None:
    calendar = calendar_with(public_holidays("RU", [2024]), "Europe/Moscow", parse_hours("Sat-Sun 10:00-12:00"), {})
    assert calendar.exceptions == {}
    assert calendar.spans_on(date(2024, 4, 27)) == parse_hours("Sat 10:00-12:00")[5]
