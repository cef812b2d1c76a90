"""The steps of the release tool, one by one: poll, build, publish."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sigreq.cli.main import main
from sigreq.domain import bundles
from sigreq.domain.reasons import NotPassed
from sigreq.domain.trains import WEEKDAYS
from tests.client.server import Answer, Scripted
from tests.client.test_release import NEXT, RULE, page, puts, shop
from tests.client.test_train import entry

__all__ = ["shop"]  # the fixture
GATED = f"POST /v1/releases/av/{NEXT}/gate"
WHY = NotPassed().document
NOT_GATED = Answer({"status": 409, "code": "train_not_gated", "detail": "No pass.", "why": WHY}, 409)


def sigreq(server: Scripted, *command: str) -> Result:
    """One command against the server."""
    return CliRunner().invoke(main, ["release", *command, "--url", server.url, "--key", "sgrq_live_test"])


def polled(server: Scripted, state: Path, *items: dict[str, Any]) -> None:
    """Have these changes wait."""
    server.on("GET /v1/feed", page(*items), page())
    assert sigreq(server, "poll", "--product", "av", "--state", str(state)).exit_code == 0


def built(server: Scripted, state: Path, into: Path, *more: str) -> Result:
    """Build what waits."""
    place = ["--product", "av", "--version", NEXT, "--state", str(state), "--into", str(into)]
    return sigreq(server, "build", *place, *more)


def files(folder: Path) -> dict[str, bytes]:
    """What a folder holds."""
    return {each.name: each.read_bytes() for each in folder.iterdir()}


def ended(server: Scripted, state: str, *problems: dict[str, Any]) -> Answer:
    """A run of the gate that has ended."""
    server.on(GATED, Answer({"id": "GR1"}, 202))
    report = {"problems": list(problems), "problems_left_out": 0}
    return Answer({"id": "GR1", "state": state, "total": 1, "done": 1, "report": report})


def test_polling_shows_what_waits_and_remembers_it(shop: Scripted, tmp_path: Path) -> None:
    shop.on("GET /v1/feed", page(entry(4, "C1", **RULE)), page())
    state = tmp_path / "state.json"
    result = sigreq(shop, "poll", "--product", "av", "--state", str(state))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split() == ["C1", "1", "standard", "rule_add", "2026-11-22T10:04:00Z"]
    assert list(json.loads(state.read_text())["items"]) == ["C1"]
    assert {each.method for each in shop.seen} == {"GET"}


def test_what_is_picked_up_is_told_to_the_server(shop: Scripted, tmp_path: Path) -> None:
    shop.on("GET /v1/feed", page(entry(4, "C1", **RULE)), page())
    shop.on("POST /v1/changes/C1/picked-up", Answer({}))
    command = ["poll", "--product", "av", "--state", str(tmp_path / "state.json"), "--pick-up"]
    assert sigreq(shop, *command).exit_code == 0
    assert "POST /v1/changes/C1/picked-up" in shop.asked


def test_building_twice_gives_the_same_bytes_and_prints_their_hashes(shop: Scripted, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    polled(shop, state, entry(4, "C1", **RULE))
    first = built(shop, state, tmp_path / "one", "--json")
    assert (first.exit_code, built(shop, state, tmp_path / "two").exit_code) == (0, 0)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    told = {each["name"]: each["sha256"] for each in json.loads(first.stdout)["bundles"]}
    made = {name: content for name, content in files(tmp_path / "one").items() if name.endswith(".tar")}
    assert told == {name: hashlib.sha256(content).hexdigest() for name, content in made.items()}
    assert set(told) == {f"av-{NEXT}-yara.tar", f"av-{NEXT}-clamav.tar"}
    about, rules = bundles.read(made[f"av-{NEXT}-clamav.tar"])
    assert (about.version, rules["fresh.yar"]) == (NEXT, b"rule fresh {}")


def test_building_over_what_a_kill_left_completes_it(shop: Scripted, tmp_path: Path) -> None:
    state, into = tmp_path / "state.json", tmp_path / "built"
    polled(shop, state, entry(4, "C1", **RULE))
    built(shop, state, into)
    whole = files(into)
    (into / "release.json").unlink()
    (into / f"av-{NEXT}-yara.tar").write_bytes(b"another version's")
    assert "Build again" in sigreq(shop, "publish", str(into)).stderr
    built(shop, state, into)
    assert files(into) == whole


def test_nothing_polled_builds_nothing(shop: Scripted, tmp_path: Path) -> None:
    result = built(shop, tmp_path / "state.json", tmp_path / "built")
    assert (result.exit_code, result.stdout) == (0, "Nothing waits, as far as the feed was polled.\n")
    assert not (tmp_path / "built").exists()


@pytest.mark.parametrize("harm", ["a bundle", "the description"])
def test_what_was_changed_after_it_was_built_is_not_published(shop: Scripted, tmp_path: Path, harm: str) -> None:
    state, into = tmp_path / "state.json", tmp_path / "built"
    polled(shop, state, entry(4, "C1", **RULE))
    built(shop, state, into)
    if harm == "a bundle":
        (into / f"av-{NEXT}-yara.tar").write_bytes(b"other")
    else:
        text = (into / "release.json").read_text()
        (into / "release.json").write_text(text.replace("rule fresh", "rule other"))
    result = sigreq(shop, "publish", str(into), "--state", str(state))
    assert result.exit_code == 1
    assert "are not those of its release.json. Build again." in result.stderr
    assert puts(shop) == []


def test_what_was_built_is_published_after_the_gate_and_waits_no_more(shop: Scripted, tmp_path: Path) -> None:
    state, into = tmp_path / "state.json", tmp_path / "built"
    polled(shop, state, entry(4, "C1", **RULE))
    built(shop, state, into)
    shop.on(f"PUT /v1/releases/av/{NEXT}", NOT_GATED, Answer({"bundles": []}, 201))
    shop.on("GET /v1/gates/GR1", ended(shop, "passed"))
    done = sigreq(shop, "publish", str(into), "--state", str(state))
    assert (done.exit_code, f"{NEXT} goes through the gate: it has not passed" in done.stderr) == (0, True)
    assert [what for what in shop.asked if not what.startswith("GET")] == [
        f"PUT /v1/releases/av/{NEXT}",
        GATED,
        f"PUT /v1/releases/av/{NEXT}",
    ]
    assert json.loads(state.read_text())["items"] == {}


def test_a_version_that_does_not_pass_is_not_published_and_says_whose_fault_it_is(
    shop: Scripted, tmp_path: Path
) -> None:
    state, into = tmp_path / "state.json", tmp_path / "built"
    polled(shop, state, entry(4, "C1", **RULE))
    built(shop, state, into)
    shop.on(f"PUT /v1/releases/av/{NEXT}", NOT_GATED)
    hit = {"code": "clean_detected", "message": "clean file x is detected by fresh", "signatures": ["fresh"]}
    shop.on("GET /v1/gates/GR1", ended(shop, "failed", hit))
    result = sigreq(shop, "publish", str(into), "--state", str(state), "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["code"], list(told["blamed"])) == ("gate_failed", ["C1"])
    assert "C1: clean file x is detected by fresh" in result.stderr
    assert list(json.loads(state.read_text())["items"]) == ["C1"]


def test_what_waits_for_a_train_is_said_and_stays_until_it_departs(shop: Scripted, tmp_path: Path) -> None:
    late = entry(4, "C1", **RULE) | {"at": datetime.now(UTC).isoformat()}
    shop.on("GET /v1/feed", page(late), page())
    daily = {"days": list(WEEKDAYS), "times": [f"{datetime.now(UTC) - timedelta(hours=1):%H:%M}"], "time_zone": "UTC"}
    shop.on("GET /v1/products/av/schedule", Answer({"schedule": daily, "next_departure": None}))
    place = ["--product", "av", "--version", NEXT, "--state", str(tmp_path / "state.json"), "--once"]
    waits = sigreq(shop, "run", *place)
    assert waits.exit_code == 0
    assert waits.stdout.startswith("Nothing departs before ")
    assert waits.stdout.endswith("; waiting: 1.\n")
    assert puts(shop) == []
    shop.on("GET /v1/feed", page(late), page())
    assert sigreq(shop, "run", *place, "--now").exit_code == 0
    assert len(puts(shop)) == 1


def test_one_bad_change_does_not_stop_the_train(shop: Scripted, tmp_path: Path) -> None:
    good = entry(5, "C2", rule="good", source="rule good {}")
    shop.on("GET /v1/feed", page(entry(4, "C1", **RULE), good), page())
    shop.on(f"PUT /v1/releases/av/{NEXT}", NOT_GATED, NOT_GATED, Answer({"bundles": []}, 201))
    hit = {"code": "clean_detected", "message": "clean file x is detected by fresh", "signatures": ["fresh"]}
    failed, passed = ended(shop, "failed", hit), ended(shop, "passed")
    shop.on("GET /v1/gates/GR1", failed, passed)
    place = ["--product", "av", "--version", NEXT, "--state", str(tmp_path / "state.json")]
    result = sigreq(shop, "run", "--once", *place)
    assert result.exit_code == 0, result.stderr
    assert "Without C1:" in result.stderr
    assert "fresh" not in puts(shop)[-1]["ruleset"]["rules"]
    assert puts(shop)[-1]["changes"] == [
        {
            "id": "C1",
            "rev": 1,
            "is_included": False,
            "reason": "The gate of the version: clean file x is detected by fresh",
        },
        {"id": "C2", "rev": 1, "is_included": True},
    ]


def test_a_failure_that_no_change_alone_explains_stops_the_train(shop: Scripted, tmp_path: Path) -> None:
    shop.on("GET /v1/feed", page(entry(4, "C1", **RULE)), page())
    shop.on(f"PUT /v1/releases/av/{NEXT}", NOT_GATED)
    broken = {"code": "could_not_run", "message": "the gate could not run: no store"}
    shop.on("GET /v1/gates/GR1", ended(shop, "failed", broken))
    place = ["--product", "av", "--version", NEXT, "--state", str(tmp_path / "state.json")]
    result = sigreq(shop, "run", "--once", *place)
    assert result.exit_code == 1
    assert "no change alone: the gate could not run: no store" in result.stderr
    assert len(puts(shop)) == 1
