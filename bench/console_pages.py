"""What a page costs beside its own statements and its template: asked over HTTP, and made here of the same parts."""

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
from litestar import Response
from sqlalchemy import Engine, event

from bench.console_queue import Analyst
from sigreq.access import sign_in
from sigreq.api.console import queue, rules
from sigreq.api.console.desk import Visitor
from sigreq.api.console.pages import Pages
from sigreq.domain.people import Language
from sigreq.embedded.service import Service
from sigreq.transaction import Database
from tests.feed import at_database

WARM_ROUNDS = 3
Page = Callable[[Visitor], Awaitable[Response[str]]]


@dataclass
class Spent:
    """Seconds in the database's driver and in the template, and how many statements that were."""

    statements: int = 0
    sql: float = 0
    rendering: float = 0


@dataclass(frozen=True)
class Cost:
    """Medians of a page: over HTTP, of its statements alone, and of its rendering; sizes in bytes."""

    path: str
    seconds: float
    sql: float
    rendering: float
    statements: int
    size: int
    compressed: int

    @property
    def ratio(self) -> float:
        """How much longer than statements and rendering alone."""
        return self.seconds / (self.sql + self.rendering)

    def __str__(self) -> str:
        sql = f"{self.sql * 1e3:6.1f} ms for {self.statements} statements"
        parts = f"{sql} + {self.rendering * 1e3:5.1f} ms of rendering: ratio {self.ratio:.2f}"
        size = f"{self.size / 1e3:.1f} KB, {self.compressed / 1e3:.1f} KB by gzip"
        return f"{self.path}: {self.seconds * 1e3:6.1f} ms over HTTP, {parts}; {size}"


@dataclass
class _Timed(Pages):
    """The real templates, and how long they take."""

    spent: Spent

    def __post_init__(self) -> None:
        super().__init__()

    def render(self, template: str, language: Language, context: dict[str, Any]) -> str:
        started = time.perf_counter()
        made = super().render(template, language, context)
        self.spent.rendering += time.perf_counter() - started
        return made


@dataclass
class _Here:
    """The handlers of pages, called in this process with a transaction and without a server."""

    database: Database
    analyst: Analyst
    spent: Spent = field(default_factory=Spent)

    def __post_init__(self) -> None:
        self._pages = _Timed(self.spent)

    async def page(self, path: str) -> Spent:
        """What a page spends. Opening the transaction and ending it are not in it."""
        self.spent.statements, self.spent.sql, self.spent.rendering = 0, 0, 0
        parts = urlsplit(path)
        page = _HANDLERS[parts.path]
        async with self.database.transaction() as tx:
            found = await sign_in.who(tx, self.analyst.session)
            assert found is not None
            person, actor = found
            asked = dict(parse_qsl(parts.query))
            await page(Visitor(tx, actor, person, self.analyst.session, self._pages, parts.path, asked))
        return replace(self.spent)


_HANDLERS: dict[str, Page] = {"/queue": queue.show_queue.fn, "/queue/rules": rules.show_rules.fn}


@contextmanager
def _counted(spent: Spent) -> Iterator[None]:
    """Count every statement of this process, from handing it to the driver until its rows are here."""
    started = 0.0

    def before(*_: object) -> None:
        nonlocal started
        started = time.perf_counter()

    def after(*_: object) -> None:
        spent.sql += time.perf_counter() - started
        spent.statements += 1

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", before)
        event.remove(Engine, "after_cursor_execute", after)


def cost(service: Service, analyst: Analyst, path: str, rounds: int) -> Cost:
    """Ask for a page and make it here, in turn, on a warm connection each."""
    told: list[tuple[float, Spent]] = []

    async def work(database: Database) -> httpx2.Response:
        here = _Here(database, analyst)
        headers = {"Cookie": analyst.cookie, "Accept-Encoding": "gzip"}
        async with httpx2.AsyncClient(base_url=service.url, headers=headers, timeout=60, trust_env=False) as http:
            with _counted(here.spent):
                for _ in range(WARM_ROUNDS + rounds):
                    started = time.perf_counter()
                    answer = await http.get(path)
                    asked = time.perf_counter() - started
                    assert answer.status_code == httpx2.codes.OK, answer.text
                    told.append((asked, await here.page(path)))
                    await asyncio.sleep(0)
        return answer

    answer = at_database(service.env["SIGREQ_DATABASE__URL"], work)
    counted = told[WARM_ROUNDS:]
    return Cost(
        path,
        median(each for each, _ in counted),
        median(spent.sql for _, spent in counted),
        median(spent.rendering for _, spent in counted),
        counted[-1][1].statements,
        len(answer.content),
        len(gzip.compress(answer.content)),
    )
