"""Turns: as many as there are, and the next one to whoever has fewest."""

import asyncio
from collections.abc import Awaitable, Callable

from hypothesis import given
from hypothesis import strategies as st

from sigreq.scanning.turns import Turns


class Seats:
    """Owners that take turns and keep them until they are told to get up."""

    def __init__(self, at_once: int) -> None:
        self._turns = Turns(at_once)
        self.tasks: list[tuple[str, asyncio.Task[None], asyncio.Event]] = []
        self.seated: list[str] = []
        self._sitting: dict[asyncio.Task[None], asyncio.Event] = {}

    async def ask(self, owner: str) -> None:
        over = asyncio.Event()
        self.tasks.append((owner, asyncio.create_task(self._sit(owner, over)), over))
        await settled()

    async def _sit(self, owner: str, over: asyncio.Event) -> None:
        async with self._turns.turn(owner):
            self.seated.append(owner)
            task = asyncio.current_task()
            assert task is not None
            self._sitting[task] = over
            try:
                await over.wait()
            finally:
                self.seated.remove(owner)

    async def get_up(self, at: int) -> None:
        self.tasks[at][2].set()
        await settled()

    async def get_up_from_the_seat(self) -> None:
        """The only one that is seated does."""
        (over,) = (over for task, over in self._sitting.items() if not task.done())
        over.set()
        await settled()

    async def close(self) -> None:
        for _, task, _ in self.tasks:
            task.cancel()
        await asyncio.gather(*(task for _, task, _ in self.tasks), return_exceptions=True)

    def cancel(self, at: int) -> None:
        self.tasks[at][1].cancel()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def with_seats(at_once: int, story: Callable[[Seats], Awaitable[None]]) -> None:
    async def run() -> None:
        seats = Seats(at_once)
        try:
            await story(seats)
        finally:
            await seats.close()

    asyncio.run(run())


def test_one_alone_has_all_turns_and_gives_them_up_one_by_one_when_another_comes() -> None:
    async def story(seats: Seats) -> None:
        for owner in "aaaab":
            await seats.ask(owner)
        assert seats.seated == ["a", "a"]
        await seats.get_up(0)
        assert seats.seated == ["a", "b"]
        await seats.get_up(1)
        assert seats.seated == ["b", "a"]

    with_seats(2, story)


def test_of_those_with_as_few_the_one_who_had_none_for_longest_is_next() -> None:
    async def story(seats: Seats) -> None:
        for owner in "aaaacacb":
            await seats.ask(owner)
        order = []
        while seats.seated:
            order += seats.seated
            await seats.get_up_from_the_seat()
        assert "".join(order) == "acbacaaa"

    with_seats(1, story)


def test_who_comes_last_waits_for_no_others_backlog_though_somebody_is_slow() -> None:
    async def story(seats: Seats) -> None:
        for owner in "b" + "a" * 20 + "c":
            await seats.ask(owner)
        assert seats.seated == ["b", "a"]
        await seats.get_up(1)
        assert seats.seated == ["b", "c"]

    with_seats(2, story)


def test_who_is_called_and_cancelled_at_once_passes_the_turn_on() -> None:
    async def story(seats: Seats) -> None:
        for owner in "abc":
            await seats.ask(owner)
        seats.tasks[0][2].set()
        await asyncio.sleep(0)  # the first gets up, which calls the second
        seats.cancel(1)
        await settled()
        assert seats.seated == ["c"]

    with_seats(1, story)


@given(
    st.integers(1, 3), st.lists(st.tuples(st.sampled_from(["ask", "get up", "cancel"]), st.integers(0, 9)), max_size=40)
)
def test_turns_are_never_too_many_and_none_is_lost(at_once: int, steps: list[tuple[str, int]]) -> None:
    async def story(seats: Seats) -> None:
        for step, number in steps:
            count = len(seats.tasks)
            if step == "ask":
                await seats.ask("abc"[number % 3])
            elif count and step == "get up":
                await seats.get_up(number % count)
            elif count:
                seats.cancel(number % count)
                await settled()
            open_ones = sum(not task.done() for _, task, _ in seats.tasks)
            assert len(seats.seated) == min(at_once, open_ones)

    with_seats(at_once, story)
