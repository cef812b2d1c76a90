"""Where a page of a list ends, as a text that means nothing to anybody else: a time, and an id among equal ones."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime

from sigreq.domain.errors import CursorInvalid


def write_cursor(at: datetime, row_id: str) -> str:
    """What leads on from this row."""
    return urlsafe_b64encode(f"{at.isoformat()}|{row_id}".encode()).decode()


def read_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    """The row it leads on from. Raises CursorInvalid."""
    if cursor is None:
        return None
    try:
        at, _, row_id = urlsafe_b64decode(cursor.encode()).decode().partition("|")
        when = datetime.fromisoformat(at)
        if when.tzinfo is None:
            raise ValueError("no time zone")  # noqa: TRY301 - one answer for all that we never wrote
        return when.astimezone(UTC), row_id
    except (ValueError, OverflowError) as error:
        raise CursorInvalid(cursor=cursor[:100]) from error
