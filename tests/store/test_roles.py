"""What the application's database role may do, and that every name is known where it has to be."""

from collections.abc import Iterator

import asyncpg
import pytest

from sigreq import worker
from sigreq.api.problems import STATUSES
from sigreq.domain import (
    contract_errors,
    corpus_errors,
    database_errors,
    errors,
    list_errors,
    release_errors,
    sign_in_errors,
)
from sigreq.domain.errors import Problem
from sigreq.embedded.stack import Addresses
from sigreq.store.jobs import JobName
from tests.embedded.support import query

HISTORY = (
    "event",
    "feed_entry",
    "scan",
    "rule_hit",
    "change_revision",
    "evidence",
    "bundle_target",
    "repository_document",
)
CODES = [
    "address_private",
    "already_exists",
    "another_analyst_needed",
    "archive_holds_detected",
    "base_replaced",
    "calendar_unfit",
    "call_out_of_time",
    "case_failed",
    "change_not_in_ruleset",
    "change_unfit",
    "change_unknown",
    "claim_held",
    "claim_lapsed",
    "contract_backwards",
    "contracts_overlap",
    "corpus_malware",
    "corpus_source_closed",
    "cursor_ahead",
    "cursor_foreign",
    "cursor_invalid",
    "cursor_too_old",
    "database_missing",
    "database_outdated",
    "database_version_unknown",
    "database_version_unreadable",
    "database_withdrawn",
    "deliveries_too_many",
    "determination_unfit",
    "extra_unfit",
    "field_invalid",
    "fix_dropped",
    "form_foreign",
    "four_eyes",
    "gate_pass_stale",
    "group_foreign",
    "hash_mismatch",
    "idempotency_key_reused",
    "if_match_missing",
    "key_missing",
    "key_revoked",
    "key_unknown",
    "known_clean",
    "known_malware",
    "list_full",
    "not_found",
    "ordinal_not_higher",
    "own_proposal",
    "password_link_expired",
    "password_link_unknown",
    "password_link_used",
    "password_unfit",
    "product_unknown",
    "reason_missing",
    "release_exists",
    "request_malformed",
    "revision_stale",
    "rollback_unfit",
    "ruleset_unfit",
    "sample_empty",
    "sample_missing",
    "sample_too_large",
    "samples_too_many",
    "service_unavailable",
    "sign_in_needed",
    "sign_in_too_often",
    "sign_in_unsafe",
    "sign_in_wrong",
    "state_forbids",
    "streams_too_many",
    "train_not_gated",
    "train_schedule_unfit",
    "upload_link_expired",
    "upload_link_unknown",
    "upload_link_used",
    "verdict_unfit",
    "webhook_missing",
    "wrong_role",
]


def test_the_application_owns_nothing_and_is_no_superuser(addresses: Addresses) -> None:
    owned, is_super, may_create_roles = query(
        addresses.database_url,
        "SELECT count(*) FROM pg_tables WHERE tableowner = current_user",
        "SELECT rolsuper OR rolbypassrls OR rolcreatedb FROM pg_roles WHERE rolname = current_user",
        "SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user",
    )
    assert (owned, is_super, may_create_roles) == (0, False, False)


@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}"])
def test_the_application_cannot_rewrite_history(addresses: Addresses, table: str, statement: str) -> None:
    _is_denied(addresses, statement.format(table))


@pytest.mark.parametrize(
    "change",
    [
        "event SET name = 'x'",
        "feed_entry SET action = 'x'",
        "scan SET outcome = 'clean'",
        "rule_hit SET rule = 'x'",
        "change_revision SET rev = 2",
        "evidence SET version = 'x'",
        "bundle_target SET sha256 = 'x'",
        "repository_document SET version = 2",
        "signing_key SET public = '{}'",
    ],
)
def test_the_application_cannot_edit_history(addresses: Addresses, change: str) -> None:
    _is_denied(addresses, f"UPDATE {change}")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE own (id int)",
        "CREATE SCHEMA own",
        "ALTER TABLE event ADD COLUMN own int",
        "DROP TABLE event",
        "DELETE FROM submission",
        "UPDATE alembic_version SET version_num = 'x'",
        "UPDATE person SET role = 'administrator'",
    ],
)
def test_the_application_cannot_change_what_the_database_is(addresses: Addresses, statement: str) -> None:
    _is_denied(addresses, statement)


def _is_denied(addresses: Addresses, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        query(addresses.database_url, statement)


def test_every_job_name_is_registered_with_the_worker() -> None:
    found = [function.name for function in worker.functions(lambda _name, _job_id: None)]
    assert sorted(found) == sorted(name.value for name in JobName)


def _problems(base: type[Problem] = Problem) -> Iterator[type[Problem]]:
    for kind in base.__subclasses__():
        if kind.__module__ in {
            each.__name__
            for each in (
                errors,
                contract_errors,
                corpus_errors,
                database_errors,
                list_errors,
                release_errors,
                sign_in_errors,
            )
        }:
            yield kind
            yield from _problems(kind)


def test_every_problem_has_a_status() -> None:
    assert set(_problems()) == set(STATUSES)
    assert all(400 <= status < 600 and status != 500 for status in STATUSES.values())


def test_the_codes_that_clients_switch_on_never_change() -> None:
    made = [kind.__new__(kind).code for kind in _problems()]
    assert sorted(made) == CODES
