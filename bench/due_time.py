"""One due time against the barest loop that could count one: `python -m bench.due_time`.

The loop knows no time zone, no holiday and no clock change: what it costs less is the price of being right. Both are
measured in the same run. `warm` is what a server sees, which computes due times near now; `cold` computes each in days
that nothing was computed in before. Exits with 1 when either costs more than LIMIT times the loop.
"""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count
from statistics import median
from time import perf_counter_ns

from sigreq.domain.worktime import Calendar, add_working_time, parse_hours

LIMIT = 10
ROUNDS = 3000
GOAL_HOURS = (6, 8, 10, 60)
OPENS, CLOSES, WORKDAYS = 9, 18, 5

DAY = timedelta(days=1)
FIRST = datetime(2026, 1, 5, 8, tzinfo=UTC)


def bare_loop(start: datetime, amount: timedelta) -> datetime:
    """Day by day over fixed hours, in whatever time zone `start` is written in."""
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        opens, closes = day + timedelta(hours=OPENS), day + timedelta(hours=CLOSES)
        if day.weekday() < WORKDAYS and start < closes:
            opens = max(opens, start)
            if amount <= closes - opens:
                return opens + amount
            amount -= closes - opens
        day += DAY


def christmas(years: range) -> frozenset[date]:
    """Two holidays a year."""
    return frozenset(date(year, 12, day) for year in years for day in (25, 26))


def warm_starts() -> Iterator[datetime]:
    """Every 47 minutes of the same four weeks, again and again."""
    return (FIRST + number % 857 * timedelta(minutes=47) for number in count())


def cold_starts(hours: int) -> Iterator[datetime]:
    """So far from each other that no day is met twice; the shifts of other goals are other days."""
    return (FIRST + timedelta(days=40 * number + 10 * GOAL_HOURS.index(hours), minutes=number) for number in count())


def median_us(compute: Callable[[datetime], object], starts: Iterator[datetime], rounds: int) -> float:
    """The median time of one call in microseconds."""
    taken = []
    for start, _ in zip(starts, range(rounds), strict=False):
        begin = perf_counter_ns()
        compute(start)
        taken.append(perf_counter_ns() - begin)
    return median(taken) / 1000


def main() -> int:
    """Print the medians and their ratios."""
    calendar = Calendar("Europe/Berlin", parse_hours("Mon-Fri 09:00-18:00"), christmas(range(2026, 2400)))
    print(f"{'goal':>6} {'bare loop':>12} {'warm':>12} {'ratio':>6} {'cold':>12} {'ratio':>6}")
    worst = 0.0
    for hours in GOAL_HOURS:
        amount = timedelta(hours=hours)
        bare = median_us(partial(bare_loop, amount=amount), warm_starts(), ROUNDS)
        compute = partial(add_working_time, calendar, amount=amount)
        ours = [median_us(compute, starts, ROUNDS) for starts in (warm_starts(), cold_starts(hours))]
        ratios = [each / bare for each in ours]
        worst = max(worst, *ratios)
        print(f"{hours:>4} h {bare:>9.1f} us {ours[0]:>9.1f} us {ratios[0]:>6.1f} {ours[1]:>9.1f} us {ratios[1]:>6.1f}")
    print(f"At most {worst:.1f} times the bare loop; the limit is {LIMIT}.")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
