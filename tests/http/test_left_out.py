"""A version that does not pass the gate: the change to blame is left out, and the others go."""

import json
from pathlib import Path
from typing import Any

import pytest

from sigreq_client import Client
from tests.commands import Done, key_to, sigreq
from tests.flows import approved
from tests.world import World, rule

pytestmark = pytest.mark.usefixtures("balanced")


def _sigreq(world: World, *command: str) -> Done:
    """A command of the release tool."""
    return sigreq("release", *command, "--json", env=key_to(world.url, world.keys["release"]))


def _missed(world: World, customer: Client, product: str, content: str) -> dict[str, Any]:
    of = {"kind": "false_negative", "content": content.encode()}
    return world.determined(world.analyst, customer, product, **of)


def _bad_and_good(world: World, product: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Two approved changes; then a case shows that what the first one detects is clean."""
    customer = world.customer()
    bad = approved(world, _missed(world, customer, product, "harmless, wide one"), "Broad", rule("Broad", "wide"))
    good = approved(world, _missed(world, customer, product, "harmless, good one"), "Good", rule("Good", "good"))
    case = world.claimed(world.analyst, customer, product, kind="false_negative", content=b"harmless, wide and clean")
    world.analyst.determine(case["id"], case["revision"], "not_malicious", "clean", "This file is clean.")
    return bad, good, case["id"]


def test_run_leaves_out_what_the_gate_blames_and_its_analyst_reads_why(world: World, tmp_path: Path) -> None:
    product = world.product({})
    bad, good, clean = _bad_and_good(world, product)
    done = _sigreq(world, "run", "--product", product, "--once", "--state", str(tmp_path / "state.json"))
    assert done.returncode == 0, done.stderr
    told = {each["id"]: each for each in json.loads(done.stdout)["changes"]}
    assert told[good["id"]]["is_included"]
    assert clean in told[bad["id"]]["reason"]
    assert "would be detected again, by Broad" in told[bad["id"]]["reason"]
    states = {each["id"]: world.analyst.change(each["id"])["state"] for each in (bad, good)}
    assert states == {bad["id"]: "gate_failed", good["id"]: "published"}


def test_publish_stops_and_names_the_change_the_rule_and_the_case(world: World, tmp_path: Path) -> None:
    product = world.product({})
    bad, _, clean = _bad_and_good(world, product)
    place = ["--product", product, "--state", str(tmp_path / "state.json")]
    assert _sigreq(world, "poll", *place).returncode == 0
    assert _sigreq(world, "build", *place, "--into", str(tmp_path / "built")).returncode == 0
    done = _sigreq(world, "publish", str(tmp_path / "built"), "--state", str(tmp_path / "state.json"))
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert (told["code"], list(told["blamed"])) == ("gate_failed", [bad["id"]])
    assert all(word in done.stderr for word in (bad["id"], "Broad", clean))
    assert len(world.release.releases(product)["items"]) == 1
