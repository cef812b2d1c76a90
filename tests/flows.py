"""Longer ways through the service that several tests go, and what must hold after any of them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from sigreq_client import ApiError, Client
from sigreq_client.certificates import trusted
from tests.embedded.support import query
from tests.world import MARKER, World, rule, wait_for

HARMLESS = rule("Marker", "never-in-any-file-of-these-tests")
"""The rule Marker, made so narrow that it hits none of our files."""


@contextmanager
def refused(status: int, code: str) -> Iterator[dict[str, Any]]:
    """The block must be refused with this status and code; the mapping holds the problem's data afterwards."""
    data: dict[str, Any] = {}
    with pytest.raises(ApiError) as caught:
        yield data
    assert (caught.value.status, caught.value.code) == (status, code), caught.value.detail
    data.update(caught.value.data, detail=caught.value.detail)


def call(world: World, key: str, method: str, path: str, **more: Any) -> httpx2.Response:
    """One bare request, for what the client would never send."""
    headers = {"Authorization": f"Bearer {key}", **more.pop("headers", {})}
    settings: dict[str, Any] = {"trust_env": False, "timeout": 30, "verify": trusted()}
    return httpx2.request(method, world.url + path, headers=headers, **settings, **more)


def names(timeline: Mapping[str, Any]) -> list[str]:
    """What happened, in order."""
    return [item["name"] for item in timeline["items"]]


def drafted(analyst: Client, case: Mapping[str, Any], name: str = "Marker", source: str = HARMLESS) -> dict[str, Any]:
    """A change of one rule for a determined case: another Marker, or a rule that did not exist."""
    kind = "rule_modify" if name == "Marker" else "rule_add"
    change: dict[str, Any] = analyst.draft_change([case["id"]], kind, {"rule": name, "source": source})
    return change


def after_test(analyst: Client, change: Mapping[str, Any]) -> dict[str, Any]:
    """The change as the gate left it."""
    analyst.test_change(change["id"], change["revision"])
    found: dict[str, Any] = wait_for(lambda: analyst.change(change["id"]), lambda seen: seen["state"] != "testing")
    return found


def approved(
    world: World, case: Mapping[str, Any], name: str = "Marker", source: str = HARMLESS, analyst: Client | None = None
) -> dict[str, Any]:
    """A change that is in the feed."""
    tested = after_test(analyst or world.analyst, drafted(analyst or world.analyst, case, name, source))
    assert tested["state"] == "tested", tested["report"]
    change: dict[str, Any] = world.lead.approve_change(tested["id"], tested["revision"])
    return change


def release_of(
    ordinal: int, rules: Mapping[str, str], changes: Sequence[Mapping[str, Any]] = (), **more: Any
) -> dict[str, Any]:
    """The body that publishes these rules and reports these changes as included."""
    built = [{"id": change["id"], "rev": change["rev"], "is_included": True} for change in changes]
    return {
        "ordinal": ordinal,
        "ruleset": {"rules": dict(rules), "allowed": more.get("allowed", [])},
        "changes": more.get("built", built),
    }


def gated(world: World, product: str, version: str, release: Mapping[str, Any]) -> dict[str, Any]:
    """The run of the gate that a version went through."""
    run = world.release.test_train(product, version, release)
    found: dict[str, Any] = wait_for(lambda: world.release.gate(run["id"]), lambda seen: seen["state"] != "running")
    return found


def published(world: World, product: str, version: str, release: Mapping[str, Any]) -> dict[str, Any]:
    """A version that has passed the gate and is out."""
    run = gated(world, product, version, release)
    assert run["state"] == "passed", run["report"]
    row: dict[str, Any] = world.release.publish(product, version, release)
    return row


def fixed(world: World, customer: Client, product: str, **more: Any) -> dict[str, Any]:
    """A false positive that is fixed in 20261122.2."""
    case = world.determined(world.analyst, customer, product, **more)
    change = approved(world, case)
    published(world, product, "20261122.2", release_of(2, {"Marker": HARMLESS}, [change]))
    return world.until(case["id"], "fixed")


def hit_by(name: str) -> str:
    """A rule of this name that hits what `World.submit` sends for a false negative."""
    return rule(name, "inert")


def marked(name: str) -> str:
    """A rule of this name that hits what `World.submit` sends for a false positive."""
    return rule(name, MARKER.decode())


def events_out_of_step(database_url: str) -> int:
    """How many submissions and changes do not have exactly the events 1..revision, or a gap in what was told."""
    each = """
        SELECT count(*) FROM (
            SELECT s.id FROM {table} s LEFT JOIN event e ON e.subject_id = s.id GROUP BY s.id
            HAVING count(e.id) <> s.revision OR min(e.sequence) <> 1 OR max(e.sequence) <> s.revision
                OR count(e.public_sequence) <> {told} OR coalesce(max(e.public_sequence), 0) <> {told}
                OR (array_agg(e.state ORDER BY e.sequence DESC))[1] <> s.state
        ) wrong"""
    submissions = each.format(table="submission", told="s.public_sequence")
    return sum(query(database_url, submissions, each.format(table="change", told="0")))
