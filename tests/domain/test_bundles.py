"""A bundle is a function of its ruleset, and is read only when it is whole."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigreq.domain import bundles
from sigreq.domain.bundles import BadBundleError, UnfitRulesetError, archive, contents, manifest, read
from sigreq.domain.ruleset import Ruleset, pin_of
from sigreq.domain.targets import Target

_names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,127}", fullmatch=True)
_sources = st.text(st.characters(codec="utf-8"), max_size=30)
_hashes = st.binary(max_size=4).map(lambda content: hashlib.sha256(content).hexdigest())
_rulesets = st.builds(
    Ruleset,
    st.dictionaries(_names, _sources, max_size=4).map(lambda rules: {name.lower(): rules[name] for name in rules}),
    st.frozensets(_hashes, max_size=3),
    st.dictionaries(_hashes, _names, max_size=3),
)
_targets = st.sampled_from(Target)


def bundle(target: Target, ruleset: Ruleset, compiled: bytes | None = None) -> bytes:
    files = contents(target, ruleset, compiled)
    return archive(manifest(target, "acme-av", "20261122.1", ruleset, files), files)


RULES = {"Alpha": "rule Alpha { condition: true }", "Beta": "rule Beta { condition: false }"}
RULESET = Ruleset(RULES, frozenset({"a" * 64}), {"b" * 64: "Known"}, {"Beta": pin_of(RULES["Beta"])})


@given(_targets, _rulesets)
def test_what_was_written_is_read(target: Target, ruleset: Ruleset) -> None:
    files = contents(target, ruleset)
    about = manifest(target, "acme-av", "7", ruleset, files)
    assert read(archive(about, files)) == (about, files)


@given(_targets, _rulesets, st.data())
def test_the_order_in_which_signatures_came_does_not_matter(
    target: Target, ruleset: Ruleset, data: st.DataObject
) -> None:
    rules = dict(data.draw(st.permutations(list(ruleset.rules.items()))))
    hashes = dict(data.draw(st.permutations(list(ruleset.hashes.items()))))
    assert bundle(target, Ruleset(rules, ruleset.allowed, hashes)) == bundle(target, ruleset)


@pytest.mark.parametrize("target", Target)
def test_another_process_makes_the_same_bytes(target: Target) -> None:
    code = (
        "import hashlib, sys; from tests.domain.test_bundles import *;"
        f"print(hashlib.sha256(bundle(Target({target.value!r}), RULESET, b'compiled')).hexdigest())"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert made == {hashlib.sha256(bundle(target, RULESET, b"compiled")).hexdigest()}


def test_the_archive_names_no_user_no_time_and_no_program() -> None:
    with tarfile.open(fileobj=io.BytesIO(bundle(Target.CLAMAV, RULESET))) as tar:
        members = tar.getmembers()
    assert [each.name for each in members] == sorted(each.name for each in members)
    assert {(each.uid, each.gid, each.uname, each.gname, each.mtime, each.mode) for each in members} == {
        (0, 0, "", "", 0, 0o644)
    }


def test_a_yara_bundle_has_a_file_for_each_rule_in_force() -> None:
    assert contents(Target.YARA, RULESET, b"compiled") == {
        "rules/Alpha.yar": RULES["Alpha"].encode(),
        "hashes.json": b'{\n "%s": "Known"\n}\n' % (b"b" * 64),
        "allowed.json": b'[\n "%s"\n]\n' % (b"a" * 64),
        "compiled.yarc": b"compiled",
    }


def test_the_manifest_says_what_is_in_the_bundle() -> None:
    about, files = read(bundle(Target.YARA, RULESET))
    assert json.loads(about.document()) == {
        "format": 1,
        "target": "yara",
        "product": "acme-av",
        "version": "20261122.1",
        "ruleset": RULESET.digest,
        "signatures": {"rules": 1, "hashes": 1, "allowed": 1},
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            for name, content in files.items()
        },
    }


@pytest.mark.parametrize(
    ("ruleset", "reason"),
    [
        (Ruleset({"../x": ""}), "cannot be a signature's name"),
        (Ruleset({"A" * 129: ""}), "cannot be a signature's name"),
        (Ruleset({"Rule\n": ""}), "cannot be a signature's name"),
        (Ruleset({"Abc": "", "aBC": ""}), "upper and lower case only"),
        (Ruleset(hashes={"a" * 64: "a:b"}), "cannot be a signature's name"),
        (Ruleset(hashes={"a" * 64: "a\nb"}), "cannot be a signature's name"),
        (Ruleset(hashes={"a" * 64: "YARA.Abc"}), "begins as only names that ClamAV gives do"),
        (Ruleset(hashes={"a" * 64: "Sigreq.Canary.0"}), "begins as only names that ClamAV gives do"),
        (Ruleset(hashes={"A" * 64: "Abc"}), "no SHA-256"),
        (Ruleset(allowed=frozenset({"a" * 63})), "no SHA-256"),
    ],
)
@pytest.mark.parametrize("target", Target)
def test_names_that_could_become_something_else_are_refused(target: Target, ruleset: Ruleset, reason: str) -> None:
    with pytest.raises(UnfitRulesetError, match=reason):
        contents(target, ruleset)


def packed(files: Mapping[str, bytes], change: Callable[[tarfile.TarInfo], None] = lambda _: None) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            change(member)
            tar.addfile(member, io.BytesIO(content))
    return written.getvalue()


def all_files() -> dict[str, bytes]:
    about, files = read(bundle(Target.YARA, RULESET))
    return {**files, bundles.MANIFEST: about.document()}


def linked(member: tarfile.TarInfo) -> None:
    if member.name == "hashes.json":
        member.type, member.linkname = tarfile.SYMTYPE, "allowed.json"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no tar archive"),
        (b"not a tar", "no tar archive"),
        (packed({}), "no tar archive|no manifest.json"),
        (bundle(Target.YARA, RULESET)[:700], "no tar archive|cut off"),
        (packed({"a": b""}), "no manifest.json"),
        (packed({"/etc/a": b""}), "a file of the name"),
        (packed({"../a": b""}), "a file of the name"),
        (packed({"a/../../b": b""}), "a file of the name"),
        (packed({"a\nb": b""}), "a file of the name"),
        (packed(all_files(), linked), "no plain file"),
        (packed({bundles.MANIFEST: b"{}"}), "cannot be read"),
        (packed({bundles.MANIFEST: b"[" * 99_999}), "cannot be read"),
        (packed({bundles.MANIFEST: b'{"format": 2}'}), "another format"),
        (packed({**all_files(), "extra": b""}), "extra is in its manifest or in the archive"),
        (packed({**all_files(), "hashes.json": b"{}\n"}), "hashes.json is not what its manifest says"),
        (packed({name: each for name, each in all_files().items() if name != "hashes.json"}), "not in both"),
    ],
)
def test_what_is_no_whole_bundle_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(BadBundleError, match=reason):
        read(data)


def test_two_files_of_one_name_are_refused() -> None:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for _ in range(2):
            tar.addfile(tarfile.TarInfo("a"), io.BytesIO())
    with pytest.raises(BadBundleError, match="two files of one name"):
        read(written.getvalue())


def test_a_file_that_claims_to_be_huge_and_empty_is_refused_before_it_is_read() -> None:
    def sparse(member: tarfile.TarInfo) -> None:
        member.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.size": str(1 << 40), "GNU.sparse.map": "0,0"}

    with pytest.raises(BadBundleError, match="no plain file"):
        read(packed({"a": b""}, sparse))


@given(st.integers(0, 10_239), st.integers(1, 255))
def test_a_changed_byte_never_changes_a_file_unnoticed(position: int, change: int) -> None:
    whole = bundle(Target.YARA, RULESET)
    damaged = bytearray(whole)
    damaged[position % len(whole)] ^= change
    with suppress(BadBundleError):
        assert read(bytes(damaged))[1] == read(whole)[1]  # of the manifest's own words only the digest outside tells
