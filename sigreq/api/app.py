"""The HTTP application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException, NotFoundException, ValidationException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from sigreq.api import (
    account,
    admin,
    changes,
    contracts,
    corpus,
    deliveries,
    events,
    extras,
    feed,
    health,
    keys,
    phone,
    problems,
    releases,
    reports,
    repository,
    review,
    samples,
    screening,
    submissions,
    submit,
    texts,
    together,
    trains,
)
from sigreq.api.console.pages import Pages
from sigreq.api.console.router import console, on_nowhere
from sigreq.api.doorway import Services, provide_actor, provide_held, provide_services, provide_tx, provide_visit
from sigreq.api.feed_waiting import WaitingRoom
from sigreq.api.reference import ReferencePage
from sigreq.api.streams import Streams
from sigreq.blobs import Blobs
from sigreq.domain.errors import Problem
from sigreq.jobs import Hints
from sigreq.listening import Listener
from sigreq.sessions import Sessions
from sigreq.settings import Settings
from sigreq.transaction import Database
from sigreq.trust.keyring import Keyring

ROUTES = {
    "Account": [*account.ROUTES, *keys.ROUTES, *deliveries.ROUTES],
    "Submissions": [*submit.ROUTES, *submissions.ROUTES, *events.ROUTES],
    "Review": [*review.ROUTES, *together.ROUTES, *texts.ROUTES],
    "Samples": [*samples.ROUTES, *screening.ROUTES],
    "Changes": changes.ROUTES,
    "Releases": [*feed.ROUTES, *releases.ROUTES, *trains.ROUTES],
    "Extras and relief": extras.ROUTES,
    "Bundle repository": repository.ROUTES,
    "Clean corpus": corpus.ROUTES,
    "Phone": phone.ROUTES,
    "Reports": reports.ROUTES,
    "Administration": [*admin.ROUTES, *contracts.ROUTES],
    "Health": health.ROUTES,
}
BODY_BYTES = 1024**2
OPENAPI = OpenAPIConfig(
    title="sigreq",
    version="1",
    description="Signature-change requests: from a customer's sample to a proved fix.",
    path="/schema",
    use_handler_docstrings=True,
    render_plugins=[ReferencePage(), JsonRenderPlugin()],
    components=Components(security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}),
    security=[{"key": []}],
)


def create_app(settings: Settings) -> Litestar:
    """The application; it connects when it starts and gives everything back when it stops."""
    return Litestar(
        route_handlers=[*(Router("/", route_handlers=each, tags=[tag]) for tag, each in ROUTES.items()), console()],
        dependencies={
            "services": Provide(provide_services),
            "visit": Provide(provide_visit),
            "tx": Provide(provide_tx),
            "actor": Provide(provide_actor),
            "held": Provide(provide_held),
        },
        exception_handlers={
            Problem: problems.on_problem,
            ValidationException: problems.on_validation,
            NotFoundException: on_nowhere,
            HTTPException: problems.on_http,
            RecursionError: problems.on_nesting,
            ExceptionGroup: problems.on_group,
            Exception: problems.on_crash,
        },
        lifespan=[lambda app: _services(app, settings)],
        request_max_body_size=BODY_BYTES,
        openapi_config=OPENAPI,
        logging_config=None,
    )


@asynccontextmanager
async def _services(app: Litestar, settings: Settings) -> AsyncIterator[None]:
    hints = Hints(settings.redis.url.get_secret_value())
    url = settings.database.url.get_secret_value()
    database = Database(url, pool_size=settings.database.pool_size, send=hints.send)
    settings.work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    samples_store = Blobs(settings.s3, settings.s3.samples)
    bundles_store = Blobs(settings.s3, settings.s3.bundles)
    keyring = Keyring(settings.trust)
    sessions = Sessions(settings.redis.url.get_secret_value())
    room, streams = WaitingRoom(database, settings.feed), Streams()
    app.state.services = Services(
        settings, database, samples_store, bundles_store, hints, room, keyring, sessions, streams
    )
    app.state.pages = Pages()
    app.state.assets = app.state.pages.assets
    try:
        async with Listener(url, room.ear, streams.ear).opened(), room.opened():
            yield
    finally:
        streams.close()
        await sessions.close()
        await hints.close()
        await database.close()
