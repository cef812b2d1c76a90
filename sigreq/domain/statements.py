"""What is signed about a change and about a fixed case, as bytes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

CHANGE_TYPE = "application/vnd.sigreq.change+json"
EXTRA_TYPE = "application/vnd.sigreq.extra+json"
STATEMENT_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
FIXED = "urn:sigreq:fixed:v1"


@dataclass(frozen=True)
class Scanned:
    """One file that was sent, and what the published version said of it."""

    name: str
    sha256: str
    outcome: str
    detections: Sequence[str]


@dataclass(frozen=True)
class FixedCase:
    """What is known when a case is fixed: the files, the version, the bundles that hold it, and the result."""

    submission: str
    kind: str
    product: str
    version: str
    ruleset_sha256: str
    bundles: Mapping[str, str]
    engine: str
    scanned_at: datetime
    files: Sequence[Scanned]

    def statement(self) -> bytes:
        """An in-toto statement about the files: their hashes are its subject, the rest its predicate."""
        told = {name: value for name, value in asdict(self).items() if name not in {"files", "bundles"}}
        predicate = {
            **told,
            "scanned_at": self.scanned_at.isoformat(),
            "bundles": [{"name": name, "digest": {"sha256": sha256}} for name, sha256 in sorted(self.bundles.items())],
            "results": [
                {"sha256": each.sha256, "outcome": each.outcome, "detections": list(each.detections)}
                for each in self.files
            ],
        }
        subject = [{"name": each.name, "digest": {"sha256": each.sha256}} for each in self.files]
        return _json({"_type": STATEMENT, "subject": subject, "predicateType": FIXED, "predicate": predicate})


def change_document(product: str, track: str, change: Mapping[str, Any]) -> bytes:
    """What an approval signs: the change as the feed shows it, and whose it is."""
    told = {name: value for name, value in change.items() if name != "envelope"}
    return _json({"product": product, "track": track, "change": told})


def extra_document(product: str, track: str, extra: Mapping[str, Any]) -> bytes:
    """The same of an extra or relief that is put in force."""
    told = {name: value for name, value in extra.items() if name != "envelope"}
    return _json({"product": product, "track": track, "extra": told})


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
