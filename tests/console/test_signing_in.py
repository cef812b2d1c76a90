"""Passwords, sessions, and what cannot be done to them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from click.testing import CliRunner
from redis import Redis

from sigreq.access import sign_in as access
from sigreq.cli.main import main
from sigreq.embedded.keys import first_links
from sigreq.embedded.service import Service
from sigreq.sessions import Sessions
from sigreq.transaction import Database
from tests.console.conftest import PASSWORD, Doors, set_password, sign_in
from tests.console.stream import watching
from tests.plain import problem
from tests.world import World, wait_for


def test_a_link_sets_the_password_once_and_signs_in(doors: Doors) -> None:
    person = doors.person("analyst")
    link = doors.link(person)
    browser = doors.browser()
    page = browser.get(link)
    assert person in page.html
    assert browser.send(page, "", password=PASSWORD, again=PASSWORD).path == "/queue"
    again = doors.browser().get(link)
    assert (again.status, "was used" in again.text) == (410, True)
    assert sign_in(doors.browser(), person).path == "/queue"
    assert sign_in(doors.browser(), f"  {person.upper()} ").path == "/queue"


def test_no_transaction_is_open_while_a_password_is_hashed(
    service: Service, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = doors.person("analyst")
    token = doors.link(person).rsplit("/", 1)[1]
    hash_of = access.hash_of
    held: list[int] = []

    async def send(_: object) -> None:
        """Nothing waits for hints here."""

    async def run() -> None:
        database = Database(service.env["SIGREQ_DATABASE__URL"], pool_size=1, send=send)

        async def watched(password: str) -> str:
            held.append(database._engine.pool.checkedout())  # type: ignore[attr-defined]  # noqa: SLF001
            return await hash_of(password)

        monkeypatch.setattr(access, "hash_of", watched)
        try:
            await access.set_password(database, token, PASSWORD)
        finally:
            await database.close()

    asyncio.run(run())
    assert held == [0]
    assert sign_in(doors.browser(), person).path == "/queue"


def test_a_newer_link_ends_the_older_one_and_an_unknown_one_is_unknown(doors: Doors) -> None:
    person = doors.person("analyst")
    older, newer = doors.link(person), doors.link(person)
    assert doors.browser().get(older).status == 410
    assert doors.browser().get(newer).status == 200
    assert doors.browser().get("/password/made-up").status == 404


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "x" * 201])
def test_a_password_that_can_be_guessed_is_refused_and_the_link_stays(doors: Doors, password: str) -> None:
    link = doors.link(doors.person("analyst"))
    refused = set_password(doors.browser(), link, password)
    assert (refused.status, "cannot be taken" in refused.text) == (422, True)
    assert doors.browser().get(link).status == 200


def test_two_entries_that_differ_are_refused(doors: Doors) -> None:
    browser = doors.browser()
    link = doors.link(doors.person("analyst"))
    page = browser.send(browser.get(link), "", password=PASSWORD, again=PASSWORD + "!")
    assert (page.status, "differ" in page.text) == (422, True)


def test_a_new_password_ends_every_session_of_before(doors: Doors) -> None:
    person = doors.person("analyst")
    before = doors.let_in(person)
    assert before.get("/queue").path == "/queue"
    set_password(doors.browser(), doors.link(person), "another good password")
    assert before.get("/queue").path == "/sign-in"
    assert sign_in(doors.browser(), person).status == 403


def test_whoever_leaves_has_no_key_password_session_or_link(doors: Doors, world: World) -> None:
    made = world.administrator.add_person("Dismissed", "analyst", None)
    person, login = made["id"], "left@example.org"
    browser = doors.browser()
    set_password(browser, world.administrator.add_password_link(person, login)["path"])
    assert browser.get("/queue").path == "/queue"
    link = doors.link(person)
    problem(world.plain(world.keys["lead"]).delete(f"/v1/admin/people/{person}/access"), 403, "wrong_role")
    key = ["--url", world.url, "--key", world.keys["administrator"]]
    done = CliRunner().invoke(main, ["admin", "person", "end-access", person, *key])
    assert (done.exit_code, done.output) == (0, f"{person} has no access any more.\n")
    problem(world.plain(made["key"]).get("/v1/account"), 401, "key_revoked")
    assert browser.get("/queue").path == "/sign-in"
    for password in (PASSWORD, "nobody has this password"):
        assert sign_in(doors.browser(), login, password).status == 403
    assert doors.browser().get(link).status == 410
    other = world.plain(world.keys["administrator"])
    answer = other.post(f"/v1/admin/people/{doors.person('lead')}/password-link", json={"login": login})
    problem(answer, 409, "already_exists")
    assert set_password(browser, doors.link(person)).path == "/queue", "a new link lets them in again"


def test_a_page_left_open_keeps_no_session_alive_and_none_lasts_longer_than_a_day(
    service: Service, doors: Doors
) -> None:
    browser = doors.enter("analyst")
    token = browser.http.cookies["sigreq-session"]
    address = service.env["SIGREQ_REDIS__URL"]
    name = f"sigreq:session:{sha256(token.encode()).hexdigest()}"
    with Redis.from_url(address) as redis:
        redis.expire(name, 600)
        assert browser.http.get("/queue", headers={"HX-Request": "true"}).status_code == 200
        with watching(doors.world.url, "/queue/events", None, cookie=f"sigreq-session={token}") as seen:
            next(seen)
        assert 0 < redis.ttl(name) <= 600, "a page that asks by itself is no use of it"
        assert browser.get("/queue").path == "/queue"
        assert redis.ttl(name) > 600

    async def found(later: timedelta) -> bool:
        kept = Sessions(address, lambda: datetime.now(UTC) + later)
        try:
            return await kept.find(token) is not None
        finally:
            await kept.close()

    assert [asyncio.run(found(timedelta(hours=hours))) for hours in (23, 24)] == [True, False]


def test_a_wrong_password_and_an_unknown_name_are_told_alike(doors: Doors) -> None:
    person = doors.person("analyst")
    doors.let_in(person)
    wrong = sign_in(doors.browser(), person, "not the password")
    unknown = sign_in(doors.browser(), "nobody-of-this-name", "not the password")
    assert wrong.status == unknown.status == 403
    assert wrong.text.replace(person, "") == unknown.text.replace("nobody-of-this-name", "")


def test_wrong_passwords_lock_a_stranger_out_and_not_the_person(doors: Doors) -> None:
    person = doors.person("analyst")
    own = doors.let_in(person)
    stranger = doors.browser("203.0.113.7")
    tries = [sign_in(stranger, person, "a wrong password").status for _ in range(6)]
    assert tries == [403] * 5 + [429]
    assert sign_in(stranger, person).status == 429, "the right password does not help from there"
    own.http.cookies.delete("sigreq-session")
    own.http.headers["X-Forwarded-For"] = "203.0.113.7"
    assert sign_in(own, person).path == "/queue", "the person's own browser comes in, even from that address"
    assert sign_in(doors.browser("203.0.113.8"), person).path == "/queue"


def test_tries_at_the_same_time_count_as_well(doors: Doors) -> None:
    person = doors.person("analyst")
    doors.let_in(person)
    browsers = [doors.browser("203.0.113.20") for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda each: sign_in(each, person, "a wrong password").status, browsers))
    assert sorted(answers) == [403] * 5 + [429] * 5


def test_many_names_tried_from_one_address_are_stopped(doors: Doors) -> None:
    stranger = doors.browser("203.0.113.30")
    answers = [sign_in(stranger, f"name-{number}", "a wrong password").status for number in range(51)]
    assert (answers.count(403), answers[-1]) == (50, 429)


def test_an_address_of_ipv6_counts_as_its_network(doors: Doors) -> None:
    person = doors.person("analyst")
    doors.let_in(person)
    answers = [
        sign_in(doors.browser(f"2001:db8:0:77::{number}"), person, "a wrong password").status for number in range(1, 7)
    ]
    assert answers == [403] * 5 + [429]


def test_a_form_of_another_site_or_session_is_refused(doors: Doors) -> None:
    mine, theirs = doors.enter("analyst"), doors.enter("analyst")
    token = mine.get("/queue").form("/sign-out").fields["form_token"]
    assert theirs.post("/sign-out", {"form_token": token}).status == 403
    assert mine.post("/sign-out", {}).status == 403
    assert mine.post("/sign-out", {"form_token": token}, Origin="https://evil.example").status == 403
    assert mine.post("/sign-out", {"form_token": token}, Sec_Fetch_Site="cross-site").status == 403
    assert mine.get("/queue").path == "/queue", "nobody was signed out"
    entrance = doors.browser().post("/sign-in", {"login": "a", "password": "b"}, Sec_Fetch_Site="cross-site")
    assert (entrance.status, "not sent from a page of ours" in entrance.text) == (403, True)
    assert mine.post("/sign-out", {"form_token": token}).path == "/sign-in"
    assert mine.get("/queue").path == "/sign-in"


def test_cookies_are_bound_to_the_host_over_https_and_claim_nothing_over_http(doors: Doors) -> None:
    person = doors.person("analyst")
    doors.let_in(person)
    data = {"login": person, "password": PASSWORD}
    plain = doors.browser().http.post("/sign-in", data=data, follow_redirects=False)
    over_https = {"X-Forwarded-Proto": "https", "Host": "sigreq.example"}
    secure = doors.browser().http.post("/sign-in", data=data, headers=over_https, follow_redirects=False)
    assert plain.status_code == secure.status_code == 303
    for cookie in plain.headers.get_list("set-cookie"):
        assert cookie.startswith("sigreq-")
        assert "HttpOnly" in cookie
        assert "Secure" not in cookie
    for cookie in secure.headers.get_list("set-cookie"):
        assert cookie.startswith("__Host-sigreq-")
        assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "Domain" not in cookie


def test_no_password_is_taken_over_plain_http_from_afar(doors: Doors) -> None:
    answer = doors.browser().post("/sign-in", {"login": "a", "password": "b"}, Host="sigreq.example:8080")
    assert (answer.status, "without encryption" in answer.text) == (403, True)


@pytest.mark.parametrize("wanted", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:x"])
def test_signing_in_leads_to_no_other_site(doors: Doors, wanted: str) -> None:
    browser = doors.browser()
    assert browser.get("/sign-in", next=wanted).form("/sign-in").fields["next"] == "/"


def test_after_signing_in_you_are_where_you_wanted_to_be(doors: Doors) -> None:
    person = doors.person("analyst")
    doors.let_in(person)
    browser = doors.browser()
    page = browser.get("/queue?track=expedited")
    assert page.path == "/sign-in"
    came = browser.send(page, "/sign-in", login=person, password=PASSWORD)
    assert came.url.endswith("/queue?track=expedited")


def test_only_an_administrator_gives_links_and_no_name_is_given_twice(world: World, doors: Doors) -> None:
    person, other = doors.person("analyst"), doors.person("analyst")
    for role in ("analyst", "lead", "release"):
        answer = world.plain(world.keys[role]).post(f"/v1/admin/people/{person}/password-link", json={})
        problem(answer, 403, "wrong_role")
    made = world.administrator.add_password_link(person, "somebody@example.org")
    assert made["login"] == "somebody@example.org"
    set_password(doors.browser(), made["path"])
    http = world.plain(world.keys["administrator"])
    answer = http.post(f"/v1/admin/people/{other}/password-link", json={"login": "Somebody@example.org"})
    problem(answer, 409, "already_exists")


def test_the_first_people_are_given_links_until_they_have_a_password(service: Service, doors: Doors) -> None:
    url = service.env["SIGREQ_DATABASE__URL"]
    links = first_links(url, doors.world.keys)
    assert sorted(links) == ["administrator", "analyst", "customer", "lead"]
    assert set_password(doors.browser(), links["administrator"]).path == "/queue"
    assert sorted(first_links(url, doors.world.keys)) == ["analyst", "customer", "lead"]
    assert sign_in(doors.browser(), "administrator").path == "/queue"


def test_when_redis_dies_one_signs_in_again(service: Service, doors: Doors) -> None:
    person = doors.person("analyst")
    browser = doors.let_in(person)
    service.kill("redis")
    down = browser.get("/queue")
    assert down.status in {200, 503}
    assert "Traceback" not in down.html
    service.revive()
    wait_for(lambda: browser.get("/queue").status, lambda status: status == 200)
    assert sign_in(browser, person).path == "/queue"
