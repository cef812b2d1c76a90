"""What a holder of a root key does, on a machine of their own: no server, no settings, no network."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sigreq.cli.atomic import write_for_all
from sigreq.cli.kinds import FILE, FILE_THERE
from sigreq.cli.options import Failure, json_option

if TYPE_CHECKING:
    from sigreq.trust.roots import RootDocument

_passphrase = click.option(
    "--passphrase-file", type=FILE_THERE, help="Where the key's passphrase stands. [default: it is asked for]"
)


@click.command("root-key")
@click.argument("file", type=FILE)
@_passphrase
@json_option
def root_key(file: Path, passphrase_file: Path | None, *, is_json: bool) -> None:
    """Make a root key: FILE has its locked private half, FILE.pub the public one to hand on."""
    from sigreq.embedded.process import write_private
    from sigreq.settings import PASSPHRASE_LENGTH
    from sigreq.trust.holder import new_root_key

    if file.exists():
        raise click.ClickException(f"{file} is there already; a root key is never written over.")
    passphrase = _asked(passphrase_file, is_new=True)
    if len(passphrase) < PASSPHRASE_LENGTH:
        raise click.ClickException(f"The passphrase needs at least {PASSPHRASE_LENGTH} characters.")
    key_id, private, public = new_root_key(passphrase)
    shared = file.with_name(f"{file.name}.pub")
    write_for_all(shared, public.encode())
    write_private(file, private)  # last: with it the key is made, and never made anew
    text = f"Root key {key_id}\n  {file}: keep it offline, and a copy of it elsewhere\n  {shared}: hand this on"
    _show({"id": key_id, "private": str(file), "public": str(shared)}, text, is_json=is_json)


@click.command("sign")
@click.argument("root", type=FILE_THERE)
@click.option("--key", "key_file", required=True, type=FILE_THERE, help="The file that `root-key` made.")
@click.option("--out", type=FILE, help="Where to write it, signed. [default: ROOT with the key's first letters]")
@click.option("--yes", is_flag=True, help="Do not ask, after having shown what is signed.")
@_passphrase
@json_option
def sign(
    root: Path, key_file: Path, out: Path | None, passphrase_file: Path | None, *, yes: bool, is_json: bool
) -> None:
    """Show what the file ROOT would put in force, and sign it."""
    from sigreq.trust.documents import Untrusted, read_root
    from sigreq.trust.holder import sign_root
    from sigreq.trust.keyring import KeyLocked

    try:
        document = read_root(root.read_bytes())
        click.echo(root_text(document), err=is_json)
        if not yes:
            click.confirm("Is this what was agreed on?", abort=True, err=is_json)
        key_id = sign_root(document, key_file.read_text(), _asked(passphrase_file, is_new=False))
    except (Untrusted, KeyLocked) as error:
        detail = {"code": "refused", "detail": str(error)}
        raise Failure(f"Not signed: {error}.", detail if is_json else None) from error
    written = out or root.with_name(f"{root.stem}.{key_id[:8]}{root.suffix}")
    write_for_all(written, document.to_bytes())
    _show({"id": key_id, "signed": str(written)}, f"Signed with {key_id[:8]}: {written}", is_json=is_json)


def root_text(document: "RootDocument") -> str:
    """What a root puts in force, in the words of the ceremony."""
    from sigreq.trust.roots import told

    found = told(document.signed)
    lines = [f"Root {found['version']}, good until {found['expires']}"]
    lines += [
        f"  {role['role']:10} {role['threshold']} of {', '.join(each[:8] for each in role['keys'])}"
        for role in found["roles"]
    ]
    lines += [f"  a change on the {track} track needs {count} signature(s)" for track, count in found["tracks"].items()]
    return "\n".join(lines)


def _asked(file: Path | None, *, is_new: bool) -> str:
    if file is not None:
        return file.read_text().rstrip("\n")
    asked: str = click.prompt("Passphrase of the root key", hide_input=True, confirmation_prompt=is_new, err=True)
    return asked


def _show(document: dict[str, Any], text: str, *, is_json: bool) -> None:
    click.echo(json.dumps(document) if is_json else text)
