"""`sigreq admin corpus`: the clean files that no signature may ever hit."""

import hashlib
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import click

from sigreq.cli.options import Session, api_command
from sigreq.cli.output import Document, moment, table

HASHES_AT_ONCE = 10_000
FILES_AT_ONCE, BYTES_AT_ONCE = 20, 64 << 20
POLL_SECONDS = 0.5
T = TypeVar("T")


@click.group()
def corpus() -> None:
    """The clean corpus: the gate lets no rule through that hits a file of it, and no hash that is in it."""


@corpus.command("add")
@click.argument("source", type=click.Path(path_type=Path), required=False)
@click.option("--hashes", "is_hashes", is_flag=True, help="SOURCE is a list of SHA-256 hashes: a line each, or CSV.")
@click.option("--prefix", help="Instead of SOURCE: a prefix in the bundles' bucket, read by the server itself.")
@click.option("--name", help="What to call it. [default: made from where it lies]")
@api_command
def add(session: Session, *, source: Path | None, is_hashes: bool, prefix: str | None, name: str | None) -> None:
    """Add a folder with all files in it, a list of hashes, or a prefix of the store.

    Broken off, the same command goes on where it stood; files that the server has are not sent again.
    """
    if (source is None) == (prefix is None):
        raise click.UsageError("Name either a SOURCE or a --prefix.")
    if prefix is not None:
        kind, location = "prefix", prefix
    else:
        assert source is not None  # noqa: S101 - one of the two is there
        kind, location = "hashes" if is_hashes else "folder", str(source.absolute())
        if not (source.is_file() if is_hashes else source.is_dir()):
            raise click.UsageError(f"{source} is no {'file' if is_hashes else 'folder'}.")
    source_id = name or _named(location)
    session.client.add_corpus_source(source_id, kind, location)
    if kind == "prefix":
        _wait(session, source_id)
        return
    send = _send_hashes if is_hashes else _send_folder
    send(session, source_id, Path(location))
    revision = session.client.complete_corpus_source(source_id)
    session.show(revision, _revision_text(revision))


@corpus.command("list")
@api_command
def list_sources(session: Session) -> None:
    """List the sources of clean files, and what the corpus is now."""
    document = session.client.corpus()
    rows = [
        [each["id"], each["kind"], each["state"], f"{each['files']:,}", f"{each['bytes']:,}", moment(each["added_at"])]
        for each in document["sources"]
    ]
    lines = [table(["ID", "KIND", "STATE", "FILES", "BYTES", "ADDED"], rows)] if rows else ["Nothing here."]
    lines += [f"{each['id']}: {each['fault']}" for each in document["sources"] if each["fault"]]
    lines += [_revision_text(each) for each in document["revisions"][:1]]
    session.show(document, "\n".join(lines))


@corpus.command("remove")
@click.argument("source_id", metavar="ID")
@api_command
def remove(session: Session, source_id: str) -> None:
    """Take a source out; what other sources have too stays."""
    revision = session.client.remove_corpus_source(source_id)
    session.show(revision, _revision_text(revision))


def _named(location: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", location.lower()).strip("-")[-60:].strip("-") or "corpus"


def _revision_text(revision: Document) -> str:
    return (
        f"Revision {revision['number']}: {revision['what']}; "
        f"{revision['contents']:,} files to scan, {revision['hashes']:,} hashes more to look up"
    )


def _send_folder(session: Session, source_id: str, folder: Path) -> None:
    files = {path: _sha256(path) for path in _progress(_files_in(folder), "Hashing")}
    missing: set[str] = set()
    for some in _in_groups(sorted(set(files.values())), HASHES_AT_ONCE):
        missing |= set(session.client.missing_from_corpus(source_id, some)["missing"])
    to_send = {sha256: path for path, sha256 in files.items() if sha256 in missing}
    for group in _progress(_batches(to_send), "Sending", len(to_send)):
        session.client.send_to_corpus(source_id, group)


def _files_in(folder: Path) -> Iterator[Path]:
    """Plain files with content; links are not followed, and what may not be read is said."""

    def unreadable(error: OSError) -> None:
        click.echo(f"Passed over: {error}", err=True)

    for inner, _, names in os.walk(folder, onerror=unreadable):
        for path in (Path(inner, name) for name in sorted(names)):
            if path.is_symlink() or not path.is_file() or not path.stat().st_size:
                continue
            if os.access(path, os.R_OK):
                yield path
            else:
                click.echo(f"Passed over: {path} cannot be read", err=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _batches(files: Mapping[str, Path]) -> Iterator[list[Path]]:
    """As many as go into one request, but a large one alone."""
    batch: list[Path] = []
    size = 0
    for path in files.values():
        more = path.stat().st_size
        if batch and (len(batch) == FILES_AT_ONCE or size + more > BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += more
    if batch:
        yield batch


def _send_hashes(session: Session, source_id: str, listed: Path) -> None:
    from sigreq.domain.corpus import HashListUnread, hashes_of

    try:
        with listed.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            for some in _in_groups(_progress(hashes_of(lines), "Reading"), HASHES_AT_ONCE):
                session.client.add_corpus_hashes(source_id, some)
    except HashListUnread as error:
        raise click.ClickException(f"{listed}: {error}.") from error


def _wait(session: Session, source_id: str) -> None:
    """Until the server has read the prefix."""
    while True:
        document = session.client.corpus()
        source = next((each for each in document["sources"] if each["id"] == source_id), None)
        if source is None:
            raise click.ClickException(f"{source_id} was removed meanwhile.")
        if source["state"] == "failed":
            raise click.ClickException(f"{source_id}: {source['fault']}")
        if source["state"] == "complete":
            session.show(source, f"{source_id}: {source['files']:,} files, {source['bytes']:,} bytes")
            return
        click.echo(f"Reading: {source['files']:,} files", err=True)
        time.sleep(POLL_SECONDS)


def _in_groups(items: Iterable[T], at_most: int) -> Iterator[list[T]]:
    rest = iter(items)
    while group := list(islice(rest, at_most)):
        yield group


def _progress(items: Iterable[Any], what: str, total: int | None = None) -> Iterator[Any]:
    """Say how far it is, now and then."""
    done, said = 0, time.monotonic()
    for item in items:
        yield item
        done += len(item) if isinstance(item, Sequence) and not isinstance(item, str) else 1
        if time.monotonic() > said + 1:
            click.echo(f"{what}: {done:,}{'' if total is None else f' of {total:,}'}", err=True)
            said = time.monotonic()
