"""Background tasks end, even those that miss being told so."""

import asyncio

from sigreq.ending import end


async def _misses_the_first() -> None:
    missed = False
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            if missed:
                raise
            missed = True


async def _breaks() -> None:
    raise ZeroDivisionError


def test_a_task_that_misses_being_cancelled_ends_like_all_others() -> None:
    async def main() -> list[bool]:
        tasks = [asyncio.create_task(each) for each in (_misses_the_first(), _breaks(), asyncio.sleep(3600))]
        await asyncio.sleep(0)
        await asyncio.wait_for(end(*tasks), 30)
        return [task.done() for task in tasks]

    assert asyncio.run(main()) == [True, True, True]


def test_nothing_to_end_is_no_wait() -> None:
    asyncio.run(end())
