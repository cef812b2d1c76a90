"""One running service for all tests that speak HTTP, how properties are tried, and in which order files are."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from tests.sharing_out import SharedOut, fills_gaps, make_scheduler, needs_the_service, step_back
from tests.world import World

# How long an example takes says how busy the machine is, and nothing about what is tested.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# What a shell begins in the background ignores this signal, and so would each command that a test wants to interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Where a file may take a minute, it does not come last, when the other process has nothing left to do.
_LONG_FILES_FIRST = ("faults", "trust", "http", "console", "scanning", "embedded", "store")


def pytest_configure() -> None:
    """Before anything is started, so that all that is started takes after it."""
    if fills_gaps():
        step_back()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> SharedOut:
    """Asked where there are several processes."""
    return make_scheduler(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folders with long files first; the running service is asked for only where a process has it."""
    asking = {item.nodeid.split("::")[0] for item in items if "service" in getattr(item, "fixturenames", ())}
    if misplaced := sorted(file for file in asking if not needs_the_service(file)):
        raise pytest.UsageError(f"these ask for the service, so tests/sharing_out.py has to name them: {misplaced}")
    order = {name: place for place, name in enumerate(_LONG_FILES_FIRST)}
    items.sort(key=lambda item: order.get(item.path.parent.name, len(order)))


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """What forks the parts of every service in this process: each has hundreds of modules to import otherwise."""
    with ForkServer() as running:
        yield running


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Iterator[Service]:
    """The whole service on free ports; its webhooks may reach this machine."""
    env = {"SIGREQ_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES": "true"}
    with Service(tmp_path_factory.mktemp("service") / "data", env=env, fork_server=fork_server) as running:
        yield running


@pytest.fixture(scope="session")
def world(service: Service) -> Iterator[World]:
    """People, products and customers on that service."""
    keys = first_keys(service.env["SIGREQ_DATABASE__URL"], service.data / "keys")
    with World(service.url, keys) as made:
        yield made
