"""A migrated database without the service: nothing happens in it but what a test does."""

from collections.abc import Iterator

import pytest

from sigreq.embedded.stack import Addresses, Stack
from sigreq.migrations.run import upgrade


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    with Stack(tmp_path_factory.mktemp("store") / "data") as running:
        upgrade(running.owner_database_url, running.database_url)
        yield running
