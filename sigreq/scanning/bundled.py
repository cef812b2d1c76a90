"""Bundles in the store: kept under what they hold, and read back as a customer would read them."""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sigreq.blobs import Blobs, bundle_key
from sigreq.domain import bundles
from sigreq.domain.bundles import BadBundleError
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.targets import Target

RULE_FOLDER, RULE_SUFFIX = "rules/", ".yar"


@dataclass(frozen=True)
class Bundle:
    """What a release says of one of its bundles."""

    target: Target
    name: str
    size: int
    sha256: str

    def document(self) -> dict[str, Any]:
        """What is kept and shown."""
        return asdict(self)


class BundleCorrupt(Exception):
    """The stored bundle is not what the register says; nothing may be concluded with it."""


async def keep(
    store: Blobs, product: str, version: str, ruleset: Ruleset, targets: Sequence[Target]
) -> list[dict[str, Any]]:
    """Build the bundle of each engine and store it. Raises UnfitRulesetError, ServiceUnavailable."""
    kept = []
    for target in targets:
        content = await asyncio.to_thread(bundles.built, target, product, version, ruleset)
        name = bundles.file_name(target, product, version)
        made = Bundle(target, name, len(content), hashlib.sha256(content).hexdigest())
        await store.put_bytes(bundle_key(made.sha256), content, made.sha256)
        kept.append(made.document())
    return kept


def described(kept: Sequence[Mapping[str, Any]]) -> dict[Target, Bundle]:
    """The bundles that a release has, by engine."""
    found = [Bundle(**{**each, "target": Target(each["target"])}) for each in kept]
    return {each.target: each for each in found}


async def fetched(store: Blobs, bundle: Bundle) -> bytes:
    """Its bytes, checked. Raises BlobMissing, BundleCorrupt, ServiceUnavailable."""
    content = await store.get_bytes(bundle_key(bundle.sha256))
    if hashlib.sha256(content).hexdigest() != bundle.sha256:
        raise BundleCorrupt(bundle.name)
    return content


def read(content: bytes, product: str, version: str, ruleset_digest: str) -> Mapping[str, bytes]:
    """The files of a bundle that is this version's. Raises BundleCorrupt."""
    try:
        about, files = bundles.read(content)
    except BadBundleError as error:
        raise BundleCorrupt(str(error)) from error
    if (about.product, about.version, about.ruleset) != (product, version, ruleset_digest):
        raise BundleCorrupt(f"it is the bundle of {about.product} {about.version}")
    return files


def rules_of(files: Mapping[str, bytes]) -> Ruleset:
    """What a YARA bundle detects, and what it never does: rules that are not used are not in it."""
    rules = {
        name.removeprefix(RULE_FOLDER).removesuffix(RULE_SUFFIX): source.decode()
        for name, source in files.items()
        if name.startswith(RULE_FOLDER)
    }
    return Ruleset(rules, frozenset(json.loads(files["allowed.json"])), json.loads(files["hashes.json"]))
