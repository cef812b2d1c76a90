"""Who may do what."""

import pytest

from sigreq.domain.errors import WrongRole
from sigreq.domain.people import ALLOWED, Actor, Permission, Role, require

CUSTOMER, ANALYST, LEAD = Role.CUSTOMER, Role.ANALYST, Role.LEAD


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", Role)
def test_require_lets_through_exactly_those_of_the_table(role: Role, permission: Permission) -> None:
    actor = Actor("p", "Somebody", role)
    if role in ALLOWED[permission]:
        require(actor, permission)
        return
    with pytest.raises(WrongRole) as refused:
        require(actor, permission)
    assert refused.value.role == role
    assert refused.value.allowed.split(", ") == sorted(ALLOWED[permission])


def test_every_permission_is_somebodys() -> None:
    assert set(ALLOWED) == set(Permission)
    assert all(ALLOWED.values())


def test_customers_only_submit_and_see_submissions_and_what_is_in_force_for_them() -> None:
    assert {each for each in Permission if CUSTOMER in ALLOWED[each]} == {
        Permission.SUBMIT,
        Permission.SEE_SUBMISSIONS,
        Permission.SEE_EXTRAS,
    }


def test_auditors_write_nothing() -> None:
    writing = {Permission.SUBMIT, Permission.DECIDE, Permission.APPROVE, Permission.PUBLISH, Permission.ADMINISTER}
    writing |= {Permission.PUBLISH_EXTRA, Permission.END_EXTRA}
    assert all(Role.AUDITOR not in ALLOWED[each] for each in writing)


def test_a_lead_may_what_an_analyst_may_and_approve() -> None:
    assert {each for each in Permission if ANALYST in ALLOWED[each]} < {
        each for each in Permission if LEAD in ALLOWED[each]
    }
    assert ALLOWED[Permission.APPROVE] == {LEAD}


@pytest.mark.parametrize("role", Role)
def test_customers_and_release_tooling_do_not_see_everybodys_cases(role: Role) -> None:
    assert Actor("p", "Somebody", role).is_staff == (role not in {CUSTOMER, Role.RELEASE})
