"""What the tests of the client and the command line share."""

from collections.abc import Iterator

import pytest

from tests.client.server import Scripted, running


@pytest.fixture
def server() -> Iterator[Scripted]:
    """An HTTP server that answers what the test wrote down."""
    with running() as script:
        yield script
