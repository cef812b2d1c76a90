"""A database and a store without the service, and a bundle repository in them that each test makes anew."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sigreq.embedded.stack import Addresses, Stack
from sigreq.migrations.run import upgrade
from tests.trust.support import Site


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    with Stack(tmp_path_factory.mktemp("trust") / "data") as running:
        upgrade(running.owner_database_url, running.database_url)
        yield running


@pytest.fixture
def site(addresses: Addresses, tmp_path: Path) -> Iterator[Site]:
    with Site(addresses, tmp_path) as made:
        yield made
