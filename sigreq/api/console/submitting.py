"""The customers' form for a new case: the fields come before the files, and are judged before them."""

import json
import secrets
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Redirect

from sigreq.api.console.desk import Form, Visitor, check_origin, find_session, go, visitor_of
from sigreq.api.console.forms import read
from sigreq.api.doorway import AnyRequest, Services
from sigreq.api.schemas import Details, SubmissionIn
from sigreq.api.submit import Upload
from sigreq.api.uploads import receive_form
from sigreq.domain.claim import usual_verdict
from sigreq.domain.errors import Problem
from sigreq.domain.people import Permission, require
from sigreq.domain.register import DatabaseCheck
from sigreq.domain.sign_in_errors import FormForeign
from sigreq.domain.submission import Kind
from sigreq.domain.verdict import Verdict
from sigreq.domain.versions import Scheme
from sigreq.sessions import SignedIn
from sigreq.settings import Limits
from sigreq.spool import Spool
from sigreq.store import releases
from sigreq.validation import intake


class FormUpload(Upload):
    """An upload by a form of ours."""

    def __init__(self, services: Services, visitor: Visitor) -> None:
        super().__init__(services, visitor.actor, None)
        self.session: SignedIn = visitor.session
        self.form: Form = {}

    async def judge(self, fields: bytes) -> None:
        """Refuse what can be refused before the files. Raises FormForeign, and what the API raises."""
        said = {name: value for name, value in json.loads(fields).items() if value.strip()}
        self.form = said
        if said.get("form_token") != self.session.form_token:
            raise FormForeign
        self.key = said.get("key", "")[:200] or None
        known = {name: said[name] for name in Details.model_fields if name in said}
        if said.get("kind") in set(Kind):
            said = {"expected_verdict": usual_verdict(Kind(said["kind"])), **said}
        await self.judge_claim(read(SubmissionIn, {**said, "details": known}).claim())


@dataclass(frozen=True)
class Checked:
    """What the register says of a version that somebody typed, and how they come by the latest."""

    found: DatabaseCheck
    scheme: Scheme
    update_instructions: str


@dataclass(frozen=True)
class Filled:
    """A form as it was filled in, and what was wrong with it."""

    typed: Form
    problem: Problem | None = None


ProductAsked = Annotated[str | None, QueryParameter(name="product")]
VersionAsked = Annotated[str | None, QueryParameter(name="database_version")]


@get("/portal/new")
async def show_form(
    visitor: NamedDependency[Visitor],
    services: NamedDependency[Services],
    product: ProductAsked = None,
    database_version: VersionAsked = None,
) -> Response[str]:
    """The form; with a product and a version in the address, also whether that database is the latest."""
    visitor.may(Permission.SUBMIT)
    filled = Filled({"product": product or "", "database_version": database_version or ""})
    return await _form(visitor, services.settings.limits, filled)


@get("/portal/new/database")
async def check_database(
    visitor: NamedDependency[Visitor], product: ProductAsked = None, database_version: VersionAsked = None
) -> Response[str]:
    """What the register says of a version, as a part of the form's page; an empty one when nothing was typed."""
    visitor.may(Permission.SUBMIT)
    checked, problem = await _checked(visitor, product or "", database_version or "")
    return visitor.page("database_answer.html", checked=checked, problem=problem)


async def _checked(visitor: Visitor, product: str, version: str) -> tuple[Checked | None, Problem | None]:
    if not product.strip() or not version.strip():
        return None, None
    try:
        row, found = await intake.check_database(visitor.tx, product, version)
    except Problem as problem:
        return None, problem
    return Checked(found, row.scheme, row.update_instructions), None


@post("/portal/new", request_max_body_size=None)
async def submit(request: AnyRequest, services: NamedDependency[Services], state: State) -> Response[str] | Redirect:
    """Take the form and its files; no transaction is open while they come. Raises SignInNeeded, FormForeign."""
    session = await find_session(request, services)
    check_origin(request)
    async with services.database.transaction() as tx:
        visitor = await visitor_of(request, session, tx, state.pages)
    require(visitor.actor, Permission.SUBMIT)
    upload = FormUpload(services, visitor)
    try:
        with Spool(services.settings.work_dir / "spool") as spool:
            spooled = await receive_form(
                request.stream(), request.headers, services.settings.limits, spool, upload.judge
            )
            answer, _ = await upload.accept(spooled)
    except FormForeign:
        raise
    except Problem as problem:
        async with services.database.transaction() as tx:
            visitor = await visitor_of(request, session, tx, state.pages)
            status = visitor.pages.status(problem)
            limits = services.settings.limits
            return await _form(visitor, limits, Filled(upload.form, problem), status_code=status)
    return go(f"/portal/{answer['id']}")


async def _form(visitor: Visitor, limits: Limits, filled: Filled, *, status_code: int = 200) -> Response[str]:
    typed = filled.typed
    checked, problem = await _checked(visitor, typed.get("product", ""), typed.get("database_version", ""))
    context: dict[str, Any] = {
        "products": await releases.products(visitor.tx),
        "verdicts": list(Verdict),
        "limits": limits,
        # Sent again after an answer that never arrived, the same form makes no second case.
        "key": typed.get("key") or secrets.token_urlsafe(16),
        "typed": typed,
        "problem": filled.problem or problem,
        "checked": checked,
    }
    return visitor.page("new_case.html", status_code=status_code, **context)


ROUTES = [show_form, check_database, submit]
