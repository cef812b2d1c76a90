"""Ends background tasks for certain."""

import asyncio
from typing import Any

_AGAIN_SECONDS = 1


async def end(*tasks: "asyncio.Task[Any]") -> None:
    """Return when all have ended, however they do.

    They are cancelled until then: a library that waits with a time limit may take a cancellation for its own
    time-out, after which the loop that it was called from would go on for ever.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
