"""How the products' database versions are read and ordered."""

import csv
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.versions import NoDatabase, Scheme, VersionUnparseable, expected_form, parse

with (Path(__file__).parent / "data" / "version_orders.csv").open(newline="") as _file:
    ORDERS = [(Scheme(row["scheme"]), row["older"], row["newer"]) for row in csv.DictReader(_file)]

NUMBERS = st.integers(0, 10**18 - 1)


@pytest.mark.parametrize(("scheme", "older", "newer"), ORDERS)
def test_a_later_release_has_the_greater_key(scheme: Scheme, older: str, newer: str) -> None:
    assert parse(scheme, older) < parse(scheme, newer)


def test_every_scheme_has_an_example_of_its_order() -> None:
    assert {scheme for scheme, _, _ in ORDERS} == set(Scheme)


@pytest.mark.parametrize(
    ("scheme", "one", "other"),
    [
        (Scheme.CLAMAV, "27500", "ClamAV 1.4.6/27500/Sat Aug 24 08:31:00 2024"),
        (Scheme.CLAMAV, "27500", "ClamAV 1.5.0-rc/27500/Sat Aug  3 08:31:00 2024"),
        (Scheme.DOTTED, "1.2", "1.2.0"),
        (Scheme.DOTTED, "19.087.00", "19.87"),
        (Scheme.ESET, "31986 (20251007)", "31986"),
        (Scheme.ESET, "18.2.18.0", "18.2.18"),
        (Scheme.DATE_REVISION, "20231110.016", "2023-11-10 rev. 16"),
        (Scheme.DATE_REVISION, "20231110.016", "2023-11-10 Rev 016"),
        (Scheme.INTEGER, "5958", "5958.0000"),
        (Scheme.TIMESTAMP, "2026-11-21T10:32:00Z", "2026-11-21 13:32+03:00"),
        (Scheme.TIMESTAMP, "2026-11-21T10:32:00Z", "2026-11-21t10:32z"),
        (Scheme.INTEGER, "5958", " \t5958\n"),
    ],
)
def test_two_spellings_of_one_version_have_one_key(scheme: Scheme, one: str, other: str) -> None:
    assert parse(scheme, one) == parse(scheme, other)


@pytest.mark.parametrize(
    ("scheme", "text"),
    [
        *((scheme, text) for scheme in Scheme for text in ("", " ", "latest", "-1", "5\u0661", "5\x00", "1" * 19)),
        (Scheme.CLAMAV, "ClamAV 1.4.6/27500/Sat Aug 32 08:31:00 2024"),
        (Scheme.CLAMAV, "ClamAV 1.4.6/27500/Sat Foo 24 08:31:00 2024"),
        (Scheme.CLAMAV, "ClamAV 1.4.6/27500/Sat Aug 24 24:31:00 2024"),
        (Scheme.CLAMAV, "ClamAV 1.4.6//Sat Aug 24 08:31:00 2024"),
        (Scheme.DOTTED, "1413"),
        (Scheme.DOTTED, "1..2"),
        (Scheme.DOTTED, "1.2.x"),
        (Scheme.DOTTED, ".".join("1" * 9)),
        (Scheme.ESET, "31986 (20251307)"),
        (Scheme.ESET, "31986 (07.10.2025)"),
        (Scheme.DATE_REVISION, "20261341.001"),
        (Scheme.DATE_REVISION, "20250229.001"),
        (Scheme.DATE_REVISION, "10/11/2023 rev. 16"),
        (Scheme.DATE_REVISION, "20231110"),
        (Scheme.INTEGER, "5958.0001"),
        (Scheme.TIMESTAMP, "21.11.2026 10:32"),
        (Scheme.TIMESTAMP, "11/21/2026 10:32 AM"),
        (Scheme.TIMESTAMP, "2026-11-21T10:32:00"),
        (Scheme.TIMESTAMP, "2026-02-30T10:32:00Z"),
        (Scheme.TIMESTAMP, "2026-W47-6T10:32:00Z"),
    ],
)
def test_any_other_form_is_refused_with_the_expected_one(scheme: Scheme, text: str) -> None:
    with pytest.raises(VersionUnparseable) as refusal:
        parse(scheme, text)
    assert expected_form(scheme) in str(refusal.value)


@pytest.mark.parametrize("scheme", Scheme)
def test_a_text_longer_than_any_version_is_refused_without_repeating_it(scheme: Scheme) -> None:
    with pytest.raises(VersionUnparseable, match="at most 200 characters") as refusal:
        parse(scheme, "7" * 201)
    assert "77" not in str(refusal.value)


def test_an_engine_without_signatures_is_not_a_version() -> None:
    with pytest.raises(NoDatabase, match="without a signature database"):
        parse(Scheme.CLAMAV, "ClamAV 1.4.6")


@pytest.mark.parametrize("scheme", Scheme)
def test_the_expected_form_shows_an_example_that_can_be_read(scheme: Scheme) -> None:
    _, examples = expected_form(scheme).split(", for example ")
    for example in examples.split(" or "):
        parse(scheme, example)


@given(st.sampled_from(Scheme), st.text(max_size=250))
def test_no_text_does_anything_but_parse_or_be_refused(scheme: Scheme, text: str) -> None:
    try:
        key = parse(scheme, text)
    except (VersionUnparseable, NoDatabase):
        return
    assert parse(scheme, f" {text.strip()} ") == key


@given(st.lists(NUMBERS, min_size=4, max_size=4), st.lists(NUMBERS, min_size=4, max_size=4))
def test_dotted_versions_order_as_their_numbers(one: list[int], other: list[int]) -> None:
    first, second = (parse(Scheme.DOTTED, ".".join(map(str, parts))) for parts in (one, other))
    assert (first < second, first == second) == (one < other, one == other)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_each_dotted_eset_version_is_later_than_each_plain_one(plain: int, major: int, minor: int) -> None:
    assert parse(Scheme.ESET, str(plain)) < parse(Scheme.ESET, f"{major}.{minor}")


@given(st.dates(), st.dates(), st.integers(0, 999), st.integers(0, 999))
def test_dates_with_revisions_order_by_day_then_revision(
    day: datetime, other_day: datetime, revision: int, other_revision: int
) -> None:
    first = parse(Scheme.DATE_REVISION, f"{day.isoformat().replace('-', '')}.{revision:03}")
    second = parse(Scheme.DATE_REVISION, f"{other_day.isoformat()} rev. {other_revision}")
    assert (first < second) == ((day, revision) < (other_day, other_revision))


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_a_release_time_is_the_same_version_under_every_offset(at: datetime, offset: int) -> None:
    elsewhere = at.astimezone(timezone(timedelta(minutes=offset)))
    assert parse(Scheme.TIMESTAMP, elsewhere.isoformat()) == parse(Scheme.TIMESTAMP, at.isoformat())
    assert parse(Scheme.TIMESTAMP, (at + timedelta(seconds=1)).isoformat()) > parse(Scheme.TIMESTAMP, at.isoformat())
