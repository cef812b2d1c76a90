"""What became of a message, from what its job knows."""

import pytest

from sigreq.domain.deliveries import DeliveryState, code_of, state_of, told


@pytest.mark.parametrize(
    ("is_done", "attempts", "answer", "error", "expected"),
    [
        (False, 0, None, None, DeliveryState.WAITING),
        (False, 1, None, None, DeliveryState.WAITING),
        (False, 2, None, "HTTP 503", DeliveryState.RETRYING),
        (True, 1, "HTTP 204", None, DeliveryState.DELIVERED),
        (True, 1, "HTTP 410", None, DeliveryState.GIVEN_UP),
        (True, 10, None, "HTTP 503", DeliveryState.GIVEN_UP),
        (True, 1, None, None, DeliveryState.NOT_SENT),
    ],
)
def test_a_delivery_stands_where_its_job_does(
    *, is_done: bool, attempts: int, answer: str | None, error: str | None, expected: DeliveryState
) -> None:
    assert state_of(is_done=is_done, attempts=attempts, answer=answer, error=error) is expected


def test_only_what_the_receiver_said_is_told() -> None:
    for text in ("HTTP 503", "the address is not on the public internet", "ConnectError", "TimeoutError", "gaierror"):
        assert told(text) == text
    for inner in ("KeyError: 'secret'", "tried too often: the process doing it died each time", "PostgreSQL"):
        assert told(inner) is None
    assert told(None) is None
    assert (code_of("HTTP 404"), code_of("ConnectError"), code_of(None)) == (404, None, None)
