"""A client for the sigreq API, for blocking code (`Client`) and for asyncio (`AsyncClient`)."""

from importlib import import_module
from typing import TYPE_CHECKING

from sigreq_client.cursors import CursorUnusable
from sigreq_client.errors import ApiError, ApiUnreachable

if TYPE_CHECKING:
    from sigreq_client.asynchronous import AsyncClient
    from sigreq_client.blocking import Client
    from sigreq_client.following import Follow

__all__ = ["ApiError", "ApiUnreachable", "AsyncClient", "Client", "CursorUnusable", "Follow"]

_LATER = {"AsyncClient": "asynchronous", "Client": "blocking", "Follow": "following"}


def __getattr__(name: str) -> object:
    """Import a client when it is first asked for: its HTTP library takes longer than a whole help text."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
