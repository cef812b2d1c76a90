"""Extras and relief as release tooling and customers get them: entries of the feed, and signed bundles."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sigreq.embedded.service import Service
from sigreq.trust.anchor import Anchor
from sigreq.trust.documents import Untrusted
from sigreq_client import Follow
from tests.commands import Done
from tests.flows import HARMLESS, approved, hit_by, published, refused, release_of
from tests.http.test_relief import given, proposed
from tests.http.test_trust import anchor, sigreq
from tests.world import MARKER, World, rule, wait_for

BASE, NEXT = "20261122.1", "20261122.2"
RULES = {"Marker": rule("Marker", MARKER.decode())}


def urgent(world: World, product: str) -> dict[str, Any]:
    """An approved change of the expedited track that adds a rule."""
    case = world.determined(world.analyst, world.customer("msa_start"), product, kind="false_negative")
    return approved(world, case, "Urgent", hit_by("Urgent"))


def entries(world: World, product: str) -> list[dict[str, Any]]:
    """The whole feed of a product."""
    found: list[dict[str, Any]] = world.release.feed(product)["items"]
    return found


def until_last(world: World, product: str, action: str) -> list[dict[str, Any]]:
    """The whole feed, once it ends with this."""
    wait_for(lambda: entries(world, product), lambda found: found[-1]["action"] == action)
    return entries(world, product)


def check_signed(holder: Anchor, product: str, item: dict[str, Any]) -> None:
    """It holds, and every word of it is signed."""
    holder.in_force(product, item)
    for wrong in ({"expires_at": "2099-01-01T00:00:00+00:00"}, {"envelope": None}, {"base_version": "20261122.9"}):
        with pytest.raises(Untrusted):
            holder.in_force(product, {**item, "extra": {**item["extra"], **wrong}})


def test_an_extra_and_its_end_are_entries_between_those_of_changes(
    service: Service, world: World, tmp_path: Path
) -> None:
    product = world.product()
    change = urgent(world, product)
    made = world.release.publish_extra(change["id"], BASE, 6)
    world.release.publish_extra(change["id"], BASE, 6)
    begun = entries(world, product)
    assert [item["action"] for item in begun] == ["approved", "extra_published"]
    told = begun[1]["extra"]
    assert begun[1]["track"] == "expedited"
    assert (told["id"], told["change_id"], told["base_version"]) == (made["id"], change["id"], BASE)
    assert (told["additions"], told["digest"]) == (made["additions"], made["digest"])
    check_signed(anchor(service), product, begun[1])
    snapshot = world.release.feed_snapshot(product)
    assert [item["action"] for item in snapshot["items"]] == ["approved", "extra_published"]
    assert snapshot["items"][1]["extra"] == told
    assert world.release.feed_snapshot(product, "standard")["items"] == []
    published(world, product, NEXT, release_of(2, {**RULES, "Urgent": hit_by("Urgent")}, [change]))
    ended = until_last(world, product, "extra_ended")
    assert [item["action"] for item in ended] == ["approved", "extra_published", "published", "extra_ended"]
    over = ended[-1]["extra"]
    assert (over["id"], over["ending"], "envelope" in over) == (made["id"], "shipped", False)
    assert world.release.feed_snapshot(product)["items"] == []
    assert list(world.release.follow(Follow(product, is_once=True))) == ended
    shown = sigreq(world, world.keys["release"], tmp_path, "feed", "follow", "--product", product, "--once")
    lines = shown.stdout.splitlines()
    assert f"extra_published  {made['id']}  rule_add  on {BASE}  until" in lines[1]
    assert lines[3].endswith(f"extra_ended  {made['id']}  rule_add  on {BASE}  shipped  (expedited)")
    polled = sigreq(world, world.keys["release"], tmp_path, "release", "poll", "--product", product, "--json")
    assert json.loads(polled.stdout)["items"] == [], "it ends no change's waiting, and waits for nothing itself"


def test_relief_is_told_when_it_is_given_and_withdrawn_when_the_fix_is_out(service: Service, world: World) -> None:
    client, product = world.customer(), world.product()
    case = world.determined(world.analyst, client, product)
    live = given(world, case)
    (begun,) = entries(world, product)
    assert (begun["action"], begun["extra"]["submission_id"]) == ("relief_given", case["id"])
    assert begun["extra"]["base_version"] is None
    assert begun["extra"]["additions"] == live["additions"]
    check_signed(anchor(service), product, begun)
    change = approved(world, case)
    published(world, product, NEXT, release_of(2, {"Marker": HARMLESS}, [change]))
    world.until(case["id"], "fixed")
    over = until_last(world, product, "relief_ended")[-1]["extra"]
    assert (over["id"], over["ending"]) == (live["id"], "fixed")


def test_relief_that_was_only_proposed_is_in_no_feed(world: World) -> None:
    client, product = world.customer(), world.product()
    case = world.determined(world.analyst, client, product)
    dropped = proposed(world, case)
    world.analyst.end_extra(dropped["id"])
    live = given(world, case)
    world.analyst.end_extra(live["id"])
    told = until_last(world, product, "relief_ended")
    assert [(item["action"], item["extra"]["id"]) for item in told] == [
        ("relief_given", live["id"]),
        ("relief_ended", live["id"]),
    ]


def test_an_extra_can_be_got_with_the_root_file_and_relief_by_its_own_customer_alone(
    service: Service, world: World, tmp_path: Path
) -> None:
    product, root = world.product(), str(service.data / "root.json")
    owner, other = (world.key("customer", world.organisation()) for _ in range(2))
    case = world.determined(world.analyst, world.client(owner), product)
    live = given(world, case)
    made = world.release.publish_extra(urgent(world, product)["id"], BASE, 6)
    relief, extra = (entries(world, product)[at]["extra"]["bundle"] for at in (0, 2))
    assert extra["name"] == f"expedited/{product}/{made['id']}.json"
    assert live["id"] not in relief["name"], "the list of bundles is read by every customer"

    def get(key: str, name: str) -> Done:
        more = ("--root", root, "--memory", key[-8:], "--json")
        return sigreq(world, key, tmp_path, "bundle", "get", name, "--out", "got.json", *more)

    for bundle, additions in ((extra, made["additions"]), (relief, live["additions"])):
        done = wait_for(partial(get, owner, bundle["name"]), lambda done: done.returncode == 0)
        assert json.loads(done.stdout)["sha256"] == bundle["sha256"]
        assert json.loads((tmp_path / "got.json").read_bytes())["additions"] == additions
    where = {each["name"]: _address(each) for each in (relief, extra)}
    stranger, version = world.plain(other), _address_of_version(world, product)
    for address in (*where.values(), version):
        assert stranger.get(address).status_code == 404, address
    world.determined(world.analyst, world.client(other), product)
    assert [stranger.get(each).status_code for each in (*where.values(), version)] == [404, 200, 200]
    assert world.plain().get(where[relief["name"]]).status_code == 401
    world.release.end_extra(made["id"])

    wait_for(partial(get, owner, extra["name"]), lambda done: "not_offered" in done.stdout)
    with refused(403, "wrong_role"):
        world.client(owner).feed(product)


def _address(bundle: dict[str, Any]) -> str:
    folder, _, name = bundle["name"].rpartition("/")
    return f"/v1/repository/targets/{folder}/{bundle['sha256']}.{name}"


def _address_of_version(world: World, product: str) -> str:
    digest = world.release.releases(product)["items"][0]["bundles"][0]["sha256"]
    return f"/v1/repository/targets/{product}/{BASE}/{digest}.yara.tar"
