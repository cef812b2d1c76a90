"""The clean corpus: counted, deduplicated, versioned, and never hit."""

import hashlib
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sigreq.embedded.service import Service
from tests.commands import key_to, sigreq
from tests.database import corpus_object
from tests.flows import after_test, drafted, gated, hit_by, refused, release_of
from tests.world import World, wait_for

pytestmark = pytest.mark.usefixtures("balanced")
_numbers = count(1)


def test_a_folder_is_sent_once_and_counted_once(world: World, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for name in ("one", "inner/two", "inner/the same as two"):
        (tmp_path / name).write_text(name[-3:] + tmp_path.name)
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to("one")
    source = _name()
    told = _add(world, str(tmp_path), "--name", source)
    assert f"{source} added" in told
    document = world.lead.corpus()
    found = _source(document, source)
    assert (found["state"], found["files"], found["bytes"]) == ("complete", 2, 2 * len("one" + tmp_path.name))
    with refused(409, "already_exists"):
        world.administrator.add_corpus_source(source, "folder", "/elsewhere")
    with refused(409, "corpus_source_closed"):
        world.administrator.add_corpus_hashes(source, ["a" * 64])
    before = document["revisions"][0]
    again = world.administrator.remove_corpus_source(source)
    assert again["number"] > before["number"]
    assert again["contents"] == before["contents"] - 2


def test_a_new_rule_that_hits_a_clean_file_does_not_pass(world: World) -> None:
    source, content = _name(), b"clean but inert, " + _name().encode()
    sha256 = _with_file(world, source, content)
    try:
        product = world.product({})
        case = world.determined(world.analyst, world.customer(), product, kind="false_negative")
        failed = after_test(world.analyst, drafted(world.analyst, case, "Broad", hit_by("Broad")))
        assert [(each["code"], each["sha256"]) for each in failed["report"]["problems"]] == [("clean_detected", sha256)]
        assert failed["report"]["corpus_revision"] == world.lead.corpus()["revisions"][0]["number"]
        body = release_of(2, {"Broad": hit_by("Broad")})
        assert {each["code"] for each in gated(world, product, "20261122.2", body)["report"]["problems"]} == {
            "clean_detected"
        }
    finally:
        world.administrator.remove_corpus_source(source)


def test_a_hash_of_a_known_clean_file_does_not_pass(world: World) -> None:
    product = world.product({})
    case = world.determined(world.analyst, world.customer(), product, kind="false_negative")
    sha256 = world.analyst.submission(case["id"])["samples"][0]["sha256"]
    source = _name()
    world.administrator.add_corpus_source(source, "hashes", "a list")
    world.administrator.add_corpus_hashes(source, [sha256])
    world.administrator.complete_corpus_source(source)
    try:
        change = world.analyst.draft_change([case["id"]], "hash_add", {"sha256": sha256, "name": "Wrong"})
        failed = after_test(world.analyst, change)
        assert [each["code"] for each in failed["report"]["problems"]] == ["clean_detected"]
    finally:
        world.administrator.remove_corpus_source(source)


def test_a_pass_does_not_outlive_a_change_of_the_corpus(world: World) -> None:
    product, source = world.product({}), _name()
    case = world.determined(world.analyst, world.customer(), product, kind="false_negative")
    tested = after_test(world.analyst, drafted(world.analyst, case, "Found", hit_by("Found")))
    _with_file(world, source, b"another clean file " + source.encode())
    try:
        with refused(409, "gate_pass_stale") as told:
            world.lead.approve_change(tested["id"], tested["revision"])
        assert told["why"].items() >= {"code": "corpus_changed"}.items()
    finally:
        world.administrator.remove_corpus_source(source)


def test_a_file_that_is_detected_by_its_hash_cannot_be_clean(world: World) -> None:
    product, source, sha256 = world.product({}), _name(), hashlib.sha256(_name().encode()).hexdigest()
    body = release_of(2, {})
    body["ruleset"]["hashes"] = {sha256: "Known_Malware"}
    world.administrator.publish(product, "20261122.2", body)
    world.administrator.add_corpus_source(source, "hashes", "a list")
    world.administrator.add_corpus_hashes(source, [sha256])
    with refused(422, "corpus_malware") as told:
        world.administrator.complete_corpus_source(source)
    assert told["files"] == sha256
    world.administrator.remove_corpus_source(source)


def test_a_prefix_of_the_store_is_read_by_the_server(world: World, service: Service) -> None:
    source, content = _name(), b"in the store already"
    corpus_object(service, f"incoming/{source}/file", content)
    _add(world, "--prefix", f"incoming/{source}/", "--name", source)
    found = _source(world.lead.corpus(), source)
    assert (found["state"], found["files"], found["bytes"]) == ("complete", 1, len(content))
    world.administrator.remove_corpus_source(source)
    empty = _name()
    world.administrator.add_corpus_source(empty, "prefix", "nothing/is/here/")
    failed = wait_for(lambda: _source(world.lead.corpus(), empty), lambda seen: seen["state"] == "failed")
    assert "nothing under this prefix" in failed["fault"]
    world.administrator.remove_corpus_source(empty)


def test_what_two_sources_have_stays_when_one_goes(world: World) -> None:
    one, other, content = _name(), _name(), b"in both " + _name().encode()
    sha256 = _with_file(world, one, content)
    world.administrator.add_corpus_source(other, "folder", "elsewhere")
    assert world.administrator.missing_from_corpus(other, [sha256, "b" * 64])["missing"] == ["b" * 64]
    both = world.administrator.complete_corpus_source(other)
    left = world.administrator.remove_corpus_source(one)
    assert left["contents"] == both["contents"]
    assert world.administrator.remove_corpus_source(other)["contents"] == left["contents"] - 1
    with refused(404, "not_found"):
        world.administrator.remove_corpus_source(other)


@pytest.mark.parametrize("role", ["analyst", "release", "customer"])
def test_only_an_administrator_keeps_the_corpus(world: World, role: str) -> None:
    client = world.customer() if role == "customer" else world.person(role)
    with refused(403, "wrong_role"):
        client.add_corpus_source(_name(), "folder", "x")
    with refused(403, "wrong_role"):
        client.send_to_corpus("any", [("file", BytesIO(b"x"))])


def _name() -> str:
    return f"source-{next(_numbers)}-{hashlib.sha256(__file__.encode()).hexdigest()[:6]}"


def _source(document: dict[str, Any], source_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in document["sources"] if each["id"] == source_id)
    return found


def _with_file(world: World, source: str, content: bytes) -> str:
    keeper = world.administrator
    keeper.add_corpus_source(source, "folder", "somewhere")
    assert keeper.send_to_corpus(source, [("a name", BytesIO(content))])["taken"] == 1
    keeper.complete_corpus_source(source)
    return hashlib.sha256(content).hexdigest()


def _add(world: World, *arguments: str) -> str:
    done = sigreq("admin", "corpus", "add", *arguments, env=key_to(world.url, world.keys["administrator"]))
    assert done.returncode == 0, done.stderr
    return done.stdout
