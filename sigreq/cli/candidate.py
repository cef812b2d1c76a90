"""A version that is not published yet: made from what waits, and kept in a folder until it is."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import click

import sigreq_client
from sigreq.cli.atomic import replace_file
from sigreq.cli.train import FeedItem, Train, couple, is_behind, next_version
from sigreq.domain import bundles
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.targets import Target

RELEASE = "release.json"


@dataclass(frozen=True)
class Place:
    """Where the next version goes: its name and number, and the rules it stands on."""

    version: str
    ordinal: int
    base: Ruleset


def next_place(client: "sigreq_client.Client", product: str, version: str | None, today: date) -> Place:
    """After the newest version, on the rules of the newest that is not withdrawn. Raises ClickException."""
    published = client.releases(product)["items"]
    base = next((row for row in published if row["withdrawn_at"] is None), None)
    if base is None:
        raise click.ClickException(f"{product} has no database yet. Publish the first: sigreq admin database publish")
    chosen = version or next_version((row["version"] for row in published), today)
    if chosen is None:
        raise click.UsageError(f"{product} does not count its databases by date: give --once and --version.")
    newest = published[0]["version"]
    if is_behind(chosen, newest):
        click.echo(f"Warning: {chosen} does not sort above {newest}, the newest of {product}.", err=True)
    rules = client.ruleset(product, base["version"])
    return Place(chosen, published[0]["ordinal"] + 1, Ruleset.from_document(json.dumps(rules).encode()))


@dataclass(frozen=True)
class Candidate:
    """All that publishing a version takes. Equal candidates have equal bundles and equal files."""

    product: str
    version: str
    ordinal: int
    train: Train
    items: tuple[FeedItem, ...]

    @classmethod
    def made(cls, product: str, place: Place, items: Iterable[FeedItem], left_out: Mapping[str, str]) -> Self:
        """The next version with these changes, but for those left out for a reason."""
        taken = tuple(items)
        return cls(product, place.version, place.ordinal, couple(taken, place.base, left_out), taken)

    @property
    def body(self) -> dict[str, Any]:
        """What publishes it."""
        ruleset = json.loads(self.train.ruleset.document())
        return {"ordinal": self.ordinal, "ruleset": ruleset, "changes": list(self.train.changes)}

    @property
    def included(self) -> list[Mapping[str, Any]]:
        """The changes that are in it, as the feed had them."""
        taken = {report["id"] for report in self.train.changes if report["is_included"]}
        return [item["change"] for item in self.items if item["change"]["id"] in taken]

    @cached_property
    def bundles(self) -> Mapping[str, bytes]:
        """The bundle for each engine, by file name. Raises ClickException for rules that cannot be written as files."""
        try:
            return {
                bundles.file_name(each, self.product, self.version): bundles.built(
                    each, self.product, self.version, self.train.ruleset
                )
                for each in Target
            }
        except bundles.UnfitRulesetError as error:
            raise click.ClickException(f"{self.product} {self.version} cannot be built: {error}") from error

    @property
    def hashes(self) -> list[dict[str, Any]]:
        """Name, size and SHA-256 of each bundle."""
        return [
            {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in self.bundles.items()
        ]

    @property
    def document(self) -> dict[str, Any]:
        """What is shown of it."""
        return {"version": self.version, "left": list(self.train.left), "bundles": self.hashes, **self.body}

    @property
    def text(self) -> str:
        """The same for people."""
        lines = [f"{self.product} {self.version}"]
        for report in self.train.changes:
            note = "included" if report["is_included"] else f"left out: {report['reason']}"
            lines.append(f"  {report['id']} rev {report['rev']}: {note}")
        lines += [
            f"  {change}: waits for the next version, as it changes the same signature" for change in self.train.left
        ]
        lines += [f"  {each['sha256']}  {each['name']} ({each['size']:,} bytes)" for each in self.hashes]
        return "\n".join(lines)

    def save(self, folder: Path) -> None:
        """Write it: the bundles, and last what says that they are whole. The same again changes no byte."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.bundles.items():
            replace_file(folder / name, content)
        kept = {"product": self.product, "items": list(self.items), **self.document}
        replace_file(folder / RELEASE, json.dumps(kept, sort_keys=True, indent=1).encode() + b"\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote. Raises ClickException where something is missing, or is not what was built."""
        try:
            kept = json.loads((folder / RELEASE).read_bytes())
            ruleset = Ruleset.from_document(json.dumps(kept["ruleset"]).encode())
            train = Train(ruleset, kept["changes"], kept["left"])
            found = cls(kept["product"], kept["version"], kept["ordinal"], train, tuple(kept["items"]))
            files = {each["name"]: (folder / each["name"]).read_bytes() for each in kept["bundles"]}
        except FileNotFoundError as error:
            raise click.ClickException(f"{error.filename} is missing. Build again: sigreq release build") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise click.ClickException(f"{folder / RELEASE} cannot be read. Build again.") from error
        if kept["bundles"] != found.hashes or files != found.bundles:
            raise click.ClickException(f"The bundles in {folder} are not those of its {RELEASE}. Build again.")
        return found
