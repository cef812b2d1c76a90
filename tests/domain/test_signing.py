"""The names of what the repository holds, and when a signature is to be renewed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain.signing import (
    EXPEDITED_PATHS,
    KeyRole,
    Lives,
    TargetUnfitError,
    approval_keys,
    is_due,
    is_repository_file,
    metadata_file,
    next_version,
    role_of,
    target_file,
    target_name,
)
from sigreq.domain.submission import Track

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=200))
def test_every_version_has_a_name_of_its_own_that_a_repository_takes(one: str, other: str) -> None:
    names = {target_name("acme-av", version, "yara.tar") for version in (one, other)}
    assert len(names) == len({one, other})
    assert {role_of(name) for name in names} == {KeyRole.TARGETS}


@pytest.mark.parametrize("version", ["27500", "1.413.102.0", "20231110.016"])
def test_a_plain_version_is_its_folder(version: str) -> None:
    assert target_name("acme-av", version, "yara.tar") == f"acme-av/{version}/yara.tar"


@pytest.mark.parametrize("version", ["31986 (20251007)", "ClamAV 1.4.6/27500/Sat Aug 24 08:31:00 2024", "..", "-rf"])
def test_any_other_version_is_written_so_that_it_is_one_folder(version: str) -> None:
    assert target_name("acme-av", version, "yara.tar").count("/") == 2


@pytest.mark.parametrize("name", ["", "/x", "a//b", "../x", "a/../b", ".x", "a b", "a/b/c/d/e", "a\n", "ä"])
def test_what_is_no_path_cannot_be_a_bundles_name(name: str) -> None:
    with pytest.raises(TargetUnfitError):
        role_of(name)


@pytest.mark.parametrize("name", ["expedited/x.tar", "expedited/acme-av/x.tar", "expedited/acme-av/1/x.tar"])
def test_what_is_expedited_has_a_pattern_of_its_depth(name: str) -> None:
    assert role_of(name) is KeyRole.EXPEDITED
    assert name.count("/") in {pattern.count("/") for pattern in EXPEDITED_PATHS}


def test_files_are_found_under_the_names_that_documents_give_them() -> None:
    digest = "0" * 64
    found = [target_file("acme-av/1/yara.tar", digest), metadata_file("snapshot", 7), metadata_file("timestamp", 7)]
    assert found == [f"acme-av/1/{digest}.yara.tar", "7.snapshot.json", "timestamp.json"]
    assert is_repository_file(f"targets/{found[0]}")
    assert is_repository_file(f"metadata/{found[1]}")
    assert is_repository_file(f"metadata/{found[2]}")


@pytest.mark.parametrize("path", ["rulesets/x.json", "metadata/root.json", "metadata/0.root.json", "targets/../x", "x"])
def test_nothing_else_is_a_file_of_the_repository(path: str) -> None:
    assert not is_repository_file(path)


def test_a_document_is_renewed_when_half_of_its_life_is_over() -> None:
    life = timedelta(hours=24)
    assert not is_due(NOON + timedelta(hours=12, seconds=1), life, NOON)
    assert is_due(NOON + timedelta(hours=12), life, NOON)


def test_a_version_is_never_given_twice_even_by_a_database_that_knows_less() -> None:
    first = next_version(0, NOON)
    second = next_version(first, NOON)
    assert first < second < next_version(0, NOON + timedelta(minutes=1))


def test_every_role_with_documents_has_a_life_and_no_other() -> None:
    lives = Lives()
    assert lives.of(KeyRole.TIMESTAMP) < lives.of(KeyRole.SNAPSHOT) < lives.of(KeyRole.TARGETS)
    with pytest.raises(KeyError):
        lives.of(KeyRole.EVIDENCE)


def test_there_are_as_many_approval_keys_as_the_strictest_track_asks_for() -> None:
    assert approval_keys({Track.EXPEDITED: 1, Track.STANDARD: 3}) == 3
