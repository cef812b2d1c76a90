"""What the release register says about a claimed database version."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.register import DatabaseCheck, DatabaseVerdict, Published, check
from sigreq.domain.versions import Scheme, VersionUnparseable

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hours_ago(
    number: int, hours: float, *, rollout_done: float | None = None, withdrawn: float | None = None
) -> Published:
    """Version `number`, with that ordinal, whose events lie so many hours before noon."""

    def before_noon(ago: float | None) -> datetime | None:
        return None if ago is None else NOON - ago * HOUR

    return Published(str(number), number, NOON - hours * HOUR, before_noon(rollout_done), before_noon(withdrawn))


def checked(claimed: str, *register: Published, scheme: Scheme = Scheme.INTEGER) -> DatabaseCheck:
    return check(scheme, claimed, register, NOON)


def test_the_latest_version_is_current() -> None:
    old, new = hours_ago(1, 30), hours_ago(2, 20)
    assert checked("2", old, new) == DatabaseCheck(
        DatabaseVerdict.CURRENT, "2", matched="2", latest="2", latest_published_at=new.published_at, outdated_since=None
    )


def test_the_version_before_the_latest_is_accepted_while_mirrors_lag() -> None:
    answer = checked("1", hours_ago(1, 30), hours_ago(2, 3.9))
    assert answer.verdict is DatabaseVerdict.IN_ROLLOUT_WINDOW
    assert answer.outdated_since == NOON - 3.9 * HOUR


def test_the_window_ends_with_the_very_moment_of_grace() -> None:
    assert checked("1", hours_ago(1, 30), hours_ago(2, 4)).verdict is DatabaseVerdict.OUTDATED


def test_hourly_releases_do_not_keep_an_old_version_alive() -> None:
    register = [hours_ago(number, 10 - number) for number in range(1, 11)]
    verdicts = [checked(str(number), *register).verdict for number in range(1, 11)]
    assert verdicts == [DatabaseVerdict.OUTDATED] * 5 + [DatabaseVerdict.IN_ROLLOUT_WINDOW] * 4 + [
        DatabaseVerdict.CURRENT
    ]


def test_an_outdated_version_is_told_the_latest_and_since_when() -> None:
    answer = checked("1", hours_ago(1, 30), hours_ago(2, 9), hours_ago(3, 1))
    assert answer.verdict is DatabaseVerdict.OUTDATED
    assert (answer.latest, answer.latest_published_at) == ("3", NOON - HOUR)
    assert answer.outdated_since == NOON - 9 * HOUR


def test_a_finished_rollout_ends_the_window_early() -> None:
    assert checked("1", hours_ago(1, 30), hours_ago(2, 2, rollout_done=0)).verdict is DatabaseVerdict.OUTDATED


def test_a_rollout_that_is_still_going_on_does_not() -> None:
    answer = checked("1", hours_ago(1, 30), hours_ago(2, 2, rollout_done=-0.5))
    assert answer.verdict is DatabaseVerdict.IN_ROLLOUT_WINDOW


def test_a_slow_rollout_does_not_stretch_the_window_beyond_grace() -> None:
    assert checked("1", hours_ago(1, 30), hours_ago(2, 5, rollout_done=-3)).verdict is DatabaseVerdict.OUTDATED


def test_a_withdrawn_version_is_named_as_such() -> None:
    answer = checked("2", hours_ago(1, 30), hours_ago(2, 9, withdrawn=8))
    assert (answer.verdict, answer.matched, answer.latest) == (DatabaseVerdict.WITHDRAWN, "2", "1")


def test_a_withdrawn_successor_makes_nobody_outdated() -> None:
    assert checked("1", hours_ago(1, 30), hours_ago(2, 9, withdrawn=8)).verdict is DatabaseVerdict.CURRENT


def test_a_version_is_not_withdrawn_before_its_time() -> None:
    assert checked("2", hours_ago(1, 30), hours_ago(2, 9, withdrawn=-1)).verdict is DatabaseVerdict.CURRENT


def test_a_version_that_is_not_out_yet_makes_nobody_outdated_and_is_not_the_latest() -> None:
    answer = checked("1", hours_ago(1, 30), hours_ago(2, -1))
    assert (answer.verdict, answer.latest) == (DatabaseVerdict.CURRENT, "1")


def test_the_ordinal_decides_what_is_newer_and_not_the_number() -> None:
    rebuilt = Published("3", 7, NOON - 9 * HOUR)
    answer = checked("5", Published("5", 6, NOON - 20 * HOUR), rebuilt)
    assert (answer.verdict, answer.latest) == (DatabaseVerdict.OUTDATED, "3")


def test_a_version_that_was_withdrawn_and_published_again_counts_as_the_later_one() -> None:
    first = Published("5", 1, NOON - 20 * HOUR, withdrawn_at=NOON - 19 * HOUR)
    again = Published("5.0000", 2, NOON - 9 * HOUR)
    answer = checked("5", first, again)
    assert (answer.verdict, answer.matched) == (DatabaseVerdict.CURRENT, "5.0000")


def test_the_customers_spelling_need_not_be_the_registers() -> None:
    row = Published("27500", 1, NOON - HOUR)
    answer = checked(" ClamAV 1.4.6/27500/Sat Aug 24 08:31:00 2024", row, scheme=Scheme.CLAMAV)
    assert (answer.verdict, answer.matched) == (DatabaseVerdict.CURRENT, "27500")
    assert answer.claimed == " ClamAV 1.4.6/27500/Sat Aug 24 08:31:00 2024"


@pytest.mark.parametrize(
    ("claimed", "verdict"),
    [
        ("1", DatabaseVerdict.UNKNOWN_OLDER),
        ("3", DatabaseVerdict.UNKNOWN_OLDER),
        ("5", DatabaseVerdict.UNKNOWN_NEWER),
    ],
)
def test_an_unknown_version_is_newer_only_when_newer_than_all_known(claimed: str, verdict: DatabaseVerdict) -> None:
    answer = checked(claimed, hours_ago(4, 9), hours_ago(2, 30))
    assert (answer.verdict, answer.matched, answer.latest, answer.outdated_since) == (verdict, None, "4", None)


def test_with_an_empty_register_every_version_is_newer() -> None:
    assert checked("1") == DatabaseCheck(DatabaseVerdict.UNKNOWN_NEWER, "1", None, None, None, None)


@pytest.mark.parametrize(
    ("claimed", "verdict"),
    [("ClamAV 1.4.6", DatabaseVerdict.NO_DATABASE), ("yesterday's", DatabaseVerdict.UNPARSEABLE)],
)
def test_a_text_that_is_no_version_still_gets_told_the_latest(claimed: str, verdict: DatabaseVerdict) -> None:
    answer = checked(claimed, hours_ago(2, 30), scheme=Scheme.CLAMAV)
    assert (answer.verdict, answer.matched, answer.latest) == (verdict, None, "2")


def test_a_register_that_cannot_be_read_is_not_the_customers_fault() -> None:
    with pytest.raises(VersionUnparseable, match="'newest' is not a database version"):
        checked("1", Published("newest", 1, NOON))


def test_exactly_three_verdicts_are_accepted() -> None:
    assert {verdict.value for verdict in DatabaseVerdict if verdict.is_accepted} == {
        "current",
        "in_rollout_window",
        "unknown_newer",
    }


@given(
    st.lists(st.tuples(st.integers(-3, 12), st.none() | st.integers(-3, 12)), min_size=1, max_size=8), st.integers(0, 6)
)
def test_a_known_version_is_accepted_unless_withdrawn_or_missed_for_longer_than_grace(
    rows: list[tuple[int, int | None]], grace_hours: int
) -> None:
    published = sorted((out for out, _ in rows), reverse=True)
    register = [
        hours_ago(n, out, withdrawn=gone) for n, (out, (_, gone)) in enumerate(zip(published, rows, strict=True))
    ]
    for claimed, (_, gone) in enumerate(rows):
        is_gone = gone is not None and gone >= 0
        missed_for = [
            out
            for out, (_, taken) in list(zip(published, rows, strict=True))[claimed + 1 :]
            if out >= 0 and (taken is None or taken < 0)
        ]
        expected = not is_gone and all(out < grace_hours for out in missed_for)
        answer = check(Scheme.INTEGER, str(claimed), register, NOON, grace_hours * HOUR)
        assert answer.verdict.is_accepted is expected
