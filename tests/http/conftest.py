"""What must hold after every flow."""

from collections.abc import Iterator

import pytest

from sigreq.embedded.service import Service
from tests.flows import events_out_of_step


@pytest.fixture
def balanced(service: Service) -> Iterator[None]:
    """After the test, every move in the whole database has written exactly one event."""
    yield
    assert events_out_of_step(service.env["SIGREQ_DATABASE__URL"]) == 0
