"""Every public event is written to those who want mail, in their language, under the event's own identity."""

from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.postbox import REFUSED, Postbox, identity
from sigreq.embedded.service import Service
from sigreq_client import Client
from tests.database import one
from tests.flows import HARMLESS, approved, events_out_of_step, published, release_of
from tests.promises import closed_for_days, phone_plan
from tests.world import World, wait_for

UNSENT = "SELECT count(*) FROM job WHERE name = 'mail.send' AND done_at IS NULL"
FAILED = "SELECT count(*) FROM job WHERE name = 'mail.send' AND done_at IS NULL AND last_error IS NOT NULL"


@pytest.fixture(scope="module")
def postbox() -> Iterator[Postbox]:
    with Postbox() as running:
        yield running


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer, postbox: Postbox) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("mails") / "data", env=postbox.env, fork_server=fork_server) as running:
        yield running
        assert events_out_of_step(running.env["SIGREQ_DATABASE__URL"]) == 0


@pytest.fixture(scope="module")
def world(own: Service) -> Iterator[World]:
    with World(own.url, first_keys(own.env["SIGREQ_DATABASE__URL"], own.data / "keys.json")) as made:
        yield made


def reader(world: World, organisation: str, address: str, language: str = "en") -> Client:
    """Somebody of the organisation who wants mail."""
    client = world.person("customer", organisation)
    assert client.set_contact(address, language) == {"email": address, "language": language}
    return client


def public_ids(client: Client, submission_id: str) -> list[str]:
    """The identities of a submission's public events."""
    return [item["id"] for item in client.timeline(submission_id)["items"]]


def whole_story(world: World, client: Client) -> str:
    """Nearly all that can happen to a submission, from the request to the end."""
    product = world.product()
    case = world.queued(client, product, severity=3)
    case = world.analyst.log_call(case["id"], case["revision"])
    case = world.analyst.change_severity(case["id"], case["revision"], 1)
    client.reply(case["id"], "It is urgent.")
    analyst = world.person("analyst")
    case = analyst.claim(case["id"], world.analyst.submission(case["id"])["revision"])
    analyst.ask(case["id"], case["revision"], "Which version?")
    client.reply(case["id"], "The newest <b>one</b>.")
    case = analyst.submission(case["id"])
    case = analyst.answer(case["id"], case["revision"], "It is clean.", is_qualified=True)
    conclusion = ("false_positive_confirmed", "clean", "We mend it.")
    case = analyst.determine(case["id"], case["revision"], *conclusion)
    change = approved(world, case, analyst=analyst)
    published(world, product, "20261122.2", release_of(2, {"Marker": HARMLESS}, [change]))
    world.until(case["id"], "fixed")
    client.still_happens(case["id"], "It is still detected.")
    client.withdraw(case["id"])
    found: str = case["id"]
    return found


def parts(message: EmailMessage) -> dict[str, str]:
    """Both ways to read a message."""
    return {part.get_content_type(): part.get_content() for part in message.iter_parts()}


def test_every_public_event_is_written_in_the_readers_language_and_to_nobody_else(
    world: World, own: Service, postbox: Postbox
) -> None:
    organisation = world.organisation(phone_plan(world, closed_for_days()))
    client = reader(world, organisation, "jane@customer.example")
    reader(world, organisation, "ivan@customer.example", "ru")
    world.person("customer", organisation)
    other = reader(world, world.organisation(), "other@elsewhere.example")
    case_id = whole_story(world, client)
    expected = public_ids(client, case_id)
    assert len(expected) == 14
    wait_for(lambda: one(own, UNSENT), lambda count: count == 0)
    assert postbox.about(case_id) == {"jane@customer.example", "ivan@customer.example"}
    for address in ("jane@customer.example", "ivan@customer.example"):
        assert sorted(identity(mail) for mail in postbox.to(address)) == sorted(expected)
    assert postbox.to("other@elsewhere.example") == []
    assert other.submissions()["items"] == []
    _both_say_the_same(postbox, client.timeline(case_id)["items"])


def _both_say_the_same(postbox: Postbox, events: list[dict[str, Any]]) -> None:
    english = {identity(mail): mail for mail in postbox.to("jane@customer.example")}
    russian = {identity(mail): mail for mail in postbox.to("ivan@customer.example")}
    for event in events:
        for mail, word in ((english[event["id"]], "Submission"), (russian[event["id"]], "Обращение")):
            both = parts(mail)
            assert set(both) == {"text/plain", "text/html"}
            assert all(word in text for text in both.values()), both
            assert mail["From"] == "sigreq <sigreq@vendor.example>"
            said = event["data"].get("message")
            assert said is None or said in both["text/plain"]
    assert english.keys() == russian.keys()
    assert {mail["Subject"] for mail in english.values()}.isdisjoint(mail["Subject"] for mail in russian.values())
    replied = english[next(event["id"] for event in events if event["name"] == "replied")]
    assert "&lt;b&gt;one&lt;/b&gt;" in parts(replied)["text/html"], "what a customer wrote is never markup"


def test_who_has_no_address_or_took_it_back_is_not_written_to(world: World, own: Service, postbox: Postbox) -> None:
    organisation = world.organisation()
    client = reader(world, organisation, "short@customer.example")
    product = world.product()
    first = world.queued(client, product)
    wait_for(lambda: one(own, UNSENT), lambda count: count == 0)
    client.set_contact(None)
    second = world.queued(client, product)
    wait_for(lambda: one(own, UNSENT), lambda count: count == 0)
    assert sorted(identity(mail) for mail in postbox.to("short@customer.example")) == sorted(
        public_ids(client, first["id"])
    )
    assert postbox.about(second["id"]) == set()


def test_an_automatic_answer_is_written_with_its_steps(world: World, postbox: Postbox) -> None:
    client = reader(world, world.organisation(), "auto@customer.example")
    product = world.product()
    world.publish(product, "20261122.2", {"Marker": HARMLESS}, ago=timedelta(hours=1))
    case_id = world.until(world.submit(client, product)["id"], "closed")["id"]
    mails = wait_for(lambda: postbox.to("auto@customer.example"), lambda found: len(found) == 2)
    answer = next(mail for mail in mails if identity(mail) == public_ids(client, case_id)[-1])
    assert "Update now." in parts(answer)["text/plain"]
    assert "20261122.2" in parts(answer)["text/html"]


def test_mail_waits_for_a_server_that_is_down_and_keeps_its_identity(
    world: World, own: Service, postbox: Postbox
) -> None:
    client = reader(world, world.organisation(), "later@customer.example")
    product = world.product()
    postbox.down()
    try:
        case_id = world.queued(client, product)["id"]
        wait_for(lambda: one(own, FAILED), lambda count: count >= 2)
    finally:
        postbox.up()
    expected = sorted(public_ids(client, case_id))
    wait_for(lambda: one(own, UNSENT), lambda count: count == 0)
    assert sorted(identity(mail) for mail in postbox.to("later@customer.example")) == expected


def test_a_refused_address_keeps_nobody_else_from_their_mail(world: World, own: Service, postbox: Postbox) -> None:
    organisation = world.organisation()
    reader(world, organisation, f"{REFUSED}customer.example")
    client = reader(world, organisation, "colleague@customer.example")
    case_id = world.queued(client, world.product())["id"]
    wait_for(lambda: one(own, UNSENT), lambda count: count == 0)
    assert postbox.about(case_id) == {"colleague@customer.example"}


def test_an_address_that_is_none_and_a_language_we_do_not_write_are_refused(world: World) -> None:
    http = world.plain(world.key("customer", world.organisation()))
    for email in ("jane", "a@b@c", "jane@x.example\r\nBcc: other@x.example", "jane@x.example,other@x.example"):
        answer = http.put("/v1/account/contact", json={"email": email, "language": "en"})
        assert (answer.status_code, answer.json()["code"]) == (422, "field_invalid"), email
    assert http.put("/v1/account/contact", json={"email": "a@b.example", "language": "de"}).status_code == 422
