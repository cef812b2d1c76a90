"""A publisher that is killed at any step leaves the old state or the new one to clients, and the next one completes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.trust.publisher import environment
from tests.trust.support import Customer, Site

ROOT = Path(__file__).parents[2]


def killed(site: Site, step: int) -> bool:
    """Publish in a process of its own that is to die at this step; whether it did."""
    env = {**os.environ, **environment(site.addresses)}
    command = [sys.executable, "-m", "tests.trust.publisher", str(step)]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode != 0


def test_a_publisher_killed_at_any_step_shows_nothing_half_done_and_the_next_one_completes(site: Site) -> None:
    root = site.install(site.create())
    site.offer("20261122.1", yara=b"old")
    site.publish()
    step, seen = 1, set()
    while True:
        version = f"20261123.{step}"
        name = f"acme-av/{version}/yara.tar"
        site.offer(version, yara=version.encode())
        has_died = killed(site, step)
        customer = Customer(site.folder / f"customer-{step}", root)
        (old, new) = customer.get(site.mirror(), "acme-av/20261122.1/yara.tar", name)
        assert old == b"old"
        assert new in {None, version.encode()}
        seen.add(new is not None)
        site.publish()
        assert customer.get(site.mirror(), name) == [version.encode()]
        if not has_died:
            break
        step += 1
    # Targets, snapshot and timestamp, each before and after: the new state shows after the last alone.
    assert (step, seen) == (7, {True, False})
