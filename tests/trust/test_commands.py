"""The ceremony as people go it: with files, on several machines, by the commands of docs/trust.md."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands import sigreq
from tests.trust.installation import PASSPHRASE, environment
from tests.trust.support import Customer, Site

OWN = "a holder's own passphrase"


class Desk:
    """Somebody's machine: a folder, and the environment that is theirs."""

    def __init__(self, folder: Path, env: dict[str, str] | None = None) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self._env = env or {}
        (folder / "passphrase").write_text(f"{OWN}\n")

    def run(self, *arguments: str, code: int = 0) -> Any:
        """Run `sigreq admin signing-keys ...`: its JSON."""
        done = sigreq("admin", "signing-keys", *arguments, "--json", env=self._env, folder=self.folder)
        assert done.returncode == code, done.stderr
        assert OWN not in done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def server(site: Site) -> Desk:
    return Desk(site.folder / "server", environment(site.addresses))


@pytest.fixture
def holders(site: Site) -> list[Desk]:
    return [Desk(site.folder / f"holder-{number}") for number in range(3)]


def hand_over(file: str, giver: Desk, taker: Desk, name: str | None = None) -> None:
    """Carry a file from one machine to another."""
    (taker.folder / (name or file)).write_bytes((giver.folder / file).read_bytes())


def sign(holder: Desk) -> str:
    """A holder signs the root that they were given; the file of it."""
    told = holder.run("sign", "root.json", "--key", "root.key", "--passphrase-file", "passphrase", "--yes")
    return str(told["signed"])


def test_three_holders_make_a_root_two_sign_it_and_keys_are_replaced(
    site: Site, server: Desk, holders: list[Desk]
) -> None:
    for number, holder in enumerate(holders):
        holder.run("root-key", "root.key", "--passphrase-file", "passphrase")
        hand_over("root.key.pub", holder, server, f"{number}.pub")
        assert (holder.folder / "root.key").stat().st_mode & 0o077 == 0
    keys = [argument for number in range(3) for argument in ("--root-key", f"{number}.pub")]
    drafted = server.run("create", *keys)
    assert next(role for role in drafted["roles"] if role["role"] == "root")["threshold"] == 2
    _signed_by(server, holders[:1], ["root.json", "x.json"], is_enough=False)
    first = _signed_by(server, holders[1:], ["one.json", "two.json"], is_enough=True)
    site.offer("20261122.1", yara=b"rules")
    site.publish()
    customer = Customer(site.folder / "customer", first)
    assert customer.get(site.mirror(), "acme-av/20261122.1/yara.tar") == [b"rules"]
    before = {each["id"] for each in server.run("list")["keys"]}
    server.run("rotate", "timestamp", "approvals")
    _signed_by(server, holders[:2], ["three.json", "four.json"], is_enough=True)
    site.publish()
    assert customer.get(site.mirror(), "acme-av/20261122.1/yara.tar") == [b"rules"]
    found = server.run("list")
    assert {each["role"] for each in found["keys"] if each["id"] not in before} == {"timestamp", "approvals"}
    assert {each["role"]: each["version"] for each in found["documents"]}["root"] == 2
    assert server.run("rotate", "expedited") == {"root": None}


def test_what_cannot_be_is_said(server: Desk, holders: list[Desk]) -> None:
    desk = holders[0]
    assert server.run("rotate", "timestamp", code=1)["code"] == "refused"
    desk.run("root-key", "root.key", "--passphrase-file", "passphrase")
    hand_over("root.key.pub", desk, server)
    told = server.run("create", "--root-key", "root.key.pub", code=1)
    assert "2 of 1 different root keys" in told["detail"]
    server.run("create", "--root-key", "root.key.pub", "--threshold", "1")
    hand_over("root.json", server, desk)
    (desk.folder / "passphrase").write_text("quite another passphrase")
    refused = desk.run("sign", "root.json", "--key", "root.key", "--passphrase-file", "passphrase", "--yes", code=1)
    assert "does not open" in refused["detail"]
    assert PASSPHRASE not in json.dumps(server.run("list"))


def _signed_by(server: Desk, holders: list[Desk], names: list[str], *, is_enough: bool) -> bytes:
    """Carry the root to these holders and back, and install what they signed."""
    files = []
    for holder, name in zip(holders, names, strict=False):
        hand_over("root.json", server, holder)
        hand_over(Path(sign(holder)).name, holder, server, name)
        files.append(name)
    told = server.run("install", *files, "--out", "installed.json", code=0 if is_enough else 1)
    if not is_enough:
        assert "needs 2 signatures" in told["detail"]
        return b""
    return (server.folder / "installed.json").read_bytes()
