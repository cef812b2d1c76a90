"""Events as they happen."""

import asyncio
import gc
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing, contextmanager
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from sigreq.api import events, streams
from sigreq.domain.errors import KeyRevoked, ServiceUnavailable
from sigreq.domain.people import Actor, Role
from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from sigreq_client import AsyncClient
from sigreq_client.certificates import trusted
from tests.console.chromium import Window, chromium
from tests.console.conftest import PASSWORD, Doors
from tests.console.stream import upto, watching
from tests.database import open_transactions
from tests.embedded.support import query
from tests.flows import names
from tests.plain import problem
from tests.world import World, wait_for

NAME = "Restart_test"
LEAVES = "UPDATE submission SET detection_name = 'Another' WHERE id = '{}' RETURNING id"
OF_THE_NETWORK = re.compile("net::ERR_|Failed to fetch|network error|status of 50[23]")
"""What a browser says of a server that is away; anything else is a fault of ours."""


def test_a_stream_is_the_timeline_and_goes_on(world: World) -> None:
    organisation = world.organisation()
    key = world.key("customer", organisation)
    customer = world.client(key)
    case = world.queued(customer, world.product())
    path = f"/v1/submissions/{case['id']}/events"
    with watching(world.url, path, key) as seen, watching(world.url, path, world.keys["analyst"]) as inside:
        assert [each.name for each in upto(seen, "screened")] == names(customer.timeline(case["id"]))
        assert [each.name for each in upto(inside, "screened")] == names(world.analyst.timeline(case["id"]))
        customer.reply(case["id"], "One thing more.")
        told = next(seen)
        assert (told.name, json.loads(told.data)["data"]["message"]) == ("commented", "One thing more.")
        assert told.id == str(customer.timeline(case["id"])["items"][-1]["sequence"])
        assert next(inside).name == "commented"


def test_a_stream_goes_on_behind_the_last_event_without_a_lost_or_doubled_one(world: World) -> None:
    key = world.key("customer", world.organisation())
    customer = world.client(key)
    case = world.queued(customer, world.product())["id"]
    path = f"/v1/submissions/{case}/events"
    with watching(world.url, path, key) as seen:
        last = upto(seen, "screened")[-1]
    for number in range(5):
        customer.reply(case, f"number {number}")
    with watching(world.url, path, key, last.id) as seen:
        found = list(islice(seen, 5))
        customer.reply(case, "number 5")
        found.append(next(seen))
    assert [json.loads(each.data)["data"]["message"] for each in found] == [f"number {number}" for number in range(6)]


@pytest.mark.parametrize("last", ["999", "-1", "x", "1.5", "9" * 400])
def test_an_id_that_is_none_of_its_events_starts_anew(world: World, last: str) -> None:
    key = world.key("customer", world.organisation())
    case = world.queued(world.client(key), world.product())["id"]
    with watching(world.url, f"/v1/submissions/{case}/events", key, last) as seen:
        assert [each.name for each in upto(seen, "screened")] == ["reset", "received", "screened"]


def test_a_customer_hears_nothing_that_is_internal(world: World) -> None:
    key = world.key("customer", world.organisation())
    customer = world.client(key)
    case = world.claimed(world.analyst, customer, world.product())
    world.analyst.give_back(case["id"], case["revision"], "a secret reason")
    customer.reply(case["id"], "Hello?")
    with watching(world.url, f"/v1/submissions/{case['id']}/events", key) as seen:
        told = upto(seen, "commented")
    assert "given_back" not in [each.name for each in told]
    assert "a secret reason" not in "".join(each.data for each in told)


def test_the_queue_says_when_it_has_changed(world: World) -> None:
    with watching(world.url, "/v1/queue/events", world.keys["analyst"], "17") as seen:
        assert next(seen).name == "reset"
        world.submit(world.customer(), world.product())
        assert next(each for each in seen if each.name).name == "moved"


def test_streams_are_for_their_readers_only(world: World, doors: Doors) -> None:
    case = world.queued(world.customer(), world.product())["id"]
    stranger = world.plain(world.key("customer", world.organisation()))
    problem(stranger.get(f"/v1/submissions/{case}/events"), 404, "not_found")
    problem(stranger.get("/v1/queue/events"), 403, "wrong_role")
    problem(world.plain().get("/v1/queue/events"), 401, "key_missing")
    assert doors.browser().get("/queue/events").path == "/sign-in"
    assert doors.enter("customer", world.organisation()).get("/queue/events").status == 403


def test_a_revoked_key_hears_no_more(world: World) -> None:
    organisation = world.organisation()
    made = world.administrator.add_person("Leaves soon", "customer", organisation)
    customer = world.client(made["key"])
    case = world.queued(customer, world.product())["id"]
    with watching(world.url, f"/v1/submissions/{case}/events", made["key"]) as seen:
        upto(seen, "screened")
        world.administrator.revoke_keys(made["id"])
        held = world.analyst.submission(case)
        world.analyst.claim(case, held["revision"])
        assert list(seen) == []


def test_whoever_loses_access_hears_no_more_of_the_queue(world: World, doors: Doors) -> None:
    made = world.administrator.add_person("Hears of the queue", "analyst")
    browser = doors.let_in(made["id"])
    cookie = f"sigreq-session={browser.http.cookies['sigreq-session']}"
    with (
        watching(world.url, "/v1/queue/events", made["key"]) as seen,
        watching(world.url, "/queue/events", None, cookie=cookie) as page,
    ):
        assert (next(seen).name, next(page).name) == ("reset", "queue")
        world.administrator.end_access(made["id"])
        world.queued(world.customer(), world.product())
        assert [each.name for each in (*seen, *page) if each.name] == []


def test_one_person_takes_no_place_of_others_and_is_told_before_a_stream_begins(world: World) -> None:
    key = world.key("analyst")
    with ExitStack() as opened:
        own = [opened.enter_context(watching(world.url, "/v1/queue/events", key)) for _ in range(streams.MOST_OF_ONE)]
        assert {next(each).name for each in own} == {"reset"}
        refused = world.plain(key).get("/v1/queue/events")
        assert problem(refused, 429, "streams_too_many", "20 streams")["limit"] == streams.MOST_OF_ONE
        with watching(world.url, "/v1/queue/events", world.key("analyst")) as others:
            assert next(others).name == "reset"
    wait_for(lambda: _is_let_in(world.url, key), bool)


def test_a_place_is_refused_when_all_are_taken_or_nothing_begins_any_more_and_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "MOST", 1)
    places = streams.Streams()
    first = places.place("one", lambda _: True)
    with pytest.raises(ServiceUnavailable):
        places.place("two", lambda _: True)
    with places.until_left(first):
        pass
    second = places.place("two", lambda _: True)
    del second  # an answer that never began
    gc.collect()
    places.place("three", lambda _: True)
    places.close()
    with pytest.raises(ServiceUnavailable):
        places.place("one", lambda _: True)


def test_a_silent_stream_of_somebody_without_access_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "COMMENT_EVERY_SECONDS", 0.001)
    services = SimpleNamespace(streams=streams.Streams())
    answers = iter([Actor("one", "One", Role.ANALYST, None)])

    async def check() -> Actor:
        found = next(answers, None)
        if found is None:
            raise KeyRevoked
        return found

    async def read() -> list[bytes | str]:
        answer = await events.queue_for_pages(services, check)  # type: ignore[arg-type]
        return [each async for each in answer.iterator]  # type: ignore[union-attr]

    said = asyncio.run(read())
    assert said == [streams.message("queue", {}), *[streams.comment("still here")] * events.COMMENTS_BETWEEN_LOOKS]


def test_many_who_wait_hold_no_connection_to_the_database(world: World, service: Service) -> None:
    keys = [world.key("analyst") for _ in range(4)]

    def watch(number: int) -> str | None:
        with watching(world.url, "/v1/queue/events", keys[number % 4]) as seen:
            next(seen)
            return next(each for each in seen if each.name).name

    with ThreadPoolExecutor(40) as pool:
        waits = [pool.submit(watch, number) for number in range(40)]  # twice as many as the pool has connections
        wait_for(lambda: open_transactions(service), lambda count: count == 0)
        wait_for(lambda: world.submit(world.customer(), world.product()), lambda _: all(each.done() for each in waits))
        assert {each.result() for each in waits} == {"moved"}


def test_a_silent_stream_sends_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "COMMENT_EVERY_SECONDS", 0.01)
    assert streams.comment("still here") == b": still here\n\n"

    async def silent() -> bool:
        return await streams.Waiting("somebody", lambda _: False).wait()

    assert asyncio.run(silent()) is False


@contextmanager
def command(url: str, key: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Iterator[dict[str, Any]]]]:
    """`sigreq watch --json` as a process of its own, and the documents it prints."""
    program = [str(Path(sys.executable).with_name("sigreq")), "watch", *arguments, "--json", "--url", url]
    with subprocess.Popen(
        program,
        env={**os.environ, "SIGREQ_API_KEY": key},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        try:
            yield running, map(json.loads, running.stdout)
        finally:
            running.kill()


def test_the_queue_is_watched_until_somebody_has_seen_enough(world: World) -> None:
    with command(world.url, world.keys["analyst"], "--queue", "--limit", "200") as (watch, printed):
        next(printed)
        # An expedited case: what other tests have left standing is longer than what is shown.
        case = world.queued(world.customer("msa_business"), world.product())["id"]
        assert next(each for each in printed if case in [item["id"] for item in each["items"]])
        watch.send_signal(signal.SIGINT)
        assert watch.stderr is not None
        assert (watch.wait(), watch.stderr.read()) == (0, "")


def test_a_program_on_asyncio_watches_a_case_until_it_is_closed_and_leaves_no_stream_open(world: World) -> None:
    key = world.key("customer", world.organisation())
    with world.client(key) as blocking:
        case = world.queued(blocking, world.product())["id"]

    async def run() -> tuple[list[Any], Any]:
        found = []
        async with AsyncClient(world.url, key) as customer:
            for _ in range(streams.MOST_OF_ONE + 1):
                async with aclosing(customer.watch(case)) as seen:
                    assert (await anext(seen))["name"] == "received"
            async for event in customer.watch(case):
                found.append(event)
                if event["name"] == "screened":
                    await customer.withdraw(case)
            return found, await customer.timeline(case)

    seen, told = asyncio.run(run())
    assert seen == told["items"]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Iterator[tuple[Service, World]]:
    """A service whose API may be killed."""
    with Service(tmp_path_factory.mktemp("own") / "data", fork_server=fork_server) as service:
        keys = first_keys(service.env["SIGREQ_DATABASE__URL"], service.data / "keys")
        with World(service.url, keys) as world:
            yield service, world


def test_a_watch_loses_and_doubles_nothing_over_ends_of_the_server_and_ends_with_the_case(
    own: tuple[Service, World],
) -> None:
    service, world = own
    key = world.key("customer", world.organisation())
    case = world.queued(world.client(key), world.product())["id"]
    with command(service.url, key, case) as (watch, printed):
        seen = [next(printed), next(printed)]
        for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            os.kill(service.pid("api"), how)
            wait_for(service.revive, lambda dead: "api" in dead)
            wait_for(lambda: _is_up(service, world.keys["analyst"]), bool)
            with world.client(key) as customer:
                customer.reply(case, "from before it comes back")
                seen.append(next(printed))
                customer.reply(case, "and while it listens")
        with world.client(key) as customer:
            customer.withdraw(case, None)
            seen += printed
            assert watch.wait() == 0
            told = customer.timeline(case)["items"]
    assert [(each["sequence"], each["name"]) for each in seen] == [(each["sequence"], each["name"]) for each in told]


def test_open_streams_do_not_hold_up_a_stop_and_come_back(own: tuple[Service, World]) -> None:
    service, world = own
    with watching(service.url, "/v1/queue/events", world.keys["analyst"]) as seen:
        next(seen)
        os.kill(service.pid("api"), signal.SIGTERM)
        assert list(seen) == [], "the stream ends in order"
    wait_for(service.revive, lambda dead: "api" in dead)
    wait_for(lambda: _is_up(service, world.keys["analyst"]), bool)


def shown(page: Page) -> list[str]:
    """The rows as they stand on the page."""
    found: list[str] = page.locator("[data-rows] tbody tr").evaluate_all("rows => rows.map(row => row.id)")
    return found


def test_an_open_queue_loses_and_doubles_no_row_over_ends_of_the_server(own: tuple[Service, World]) -> None:
    service, world = own
    product = world.product()
    database = service.env["SIGREQ_DATABASE__URL"]
    doors = Doors(world)

    def come() -> str:
        case: str = world.queued(world.customer(), product, detection_name=NAME)["id"]
        return case

    waiting = [come() for _ in range(4)]
    with ThreadPoolExecutor(1) as aside, chromium() as browser:
        window = Window(browser, world.url)
        window.set_password(doors.link(doors.person("analyst")), PASSWORD)
        page = window.go(f"/queue?detection={NAME}")
        page.evaluate("window.isTheSame = true")
        assert shown(page) == waiting
        kept = waiting[-1]
        page.locator(f"tr[id='{kept}'] a").focus()
        for how in (signal.SIGKILL, signal.SIGTERM):
            os.kill(service.pid("api"), how)
            window.page.wait_for_timeout(1500)
            gone = waiting.pop(0)
            assert aside.submit(query, database, LEAVES.format(gone)).result() == [gone]
            wait_for(service.revive, lambda dead: "api" in dead)
            expect(page.locator(f"tr[id='{gone}']")).to_have_count(0)
            assert shown(page) == waiting
            waiting.append(come())
            expect(page.locator(f"tr[id='{waiting[-1]}']")).to_be_visible()
            assert shown(page) == waiting
        assert page.evaluate("document.activeElement.closest('tr')?.id") == kept
        assert page.evaluate("window.isTheSame"), "nobody had to load the page again"
        assert [fault for fault in window.faults if not OF_THE_NETWORK.search(fault)] == []
    doors.close()


def _is_up(service: Service, key: str) -> bool:
    try:
        with watching(service.url, "/v1/queue/events", key) as seen:
            return next(seen).name == "reset"
    except httpx2.HTTPError:
        return False


def _is_let_in(url: str, key: str) -> bool:
    headers = {"Authorization": f"Bearer {key}"}
    settings: dict[str, Any] = {"timeout": 60, "trust_env": False, "verify": trusted()}
    with httpx2.stream("GET", f"{url}/v1/queue/events", headers=headers, **settings) as answer:
        return answer.status_code == 200
