"""A ruleset as a directory that clamscan and clamd load."""

import hashlib
from collections.abc import Mapping

from sigreq.domain.ruleset import Ruleset

# Lines that leave the size open are understood from this level of ClamAV's functions on (0.98), and refused without it.
_FLEVEL = 73
_YARA_PREFIX = "YARA."
_SUFFIX = ".UNOFFICIAL"
_CANARY_PREFIX = "Sigreq.Canary."
RESERVED = (_YARA_PREFIX, _CANARY_PREFIX)
"""How no hash's name may begin: it would be shown as a rule's, or as the canary's."""


def contents(ruleset: Ruleset) -> Mapping[str, bytes]:
    """The files by name, each rule in one of its own: ClamAV drops what follows a rule that it cannot read."""
    files = {f"{name}.yar": source.encode() for name, source in ruleset.in_force.items()}
    detected = [f"{sha256}:*:{name}:{_FLEVEL}" for sha256, name in sorted(ruleset.hashes.items())]
    allowed = [f"{sha256}:*:allowed:{_FLEVEL}" for sha256 in sorted(ruleset.allowed)]
    probe = canary(ruleset.digest)
    probed = [f"{hashlib.sha256(probe).hexdigest()}:{len(probe)}:{canary_name(ruleset.digest)}:{_FLEVEL}"]
    # ClamAV refuses an empty file, and with it the directory.
    lines = {"hashes.hsb": detected, "allowed.sfp": allowed, "canary.hsb": probed}
    return files | {name: "".join(f"{line}\n" for line in each).encode() for name, each in lines.items() if each}


def canary(digest: str) -> bytes:
    """A harmless content that only the bundle of the ruleset with this digest detects: with it, loading is proved."""
    return f"sigreq canary {digest}\n".encode()


def canary_name(digest: str) -> str:
    """What the canary is detected as; no signature can be called so."""
    return _CANARY_PREFIX + digest[:16]


def signatures(files: Mapping[str, bytes]) -> int:
    """How many signatures ClamAV has when it has loaded all of these files: what it calls known viruses."""
    return sum(1 if name.endswith(".yar") else content.count(b"\n") for name, content in files.items())


def plain_name(shown: str) -> str | None:
    """The signature's own name for the one that ClamAV shows; None when it is none of ours, but ClamAV's own."""
    if not shown.endswith(_SUFFIX):
        return None
    return shown.removesuffix(_SUFFIX).removeprefix(_YARA_PREFIX)
