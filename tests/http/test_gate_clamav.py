"""Products whose signatures ClamAV loads too: nothing passes the gate, or counts as fixed, without its word."""

import hashlib
import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import httpx2
import pytest

from sigreq.domain import bundles
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.targets import Target
from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from tests.commands import Done, key_to, sigreq
from tests.flows import HARMLESS, after_test, drafted, fixed, gated, published, refused, release_of
from tests.scanning.clamav_support import installed, needs_clamav
from tests.scanning.support import zipped
from tests.world import MARKER, World, rule, wait_for

pytestmark = needs_clamav

BOTH = ("yara", "clamav")
# ClamAV matches HTML in small letters, whatever the file has; YARA matches it as it is.
SHOUTED = b"<html><head><title>x</title></head><body>INERT WORDS</body></html>"


def test_a_fix_is_proved_by_both_engines(world: World) -> None:
    product = world.product(targets=BOTH)
    case = world.determined(world.analyst, world.customer(), product, kind="false_negative", content=b"inert words")
    tested = after_test(world.analyst, drafted(world.analyst, case, "Words", rule("Words", "inert words")))
    assert tested["state"] == "tested", tested["report"]
    assert tested["report"]["engines"] == ["yara", "clamav"]
    change = world.lead.approve_change(tested["id"], tested["revision"])
    rules = {"Marker": rule("Marker", MARKER.decode()), "Words": rule("Words", "inert words")}
    published(world, product, "20261122.2", release_of(2, rules, [change]))
    world.until(case["id"], "fixed", "in_analysis")
    told = world.analyst.timeline(case["id"])["items"][-1]
    assert told["name"] == "fixed", told
    evidence = told["data"]["evidence"]["clamav"]
    assert evidence["engine"] == installed().engine
    assert [(each["outcome"], each["detections"]) for each in evidence["proof"]] == [("detected", ["Words"])]
    assert evidence["bundle_sha256"] == _bundle(product, "20261122.2", Ruleset(rules))


def test_a_fixed_false_positive_is_clean_for_both_engines(world: World) -> None:
    product = world.product(targets=BOTH)
    case = fixed(world, world.customer(), product)
    evidence = world.analyst.timeline(case["id"])["items"][-1]["data"]["evidence"]["clamav"]
    assert [each["outcome"] for each in evidence["proof"]] == ["clean"]


def test_a_file_in_an_archive_with_a_password_is_proved(world: World) -> None:
    product = world.product(targets=BOTH)
    fixed(world, world.customer(), product, content=zipped(MARKER, password=b"infected"))


def test_what_only_clamav_would_detect_again_does_not_pass(world: World) -> None:
    product = world.product(targets=BOTH)
    before = fixed(world, world.customer(), product, content=SHOUTED + MARKER)
    case = world.determined(world.analyst, world.customer(), product, kind="false_negative", content=b"inert words")
    failed = after_test(world.analyst, drafted(world.analyst, case, "Words", rule("Words", "inert words")))
    (problem,) = _problems(failed)
    assert (problem["code"], problem["submission_id"]) == ("detected_again", before["id"])
    assert (problem["engine"], problem["signatures"]) == ("clamav", ["Words"])


def test_what_only_yara_detects_does_not_pass(world: World) -> None:
    product = world.product(targets=BOTH)
    case = world.determined(world.analyst, world.customer(), product, kind="false_negative", content=SHOUTED)
    failed = after_test(world.analyst, drafted(world.analyst, case, "Words", rule("Words", "INERT WORDS")))
    (problem,) = _problems(failed)
    assert (problem["code"], problem["submission_id"], problem["engine"]) == ("not_detected", case["id"], "clamav")
    quiet = {"rule": "Words", "source": rule("Words", "<title>x</title>")}
    passed = after_test(world.analyst, world.analyst.revise_change(failed["id"], failed["revision"], quiet))
    assert passed["state"] == "tested", passed["report"]


def test_a_clean_file_that_only_clamav_would_detect_keeps_a_change_out(world: World) -> None:
    product, keeper, content = world.product(targets=BOTH), world.administrator, SHOUTED + b" and clean"
    keeper.add_corpus_source("shouted", "folder", "somewhere")
    try:
        keeper.send_to_corpus("shouted", [("page", BytesIO(content))])
        keeper.complete_corpus_source("shouted")
        case = world.determined(world.analyst, world.customer(), product, kind="false_negative", content=b"inert words")
        failed = after_test(world.analyst, drafted(world.analyst, case, "Words", rule("Words", "inert words")))
        (problem,) = _problems(failed)
        assert (problem["code"], problem["engine"]) == ("clean_detected", "clamav")
        assert problem["sha256"] == hashlib.sha256(content).hexdigest()
    finally:
        keeper.remove_corpus_source("shouted")


def test_a_rule_that_clamav_does_not_understand_is_refused_with_its_place(world: World) -> None:
    product = world.product(targets=BOTH)
    case = world.determined(world.analyst, world.customer(), product, kind="false_negative", content=b"inert words")
    source = 'rule Words {\n meta: description = "x"\n strings: $a = "inert words" xor\n condition: $a\n}'
    (problem,) = _problems(after_test(world.analyst, drafted(world.analyst, case, "Words", source)))
    assert (problem["code"], problem["engine"], problem["line"], problem["column"]) == ("lint", "clamav", 3, 30)


def test_a_train_that_clamav_does_not_load_whole_does_not_pass(world: World) -> None:
    product = world.product(targets=BOTH)
    rules = {"Marker": HARMLESS, "Old": 'rule Old { strings: $a = "never there" xor condition: $a }'}
    run = gated(world, product, "20261122.2", release_of(2, rules))
    (problem,) = run["report"]["problems"]
    assert (run["state"], problem["code"], problem["engine"]) == ("failed", "not_loaded", "clamav")
    assert "clamscan loads 2 of its 3 signatures" in problem["message"]
    assert "Old.yar line 1" in problem["message"]
    assert gated(world, world.product(), "20261122.2", release_of(2, rules))["state"] == "passed"


def test_a_version_that_brings_back_what_only_clamav_detects_reopens_the_case(world: World) -> None:
    product = world.product(targets=BOTH)
    case = fixed(world, world.customer(), product, content=SHOUTED + MARKER)
    world.publish(product, "20261122.3", {"Marker": HARMLESS, "Words": rule("Words", "inert words")})
    assert world.until(case["id"], "queued")["needs_attention"] == "regressed"
    (told,) = world.analyst.timeline(case["id"])["items"][-1]["data"]["files"]
    assert (told["engine"], told["detections"]) == ("clamav", ["Words"])


def test_a_pass_without_clamav_does_not_hold_once_the_product_is_for_it(world: World) -> None:
    product = world.product()
    case = world.determined(world.analyst, world.customer(), product)
    tested = after_test(world.analyst, drafted(world.analyst, case))
    assert world.administrator.set_targets(product, ["clamav", "yara"])["targets"] == ["yara", "clamav"]
    with refused(409, "gate_pass_stale") as told:
        world.lead.approve_change(tested["id"], tested["revision"])
    assert told["why"].items() >= {"code": "target_added", "targets": "clamav"}.items()
    again = after_test(world.analyst, tested)
    assert world.lead.approve_change(again["id"], again["revision"])["state"] == "approved"


def test_a_product_has_one_engine_or_several_that_we_know(world: World) -> None:
    product = world.product()
    listed = {each["id"]: each["targets"] for each in world.administrator.products()["items"]}
    assert listed[product] == ["yara"]
    for wrong in ([], ["yara", "other"]):
        with refused(422, "field_invalid"):
            world.administrator.set_targets(product, wrong)
    with refused(404, "not_found"):
        world.administrator.set_targets("nobody-has-it", ["yara"])


def test_the_engines_of_a_product_are_said_on_the_command_line(world: World) -> None:
    name = f"{world.product()}-again"
    fields = ("--title", "Again", "--scheme", "integer", "--update-instructions", "Update.")
    assert "for yara, clamav" in _admin(world, "add", name, *fields, "--targets", "clamav,yara").stdout
    assert "are for yara from now on" in _admin(world, "targets", name, "yara").stdout
    (listed,) = (each for each in json.loads(_admin(world, "list", "--json").stdout)["items"] if each["id"] == name)
    assert listed["targets"] == ["yara"]
    assert "are for yara,clamav" in _admin(world, "targets", name, "yara,clamav").stdout.replace(", ", ",")
    shown = _admin(world, "list").stdout
    assert "yara,clamav" in next(line for line in shown.splitlines() if name in line)
    wrong = _admin(world, "targets", name, "yara,other")
    assert (wrong.returncode, "name one or several of yara,clamav" in wrong.stderr) == (2, True)


def test_readiness_names_the_version_of_each_worker(world: World) -> None:
    workers = httpx2.get(f"{world.url}/health/ready", trust_env=False, timeout=30).json()["workers"]
    assert {each["clamav"] for each in workers} == {installed().version}


@pytest.fixture
def bare(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Iterator[World]:
    """A service whose workers find no ClamAV."""
    folder = tmp_path_factory.mktemp("bare")
    with (
        Service(folder / "data", env={"SIGREQ_SCANNING__CLAMAV": str(folder)}, fork_server=fork_server) as running,
        World(running.url, first_keys(running.env["SIGREQ_DATABASE__URL"], running.data / "keys")) as made,
    ):
        yield made


def test_where_clamav_is_missing_nothing_that_needs_it_passes(bare: World) -> None:
    def ready() -> dict[str, Any]:
        found: dict[str, Any] = httpx2.get(f"{bare.url}/health/ready", trust_env=False, timeout=30).json()
        return found

    product = bare.product()
    assert wait_for(ready, lambda seen: seen["status"] != "unavailable")["checks"]["workers"] == "ok"
    case = bare.determined(bare.analyst, bare.customer(), product)
    change = after_test(bare.analyst, drafted(bare.analyst, case))
    approved = bare.lead.approve_change(change["id"], change["revision"])
    bare.administrator.set_targets(product, BOTH)
    told = ready()
    assert (told["status"], [each["clamav"] for each in told["workers"]]) == ("degraded", [None, None])
    assert "ClamAV is not installed where a worker runs" in told["checks"]["workers"]
    assert product in told["checks"]["workers"]
    (problem,) = gated(bare, product, "20261122.2", release_of(2, {"Marker": HARMLESS}, [approved]))["report"][
        "problems"
    ]
    assert (problem["code"], problem["engine"]) == ("could_not_run", "clamav")
    # An emergency does not wait for the gate, and is no proof.
    bare.administrator.publish(product, "20261122.2", release_of(2, {"Marker": HARMLESS}, [approved]))
    flagged = wait_for(lambda: bare.analyst.submission(case["id"]), lambda seen: seen["needs_attention"])
    assert (flagged["state"], flagged["needs_attention"]) == ("determined", "proof_failed")


def _problems(change: dict[str, Any]) -> list[dict[str, Any]]:
    assert change["state"] == "gate_failed", change
    found: list[dict[str, Any]] = change["report"]["problems"]
    return found


def _admin(world: World, *arguments: str) -> Done:
    return sigreq("admin", "product", *arguments, env=key_to(world.url, world.keys["administrator"]))


def _bundle(product: str, version: str, ruleset: Ruleset) -> str:
    """The hash of the archive that anybody can make of the published signatures."""
    files = bundles.contents(Target.CLAMAV, ruleset)
    about = bundles.manifest(Target.CLAMAV, product, version, ruleset, files)
    return hashlib.sha256(bundles.archive(about, files)).hexdigest()
