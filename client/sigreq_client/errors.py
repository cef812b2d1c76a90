"""What can go wrong between a caller and the API."""

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """The server refused a request or failed at it.

    `code` is the stable name to switch on, `detail` is for people, `data` holds the facts of this error.
    """

    def __init__(self, status: int, code: str, detail: str, data: Mapping[str, Any]) -> None:
        super().__init__(f"{detail} [{code}, HTTP {status}]")
        self.status = status
        self.code = code
        self.detail = detail
        self.data = data


class ApiUnreachable(Exception):
    """No answer came. `is_undecided` says that the request may have been carried out all the same."""

    def __init__(self, url: str, reason: str, *, is_undecided: bool) -> None:
        super().__init__(_explain(url, reason, is_undecided=is_undecided))
        self.url = url
        self.is_undecided = is_undecided


def _explain(url: str, reason: str, *, is_undecided: bool) -> str:
    if is_undecided:
        return (
            f"The connection to {url} broke before the answer came ({reason}). The request may have been carried out."
        )
    return f"Nothing answers at {url} ({reason}). Check the address, and that the server is running."
