"""A publisher that is killed at any step leaves the old state or the new one to clients, and the next one completes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from sigreq.domain.signing import KeyRole
from tests.trust.publisher import add_extra, environment, publish
from tests.trust.support import Customer, Site

ROOT = Path(__file__).parents[2]
BASE = "20261122.1"


def killed(site: Site, step: int, version: str) -> bool:
    """Publish in a process of its own that is to die at this step; whether it did."""
    env = {**os.environ, **environment(site.addresses)}
    command = [sys.executable, "-m", "tests.trust.publisher", str(step), version, site.publisher]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode != 0


def test_a_publisher_killed_at_any_step_shows_nothing_half_done_and_the_next_one_completes(site: Site) -> None:
    root = site.install(site.create())
    site.offer(BASE, yara=b"old")
    site.publish()
    step, seen = 1, []
    while True:
        version = f"20261123.{step}"
        extra = site.do(lambda tx: add_extra(tx, site.publisher, BASE)).id
        names = (f"acme-av/{version}/yara.tar", f"expedited/acme-av/{extra}.json")
        has_died = killed(site, step, version)
        customer = Customer(site.folder / f"customer-{step}", root)
        old, new, laid_over = customer.get(site.mirror(), f"acme-av/{BASE}/yara.tar", *names)
        assert old == b"old"
        assert new in {None, version.encode()}
        assert (laid_over is None) == (new is None), "a version and its extras show at one moment"
        seen.append(new is not None)
        site.wait(publish(site.database, site.bundles, site.trust, version, site.publisher))
        assert customer.get(site.mirror(), *names)[0] == version.encode()
        assert customer.knows(site.mirror(), *names) == [True, True]
        if not has_died:
            break
        step += 1
    # The bytes of the version and of the extra; expedited, targets, snapshot and timestamp: each before and after. The
    # new state shows after the last alone.
    assert seen == [False] * 11 + [True] * 2


def test_an_installation_killed_at_any_step_leaves_clients_with_a_root_that_leads_to_what_is_offered(
    site: Site,
) -> None:
    root = site.install(site.create())
    site.wait(publish(site.database, site.bundles, site.trust, BASE, site.publisher))
    step, has_died = 0, True
    while has_died:
        step += 1
        site.rotate(KeyRole.TIMESTAMP)
        has_died = killed(site, step, BASE)
        customer = Customer(site.folder / f"customer-{step}", root)
        assert customer.get(site.mirror(), f"acme-av/{BASE}/yara.tar") == [BASE.encode()]
        site.publish()
        assert customer.get(site.mirror(), f"acme-av/{BASE}/yara.tar") == [BASE.encode()]
    # The bundle once more, the timestamp signed by both keys, the root, the timestamp by the new key: before and after.
    assert step == 9
