"""`sigreq bundle`: published bundles, and the root that says whom to believe. `sigreq verify`: signed evidence."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sigreq.cli.atomic import FOR_ALL, draft_of_output, write_for_all
from sigreq.cli.kinds import FILE, FILE_THERE, FOLDER
from sigreq.cli.options import Failure, Session, api_command, json_option
from sigreq.cli.output import aligned, moment, one_line, plain

if TYPE_CHECKING:
    from sigreq.trust.client import Bundles

root_option = click.option(
    "--root",
    "root",
    type=FILE_THERE,
    envvar="SIGREQ_ROOT",
    show_envvar=True,
    help="The root file to believe. Get it from its holders, not from the server.",
)
_memory = click.option(
    "--memory",
    type=FOLDER,
    help="Where to remember what was seen, so that nobody can offer an older state.  "
    "[default: a folder for each server in ~/.local/share/sigreq]",
)
_mirror = click.option("--mirror", help="The address of a copy of the repository. [default: the server's own]")


@click.group("bundle")
def bundle() -> None:
    """Published bundles, got by a TUF client: what is old, mixed or not signed as the root says is refused."""


@bundle.command("get")
@click.argument("name")
@click.option("--out", type=FILE, help="Where to write it. [default: the last part of NAME, here]")
@root_option
@_memory
@_mirror
@api_command
def get(
    session: Session, name: str, *, out: Path | None, root: Path | None, memory: Path | None, mirror: str | None
) -> None:
    """Get the bundle NAME, such as acme-av/20261122.1/ruleset.json, and check it. --root is needed the first time."""
    into = out or Path(name.rpartition("/")[2])
    with _client(session, root, memory, mirror) as client, _plainly(session, name):
        found = client.find(name)
        with _bar(found.length) as progress, draft_of_output(into, mode=FOR_ALL) as file:
            client.get(found, Path(file.name), progress)
    sha256 = found.hashes["sha256"]
    document = {"name": name, "file": str(into), "sha256": sha256, "size": found.length}
    session.show(document, f"{into}: {found.length:,} bytes, SHA-256 {sha256}, signed as the root says")


@bundle.command("root")
@click.option("--out", type=FILE, default="root.json", show_default=True, help="Where to write it.")
@root_option
@_memory
@_mirror
@api_command
def newest_root(session: Session, *, out: Path, root: Path | None, memory: Path | None, mirror: str | None) -> None:
    """Follow the root to its newest version, each signed by holders of the one before, and write it down."""
    from sigreq.trust.documents import read_root

    kept = memory or _memory_of(session.url)
    with _client(session, root, kept, mirror):
        content = (kept / "root.json").read_bytes()
    write_for_all(out, content)
    version = read_root(content).signed.version
    session.show({"root": str(out), "version": version}, f"{out}: root {version}")


@click.command()
@click.argument("file", type=FILE_THERE)
@root_option
@click.option("--sample", "samples", multiple=True, type=FILE_THERE, help="It has to be about this file, too.")
@json_option
def verify(file: Path, *, root: Path | None, samples: tuple[Path, ...], is_json: bool) -> None:
    """Check signed evidence of a fix in FILE, offline; exit code 1 when it does not hold."""
    from sigreq.trust.documents import Untrusted

    if root is None:
        raise click.UsageError("--root is needed: the root file to believe.")
    try:
        statement = _checked(file, root, samples)
    except Untrusted as error:
        document = {"code": "untrusted", "detail": f"{error}."}
        raise Failure(plain(f"{file} is not to be believed: {error}."), document if is_json else None) from error
    click.echo(json.dumps(statement) if is_json else plain(_statement_text(statement)))


def _checked(file: Path, root: Path, samples: Iterable[Path]) -> dict[str, Any]:
    """The statement, if the root allows it and it is about all of these."""
    from sigreq.trust.anchor import Anchor
    from sigreq.trust.documents import Untrusted

    statement = Anchor.read(root.read_bytes()).evidence(_envelope(file))
    named = {each["digest"]["sha256"] for each in statement["subject"]}
    for sample in samples:
        with sample.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() not in named:
                raise Untrusted(f"it is not about {sample}")
    return statement


def _envelope(file: Path) -> dict[str, Any]:
    from sigreq.trust.documents import Untrusted

    try:
        found = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Untrusted("it is no JSON") from error
    if not isinstance(found, dict):
        raise Untrusted("it is no envelope")
    return found


def _statement_text(statement: dict[str, Any]) -> str:
    told = statement["predicate"]
    results = {each["sha256"]: each for each in told["results"]}
    lines = [
        ("Signed", "as the root says"),
        ("Submission", f"{told['submission']} ({told['kind']})"),
        ("Fixed in", f"{told['product']} {told['version']}"),
        ("Scanned", f"{moment(told['scanned_at'])} with {told['engine']}"),
        *(("Bundle", f"{each['digest']['sha256']}  {each['name']}") for each in told["bundles"]),
    ]
    for each in statement["subject"]:
        sha256 = each["digest"]["sha256"]
        found = results[sha256]
        names = f" ({', '.join(found['detections'])})" if found["detections"] else ""
        lines.append(("File", f"{sha256}  {one_line(each['name'])}: {found['outcome']}{names}"))
    return aligned(lines)


def _memory_of(url: str) -> Path:
    """One for each server: what one has shown says nothing of another."""
    name = hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:16]
    return Path.home() / ".local" / "share" / "sigreq" / name


@contextmanager
def _client(session: Session, root: Path | None, memory: Path | None, mirror: str | None) -> "Iterator[Bundles]":
    from sigreq.trust.client import Bundles, Place

    kept = memory or _memory_of(session.url)
    if root is None and not (kept / "root.json").exists():
        raise click.UsageError("--root is needed the first time: the root file to believe.")
    key = None if mirror else session.key
    url = mirror or f"{session.url.rstrip('/')}/v1/repository"
    with _plainly(session, url):
        made = Bundles(Place(url, key, root.read_bytes() if root else None, kept))
    with made:
        yield made


@contextmanager
def _plainly(session: Session, what: str) -> Iterator[None]:
    """What goes wrong ends the command: refused is not the same as out of reach."""
    from sigreq.trust.client import NotOffered, Unreachable
    from sigreq.trust.documents import Untrusted

    try:
        yield
    except NotOffered:
        detail = f"The repository offers no bundle {what}."
        session.fail(detail, {"code": "not_offered", "detail": detail})
    except Untrusted as error:
        detail = f"Refused, because it is not what the root allows: {error}."
        session.fail(detail, {"code": "untrusted", "detail": detail})
    except Unreachable as error:
        session.fail(str(error), {"code": "unreachable", "detail": str(error)})


@contextmanager
def _bar(size: int) -> "Iterator[Callable[[int], None] | None]":
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=size, label="Getting", file=sys.stderr) as shown:
        yield shown.update
