"""The lists that people keep themselves end somewhere, and say so."""

import re
from concurrent.futures import ThreadPoolExecutor

from sigreq.api.console.access import LISTED
from sigreq.domain.limits import LISTS
from sigreq.embedded.service import Service
from sigreq_client import ApiError
from tests.commands import key_to, sigreq
from tests.console.conftest import Doors
from tests.database import write
from tests.flows import refused
from tests.world import World

VIEWS = """
    INSERT INTO saved_view (person_id, name, query, saved_at)
    SELECT :person, 'View ' || n, '', now() FROM generate_series(1, :most) n"""
TEXTS = """
    INSERT INTO canned_text (id, group_id, language, title, body, changed_by, changed_at)
    SELECT :group || n, :group, 'en', 'Text ' || n, 'x', :person, now() FROM generate_series(1, :most - 1) n"""


REVOKED = """
    INSERT INTO api_key (digest, person_id, hint, title, created_at, revoked_at)
    SELECT encode(sha256((id || n)::bytea), 'hex'), id, 'sgrq_live_gone', 'Old ' || n, now() - interval '9 days',
        now() - n * interval '1 hour'
    FROM (SELECT id FROM person WHERE organisation_id = :organisation LIMIT 1) p, generate_series(1, :count) n"""


def test_a_person_has_so_many_keys_in_use_also_when_two_are_made_at_once(world: World, doors: Doors) -> None:
    organisation = world.organisation()
    customer, colleague = world.person("customer", organisation), world.person("customer", organisation)
    for number in range(LISTS.keys_of_a_person - 2):
        customer.add_own_key(f"machine {number}")

    def another(_: int) -> str | None:
        try:
            customer.add_own_key("the last one")
        except ApiError as problem:
            return problem.code
        return None

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(another, range(4)), key=str) == [None, "list_full", "list_full", "list_full"]
    with refused(409, "list_full") as told:
        customer.add_own_key("one more")
    assert (told["limit"], told["what"]) == (LISTS.keys_of_a_person, "API keys in use of one person")
    colleague.add_own_key("it is not the organisation's limit")
    customer.revoke_own_key(next(each["id"] for each in customer.keys()["items"] if each["title"] == "machine 0"))
    customer.add_own_key("in its place")

    browser = doors.enter("customer", organisation)
    for _ in range(LISTS.keys_of_a_person):
        browser.send(browser.get("/portal/keys"), "/portal/keys", title="by hand")
    page = browser.send(browser.get("/portal/keys"), "/portal/keys", title="one more")
    assert (page.status, "The limit of 20 is reached" in page.text) == (409, True)
    assert page.form("/portal/keys").fields["title"] == "one more"


def test_keys_that_were_revoked_long_ago_are_on_other_pages(world: World, doors: Doors, service: Service) -> None:
    organisation = world.organisation()
    browser, key = doors.enter("customer", organisation), world.key("customer", organisation)
    customer = world.client(key)
    customer.add_own_key("in use")
    write(service, REVOKED, organisation=organisation, count=LISTED)
    first = customer.keys(limit=5)
    assert [each["title"] for each in first["items"]] == ["in use", None, None, "Old 1", "Old 2"]
    found, cursor = first["items"], first["next_cursor"]
    while cursor is not None:
        page = customer.keys(cursor, 7)
        found, cursor = found + page["items"], page["next_cursor"]
    assert [each["title"] for each in found[3:]] == [f"Old {number}" for number in range(1, LISTED + 1)]
    with refused(422, "cursor_invalid"):
        customer.keys("MjAyNi0xMS0yMlQxMDowMDowMCswMDowMHx4")
    page = browser.get("/portal/keys")
    assert ("Old 1 " in page.text, f"Old {LISTED} " in page.text) == (True, False)
    older = browser.get(re.findall(r'href="([^"]*after=[^"]*)" rel="next"', page.html)[0])
    assert ("in use" in older.text, f"Old {LISTED} " in older.text) == (False, True)
    shown = sigreq("key", "list", "--limit", "1", env=key_to(world.url, key)).stdout
    following = sigreq("key", "list", "--cursor", shown.split()[-1], env=key_to(world.url, key)).stdout
    assert ("in use" in shown, "in use" in following, "Old 1 " in following) == (True, False, True)


def test_a_full_list_of_views_takes_new_filters_under_an_old_name(doors: Doors, service: Service) -> None:
    person = doors.person("analyst")
    analyst = doors.let_in(person)
    write(service, VIEWS, person=person, most=LISTS.views_of_a_person)
    page = analyst.get("/queue", severity="2")
    full = analyst.send(page, "/queue/views", name="One more")
    assert (full.status, "saved views of one person" in full.text) == (409, True)
    assert analyst.send(page, "/queue/views", name="View 7").url.endswith("/queue?severity=2")
    analyst.send(analyst.get("/queue", severity="2"), "/queue/views/remove", name="View 7")
    assert analyst.send(page, "/queue/views", name="One more").status == 200


def test_a_group_has_so_many_texts_and_each_can_still_be_changed(world: World, service: Service) -> None:
    group, lead = f"full-{world.organisation()}", world.administrator.add_person("Lead of texts", "lead")
    world.administrator.set_group(group, "Full of words")
    world.administrator.join_group(group, lead["id"])
    write(service, TEXTS, person=lead["id"], group=group, most=LISTS.texts_of_a_group)
    with world.client(lead["key"]) as client:
        last = client.add_canned_text("The last one", "x", group=group)
        with refused(409, "list_full"):
            client.add_canned_text("One more", "x", group=group)
        assert client.change_canned_text(last["id"], "The last one", "better", group=group)["body"] == "better"
        elsewhere = client.add_canned_text(f"Elsewhere {group}", "x")
        with refused(409, "list_full"):
            client.change_canned_text(elsewhere["id"], "Moved here", "x", group=group)
        client.remove_canned_text(elsewhere["id"])
        client.remove_canned_text(last["id"])
        client.add_canned_text("One more", "x", group=group)
