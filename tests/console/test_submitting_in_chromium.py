"""The form for a new case in a real browser: dropped files, the check before the upload, and an upload that breaks."""

import re
from datetime import timedelta

from playwright.sync_api import Locator, Page, expect

from tests.console.conftest import People
from tests.world import MARKER, World

DROP = """(zone, files) => {
  const data = new DataTransfer();
  for (const [name, text, size] of files) data.items.add(new File([text.padEnd(size, ".")], name));
  for (const kind of ["dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
  }
}"""
SLOW = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}


def filled(page: Page, product: str, version: str) -> Locator:
    """The form with all but its files."""
    page.goto("/portal/new")
    form = page.locator("#submission")
    form.locator("[name=product]").select_option(product)
    form.locator("[name=product_version]").fill("7.1")
    form.locator("[name=detection_name]").fill("Marker")
    form.locator("[name=contact]").fill("it@example.org")
    form.locator("[name=database_version]").fill(version)
    return form


def test_the_version_is_checked_before_a_byte_is_sent(people: People, world: World) -> None:
    product = world.product()
    world.publish(product, "20261122.2", ago=timedelta(hours=20))
    page = people.enter("customer", world.organisation())
    form = filled(page, product, "20261122.1")
    said = form.locator("#database")
    expect(said).to_contain_text("20261122.1 is outdated")
    expect(said).to_contain_text("20261122.2")
    expect(said).to_contain_text("Update now.")
    form.locator("#drop").evaluate(DROP, [["a.bin", MARKER.decode(), 40]])
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    form.get_by_role("button", name="Submit the case").click()
    expect(form.locator("[name=database_version]")).to_be_focused()
    assert "POST" not in sent
    form.locator("[name=database_version]").fill("20261122.2")
    expect(said).to_contain_text("It is accepted")
    form.get_by_role("button", name="Submit the case").click()
    page.wait_for_url(re.compile("/portal/SR-"))
    assert sent.count("POST") == 1
    assert people.faults == []


def test_files_are_dropped_and_an_upload_that_broke_off_is_sent_again(people: People, world: World) -> None:
    product = world.product()
    hostile = "<img src=x onerror=hit()>.exe"
    page = people.enter("customer", world.organisation())
    form = filled(page, product, "20261122.1")
    zone, chosen = form.locator("#drop"), form.locator("#chosen li")
    zone.evaluate(DROP, [["big.bin", MARKER.decode(), 1_500_000], [hostile, product, 60]])
    zone.evaluate(DROP, [["wrong.txt", "not this one", 30]])
    expect(chosen).to_have_count(3)
    form.get_by_role("button", name="Remove wrong.txt").press("Enter")
    expect(chosen).to_have_text([re.compile(r"big\.bin 1\.4 MiB"), re.compile(re.escape(hostile))])
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", SLOW)
    form.get_by_role("button", name="Submit the case").click()
    expect(form.locator("#sent")).to_have_text(re.compile(r"[\d.]+ [KM]iB of 1\.4 MiB sent"))
    page.wait_for_function("document.getElementById('progress').value > 0")
    assert 0 < form.locator("#progress").evaluate("each => each.value") < 100
    network.send("Network.emulateNetworkConditions", {**SLOW, "offline": True})
    expect(form.locator("#refused")).to_contain_text("broke off")
    assert [fault for fault in people.faults if "ERR_INTERNET_DISCONNECTED" not in fault] == []
    people.windows[0].faults.clear()
    network.send("Network.emulateNetworkConditions", {**SLOW, "uploadThroughput": -1})
    expect(chosen).to_have_count(2)
    expect(form.locator("[name=contact]")).to_have_value("it@example.org")
    form.get_by_role("button", name="Send it again").click()
    page.wait_for_url(re.compile("/portal/SR-"))
    expect(page.locator("main")).to_contain_text("big.bin")
    expect(page.locator("main")).to_contain_text(hostile)
    page.goto("/portal")
    expect(page.locator("[data-rows] tbody tr")).to_have_count(1)
    assert people.faults == []


def test_what_is_refused_after_the_upload_is_told_beside_the_files(people: People, world: World) -> None:
    product = world.product()
    page = people.enter("customer", world.organisation())
    form = filled(page, product, "20261122.1")
    form.locator("#drop").evaluate(DROP, [["empty.bin", "", 0]])
    form.get_by_role("button", name="Submit the case").click()
    expect(form.locator("#refused")).to_contain_text("The file empty.bin is empty")
    expect(form.locator("#refused")).to_be_focused()
    expect(form.locator("#chosen li")).to_have_count(1)
    assert [fault for fault in people.faults if "422" not in fault] == []
