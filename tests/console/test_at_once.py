"""The main job through the pages of real browsers, by five people at the same time."""

import re
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

from playwright.sync_api import Page, expect

from tests.console.chromium import Window, chromium
from tests.console.conftest import PASSWORD, Doors
from tests.console.test_in_chromium import see, submit, unfold
from tests.flows import HARMLESS, published, release_of
from tests.world import PATIENCE_SECONDS, World


class Word:
    """What one person says to another, who waits for it."""

    def __init__(self) -> None:
        self._said: Future[str] = Future()

    def say(self, text: str = "") -> None:
        """Say it, once."""
        self._said.set_result(text)

    def hear(self) -> str:
        """Wait for it."""
        return self._said.result(3 * PATIENCE_SECONDS)

    def break_off(self) -> None:
        """Let nobody wait for what will not be said."""
        self._said.cancel()


def claim(page: Page, case: str) -> None:
    """Take a case that waits."""
    see_queued(page, case)
    page.goto(f"/cases/{case}")
    page.get_by_role("button", name="Claim this case").click()
    expect(page.locator("main")).to_contain_text("Answer the customer")


def see_queued(page: Page, case: str) -> None:
    """Wait at the open queue until a case comes into it: nobody loads it anew."""
    expect(page.locator(f"tr[id='{case}']")).to_have_count(1, timeout=1000 * PATIENCE_SECONDS)


def conclude(page: Page, case: str) -> None:
    """Decide a case that is in one's hands."""
    page.goto(f"/cases/{case}")
    unfold(page, "Conclude")
    form = page.locator(f"form[action='/cases/{case}/determine']")
    form.locator("[name=determination]").select_option("false_positive_confirmed")
    form.locator("[name=final_verdict]").select_option("clean")
    form.locator("[name=message]").fill("The tool is harmless.")
    form.get_by_role("button", name="Conclude").click()
    expect(page.locator("main")).to_contain_text("Draft a change")


class Story:
    """Two customers send in, two analysts work, a lead approves. Each is a thread with a browser of their own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.product = world.product()
        self.organisations = world.organisation("msa_business"), world.organisation()
        self.urgent, self.other = Word(), Word()
        self.asked, self.replied, self.passed, self.out = Word(), Word(), Word(), Word()

    def first_customer(self, page: Page) -> None:
        """Submits, and thanks when it is mended."""
        self.urgent.say(submit(page, self.product))
        self.out.hear()
        see(page, "Fixed in 20261122.2")
        page.get_by_role("button", name="It works now").click()
        expect(page.locator("h1 + .tag")).to_have_text("Closed")

    def second_customer(self, page: Page) -> None:
        """Submits, and answers what is asked."""
        self.other.say(submit(page, self.product, content="other"))
        self.asked.hear()
        page.reload()
        page.locator("form[action$='/reply'] [name=message]").fill("It is 4.2.")
        page.get_by_role("button", name="Send the reply").click()
        expect(page.locator("main")).to_contain_text("It is 4.2.")
        self.replied.say()

    def first_analyst(self, page: Page) -> None:
        """Concludes, drafts a change and sends it through the gate."""
        page.goto(f"/queue?customer={self.organisations[0]}")
        case = self.urgent.hear()
        claim(page, case)
        conclude(page, case)
        page.get_by_role("button", name="Modify a rule").click()
        page.locator("[name=source]").fill(HARMLESS)
        page.get_by_role("button", name="Draft the change").click()
        page.wait_for_url(re.compile("/changes/CH-"))
        page.get_by_role("button", name="Send it through the gate").click()
        # The page looks again by itself.
        expect(page.locator("h1 + .tag")).to_have_text("Passed the gate", timeout=1000 * PATIENCE_SECONDS)
        self.passed.say(page.url.rpartition("/")[2])

    def second_analyst(self, page: Page) -> None:
        """Asks back before concluding."""
        page.goto(f"/queue?customer={self.organisations[1]}")
        case = self.other.hear()
        claim(page, case)
        unfold(page, "Ask the customer")
        ask = page.locator("form[action$='/ask']")
        ask.locator("[name=message]").fill("Which version of the tool?")
        ask.get_by_role("button", name="Send the question").click()
        expect(page.locator("main")).to_contain_text("Waiting for the customer")
        self.asked.say()
        self.replied.hear()
        conclude(page, case)

    def lead(self, page: Page) -> None:
        """Approves what passed; then it comes out."""
        change = self.passed.hear()
        page.goto(f"/changes/{change}")
        page.get_by_role("button", name="Approve it for release").click()
        expect(page.locator("h1 + .tag")).to_have_text("Approved")
        row = self.world.lead.change(change)
        # Whoever has not sent in yet would be told that there is a newer version.
        self.other.hear()
        published(self.world, self.product, "20261122.2", release_of(2, {"Marker": HARMLESS}, [row]))
        self.out.say()

    def play(self, part: Callable[[Page], None], link: str) -> list[str]:
        """One person's part, from their first password on; what their browser did that it must not do."""
        try:
            with chromium() as browser:
                window = Window(browser, self.world.url)
                window.set_password(link, PASSWORD)
                part(window.page)
                return window.faults
        except BaseException:
            for each in vars(self).values():
                if isinstance(each, Word):
                    each.break_off()
            raise


def test_the_main_job_by_two_analysts_a_lead_and_two_customers_at_once(doors: Doors, world: World) -> None:
    story = Story(world)
    parts = {
        story.first_customer: doors.person("customer", story.organisations[0]),
        story.second_customer: doors.person("customer", story.organisations[1]),
        story.first_analyst: doors.person("analyst"),
        story.second_analyst: doors.person("analyst"),
        story.lead: doors.person("lead"),
    }
    links = {part: doors.link(person) for part, person in parts.items()}
    with ThreadPoolExecutor(len(links)) as pool:
        played = [pool.submit(story.play, part, link) for part, link in links.items()]
    # Who waited for somebody who failed was only broken off: the cause is told, not what came of it.
    causes = [each.exception() for each in played if not isinstance(each.exception(), CancelledError)]
    assert not any(causes), causes
    assert [each.result() for each in played] == [[], [], [], [], []]
