"""The release tool, killed at every point of its work: the next run completes it, and nothing is published twice."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sigreq.domain.trains import WEEKDAYS
from sigreq.embedded.service import Service
from sigreq_client import Client
from tests.commands import key_to
from tests.flows import approved, events_out_of_step
from tests.forked import Forks
from tests.world import World, rule, wait_for

READ = {
    "GET /v1/feed 200",
    "GET /v1/feed 200 #2",
    "before state.json",
    "after state.json",
    "GET /v1/products/*/schedule 200",
}
WAITED = "GET /v1/gates/* 200 running"
TESTED = "GET /v1/gates/* 200 passed"
NOTED = {"before state.json #2", "after state.json #2"}
TRAIN = {
    *READ,
    "GET /v1/releases/* 200",
    "GET /v1/releases/*/*/ruleset 200",
    *(f"{when} {file}" for file in ("*-yara.tar", "*-clamav.tar", "release.json") for when in ("before", "after")),
    "PUT /v1/releases/*/* 409",
    "POST /v1/releases/*/*/gate 202",
    TESTED,
    "PUT /v1/releases/*/* 201",
    *NOTED,
}
URGENT = {
    *READ,
    "GET /v1/products/*/extras 200",
    "PUT /v1/changes/*/extra 409",
    "POST /v1/changes/*/extra/gate 202",
    TESTED,
    "PUT /v1/changes/*/extra 201",
    *NOTED,
}
BACK = {
    "GET /v1/releases/* 200",
    "GET /v1/releases/* 200 #2",
    "GET /v1/releases/*/*/ruleset 200",
    "GET /v1/releases/*/*/ruleset 200 #2",
    "PUT /v1/releases/*/* 201",
}
_numbers = count(1)


class Tool:
    """The release tool of one product, and where it keeps what it knows."""

    def __init__(self, forks: Forks, product: str, folder: Path) -> None:
        self._forks = forks
        self.product = product
        self._folder = folder
        folder.mkdir()

    def run(self, *, is_spared: bool = False) -> bool:
        """Run it; whether it died."""
        kept = ["--state", str(self._folder / "state.json"), "--into", str(self._folder / "built")]
        command = ["release", "run", "--once", "--product", self.product, *kept]
        return self._forks.run(*command, is_spared=is_spared)

    @property
    def state(self) -> dict[str, Any]:
        """What it keeps."""
        found: dict[str, Any] = json.loads((self._folder / "state.json").read_text())
        return found


@pytest.fixture
def forks(world: World, tmp_path: Path) -> Iterator[Forks]:
    with Forks("tests.faults.killed_tool", key_to(world.url, world.keys["release"]), tmp_path) as made:
        yield made


def kill_at_all(points: set[str], forks: Forks, begun: Callable[[], Tool], check: Callable[[Tool], None]) -> None:
    """Kill the tool at each point, each time in the run that goes on from where the one before died.

    A run that comes to nothing new has completed what the killed ones began. That is checked, and there is more to do.
    """
    while not points <= set(forks.died_at):
        tool, known = begun(), len(forks.died_at)
        while tool.run():
            pass
        check(tool)
        assert len(forks.died_at) > known, f"the tool never came to {points - set(forks.died_at)}"
    assert set(forks.died_at) - points <= {WAITED}


def test_a_tool_killed_at_any_point_is_completed_by_the_next_run(
    world: World, service: Service, forks: Forks, tmp_path: Path
) -> None:
    product, customer = world.product({}), world.customer()
    changes = []

    def begun() -> Tool:
        changes.append(_approved(world, customer, product)["id"])
        return Tool(forks, product, tmp_path / str(len(changes)))

    def check(tool: Tool) -> None:
        assert [world.analyst.change(each)["state"] for each in changes] == ["published"] * len(changes)
        assert len(world.release.releases(product)["items"]) == 1 + len(changes)
        assert tool.state["items"] == {}

    kill_at_all(TRAIN, forks, begun, check)
    assert events_out_of_step(service.env["SIGREQ_DATABASE__URL"]) == 0


def test_a_tool_killed_while_it_sends_something_urgent_sends_it_once_and_not_again_when_it_is_taken_back(
    world: World, forks: Forks, tmp_path: Path
) -> None:
    customer = world.customer("msa_start")

    def begun() -> Tool:
        product = world.product({})
        departs = f"{datetime.now(UTC) + timedelta(hours=3):%H:%M}"
        world.administrator.set_schedule(product, WEEKDAYS, [departs], "UTC")
        _approved(world, customer, product)
        world.publish(product, "20261122.2", {})  # so that it has to be tested once more
        return Tool(forks, product, tmp_path / product)

    def check(tool: Tool) -> None:
        (extra,) = world.release.extras(tool.product)["items"]
        world.lead.end_extra(extra["id"])
        assert not tool.run(is_spared=True)
        assert world.release.extras(tool.product)["items"] == []
        assert {change: each["base"] for change, each in tool.state["urgent"].items()} == {
            extra["change_id"]: "20261122.2"
        }
        told = wait_for(lambda: _actions(world, tool.product), lambda seen: "extra_ended" in seen)
        assert told == ["approved", "extra_published", "extra_ended"]

    kill_at_all(URGENT, forks, begun, check)


def test_going_back_killed_at_any_point_is_done_once(
    world: World, service: Service, forks: Forks, tmp_path: Path
) -> None:
    product = world.product({})
    change = _approved(world, world.customer(), product)["id"]
    assert not Tool(forks, product, tmp_path / "tool").run(is_spared=True)
    back, bad = (each["version"] for each in reversed(world.release.releases(product)["items"]))
    while forks.run("release", "rollback", "--product", product, "--to", back):
        is_out = forks.died_at[-1] == "PUT /v1/releases/*/* 201"
        assert len(world.release.releases(product)["items"]) == 2 + is_out, forks.died_at[-1]
        assert world.analyst.change(change)["state"] == ("gate_failed" if is_out else "published"), forks.died_at[-1]
    assert set(forks.died_at) == BACK
    newest, *others = world.release.releases(product)["items"]
    assert (newest["rolls_back_to"], [each["version"] for each in others]) == (back, [bad, back])
    assert _actions(world, product) == ["approved", "published", "withdrawn"]
    assert events_out_of_step(service.env["SIGREQ_DATABASE__URL"]) == 0


def _approved(world: World, customer: Client, product: str) -> dict[str, Any]:
    """One more change that waits."""
    name = f"Point_{next(_numbers)}"
    text = f"harmless, for {name}."
    case = world.determined(world.analyst, customer, product, kind="false_negative", content=text.encode())
    return approved(world, case, name, rule(name, text))


def _actions(world: World, product: str) -> list[str]:
    """What the feed says of a product."""
    return [each["action"] for each in world.release.feed(product)["items"]]
