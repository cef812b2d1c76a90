"""The feed that release tooling polls, and the reference tool that polls it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from sigreq_client import ApiError
from tests.flows import HARMLESS, after_test, approved, call, drafted, hit_by, published, refused, release_of
from tests.plain import problem
from tests.world import World, rule, wait_for

pytestmark = pytest.mark.usefixtures("balanced")

NOTHING: dict[str, Any] = {"version": None, "changes": [], "extras": []}


def test_the_feed_is_read_by_track_and_from_a_cursor(world: World) -> None:
    product = world.product()
    changes = {
        plan: approved(world, world.determined(world.analyst, world.customer(plan), product))
        for plan in ("standard", "msa_start")
    }
    whole = world.release.feed(product)
    assert [item["change"]["id"] for item in whole["items"]] == [change["id"] for change in changes.values()]
    assert _ids(world.release.feed(product, track="standard")) == [changes["standard"]["id"]]
    assert _ids(world.release.feed(product, track="expedited")) == [changes["msa_start"]["id"]]
    first = world.release.feed(product, limit=1)
    assert _ids(first) == [changes["standard"]["id"]]
    rest = world.release.feed(product, after=first["next_cursor"])
    assert _ids(rest) == [changes["msa_start"]["id"]]
    end = world.release.feed(product, after=rest["next_cursor"])
    assert (end["items"], end["next_cursor"]) == ([], rest["next_cursor"])


def test_the_feed_says_what_a_change_is_for(world: World) -> None:
    product = world.product()
    case = world.determined(world.analyst, world.customer(), product)
    change = approved(world, case)
    item = world.release.feed(product)["items"][0]
    assert (item["action"], item["track"]) == ("approved", "standard")
    assert item["change"].pop("envelope")["payloadType"] == "application/vnd.sigreq.change+json"
    assert item["change"] == {
        "id": change["id"],
        "rev": 1,
        "kind": "rule_modify",
        "payload": {"rule": "Marker", "source": HARMLESS},
        "submission_ids": [case["id"]],
        "tested_against": "20261122.1",
    }


def test_a_cursor_ahead_of_the_feed_is_refused(world: World) -> None:
    product = world.product()
    approved(world, world.determined(world.analyst, world.customer(), product))
    head = world.release.feed(product)["next_cursor"]
    with refused(409, "cursor_ahead") as told:
        world.release.feed(product, after=head + 1_000_000)
    assert told["head"] >= head


def test_a_polling_reader_misses_nothing_of_what_eight_approve_at_once(world: World) -> None:
    product, customer = world.product({}), world.customer()
    case = world.determined(world.analyst, customer, product, kind="false_negative")
    ready = [after_test(world.analyst, drafted(world.analyst, case, name, hit_by(name))) for name in _rule_names(24)]
    leads = [world.person("lead") for _ in range(8)]
    read: list[int] = []
    seen: list[str] = []
    with ThreadPoolExecutor(8) as pool:
        done = [
            pool.submit(leads[number % 8].approve_change, change["id"], change["revision"])
            for number, change in enumerate(ready)
        ]
        cursor = 0
        while len(seen) < len(ready):
            is_over = all(each.done() for each in done)
            page = world.release.feed(product, after=cursor)
            read += [item["number"] for item in page["items"]]
            seen += _ids(page)
            cursor = page["next_cursor"]
            assert page["items"] or not is_over, "the feed has no more, but not all was read"
    assert [each.result()["state"] for each in done] == ["approved"] * 24
    assert sorted(seen) == sorted(change["id"] for change in ready)
    assert read == sorted(set(read))


def test_a_change_is_either_published_or_withdrawn_when_both_are_tried_at_once(world: World) -> None:
    product = world.product({})
    case = world.determined(world.analyst, world.customer(), product, kind="false_negative")
    changes = [approved(world, case, name, hit_by(name)) for name in _rule_names(8)]
    rules = {change["payload"]["rule"]: change["payload"]["source"] for change in changes}

    def withdraw(change: dict[str, Any]) -> str:
        return _code(lambda: world.analyst.withdraw_change(change["id"], change["revision"], "Not this one."))

    with ThreadPoolExecutor(9) as pool:
        publishing = pool.submit(_code, lambda: published(world, product, "20261122.2", release_of(2, rules, changes)))
        withdrawn = list(pool.map(withdraw, changes))
    states = {world.analyst.change(change["id"])["state"] for change in changes}
    assert (publishing.result(), states) in [("done", {"published"}), ("change_unknown", {"withdrawn"})] or (
        publishing.result() == "state_forbids" and "published" not in states
    )
    assert set(withdrawn) <= {"done", "state_forbids"}


def test_the_release_tool_publishes_what_is_approved_and_only_once(world: World, tmp_path: Path) -> None:
    product = world.product()
    case = world.determined(world.analyst, world.customer(), product)
    approved(world, case)
    state = tmp_path / "state.json"
    assert len(_run(world, product, state)) == 1
    assert _run(world, product, state) == [NOTHING]
    assert world.until(case["id"], "fixed", "in_analysis")["state"] == "fixed"
    assert len(world.release.releases(product)["items"]) == 2


@pytest.mark.parametrize("kept", ["nothing", "an old state"])
def test_the_release_tool_that_died_before_it_wrote_its_state_publishes_nothing_twice(
    world: World, tmp_path: Path, kept: str
) -> None:
    product = world.product({})
    case = world.determined(world.analyst, world.customer(), product, kind="false_negative")
    other = {"kind": "false_negative", "content": f"harmless {kept}".encode()}
    second = world.determined(world.analyst, world.customer(), product, **other)
    state = tmp_path / "state.json"
    approved(world, case, "Early", hit_by("Early"))
    _run(world, product, state)
    before = state.read_text()
    approved(world, second, "Late", rule("Late", "harmless"))
    _run(world, product, state)
    if kept == "nothing":
        state.unlink()
    else:
        state.write_text(before)
    assert _run(world, product, state) == [NOTHING]
    assert [row["ordinal"] for row in world.release.releases(product)["items"]] == [3, 2, 1]


def test_the_release_tool_killed_while_it_polls_goes_on_where_it_stood(world: World, tmp_path: Path) -> None:
    product = world.product()
    case = world.determined(world.analyst, world.customer(), product)
    state = tmp_path / "state.json"
    command = [sys.executable, "-m", "sigreq", "release", "run", "--product", product, "--state", str(state)]
    polling = subprocess.Popen([*command, "--interval", "0.1"], env=_env(world), stdout=subprocess.DEVNULL)
    try:
        change = approved(world, case)
        wait_for(lambda: world.analyst.change(change["id"]), lambda seen: seen["state"] == "published")
    finally:
        polling.kill()
        polling.wait()
    assert _run(world, product, state) == [NOTHING]
    assert len(world.release.releases(product)["items"]) == 2


def _run(world: World, product: str, state: Path) -> list[dict[str, Any]]:
    """Look once; what was said of what was published."""
    command = [sys.executable, "-m", "sigreq", "release", "run", "--product", product, "--state", str(state)]
    done = subprocess.run(
        [*command, "--once", "--json"], env=_env(world), capture_output=True, text=True, check=True, timeout=60
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def _env(world: World) -> dict[str, str]:
    return {**os.environ, "SIGREQ_URL": world.url, "SIGREQ_API_KEY": world.keys["release"]}


def _code(attempt: Callable[[], object]) -> str:
    """How the attempt ended: `done`, or the problem's code."""
    try:
        attempt()
    except ApiError as error:
        return error.code
    return "done"


def _ids(page: dict[str, Any]) -> list[str]:
    return [item["change"]["id"] for item in page["items"]]


def _rule_names(count: int) -> list[str]:
    return [f"Rule_{number}" for number in range(count)]


@pytest.mark.parametrize("address", ["/v1/feed?product=no-such-product", "/v1/releases/no-such-product"])
def test_a_product_that_does_not_exist_is_not_one_without_releases(world: World, address: str) -> None:
    answer = world.plain(world.keys["release"]).get(address)
    problem(answer, 404, "not_found", "There is no product no-such-product")


@pytest.mark.parametrize("product", ["no-such-product", "No%20Such", "x" * 300, "expedited"])
def test_what_is_no_product_has_no_versions_whatever_it_is_called(world: World, product: str) -> None:
    body = {"ordinal": 2, "ruleset": {"rules": {}}, "changes": []}
    for method, end in (("PUT", ""), ("POST", "/gate")):
        answer = call(world, world.keys["release"], method, f"/v1/releases/{product}/20261122.2{end}", json=body)
        problem(answer, 422, "product_unknown", unquote(product))


@pytest.mark.parametrize("version", ["the%20latest", "%2e%2e", "9" * 300])
def test_a_version_that_could_not_be_published_is_not_tested_either(world: World, version: str) -> None:
    product = world.product()
    body = {"ordinal": 2, "ruleset": {"rules": {}}, "changes": []}
    for method, end in (("PUT", ""), ("POST", "/gate")):
        answer = call(world, world.keys["release"], method, f"/v1/releases/{product}/{version}{end}", json=body)
        problem(answer, 422, "database_version_unreadable", "YYYYMMDD.revision")
