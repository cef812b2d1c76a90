"""`sigreq admin signing-keys`: the keys that sign, and the root that says which they are."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sigreq.cli.atomic import write_for_all
from sigreq.cli.direct import at_database
from sigreq.cli.holders import root_key, root_text, sign
from sigreq.cli.kinds import FILE, FILE_THERE, Thresholds
from sigreq.cli.options import json_option
from sigreq.cli.output import moment, table

if TYPE_CHECKING:
    from sigreq.domain.signing import KeyRole
    from sigreq.settings import Settings
    from sigreq.transaction import Transaction
    from sigreq.trust.ceremony import Maker
    from sigreq.trust.keyring import PublicKey
    from sigreq.trust.roots import Holders, RootDocument

ROLES = ("targets", "expedited", "snapshot", "timestamp", "approvals", "evidence")
_outside = click.option(
    "--outside",
    "outside",
    multiple=True,
    metavar="ROLE=FILE",
    help="A device or a service holds this role's key: FILE is its public half in PEM form. Name its signer in "
    "SIGREQ_TRUST__SIGNERS.",
)
_holders = click.option(
    "--root-key", "root_keys", multiple=True, type=FILE_THERE, help="A holder's FILE.pub; each once."
)


@click.group("signing-keys")
def signing_keys() -> None:
    """The keys that sign changes, bundles and evidence, and the root that says which they are.

    create, rotate, install and list work on the database, with the settings of the environment (SIGREQ_...);
    root-key and sign are for the holders of the root, on machines of their own. docs/trust.md tells the whole way.
    """


@signing_keys.command("create")
@_holders
@click.option("--threshold", default=2, show_default=True, type=click.IntRange(min=1), help="How many of them sign.")
@click.option(
    "--approvals",
    type=Thresholds(),
    default="expedited=1,standard=1",
    show_default=True,
    help="How many signatures a change needs, by track.",
)
@_outside
@click.option("--out", default="root.json", show_default=True, type=FILE, help="Where to write the root to sign.")
@json_option
def create(
    *, root_keys: Sequence[Path], threshold: int, approvals: Any, outside: Any, out: Path, is_json: bool
) -> None:
    """Make the online keys, and the first root for its holders to sign. Nothing is in force before it is installed."""
    from sigreq.trust import ceremony
    from sigreq.trust.roots import Holders

    if not root_keys:
        raise click.UsageError("Give the root keys: --root-key FILE.pub for each holder.")
    holders = Holders([_public(each) for each in root_keys], threshold, approvals)
    outsiders = _outsiders(outside)

    async def work(tx: "Transaction", settings: "Settings") -> "RootDocument":
        return await ceremony.create(tx, _maker(settings, outsiders), holders)

    _written(at_database(work, is_json=is_json), out, is_json=is_json)


@signing_keys.command("rotate")
@click.argument("roles", nargs=-1, type=click.Choice([*ROLES, "root"]), required=True)
@click.option("--compromised", is_flag=True, help="Somebody else may have the old key: nothing it signed is believed.")
@_holders
@click.option("--threshold", type=click.IntRange(min=1), help="With --root-key: how many of them sign.")
@_outside
@click.option("--out", default="root.json", show_default=True, type=FILE, help="Where to write the root to sign.")
@json_option
def rotate(
    roles: Sequence[str],
    *,
    compromised: bool,
    root_keys: Sequence[Path],
    threshold: int | None,
    outside: Any,
    out: Path,
    is_json: bool,
) -> None:
    """Replace the keys of ROLES; the old ones sign until the new root is installed.

    `root` alone makes a root with a year more to live, and with --root-key one that other holders sign from then on:
    as many of the old ones as of the new ones have to sign that one.
    """
    from sigreq.domain.signing import KeyRole
    from sigreq.trust import ceremony

    if ("root" not in roles) and (root_keys or threshold):
        raise click.UsageError("--root-key and --threshold go with the role root.")
    replaced = [KeyRole(each) for each in dict.fromkeys(roles) if each != "root"]
    outsiders = _outsiders(outside)

    async def work(tx: "Transaction", settings: "Settings") -> "RootDocument | None":
        holders = await _next_holders(tx, root_keys, threshold) if "root" in roles else None
        maker = _maker(settings, outsiders)
        return await ceremony.rotate(tx, maker, replaced, holders, is_compromised=compromised)

    document = at_database(work, is_json=is_json)
    if document is None:
        _show({"root": None}, "Done; no new root is needed.", is_json=is_json)
    else:
        _written(document, out, is_json=is_json)


@signing_keys.command("install")
@click.argument("files", nargs=-1, required=True, type=FILE_THERE)
@click.option("--out", default="root.json", show_default=True, type=FILE, help="Where to write it, whole.")
@json_option
def install(files: Sequence[Path], *, out: Path, is_json: bool) -> None:
    """Put the root in force that its holders have signed, each in a file of their own: name all of them.

    Where that was broken off, do it again: a root that is in force already is only written down.
    """
    from sigreq.trust import ceremony, roots
    from sigreq.trust.documents import read_root
    from sigreq.trust.keyring import Keyring
    from sigreq.trust.repository import lives_of

    async def work(tx: "Transaction", settings: "Settings") -> "RootDocument":
        document = roots.combine([read_root(file.read_bytes()) for file in files])
        trust = settings.trust
        return await ceremony.install(tx, Keyring(trust), lives_of(trust), document)

    document = at_database(work, is_json=is_json)
    write_for_all(out, document.to_bytes())
    from sigreq.trust.roots import told

    text = f"In force:\n{root_text(document)}\n{out}: give this to everybody who checks what we sign."
    _show({"root": str(out), **told(document.signed)}, text, is_json=is_json)


@signing_keys.command("list")
@json_option
def list_keys(*, is_json: bool) -> None:
    """List the online keys, and when the root and the repository's documents expire."""
    from sigreq.trust.ceremony import overview

    async def work(tx: "Transaction", _: "Settings") -> dict[str, Any]:
        return await overview(tx)

    found = at_database(work, is_json=is_json)
    names = ("id", "role", "state", "held", "created_at", "retired_at")
    rows = [[each["id"][:8], *(_cell(each[name]) for name in names[1:])] for each in found["keys"]]
    lines = [table([name.upper() for name in names], rows) if rows else "No keys. Make them: create"]
    lines += [f"{each['role']} {each['version']} expires {moment(each['expires_at'])}" for each in found["documents"]]
    _show(found, "\n".join(lines), is_json=is_json)


for command in (root_key, sign):
    signing_keys.add_command(command)


def _cell(value: str | None) -> str:
    return moment(value) if value and "T" in value else value or "-"


async def _next_holders(tx: "Transaction", root_keys: Sequence[Path], threshold: int | None) -> "Holders":
    """The holders of the next root: those of now, unless others are named."""
    from sigreq.trust.ceremony import holders_now
    from sigreq.trust.roots import Holders

    now = await holders_now(tx)
    keys = [_public(each) for each in root_keys] or now.keys
    return Holders(keys, threshold or now.threshold, now.approvals)


def _maker(settings: "Settings", outside: "dict[KeyRole, list[PublicKey]]") -> "Maker":
    from sigreq.trust.ceremony import Maker

    if settings.trust.passphrase is None:
        raise click.ClickException("Set SIGREQ_TRUST__PASSPHRASE: the keys are locked with it.")
    return Maker(settings.trust.passphrase.get_secret_value(), outside)


def _outsiders(said: Sequence[str]) -> "dict[KeyRole, list[PublicKey]]":
    from sigreq.domain.signing import KeyRole

    found: dict[KeyRole, list[PublicKey]] = {}
    for each in said:
        role, equals, file = each.partition("=")
        if role not in ROLES or not equals or not Path(file).is_file():
            raise click.UsageError(f"--outside {each}: give ROLE=FILE, with one of {', '.join(ROLES)} and a PEM file.")
        found.setdefault(KeyRole(role), []).append(_public(Path(file)))
    return found


def _public(file: Path) -> "PublicKey":
    from sigreq.trust.keyring import KeyLocked, read_public

    try:
        return read_public(file.read_text())
    except KeyLocked as error:
        raise click.ClickException(f"{file}: {error}.") from error


def _written(document: "RootDocument", out: Path, *, is_json: bool) -> None:
    from sigreq.trust.roots import told

    write_for_all(out, document.to_bytes())
    text = f"{root_text(document)}\n{out}: have its holders sign it (sigreq admin signing-keys sign), then install."
    _show({"root": str(out), **told(document.signed)}, text, is_json=is_json)


def _show(document: dict[str, Any], text: str, *, is_json: bool) -> None:
    click.echo(json.dumps(document) if is_json else text)
