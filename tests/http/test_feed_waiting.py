"""Long polls: woken by a notice or by a look, without a hold on the database, and never in the way of an end."""

import asyncio
import gc
import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from sigreq.api.feed_waiting import WaitingRoom
from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from sigreq.settings import Feed
from sigreq.transaction import Database
from sigreq_client.certificates import trusted
from tests.commands import key_to, sigreq
from tests.database import one, rows, write
from tests.embedded.support import query
from tests.feed import Stream, new_stream, owner_url, say
from tests.flows import approved, hit_by
from tests.plain import problem
from tests.world import World, wait_for

LONG = 300  # seconds; a reader that nothing wakes gives up before
PATIENCE = 120
FEW = {"SIGREQ_DATABASE__POOL_SIZE": "1", "SIGREQ_FEED__LONGEST_WAIT": str(LONG)}


@contextmanager
def town(data: Path, fork_server: ForkServer, **env: str) -> Iterator[tuple[Service, World]]:
    """A service of its own, with two connections to the database."""
    settings = {f"SIGREQ_{name}": value for name, value in env.items()}
    with ExitStack() as stack:
        service = stack.enter_context(Service(data, env={**FEW, **settings}, fork_server=fork_server))
        keys = first_keys(service.env["SIGREQ_DATABASE__URL"], service.data / "keys")
        yield service, stack.enter_context(World(service.url, keys))


@pytest.fixture(scope="module")
def deaf(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Iterator[tuple[Service, World]]:
    """A service that hears notices and does not look for itself; twenty may wait."""
    data = tmp_path_factory.mktemp("waiting") / "data"
    with town(data, fork_server, FEED__LOOK="600", FEED__MOST_WAITING="20") as found:
        yield found


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(21) as made:
        yield made


def poll(world: World, stream: Stream, key: str | None = None, **query: Any) -> httpx2.Response:
    """Wait for an entry."""
    reader = world.plain(key or world.keys["release"])
    asked = {"product": stream.product, "wait": LONG, **query}
    return reader.get("/v1/feed", params=asked, timeout=PATIENCE)


def waiting(service: Service, count: int) -> None:
    """Return when so many connections to the API are there and it has done all its work."""
    port = int(service.url.rpartition(":")[2])
    api = psutil.Process(service.pid("api"))

    def held() -> int:
        return sum(c.status == "ESTABLISHED" and c.laddr.port == port for c in api.net_connections())

    wait_for(held, lambda found: found >= count)
    used = wait_for(lambda: (sum(api.cpu_times()[:2]), api.cpu_percent(0.3)), lambda found: found[1] < 10)
    assert used


def names(answer: httpx2.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [entry["change"]["name"] for entry in answer.json()["items"]]


def test_a_notice_wakes_all_who_wait_and_none_of_them_holds_a_connection(
    deaf: tuple[Service, World], pool: ThreadPoolExecutor
) -> None:
    service, world = deaf
    url = service.env["SIGREQ_DATABASE__URL"]
    stream = new_stream(url)
    polls = [pool.submit(poll, world, stream) for _ in range(20)]
    waiting(service, 20)
    held = "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND application_name = 'sigreq listener'"
    assert one(service, held) == 1, "one hears of the feed and of cases, however many wait"
    assert open_in_api(service) == 0
    with world.plain(world.keys["release"]) as another:  # with two connections, and twenty who wait
        assert another.get("/v1/account").status_code == 200
    full = poll(world, stream)
    assert (names(full), full.headers["x-poll-interval"]) == ([], "15")
    assert not any(each.done() for each in polls)
    say(url, stream, "awaited")
    assert [names(each.result()) for each in polls] == [["awaited"]] * 20


def open_in_api(service: Service) -> int:
    """How many connections are inside a transaction that is older than a moment."""
    found = rows(
        service,
        "SELECT 1 FROM pg_stat_activity WHERE usename = current_user AND xact_start < clock_timestamp()"
        " - interval '0.5 s' AND pid <> pg_backend_pid()",
    )
    return len(found)


def test_an_entry_of_another_product_wakes_nobody_and_moves_the_cursor(
    deaf: tuple[Service, World], pool: ThreadPoolExecutor
) -> None:
    service, world = deaf
    url = service.env["SIGREQ_DATABASE__URL"]
    stream, other = new_stream(url), new_stream(url)
    waits = pool.submit(poll, world, stream, wait=3)
    waiting(service, 1)
    say(url, other, "not for you")
    answer = waits.result()
    assert (names(answer), answer.headers["x-poll-interval"]) == ([], "0")
    assert answer.json()["next_cursor"] == one(service, "SELECT max(number) FROM feed_entry")


def test_a_304_is_waited_for_as_well(deaf: tuple[Service, World], pool: ThreadPoolExecutor) -> None:
    service, world = deaf
    url = service.env["SIGREQ_DATABASE__URL"]
    stream = new_stream(url)
    say(url, stream, "known")
    reader = world.plain(world.keys["release"])
    known = {"If-None-Match": reader.get("/v1/feed", params={"product": stream.product}).headers["etag"]}
    ask: dict[str, str | float] = {"product": stream.product, "wait": 0.5}
    assert reader.get("/v1/feed", params=ask, headers=known).status_code == 304
    asked = pool.submit(reader.get, "/v1/feed", params={**ask, "wait": LONG}, headers=known, timeout=PATIENCE)
    waiting(service, 1)
    say(url, stream, "new")
    assert names(asked.result()) == ["known", "new"]


def test_a_key_that_is_revoked_during_the_wait_reads_nothing(
    deaf: tuple[Service, World], pool: ThreadPoolExecutor
) -> None:
    service, world = deaf
    url = service.env["SIGREQ_DATABASE__URL"]
    stream = new_stream(url)
    made = world.administrator.add_person("Gone", "release", None)
    asked = pool.submit(poll, world, stream, made["key"])
    waiting(service, 1)
    world.administrator.revoke_keys(made["id"])
    say(url, stream, "secret")
    problem(asked.result(), 401, "key_revoked")


def test_who_waits_is_answered_at_once_when_the_api_ends(deaf: tuple[Service, World], pool: ThreadPoolExecutor) -> None:
    service, world = deaf
    stream = new_stream(service.env["SIGREQ_DATABASE__URL"])
    asked = [pool.submit(poll, world, stream) for _ in range(5)]
    waiting(service, 5)
    os.kill(service.pid("api"), signal.SIGTERM)
    told = [(names(each.result()), each.result().headers["x-poll-interval"]) for each in asked]
    assert told == [([], "1")] * 5
    wait_for(service.revive, lambda dead: dead == ["api"])
    wait_for(lambda: _is_up(service), bool)


def _is_up(service: Service) -> bool:
    try:
        return httpx2.get(f"{service.url}/health/ready", trust_env=False, verify=trusted()).status_code == 200
    except httpx2.TransportError:
        return False


def test_a_look_finds_what_no_notice_told_and_what_is_too_old_is_dropped(
    tmp_path: Path, fork_server: ForkServer, pool: ThreadPoolExecutor
) -> None:
    with town(tmp_path / "data", fork_server, FEED__LOOK="0.2", FEED__KEPT="86400") as (service, world):
        stream = new_stream(service.env["SIGREQ_DATABASE__URL"])
        asked: Future[httpx2.Response] = pool.submit(poll, world, stream)
        waiting(service, 1)
        silent = (
            "INSERT INTO feed_entry (number, product_id, track, action, change_id, document, at)"
            " SELECT 1 + coalesce(max(number), 0), :product, 'standard', 'relief', :change, :document, now()"
            " FROM feed_entry"
        )
        write(service, silent, product=stream.product, change=stream.change, document='{"name": "unheard"}')
        assert names(asked.result()) == ["unheard"]
        say(service.env["SIGREQ_DATABASE__URL"], stream, "b", "c")
        _drop_all_but_the_last(service)
        reader = world.plain(world.keys["release"])
        old = reader.get("/v1/feed", params={"product": stream.product})
        assert problem(old, 410, "cursor_too_old")["oldest"] == 2
        snapshot = reader.get(old.headers["location"]).json()
        assert [item["change"]["id"] for item in snapshot["items"]] == [stream.change]
        assert snapshot["next_cursor"] == 3
        say(service.env["SIGREQ_DATABASE__URL"], stream, "d")
        assert names(poll(world, stream, after=3, mark=snapshot["next_mark"])) == ["d"]
        _the_tool_goes_on_with_all_that_is_open(service, world, tmp_path / "state.json")


def _the_tool_goes_on_with_all_that_is_open(service: Service, world: World, state: Path) -> None:
    """Release tooling whose cursor is too old publishes what it did not read, once."""
    product, customer = world.product({}), world.customer()
    run = ["release", "run", "--once", "--json", "--product", product, "--state", str(state)]
    env = key_to(world.url, world.keys["release"])
    assert json.loads(sigreq(*run, env=env).stdout)["version"] is None
    kept = json.loads(state.read_text())["cursor"]["after"]
    changes = []
    for name in ("First", "Second"):
        case = world.determined(world.analyst, customer, product, kind="false_negative")
        changes.append(approved(world, case, name, hit_by(name))["id"])
    _drop_all_but_the_last(service)
    reader, about = world.plain(world.keys["release"]), {"product": product, "after": kept}
    wait_for(lambda: reader.get("/v1/feed", params=about).status_code, lambda status: status == 410)
    told = sigreq(*run, env=env)
    assert "going on with all that is open" in told.stderr
    assert [each["id"] for each in json.loads(told.stdout)["changes"]] == changes
    assert json.loads(sigreq(*run, env=env).stdout)["version"] is None
    assert [world.analyst.change(change)["state"] for change in changes] == ["published", "published"]


def _drop_all_but_the_last(service: Service) -> None:
    """Make the entries old, and have a worker tidy up, which it does when it starts."""
    owner = owner_url(service)
    query(owner, "UPDATE feed_entry SET at = at - interval '2 days'")
    service.kill("worker-standard")
    service.revive()
    wait_for(lambda: query(owner, "SELECT min(number) FROM feed_entry")[0], lambda found: found == 3)


def test_what_fails_when_all_who_asked_have_gone_is_nobodys_error() -> None:
    complaints: list[str] = []

    async def send(_: object) -> None:
        """Nothing is written."""

    async def leave() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
        nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", pool_size=1, send=send)
        room = WaitingRoom(nowhere, Feed())

        async def read() -> None:
            async with nowhere.transaction():
                """There is no server."""

        readers = [asyncio.create_task(room.authenticate("key")), asyncio.create_task(room.read_together("page", read))]
        await asyncio.sleep(0)
        for reader in readers:
            reader.cancel()
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
        await nowhere.close()

    asyncio.run(leave())
    gc.collect()
    assert complaints == []
