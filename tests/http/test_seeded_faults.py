"""Ten faults put into an otherwise good version, each as it has happened somewhere: none of them goes out."""

import hashlib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest

from sigreq_client import ApiError
from tests.flows import HARMLESS, after_test, approved, gated, published, release_of
from tests.scanning.clamav_support import needs_clamav
from tests.world import World, rule

pytestmark = needs_clamav

KEPT, NEEDLE, CLEAN = (
    b"kept-text, and harmless",
    b"a needle in the hay",
    b"a clean file of the corpus, tested for faults",
)
VERSION = "20261122.3"
Body = dict[str, Any]


@dataclass(frozen=True)
class Ground:
    """A product for both engines with three solved cases, and the version in which they are."""

    product: str
    good: Body


@pytest.fixture(scope="module")
def ground(world: World) -> Ground:
    """A false positive fixed by another rule, one by an allowed file, a false negative fixed by a new rule."""
    keeper = world.administrator
    keeper.add_corpus_source("seeded-faults", "folder", "somewhere")
    keeper.send_to_corpus("seeded-faults", [("clean", BytesIO(CLEAN))])
    keeper.complete_corpus_source("seeded-faults")
    product = world.product({"Marker": rule("Marker", "ACME-"), "Kept": rule("Kept", "kept-text")}, ("yara", "clamav"))
    first = world.determined(world.analyst, world.customer(), product)
    second = world.determined(world.analyst, world.customer(), product, content=KEPT, detection_name="Kept")
    third = world.determined(world.analyst, world.customer(), product, kind="false_negative", content=NEEDLE)
    allowed = hashlib.sha256(KEPT).hexdigest()
    narrowed = approved(world, first)
    allow = after_test(world.analyst, world.analyst.draft_change([second["id"]], "hash_allow", {"sha256": allowed}))
    built = [
        narrowed,
        world.lead.approve_change(allow["id"], allow["revision"]),
        approved(world, third, "Found", rule("Found", "needle in the hay")),
    ]
    rules = {"Marker": HARMLESS, "Kept": rule("Kept", "kept-text"), "Found": rule("Found", "needle in the hay")}
    published(world, product, "20261122.2", release_of(2, rules, built, allowed=[allowed]))
    for case in (first, second, third):
        world.until(case["id"], "fixed")
    return Ground(product, release_of(3, rules, allowed=[allowed]))


def test_without_a_fault_it_goes_through(world: World, ground: Ground) -> None:
    assert gated(world, ground.product, VERSION, ground.good)["state"] == "passed"


def _over_broad(sent: Body) -> None:
    """It hits a file that was detected wrongly before."""
    sent["rules"]["Broad"] = rule("Broad", "HARMLESS-MARKER")


def _module_that_clamav_lacks(sent: Body) -> None:
    """ClamAV drops such a rule, and says so to nobody."""
    sent["rules"]["Portable"] = (
        'import "pe" rule Portable { meta: description = "x" strings: $a = "qqqq" condition: $a and pe.is_pe }'
    )


def _unsupported_modifier(sent: Body) -> None:
    """The same."""
    sent["rules"]["Hidden"] = 'rule Hidden { meta: description = "x" strings: $a = "qqqqqqqq" xor condition: $a }'


def _dropped_allowlist(sent: Body) -> None:
    """A database once went out with an empty list of exceptions, and old false positives were back."""
    sent["allowed"] = []


def _malformed_line(sent: Body) -> None:
    """A name that would make another line of it."""
    sent["hashes"] = {"b" * 64: "Bad:Name"}


def _does_not_compile(sent: Body) -> None:
    """One such rule keeps YARA from loading any."""
    sent["rules"]["Broken"] = 'rule Broken { strings: $a = "qqqq" condition: $b }'


def _clean_file_by_its_hash(sent: Body) -> None:
    """No scan shows this: the file is looked up."""
    sent["hashes"] = {hashlib.sha256(CLEAN).hexdigest(): "Oops"}


def _clean_file_by_a_rule(sent: Body) -> None:
    """No case knows this file, the corpus does."""
    sent["rules"]["Greedy"] = rule("Greedy", "clean file of the corpus")


def _detection_lost(sent: Body) -> None:
    """A rule that a case was fixed by is narrowed until it misses the file."""
    sent["rules"]["Found"] = rule("Found", "needle in the haystack")


def _two_names_of_one_file(sent: Body) -> None:
    """On some systems the second file would replace the first."""
    sent["rules"]["FOUND"] = rule("FOUND", "qqqqqqqq")


FAULTS: dict[Callable[[Body], None], set[str]] = {
    _over_broad: {"detected_again"},
    _module_that_clamav_lacks: {"not_loaded"},
    _unsupported_modifier: {"not_loaded"},
    _dropped_allowlist: {"detected_again"},
    _malformed_line: {"field_invalid"},
    _does_not_compile: {"not_loaded"},
    _clean_file_by_its_hash: {"clean_detected"},
    _clean_file_by_a_rule: {"clean_detected"},
    _detection_lost: {"detection_lost"},
    _two_names_of_one_file: {"not_loaded", "ruleset_unfit"},
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_a_version_with_a_fault_does_not_go_out(world: World, ground: Ground, fault: Callable[[Body], None]) -> None:
    body = deepcopy(ground.good)
    fault(body["ruleset"])
    assert _told(world, ground.product, body) & FAULTS[fault]
    with pytest.raises(ApiError) as refused:
        world.release.publish(ground.product, VERSION, body)
    assert refused.value.status in {400, 409, 422}


def _told(world: World, product: str, body: Body) -> set[str]:
    """The codes of what is wrong with it."""
    try:
        run = gated(world, product, VERSION, body)
    except ApiError as error:
        return {error.code}
    assert run["state"] == "failed", run["report"]
    return {each["code"] for each in run["report"]["problems"]}
