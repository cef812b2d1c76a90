"""What a page that refuses keeps, and where it leads."""

import pytest

from tests.console.browser import Page
from tests.console.conftest import Doors
from tests.console.test_story import claimed
from tests.world import World

WORDS = "Dear Ann,\n</textarea><script>hit()</script>"


def back(page: Page) -> str:
    """Where the page leads."""
    return page.tags("a")[-1]["href"]


def test_a_refused_form_keeps_its_words_and_leads_to_a_page_that_can_be_opened(doors: Doors, world: World) -> None:
    analyst = doors.enter("analyst")
    case, page = claimed(analyst, world)
    sent = {**page.form("/answer").fields, "message": WORDS}
    came = {
        f"/cases/{case}?from=queue": f"/cases/{case}?from=queue",
        f"/cases/{case}/answer": f"/cases/{case}",
        "/queue/take?x=1": "/queue",
        "/queue/views/remove": "/queue",
        "//evil.example/": "/",
        "/no/such/page": "/",
    }
    for page_before, leads in came.items():
        refused = analyst.post(f"/cases/{case}/no-such-form", sent, Referer=f"{world.url}{page_before}")
        assert (refused.status, back(refused), WORDS in refused.raw_text) == (404, leads, True)
        assert not [each for each in refused.tags("script") if not each["src"].startswith("/assets/")]
    for nowhere in ("https://evil.example/queue", "http://[", ""):
        assert back(analyst.post(f"/cases/{case}/no-such-form", sent, Referer=nowhere)) == "/"
    link = analyst.http.get("/cases/SR-none", headers={"Referer": f"{world.url}/cases/SR-none"})
    assert (link.status_code, '<a href="/">Back' in link.text) == (404, True), "a page does not lead back to itself"


def test_words_are_kept_when_the_form_is_of_a_session_before_and_not_when_another_site_sent_them(
    doors: Doors, world: World
) -> None:
    analyst = doors.enter("analyst")
    case, page = claimed(analyst, world)
    sent = {**page.form("/answer").fields, "message": WORDS, "reason": "Because."}
    old = analyst.post(f"/cases/{case}/answer", {**sent, "form_token": "of before"})
    assert (old.status, WORDS in old.raw_text, "Because." in old.raw_text) == (403, True, True)
    foreign = analyst.post(f"/cases/{case}/answer", sent, Sec_Fetch_Site="cross-site")
    assert (foreign.status, WORDS in foreign.raw_text) == (403, False)
    analyst.http.cookies.delete("sigreq-session")
    gone = analyst.post(f"/cases/{case}/answer", sent, Referer=f"{world.url}/cases/{case}?from=queue")
    assert (gone.path, gone.form("/sign-in").fields["next"]) == ("/sign-in", f"/cases/{case}?from=queue")


@pytest.mark.parametrize("path", ["/portal/keys", "/portal/webhook"])
def test_a_page_that_shows_a_secret_makes_no_other_when_it_is_loaded_again(
    doors: Doors, world: World, path: str
) -> None:
    customer = doors.enter("customer", world.organisation())
    page = customer.get(path)
    said = {"title": "once", "url": "https://93.184.215.14/hook"}
    made = customer.send(page, path, **said)
    before = customer.get(path)
    again = customer.send(page, path, **said)
    assert (made.status, "secret" in made.html) == (201, True)
    assert (again.path, again.status, "sent before" in again.text) == (path, 200, True)
    assert 'class="secret"' not in again.html
    assert before.tags("time") == again.tags("time"), "no other key, and the webhook as it was"
    assert customer.send(again, path, **said).status == 201, "another form makes another"


def test_single_letters_are_turned_off_in_one_browser(doors: Doors) -> None:
    person = doors.person("analyst")
    browser, other = doors.let_in(person), doors.enter("analyst")
    page = browser.send(browser.get("/me"), "/me/keys", keys="off")
    assert (page.path, "do nothing" in page.text) == ("/me", True)
    assert ['data-keys="off"' in each.get("/queue").html for each in (browser, other)] == [True, False]
    browser.send(page, "/me/keys", keys="on")
    assert 'data-keys="off"' not in browser.get("/queue").html


def test_the_counts_of_the_bands_are_links_and_a_band_stays_when_the_filters_change(doors: Doors) -> None:
    analyst = doors.enter("analyst")
    page = analyst.get("/queue", severity="2", nothing="true")
    links = [each["href"] for each in page.tags("a") if each.get("class", "").startswith("band ")]
    assert links == [f"/queue?band={band}&severity=2" for band in range(4)]
    assert "band" not in page.form("/queue", "get").fields
    page = analyst.get(links[0])
    (current,) = [each["href"] for each in page.tags("a") if each.get("aria-current") == "true"]
    assert current == links[0]
    fields = page.form("/queue", "get").fields
    assert (fields["band"], fields["severity"]) == ("0", "2")


def test_who_looks_where_nothing_is_gets_a_page_and_a_program_a_problem(doors: Doors) -> None:
    browser = doors.browser()
    looking = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "ru"}
    for path in ("/account", "/queue/nowhere/at/all", "/v1/account/nowhere"):
        page = browser.http.get(path, headers=looking)
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "По этому адресу ничего нет" in page.text
        for accept in ("*/*", "application/json", ""):
            told = browser.http.get(path, headers={"Accept": accept})
            assert (told.status_code, told.json()["code"]) == (404, "address_unknown"), accept
