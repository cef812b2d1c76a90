"""Things that are made once for all who need them."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sigreq.scanning.kept import Kept


def making(made: list[str], what: str) -> Callable[[], Awaitable[str]]:
    async def make() -> str:
        made.append(what)
        await asyncio.sleep(0)
        return what

    return make


def test_those_who_come_together_have_it_made_once() -> None:
    made, kept = list[str](), Kept[str](1, lambda _: None)

    async def use() -> str:
        async with kept.used("a", making(made, "a")) as thing:
            await asyncio.sleep(0)
            return thing

    async def run() -> list[str]:
        return await asyncio.gather(*(use() for _ in range(5)))

    assert (asyncio.run(run()), made) == (["a"] * 5, ["a"])


def test_of_the_unused_the_last_ones_stay_and_what_is_used_is_never_dropped() -> None:
    made, dropped = list[str](), list[str]()
    kept = Kept[str](2, dropped.append)

    async def run() -> None:
        async with kept.used("held", making(made, "held")):
            for key in "abab":
                async with kept.used(key, making(made, key)):
                    pass

    asyncio.run(run())
    assert made == ["held", "a", "b", "a", "b"]
    assert dropped == ["a", "b", "a"]


def test_what_does_not_last_or_fails_is_made_anew() -> None:
    made, kept = list[str](), Kept[str](2, lambda _: None, lambda thing: thing != "passing")

    async def fail() -> str:
        made.append("failing")
        raise FileNotFoundError

    async def run() -> None:
        for _ in range(2):
            async with kept.used("a", making(made, "passing")):
                pass
            with pytest.raises(FileNotFoundError):
                async with kept.used("b", fail):
                    pass

    asyncio.run(run())
    assert made == ["passing", "failing"] * 2
