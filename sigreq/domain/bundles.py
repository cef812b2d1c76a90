"""Bundles: what a ruleset becomes for one engine, as files and as an archive that anybody can make again.

Everything here is a function of its arguments alone: the same ruleset, product and version give the same bytes in every
process, so whoever has a bundle can make it again and compare.
"""

import hashlib
import json
import re
import tarfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any, Self

from sigreq.domain import clamav_files
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.targets import Target

FORMAT = 1
MANIFEST = "manifest.json"
COMPILED = "compiled.yarc"

# What YARA takes for an identifier: it cannot leave its folder, nor be anything but a name.
_RULE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_HASH_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# One folder deep, no part beginning with a dot.
_FILE_NAME = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/)?[A-Za-z0-9_][A-Za-z0-9_.-]*")


class UnfitRulesetError(ValueError):
    """The ruleset cannot be written as files; the text says why."""


class BadBundleError(Exception):
    """The archive is not what its manifest says, or no bundle at all; the text says why."""


@dataclass(frozen=True)
class Entry:
    """One file of a bundle."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """What a bundle is, and what it holds. `signatures` counts rules, hashes and allowed files."""

    target: Target
    product: str
    version: str
    ruleset: str
    signatures: Mapping[str, int]
    files: Mapping[str, Entry]

    def document(self) -> bytes:
        """The canonical JSON that stands in the archive."""
        files = {name: asdict(each) for name, each in self.files.items()}
        return _json({"format": FORMAT, **vars(self), "signatures": dict(self.signatures), "files": files})

    @classmethod
    def from_document(cls, document: bytes) -> Self:
        """Read what `document` wrote. Raises BadBundleError."""
        try:
            body: dict[str, Any] = json.loads(document)
            if body.pop("format") != FORMAT:
                raise BadBundleError("its manifest is of another format")
            files = {name: Entry(**each) for name, each in body.pop("files").items()}
            found = cls(target=Target(body.pop("target")), files=files, **body)
            if not all(isinstance(each, str) for each in (found.product, found.version, found.ruleset)):
                raise BadBundleError("its manifest names no product, version or ruleset")
            is_canonical = found.document() == document
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise BadBundleError("its manifest cannot be read") from error
        if not is_canonical:
            raise BadBundleError("its manifest is written in another way than ours")
        return found


def contents(target: Target, ruleset: Ruleset, compiled: bytes | None = None) -> Mapping[str, bytes]:
    """The files of a bundle, by name. `compiled` is what YARA made of the rules in force; only its own bundle has it.

    Raises UnfitRulesetError for names that are none, or that a file system may take for one another.
    """
    _check(ruleset)
    if target is Target.CLAMAV:
        return clamav_files.contents(ruleset)
    files = {f"rules/{name}.yar": source.encode() for name, source in ruleset.in_force.items()}
    files |= {"hashes.json": _json(dict(ruleset.hashes)), "allowed.json": _json(sorted(ruleset.allowed))}
    return files if compiled is None else {**files, COMPILED: compiled}


def manifest(target: Target, product: str, version: str, ruleset: Ruleset, files: Mapping[str, bytes]) -> Manifest:
    """What is to be said of these contents."""
    signatures = {"rules": len(ruleset.in_force), "hashes": len(ruleset.hashes), "allowed": len(ruleset.allowed)}
    entries = {name: _entry(content) for name, content in files.items()}
    return Manifest(target, product, version, ruleset.digest, signatures, entries)


def archive(about: Manifest, files: Mapping[str, bytes]) -> bytes:
    """A tar of the files and their manifest: names sorted, owned by nobody, dated 1970, not compressed.

    It is not compressed because what a compressor writes depends on its version.
    """
    written = BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as tar:
        for name, content in sorted({**files, MANIFEST: about.document()}.items()):
            member = tarfile.TarInfo(name)  # mode 0644, everything else zero or empty
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    return written.getvalue()


def built(target: Target, product: str, version: str, ruleset: Ruleset) -> bytes:
    """The archive of a version for one engine, without compiled rules. Raises UnfitRulesetError."""
    files = contents(target, ruleset)
    return archive(manifest(target, product, version, ruleset, files), files)


def file_name(target: Target, product: str, version: str) -> str:
    """What the archive is called where it is kept as a file; a version may hold signs that no file's name should."""
    return f"{product}-{re.sub('[^A-Za-z0-9.]+', '_', version)}-{target}.tar"


def read(data: bytes) -> tuple[Manifest, Mapping[str, bytes]]:
    """The manifest and the files of an archive, each of them checked. Raises BadBundleError."""
    try:
        with tarfile.open(fileobj=BytesIO(data), mode="r:") as tar:
            members = tar.getmembers()
            _check_members(members)
            files = {each.name: _content(tar, each) for each in members}
    except (tarfile.TarError, OSError, ValueError) as error:
        raise BadBundleError("it is no tar archive, or a damaged one") from error
    if MANIFEST not in files:
        raise BadBundleError(f"it has no {MANIFEST}")
    about = Manifest.from_document(files.pop(MANIFEST))
    for name in sorted(about.files.keys() ^ files.keys()):
        raise BadBundleError(f"{name} is in its manifest or in the archive, but not in both")
    for name, content in sorted(files.items()):
        if about.files[name] != _entry(content):
            raise BadBundleError(f"{name} is not what its manifest says")
    return about, files


def _check_members(members: list[tarfile.TarInfo]) -> None:
    """Only plain files that are really there: a sparse one takes no room in the archive, and fills the memory."""
    for each in members:
        if not _FILE_NAME.fullmatch(each.name):
            raise BadBundleError(f"it holds a file of the name {each.name[:200]!r}")
        if not each.isreg() or each.issparse():
            raise BadBundleError(f"{each.name} is no plain file")
    if len({each.name for each in members}) < len(members):
        raise BadBundleError("it holds two files of one name")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    content = b"" if file is None else file.read()
    if len(content) != member.size:
        raise BadBundleError(f"{member.name} is cut off")
    return content


def _check(ruleset: Ruleset) -> None:
    for sha256 in (*ruleset.hashes, *ruleset.allowed):
        if not _SHA256.fullmatch(sha256):
            raise UnfitRulesetError(f"{sha256[:200]!r} is no SHA-256 in lower-case hex")
    for form, names in ((_RULE_NAME, ruleset.in_force.keys()), (_HASH_NAME, ruleset.hashes.values())):
        for name in sorted(names):
            if not form.fullmatch(name):
                raise UnfitRulesetError(f"{name[:200]!r} cannot be a signature's name; it must match ^{form.pattern}$")
            if name.startswith(clamav_files.RESERVED):
                raise UnfitRulesetError(f"{name} begins as only names that ClamAV gives do")
    # File systems of Windows and macOS keep one of two such files.
    alike = Counter(name.lower() for name in ruleset.in_force)
    for name in sorted(ruleset.in_force):
        if alike[name.lower()] > 1:
            raise UnfitRulesetError(f"{name} and another rule differ in upper and lower case only")


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, indent=1).encode() + b"\n"


def _entry(content: bytes) -> Entry:
    return Entry(hashlib.sha256(content).hexdigest(), len(content))
