"""What became of a message to a webhook, from what its job knows."""

import re
from enum import StrEnum

# What the receiver, or the way to it, said. Anything else in a job's row is about us, and for our own log.
_ABOUT_THE_RECEIVER = re.compile(
    r"HTTP \S{3}|the address is not on the public internet|[A-Z]\w*(?:Error|Timeout)|gaierror"
)
_CODE = re.compile(r"HTTP (\d{3})")


class DeliveryState(StrEnum):
    """Where a message is. Not sent: there was no webhook any more when its turn came."""

    WAITING = "waiting"
    RETRYING = "retrying"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    NOT_SENT = "not_sent"


def state_of(*, is_done: bool, attempts: int, answer: str | None, error: str | None) -> DeliveryState:
    """`answer` is what ended it, `error` why the last try was not the end, or was all there was."""
    if not is_done:
        return DeliveryState.RETRYING if attempts and error else DeliveryState.WAITING
    if answer is not None and answer.startswith("HTTP 2"):
        return DeliveryState.DELIVERED
    return DeliveryState.NOT_SENT if answer is None and error is None else DeliveryState.GIVEN_UP


def told(text: str | None) -> str | None:
    """What may be shown of it to whom the receiver belongs."""
    return text if text is not None and _ABOUT_THE_RECEIVER.fullmatch(text) else None


def code_of(text: str | None) -> int | None:
    """The HTTP status in it, if the receiver answered."""
    found = _CODE.fullmatch(text or "")
    return int(found[1]) if found else None
