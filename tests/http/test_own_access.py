"""Keys and deliveries in the customer's own hands."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner

from sigreq.cli.main import main
from sigreq.embedded.receiver import Receiver
from sigreq_client import ApiError, Client
from tests.http.test_webhooks import Gone
from tests.world import World, wait_for


def newest(customer: Client, *states: str) -> dict[str, Any]:
    """The newest delivery, once it is in one of these states."""
    items = wait_for(lambda: customer.deliveries()["items"], lambda seen: bool(seen) and seen[0]["state"] in states)
    found: dict[str, Any] = items[0]
    return found


def refused(call: Any) -> tuple[int, str]:
    with pytest.raises(ApiError) as caught:
        call()
    return caught.value.status, caught.value.code


def test_a_customer_makes_lists_and_revokes_keys_of_the_own_organisation_alone(world: World) -> None:
    organisation = world.organisation()
    customer, colleague = world.person("customer", organisation), world.person("customer", organisation)
    made = customer.add_own_key("build server")["key"]
    seen = colleague.keys()["items"]
    assert [each["title"] for each in seen] == ["build server", None, None]
    assert seen[0]["begins_with"] == made[:14]
    assert made not in str(seen)
    other = world.customer()
    assert refused(partial(other.revoke_own_key, seen[0]["id"])) == (404, "not_found")
    assert refused(partial(other.revoke_own_key, "%")) == (404, "not_found")
    assert world.client(made).account()["organisation"]["id"] == organisation
    colleague.revoke_own_key(seen[0]["id"])
    assert refused(world.client(made).account) == (401, "key_revoked")
    assert customer.keys()["items"][-1]["revoked_at"] is not None
    assert refused(partial(customer.add_own_key, "")) == (422, "field_invalid")


def test_a_ping_goes_the_way_of_all_messages_and_stands_in_the_log(world: World) -> None:
    customer = world.customer()
    assert refused(customer.ping_webhook) == (409, "webhook_missing")
    with Receiver(refuse_first=1) as receiver:
        receiver.secret = customer.set_webhook(receiver.url)["secret"]
        sent = customer.ping_webhook()["delivery"]
        waiting = newest(customer, "retrying")
        assert (waiting["id"], waiting["answer_code"], waiting["attempts"]) == (sent, 503, 1)
        assert waiting["next_try_at"] is not None
        assert customer.send_again(sent) == {"delivery": sent}, "it is only tried sooner"
        done = newest(customer, "delivered")
        assert (done["type"], done["answer_code"]) == ("webhook.ping", 204)
        assert done["attempts"] == 1, "a try that was asked for takes none from the schedule"
        (event,) = receiver.events.values()
        assert (event["type"], event["data"]["id"], receiver.forged) == ("webhook.ping", done["message_id"], 0)
        again = customer.send_again(sent)["delivery"]
        assert newest(customer, "delivered")["id"] == again
        assert list(receiver.events) == [done["message_id"]], "the same message, under the same id"


def test_what_is_asked_for_by_hand_fills_no_queue_and_uses_up_no_schedule(world: World) -> None:
    customer = world.customer()
    with Receiver(refuse_first=1000) as receiver:
        receiver.secret = customer.set_webhook(receiver.url)["secret"]
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(customer.ping_webhook) for _ in range(14)]
        errors = [each.exception() for each in asked]
        refusals = [each for each in errors if isinstance(each, ApiError)]
        assert len(refusals) == 4
        assert {(each.status, each.code) for each in refusals} == {(429, "deliveries_too_many")}
        sent = next(each.result()["delivery"] for each, error in zip(asked, errors, strict=True) if error is None)

        def tried() -> dict[str, Any]:
            return next(each for each in customer.deliveries()["items"] if each["id"] == sent)

        for _ in range(3):
            wait_for(tried, lambda seen: seen["state"] == "retrying")
            calls = receiver.calls
            assert customer.send_again(sent) == {"delivery": sent}
            wait_for(lambda: receiver.calls, calls.__lt__)
        assert wait_for(tried, lambda seen: seen["state"] == "retrying")["attempts"] <= 2


def test_the_log_is_read_page_by_page_and_is_the_own_organisations(world: World) -> None:
    customer, other, product = world.customer(), world.customer(), world.product()
    with Gone() as receiver:
        receiver.secret = customer.set_webhook(receiver.url)["secret"]
        case = world.queued(customer, product)["id"]
        gone = wait_for(lambda: customer.deliveries()["items"], lambda seen: {"given_up"} <= {x["state"] for x in seen})
        assert {(each["submission_id"], each["answer_code"] or 410) for each in gone} == {(case, 410)}
    assert refused(partial(customer.send_again, gone[0]["id"])) == (409, "webhook_missing")
    with Receiver() as receiver:
        receiver.secret = customer.set_webhook(receiver.url)["secret"]
        customer.send_again(gone[0]["id"])
        wait_for(lambda: receiver.of(case), lambda seen: len(seen) == 1)
        everything = customer.deliveries()["items"]
        first = customer.deliveries(limit=1)
        rest = customer.deliveries(first["next_cursor"])
        assert [each["id"] for each in first["items"] + rest["items"]] == [each["id"] for each in everything]
        other.set_webhook(receiver.url)
        assert refused(partial(other.send_again, gone[0]["id"])) == (404, "not_found")
    assert other.deliveries()["items"] == []


def test_the_same_on_the_command_line(world: World) -> None:
    key = world.key("customer", world.organisation())

    def said(*arguments: str) -> str:
        result = CliRunner().invoke(main, arguments, env={"SIGREQ_URL": world.url, "SIGREQ_API_KEY": key})
        assert result.exit_code == 0, result.output
        return result.output

    assert said("key", "add", "build server").startswith("sgrq_live_")
    assert "build server" in (listed := said("key", "list"))
    assert "is revoked" in said("key", "revoke", listed.splitlines()[1].split()[0])
    assert "Nothing was sent yet" in said("delivery", "list")
    with Receiver() as receiver:
        receiver.secret = world.client(key).set_webhook(receiver.url)["secret"]
        assert "On its way" in said("delivery", "ping")
        table = wait_for(lambda: said("delivery", "list"), lambda text: "HTTP 204" in text)
        assert "On its way" in said("delivery", "again", table.splitlines()[1].split()[0])
