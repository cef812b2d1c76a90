"""What leaves the service is signed, and can be checked with the root file alone."""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sigreq.embedded.service import Service
from sigreq.trust.anchor import Anchor
from sigreq.trust.documents import Untrusted
from tests import commands
from tests.commands import Done
from tests.database import rows
from tests.flows import HARMLESS, approved, fixed, refused
from tests.world import World, wait_for

pytestmark = pytest.mark.usefixtures("balanced")


def anchor(service: Service) -> Anchor:
    """Somebody who has the root file."""
    return Anchor.read((service.data / "root.json").read_bytes())


def sigreq(world: World, key: str, folder: Path, *arguments: str) -> Done:
    """Run a command in a folder, which is also where its user lives."""
    return commands.sigreq(*arguments, env={**commands.key_to(world.url, key), "HOME": str(folder)}, folder=folder)


def changed(item: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    """The feed's item with another change in it."""
    return {**item, "change": {**item["change"], **values}}


def test_an_approval_is_signed_and_nothing_of_it_can_be_changed(service: Service, world: World) -> None:
    product = world.product()
    change = approved(world, world.determined(world.analyst, world.customer(), product))
    (item,) = world.release.feed(product)["items"]
    holder = anchor(service)
    holder.approved(product, item)
    payload = {"rule": "Marker", "source": "rule Marker { condition: true }"}
    for wrong in (
        changed(item, payload=payload),
        changed(item, rev=2),
        changed(item, id="CH-0000-0000-0000"),
        changed(item, envelope=None),
        changed(item, envelope={**change, "signatures": []}),
        {**item, "track": "expedited"},
        {**item, "track": "none"},
    ):
        with pytest.raises(Untrusted):
            holder.approved(product, wrong)
    with pytest.raises(Untrusted):
        holder.approved("another-product", item)


def test_the_release_tool_builds_nothing_that_is_not_signed(service: Service, world: World, tmp_path: Path) -> None:
    product = world.product()
    approved(world, world.determined(world.analyst, world.customer(), product))
    run = ("release", "run", "--product", product, "--version", "20261122.2", "--once", "--json")
    foreign = json.loads((service.data / "root.json").read_text())
    foreign["signed"]["x-sigreq"]["keys"]["approvals"] = []
    (tmp_path / "foreign.json").write_text(json.dumps(foreign))
    stopped = sigreq(world, world.keys["release"], tmp_path, *run, "--root", "foreign.json")
    assert (stopped.returncode, "not signed by its own holders" in stopped.stderr) == (1, True)
    assert len(world.release.releases(product)["items"]) == 1
    done = sigreq(world, world.keys["release"], tmp_path, *run, "--root", str(service.data / "root.json"))
    assert done.returncode == 0, done.stderr
    assert len(world.release.releases(product)["items"]) == 2


def test_a_fix_is_attested_and_checked_without_the_service(service: Service, world: World, tmp_path: Path) -> None:
    organisation = world.organisation()
    key = world.key("customer", organisation)
    customer, product, content = world.client(key), world.product(), b"ACME-HARMLESS-MARKER-4711 of our own"
    waiting = world.determined(world.analyst, customer, product, content=b"ACME-HARMLESS-MARKER-4711 waits")
    with refused(404, "not_found"):
        customer.evidence(waiting["id"])
    case = fixed(world, customer, world.product(), content=content)
    root = str(service.data / "root.json")
    got = sigreq(world, key, tmp_path, "evidence", case["id"], "--out", "proof.json")
    assert got.returncode == 0, got.stderr
    (tmp_path / "file.bin").write_bytes(content)
    verified = sigreq(world, "", tmp_path, "verify", "proof.json", "--root", root, "--sample", "file.bin", "--json")
    assert verified.returncode == 0, verified.stderr
    statement = json.loads(verified.stdout)
    assert statement["subject"] == [{"name": "file.bin", "digest": {"sha256": hashlib.sha256(content).hexdigest()}}]
    told = statement["predicate"]
    assert (told["submission"], told["version"], told["results"][0]["outcome"]) == (case["id"], "20261122.2", "clean")
    assert told["bundles"][0]["name"] == f"{case['product']}/20261122.2/ruleset.json"
    (tmp_path / "other.bin").write_bytes(b"another file")
    other = sigreq(world, "", tmp_path, "verify", "proof.json", "--root", root, "--sample", "other.bin")
    assert (other.returncode, "it is not about other.bin" in other.stderr) == (1, True)
    forged = json.loads((tmp_path / "proof.json").read_text())
    payload = base64.b64decode(forged["payload"]).replace(b"20261122.2", b"20261122.9")
    (tmp_path / "forged.json").write_text(json.dumps({**forged, "payload": base64.b64encode(payload).decode()}))
    wrong = sigreq(world, "", tmp_path, "verify", "forged.json", "--root", root)
    assert (wrong.returncode, "not to be believed" in wrong.stderr) == (1, True)
    with refused(404, "not_found"):
        world.customer().evidence(case["id"])


def test_a_published_version_can_be_got_with_the_root_file_and_is_gone_when_withdrawn(
    service: Service, world: World, tmp_path: Path
) -> None:
    product, key = world.product(), world.keys["release"]
    world.publish(product, "20261122.2", {"Marker": HARMLESS})
    name = f"{product}/20261122.2/ruleset.json"
    root = str(service.data / "root.json")
    _is_offered(world, name)
    got = sigreq(world, key, tmp_path, "bundle", "get", name, "--root", root, "--json")
    assert got.returncode == 0, got.stderr
    content = (tmp_path / "ruleset.json").read_bytes()
    assert json.loads(content)["rules"] == {"Marker": HARMLESS}
    assert json.loads(got.stdout)["sha256"] == hashlib.sha256(content).hexdigest()
    (tmp_path / "yara.tar").write_text("of yesterday")
    (tmp_path / "read by somebody").hardlink_to(tmp_path / "yara.tar")
    packed = sigreq(world, key, tmp_path, "bundle", "get", f"{product}/20261122.2/yara.tar", "--json")
    assert (tmp_path / "read by somebody").read_text() == "of yesterday"  # a new file took its place, at once
    assert packed.returncode == 0, packed.stderr
    register = world.release.releases(product)["items"][0]
    assert json.loads(packed.stdout)["sha256"] == register["bundles"][0]["sha256"]
    again = sigreq(world, key, tmp_path, "bundle", "root", "--out", "newest.json", "--json")
    assert json.loads(again.stdout) == {"root": "newest.json", "version": 1}
    world.administrator.withdraw_release(product, "20261122.2")

    def is_gone(done: Done) -> bool:
        return done.returncode == 1 and json.loads(done.stdout)["code"] == "not_offered"

    wait_for(lambda: sigreq(world, key, tmp_path, "bundle", "get", name, "--json"), is_gone)


def test_the_repository_wants_a_key_and_has_nothing_but_its_own_files(world: World) -> None:
    assert world.plain().get("/v1/repository/metadata/timestamp.json").status_code == 401
    plain = world.plain(world.key("customer", world.organisation()))
    found = plain.get("/v1/repository/metadata/1.root.json")
    assert (found.status_code, found.headers["cache-control"]) == (200, "private, max-age=31536000, immutable")
    assert plain.get("/v1/repository/metadata/timestamp.json").headers["cache-control"] == "no-cache"
    for path in ("metadata/9.root.json", "targets/../../rulesets/x", "metadata/..%2f..%2frulesets", "rulesets/x.json"):
        assert plain.get(f"/v1/repository/{path}").status_code == 404, path


def test_no_secret_is_in_the_database_the_store_or_the_logs(service: Service, world: World) -> None:
    fixed(world, world.customer(), world.product())
    passphrase = service.env["SIGREQ_TRUST__PASSPHRASE"]
    locked = [row[0] for row in rows(service, "SELECT private FROM signing_key WHERE private IS NOT NULL")]
    assert len(locked) == 6
    seeds = [load_pem_private_key(pem.encode(), passphrase.encode()) for pem in locked]
    raw = [seed.private_bytes_raw() for seed in seeds if isinstance(seed, Ed25519PrivateKey)]
    forms = [each.hex() for each in raw] + [base64.b64encode(each).decode() for each in raw]
    forms += [each.decode("latin-1") for each in raw]
    secrets = [
        *forms,
        passphrase,
        *world.keys.values(),
        service.env["SIGREQ_S3__BUNDLES__SECRET_KEY"],
        "BEGIN PRIVATE KEY",
    ]
    tables = [row[0] for row in rows(service, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    readable = [each for each in tables if each != "alembic_version"]
    held = "".join(str(rows(service, f'SELECT to_jsonb(each) FROM "{table}" each')) for table in readable)  # noqa: S608 - our own tables
    assert "BEGIN ENCRYPTED PRIVATE KEY" in held, "the keys themselves are there, locked"
    logs = "".join(file.read_text(errors="replace") for file in (service.data / "logs").iterdir())
    assert "worker.started" in logs
    objects = "".join(file.read_bytes().decode("latin-1") for file in (service.data / "seaweed").rglob("*.dat"))
    assert "metadata/timestamp.json" in objects or "expires" in objects
    for secret in secrets:
        found = [name for name, text in {"database": held, "logs": logs, "store": objects}.items() if secret in text]
        assert found == []


def _is_offered(world: World, name: str) -> None:
    """Wait until the worker has published it."""
    plain = world.plain(world.keys["release"])

    def names() -> set[str]:
        newest = plain.get("/v1/repository/metadata/timestamp.json").json()["signed"]["meta"]["snapshot.json"]
        snapshot = plain.get(f"/v1/repository/metadata/{newest['version']}.snapshot.json").json()["signed"]
        version = snapshot["meta"]["targets.json"]["version"]
        return set(plain.get(f"/v1/repository/metadata/{version}.targets.json").json()["signed"]["targets"])

    wait_for(names, lambda found: name in found)
