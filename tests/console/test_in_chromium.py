"""The pages in a real browser: what scripts add, and what no page may do."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.console.chromium import PHONE, Window
from tests.console.conftest import PASSWORD, People
from tests.console.scenes import Scenes
from tests.console.test_hostile_text import STRINGS
from tests.world import MARKER, World, wait_for


def submit(page: Page, product: str, **more: str) -> str:
    """Submit a case by the form; its identifier."""
    page.goto("/portal/new")
    form = page.locator("form[enctype]")
    form.locator("[name=detection_name]").fill("Marker")
    form.locator("[name=product]").select_option(product)
    form.locator("[name=product_version]").fill("7.1")
    form.locator("[name=database_version]").fill("20261122.1")
    form.locator("[name=contact]").fill(more.get("contact", "it@example.org"))
    content = MARKER + more.get("content", product).encode()
    form.locator("[name=file]").set_input_files(
        {"name": more.get("name", "tool.bin"), "mimeType": "application/octet-stream", "buffer": content}
    )
    form.get_by_role("button", name="Submit the case").click()
    page.wait_for_url(re.compile(r"/portal/SR-"))
    return page.url.rpartition("/")[2]


def see(page: Page, words: str) -> None:
    """Open the page anew until it says this."""
    wait_for(lambda: (page.reload(), page.locator("main").inner_text())[1], lambda text: words in text)


def unfold(page: Page, title: str) -> None:
    """Open a part of the page that is folded."""
    page.locator("summary", has_text=title).first.click()


def _tab_to(page: Page, wanted: Locator) -> None:
    """As far as it is; texts to answer with stand between, if the group has any."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("each => each === document.activeElement"):
            return


def test_the_queue_is_worked_by_keys_alone(people: People, world: World) -> None:
    product = world.product()
    cases = [world.queued(world.customer(), product)["id"] for _ in range(3)]
    page = people.enter("analyst")
    page.goto("/queue?kind=false_positive")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    first = page.locator("[data-rows] tbody tr").first.get_attribute("id")
    assert page.evaluate("document.activeElement.closest('tr').id") == first
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/{first}")
    page.goto("/queue")
    page.keyboard.press("/")
    page.keyboard.type("njk")
    assert page.locator("[name=detection]").input_value() == "njk", "keys are letters where one writes"
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("n")
    page.wait_for_url(re.compile("/cases/SR-"))
    form = page.locator("form[action$='/answer']")
    _tab_to(page, form.locator("[name=message]"))
    page.keyboard.type("All by keys.")
    _tab_to(page, form.locator("[name=is_qualified]"))
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".timeline")).to_contain_text("All by keys.")
    expect(page.locator(".timeline")).to_contain_text("qualified answer")
    assert people.faults == []
    assert cases


def test_what_was_written_stays_when_nobody_answers_and_is_sent_when_somebody_does(
    people: People, world: World
) -> None:
    case = world.queued(world.customer(), world.product())["id"]
    page = people.enter("analyst")
    page.goto(f"/cases/{case}")
    page.get_by_role("button", name="Claim this case").click()
    form = page.locator("form[action$='/answer']")
    form.locator("[name=message]").fill("A long answer.")
    page.context.set_offline(True)
    form.get_by_role("button", name="Send the answer").click()
    expect(form.get_by_role("alert")).to_contain_text("It was not sent")
    assert form.locator("[name=message]").input_value() == "A long answer."
    page.context.set_offline(False)
    form.get_by_role("button", name="Send the answer").click()
    expect(page.locator(".timeline")).to_contain_text("A long answer.")
    assert [each for each in people.faults if "ERR_INTERNET_DISCONNECTED" not in each] == []
    assert [each["name"] for each in world.analyst.timeline(case)["items"]].count("answered") == 1


def test_a_key_acts_once_the_time_is_the_servers_and_letters_can_be_turned_off(people: People, world: World) -> None:
    world.queued(world.customer(), world.product())
    page = people.enter("analyst")
    asked: list[Route] = []
    page.route("**/queue/take", lambda route: asked.append(route))  # noqa: PLW0108 - it marks what it is given
    page.clock.set_fixed_time(datetime.now(UTC) + timedelta(days=400))
    page.goto("/queue?kind=false_positive")
    assert "late by" not in page.locator("[data-rows] tbody").inner_text(), "the reader's clock is wrong"
    with page.expect_request("**/queue/take"):
        page.keyboard.down("n")
    page.keyboard.down("n")
    page.keyboard.up("n")
    page.keyboard.press("n")
    page.wait_for_timeout(500)
    assert len(asked) == 1
    asked[0].continue_()
    page.wait_for_url(re.compile("/cases/SR-"))
    page.goto("/me")
    page.get_by_role("button", name="Turn them off in this browser").click()
    page.goto("/queue")
    page.keyboard.press("j")
    page.keyboard.press("n")
    page.wait_for_timeout(200)
    assert (len(asked), page.evaluate("document.activeElement.tagName")) == (1, "BODY")
    expect(page.locator("kbd").first).to_be_hidden()
    assert people.faults == []


def test_the_queue_changes_by_itself_and_keeps_the_row_you_are_on(people: People, world: World) -> None:
    product = world.product()
    name = "Live_queue_test"
    stays = world.queued(world.customer(), product, detection_name=name)["id"]
    page = people.enter("analyst")
    page.goto(f"/queue?detection={name}")
    expect(page.locator("[data-rows] tbody tr")).to_have_count(1)
    page.keyboard.press("j")
    more = world.queued(world.customer("msa_business"), product, detection_name=name, severity=1)["id"]
    expect(page.locator(f"tr[id='{more}']")).to_be_visible()
    expect(page.locator("[data-rows] tbody tr").first).to_have_attribute("id", more)
    assert page.evaluate("document.activeElement.closest('tr')?.id") == stays
    found = world.analyst.submission(more)
    world.analyst.claim(more, found["revision"])
    expect(page.locator(f"tr[id='{more}']")).to_have_count(0)
    assert page.evaluate("document.activeElement.closest('tr')?.id") == stays
    assert people.faults == []


def test_an_open_queue_outlives_answers_that_fail_and_leads_to_the_sign_in_when_the_session_ends(
    people: People, world: World
) -> None:
    product, name = world.product(), "Failing_answers_test"

    def come() -> str:
        case: str = world.queued(world.customer(), product, detection_name=name)["id"]
        return case

    page = people.enter("analyst")
    shown = page.locator("[data-rows] tbody tr")
    first = come()
    page.route("**/queue/events", lambda route: route.abort(), times=1)
    page.goto(f"/queue?detection={name}")
    second = come()
    expect(shown).to_have_count(2)
    broken = {"status": 503, "body": "<h1>Broken</h1>", "content_type": "text/html"}
    page.route("**/queue?*", lambda route: route.fulfill(**broken), times=1)
    with page.expect_response(lambda answer: answer.status == 503):
        third = come()
    expect(shown).to_have_count(3)
    assert shown.evaluate_all("rows => rows.map(row => row.id)") == [first, second, third]
    page.context.clear_cookies()
    come()
    page.wait_for_url(re.compile(r"/sign-in\?next="))
    told = [fault for fault in people.faults if not re.search(r"ERR_FAILED|Failed to fetch|status of (503|401)", fault)]
    assert told == [], "only what the network itself says"


def test_a_text_is_chosen_and_put_in_by_keys_without_leaving_the_page(people: People, world: World) -> None:
    world.lead.add_canned_text("By keys", "Chosen by keys.")
    page = people.enter("analyst")
    case = world.queued(world.customer(), world.product())["id"]
    page.goto(f"/cases/{case}")
    page.get_by_role("button", name="Claim this case").click()
    form = page.locator("form[action$='/answer']")
    form.locator("[name=message]").focus()
    page.keyboard.type("Dear Ann,")
    page.keyboard.press("Tab")
    chosen = form.locator("[name=canned] option:checked")
    for _ in range(form.locator("[name=canned] option").count()):
        if chosen.inner_text() == "en · By keys":
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    message = page.locator("form[action$='/answer'] [name=message]")
    expect(message).to_have_value("Dear Ann,\n\nChosen by keys.")
    expect(message).to_be_focused()
    assert page.url.endswith(f"/cases/{case}"), "the page stayed"
    page.goto("/queue?severity=3")
    page.keyboard.press("v")
    page.locator(".views [name=name]").first.fill("By keys")
    page.keyboard.press("Enter")
    expect(page.locator(".views a[aria-current]")).to_have_text("By keys")
    page.keyboard.press("r")
    page.wait_for_url("**/queue/rules")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/queue/rules/cases?rule=*")
    assert people.faults == []


def test_no_hostile_text_runs(people: People, world: World) -> None:
    product = world.product()
    organisation = world.organisation()
    customer, analyst = people.enter("customer", organisation), people.enter("analyst")
    case = submit(customer, product, name="<img src=x onerror=hit()>.exe", contact=STRINGS[11])
    see(customer, "Waiting for an analyst")
    form = customer.locator("form[action$='/reply']")
    unfold(customer, "Add a comment")
    form.locator("[name=message]").fill("\n".join(STRINGS))
    form.get_by_role("button").click()
    expect(customer.locator(".timeline")).to_contain_text("<script>hit()</script>")
    for path in (f"/cases/{case}", "/cases", "/queue"):
        analyst.goto(path)
    analyst.goto(f"/cases/{case}")
    expect(analyst.locator("main")).to_contain_text("<img src=x onerror=hit()>.exe")
    assert people.faults == [], "a script that ran would say that hit is not defined, or break the policy"


def test_axe_finds_nothing_on_any_page_light_or_dark_and_none_is_wider_than_a_phone(
    browser: Browser, world: World
) -> None:
    scenes = Scenes.made(world)
    found: dict[str, list[str]] = {}
    for who, pages in scenes.pages.items():
        window = Window(browser, world.url, bypass_csp=True)
        if who:
            window.set_password(scenes.link(who), PASSWORD)
        for name, path in pages.items():
            window.go(path)
            # Of what axe looks for, colours alone depend on the scheme.
            found[name] = [*window.violations(), *window.violations("dark", rule="color-contrast")]
            found[name] += [f"is {width} wide" for width in [window.width_on_a_phone()] if width > PHONE["width"]]
        assert window.faults == []
        window.close()
    assert {name: each for name, each in found.items() if each} == {}
