"""The hostile set against the running service: everything ends in an outcome, and nothing is left behind."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from tests.scanning.hostile import HOSTILE
from tests.scanning.support import children_of
from tests.world import MARKER, World, wait_for

SCAN_SECONDS = 8  # a million matches are found in a part of it, also by a niced child of a busy machine
UNPACK_SECONDS = 20
# Files of 2 GiB are for the tests of the unpacker itself; an empty file is refused at the door.
SENT = sorted(set(HOSTILE) - {"nothing", "sparse_file", "sparse_tar_member", "sparse_zip_member"})
HARMLESS = {"bad_paths", "bad_paths_tar", "bad_paths_7z", "long_names", "long_names_tar", "many_gzip_members"}
# What a link points to is not followed, and these hold nothing else.
LINKS = {"zip_links", "tar_links"}
SLOW = 'rule Marker { strings: $a = "ACME" condition: $a and for all i in (0..4000000000) : (i >= 0) }'
MANY = "rule Marker { strings: $a = /[a-z]/ condition: #a > 2000000 }"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Iterator[Service]:
    env = {
        "SIGREQ_SCANNING__TIMEOUT": str(SCAN_SECONDS),
        "SIGREQ_SCANNING__UNPACK__SECONDS": str(UNPACK_SECONDS),
    }
    with Service(tmp_path_factory.mktemp("hostile") / "data", env=env, fork_server=fork_server) as running:
        yield running


@pytest.fixture(scope="module")
def world(service: Service) -> Iterator[World]:
    keys = first_keys(service.env["SIGREQ_DATABASE__URL"], service.data / "keys")
    with World(service.url, keys) as connected:
        yield connected


@pytest.fixture(scope="module")
def cases(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Each hostile sample, sent by one customer and screened."""
    folder, customer, product = tmp_path_factory.mktemp("samples"), world.customer(), world.product()
    sent = {}
    for name in SENT:
        path = folder / f"{name}.bin"
        HOSTILE[name](path)
        sent[name] = customer.submit(world.fields(product, "false_negative"), [path])["id"]
        path.unlink()

    return {name: world.until(submission_id, "queued") for name, submission_id in sent.items()}


@pytest.mark.parametrize("name", SENT)
def test_a_hostile_sample_is_reported_and_never_called_clean(
    world: World, cases: dict[str, dict[str, Any]], name: str
) -> None:
    case = cases[name]
    assert case["needs_attention"] is None
    (scan,) = case["scans"]
    files = world.analyst.report(case["id"], limit=200)["files"]
    if name in HARMLESS | LINKS:
        assert (case["finding"], scan["outcome"]) == ("supported", "clean")
        assert any(each["skipped"] for each in files) == (name in LINKS)
        return
    assert (case["finding"], scan["outcome"]) == ("undecided", "not_scanned")
    assert case["notices"]
    assert any(each["not_seen"] or each["scans"][0]["reason"] for each in files)


def test_the_service_is_as_ready_afterwards_as_before(world: World, cases: dict[str, dict[str, Any]]) -> None:
    assert len(cases) == len(SENT)
    assert httpx2.get(f"{world.url}/health/ready", trust_env=False).json()["status"] == "ready"
    assert world.until(world.submit(world.customer(), world.product())["id"], "queued")["finding"] == "supported"


def test_nothing_of_them_is_left_on_disk(service: Service, cases: dict[str, dict[str, Any]]) -> None:
    assert cases
    work = service.data / "work"

    def left() -> list[Path]:
        files = [path for path in work.rglob("*") if not path.is_dir()]
        return [path for path in files if path.parent.name not in {"rulesets", "compiled"}]

    assert wait_for(left, lambda found: not found) == []
    assert not any(path.stat().st_mode & 0o111 for path in work.rglob("*") if path.is_file())
    assert not Path("/tmp/escaped").exists()  # noqa: S108 - where two of them would like to go


@pytest.mark.parametrize(("source", "outcome"), [(SLOW, "timeout"), (MANY, "too_many_matches")])
def test_a_rule_that_runs_for_ever_or_matches_a_million_times_is_an_outcome(
    world: World, source: str, outcome: str
) -> None:
    product = world.product({"Marker": source})
    content = MARKER + b"a" * 3_000_000
    accepted = world.customer().submit(world.fields(product), [("file.bin", BytesIO(content))])
    case = world.until(accepted["id"], "queued")
    assert (case["finding"], case["scans"][0]["reason"]) == ("undecided", outcome)


def test_no_child_is_left_at_work(service: Service, cases: dict[str, dict[str, Any]]) -> None:
    assert cases
    children = [
        child
        for name in ("worker-standard", "worker-expedited")
        for child in children_of(psutil.Process(service.pid(name)))
    ]
    assert children
    assert wait_for(lambda: [child for child in children if _is_busy(child)], lambda found: not found) == []


def _is_busy(child: psutil.Process) -> bool:
    try:
        return child.cpu_percent(0.1) > 50
    except psutil.NoSuchProcess:
        return False
