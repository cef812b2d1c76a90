"""The release tool, killed at every point of its work: the next run completes it, and nothing is published twice."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from sigreq.embedded.service import Service
from sigreq_client import Client
from tests.flows import approved, events_out_of_step
from tests.world import World, rule

MOST_POINTS = 200


def test_a_tool_killed_at_any_point_is_completed_by_the_next_run(
    world: World, service: Service, tmp_path: Path
) -> None:
    product = world.product({})
    customer = world.customer()
    point, outcomes = 0, list[bool]()
    while not outcomes or outcomes[-1]:
        point += 1
        assert point < MOST_POINTS
        folder = tmp_path / str(point)
        folder.mkdir()
        change = _approved(world, customer, product, point)
        outcomes.append(_killed_and_completed(world, product, change, point, folder))
    # The feed, the schedule, the register and its rules are read; two bundles, their description and twice the state
    # are written; the version is refused, tested, asked about, and published.
    assert point > 4 + 2 * 5 + 4
    assert outcomes.count(True) == point - 1
    assert events_out_of_step(service.env["SIGREQ_DATABASE__URL"]) == 0


def _approved(world: World, customer: Client, product: str, point: int) -> dict[str, Any]:
    """One more change that waits."""
    text = f"harmless, for point {point:03}"
    of = {"kind": "false_negative", "content": text.encode()}
    case = world.determined(world.analyst, customer, product, **of)
    return approved(world, case, f"Point_{point}", rule(f"Point_{point}", text))


def _killed_and_completed(world: World, product: str, change: dict[str, Any], point: int, folder: Path) -> bool:
    """Kill the tool at the point, and run it again; whether it came as far as the point."""
    before = world.release.releases(product)["items"]
    was_killed = _run(world, product, folder, point) == -signal.SIGKILL
    assert _run(world, product, folder) == 0
    assert world.analyst.change(change["id"])["state"] == "published", f"killed at point {point}"
    after = world.release.releases(product)["items"]
    assert len(after) == len(before) + 1, f"killed at point {point}"
    assert json.loads((folder / "state.json").read_text())["items"] == {}
    return was_killed


def _run(world: World, product: str, folder: Path, point: int | None = None) -> int:
    """How the tool ended."""
    start = ["sigreq"] if point is None else ["tests.faults.killed_tool", str(point)]
    place = ["--product", product, "--state", str(folder / "state.json"), "--into", str(folder / "built")]
    done = subprocess.run(
        [sys.executable, "-m", *start, "release", "run", "--once", *place],
        env={**os.environ, "SIGREQ_URL": world.url, "SIGREQ_API_KEY": world.keys["release"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode
