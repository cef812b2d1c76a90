"""English and Russian."""

import ast
import re
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, cast, get_args

import pytest
from babel.messages.pofile import read_po

from sigreq.api.console.happened import _SHOWN_TO_STAFF
from sigreq.api.console.pages import Pages, _moment
from sigreq.api.console.reasons import FAULTS, REASONS
from sigreq.api.console.words import WORDS
from sigreq.api.problems import STATUSES
from sigreq.api.schemas import Details
from sigreq.api.together import Result
from sigreq.domain import (
    changes,
    errors,
    lifecycle,
    passwords,
    people,
    queueing,
    release_errors,
    sign_in_errors,
    submission,
    verdict,
)
from sigreq.domain.deliveries import DeliveryState
from sigreq.domain.extras import RELIEF_KINDS
from sigreq.domain.faults import Fault
from sigreq.domain.gate_reasons import SampleNotScanned, WhyNoPass
from sigreq.domain.gating import RunState
from sigreq.domain.reasons import WhyClean, WhyMalware, WhyNotLet, WhyUnfit
from sigreq.domain.versions import Scheme
from sigreq.domain.worded import Reason
from sigreq.embedded.service import Service
from sigreq.notify.mail_en import ENGLISH
from sigreq.validation.report import Similar
from tests.console.browser import Browser
from tests.console.catalogue import CONSOLE, messages
from tests.console.conftest import Doors
from tests.database import rows
from tests.flows import after_test, drafted, marked
from tests.world import MARKER, World

NAMED: dict[str, Iterable[Any]] = {
    "role": people.Role,
    "kind": submission.Kind,
    "short_kind": submission.Kind,
    "state": lifecycle.State,
    "own_state": lifecycle.State,
    "next_step": lifecycle.State,
    "change_state": lifecycle.ChangeState,
    "track": submission.Track,
    "severity": submission.Severity,
    "finding": verdict.Finding,
    "verdict": verdict.Verdict,
    "determination": verdict.Determination,
    "resolution": verdict.Resolution,
    "outcome": verdict.Outcome,
    "change_kind": changes.ChangeKind,
    "run_state": RunState,
    "event": lifecycle.Event,
    "change_event": lifecycle.ChangeEvent,
    "band": queueing.Band,
    "delivery": DeliveryState,
    "version_form": Scheme,
    "relief": RELIEF_KINDS.values(),
}


# No page asks for what they refuse: no form has these fields, or it is done by machines and on the command line.
TO_PROGRAMS = {
    *("KeyMissing", "KeyUnknown", "KeyRevoked", "IfMatchMissing", "HashMismatch", "OwnProposal", "ExtraUnfit"),
    *("BaseReplaced", "TrainNotGated", "CursorAhead", "CursorForeign", "CursorTooOld", "ReleaseExists"),
    *("OrdinalNotHigher", "ChangeUnknown", "ChangeNotInRuleset", "FixDropped", "RollbackUnfit", "RulesetUnfit"),
    *("TrainScheduleUnfit", "ContractsOverlap", "CorpusSourceClosed", "CorpusMalware", "ContractBackwards"),
    *("CalendarUnfit", "CallOutOfTime", "UploadLinkUnknown", "UploadLinkExpired", "UploadLinkUsed"),
}


TOLD_ON_PAGES = WhyUnfit | WhyNotLet | WhyMalware | WhyClean | WhyNoPass


def russian() -> dict[str, str]:
    with (CONSOLE / "translations/ru.po").open("rb") as file:
        found = read_po(file, locale="ru", abort_invalid=True)
    return {str(each.id): str(each.string) for each in found if each.id and not each.fuzzy}


def test_every_field_has_a_word() -> None:
    assert set(WORDS["detail"]) == set(Details.model_fields)
    outcomes = (None, errors.ClaimLapsed(id="x"), errors.ClaimHeld("x", "y", datetime.now(UTC)), errors.KeyMissing())
    stale = errors.RevisionStale("Submission", "x", 1, 2)
    assert set(WORDS["together"]) == {Result("x", problem=each).outcome for each in (*outcomes, stale)}
    assert set(WORDS["likeness"]) == {each.name for each in fields(Similar)}
    sources = "".join(file.read_text() for file in CONSOLE.parent.parent.rglob("*.py"))
    assert set(WORDS["attention"]) == set(re.findall(r'needs_attention"?(?:: |=)"([a-z_]+)"', sources))


@pytest.mark.parametrize("kind", NAMED)
def test_every_value_of_the_rules_has_a_word(kind: str) -> None:
    values: Iterable[Any] = NAMED[kind]
    assert set(WORDS[kind]) == {str(each.value) for each in values}


def test_every_text_is_translated_and_nothing_else_is() -> None:
    problems = {each.__new__(each).template for each in STATUSES}
    reasons = {each.__new__(each).template for each in get_args(TOLD_ON_PAGES)}
    known = russian()
    assert (messages() | reasons) - set(known) == set()
    assert set(known) - messages() - problems - reasons == set()
    assert [text for text, told in known.items() if not told] == []
    untold = {each.__name__ for each in STATUSES if each.__new__(each).template not in known}
    assert untold == TO_PROGRAMS


def test_what_is_refused_names_cases_and_states_as_pages_do() -> None:
    forbids = errors.StateForbids("Submission", "SR-1", "in_analysis", lifecycle.Event.REPLIED, "fixed, queued")
    told = Pages().told(forbids, people.Language.RUSSIAN)
    assert told == (
        "обращение SR-1: сейчас «В работе»; действие «Клиент ответил» возможно только в состоянии:"  # noqa: RUF001 -- Russian
        " Исправлено, Ожидает аналитика."
    )
    assert Pages().told(forbids, people.Language.ENGLISH) == forbids.message


@pytest.mark.parametrize("kind", get_args(TOLD_ON_PAGES))
def test_a_reason_is_told_in_russian_to_the_last_word(kind: type[Reason]) -> None:
    facts = {"kind": "hash_add", "claim": "false_positive", "allowed": "hash_allow, rename", "fields": "sha256"}
    reason = kind(**{each.name: facts.get(each.name, "4711") for each in fields(cast("Any", kind))})
    told = Pages().told(release_errors.GatePassStale("CH-1", cast("Any", reason)), people.Language.RUSSIAN)
    assert re.findall("[A-Za-z_]{3,}", told.replace("sha256", "").replace("ClamAV", "")) == []
    assert str(reason) in Pages().told(
        release_errors.GatePassStale("CH-1", cast("Any", reason)), people.Language.ENGLISH
    )


def test_what_strangers_call_their_things_is_not_translated() -> None:
    found = SampleNotScanned("submission", "timeout", "timeout")
    told = Pages().told(release_errors.GatePassStale("person", cast("Any", found)), people.Language.RUSSIAN)
    assert "submission: файл timeout" in told
    assert (told.count("timeout"), "person" in told) == (1, True)


def test_what_the_gate_found_is_told_in_the_readers_language(doors: Doors, world: World) -> None:
    analyst = doors.enter("analyst")
    case = world.determined(world.analyst, world.customer(), world.product())
    change = after_test(world.analyst, drafted(world.analyst, case, "Marker", marked("Marker")))
    (problem,) = change["report"]["problems"]
    assert problem["reason"].items() >= {"code": "sample_still_detected", "case": case["id"], "by": "Marker"}.items()
    assert problem["message"] in analyst.get(f"/changes/{change['id']}").text
    told = _in_russian(analyst, f"/changes/{change['id']}")
    assert f"{case['id']}: файл {problem['sha256']} всё ещё обнаруживается: Marker [yara]" in told


def test_every_fault_has_a_word() -> None:
    assert set(FAULTS) == set(Fault)


def test_a_translation_fills_in_the_same_fields() -> None:
    for text, told in russian().items():
        assert sorted(re.findall(r"%\(\w+\)s|\{\w+\}", text)) == sorted(re.findall(r"%\(\w+\)s|\{\w+\}", told)), text


def test_a_stranger_reads_what_their_browser_asks_for(doors: Doors) -> None:
    browser = doors.browser()
    assert 'lang="en"' in browser.get("/sign-in").html
    browser.http.headers["Accept-Language"] = "de-AT,ru-RU;q=0.8,en;q=0.5"
    page = browser.get("/sign-in")
    assert ('lang="ru"' in page.html, "Имя для входа" in page.text) == (True, True)


def test_who_chooses_russian_reads_russian_from_then_on(doors: Doors, world: World) -> None:
    customer, analyst = doors.enter("customer", world.organisation()), doors.enter("analyst")
    case = world.queued(world.customer(), world.product())["id"]
    assert "Ваши обращения" in _in_russian(customer, "/portal")
    assert "Новое обращение" in customer.get("/portal/new").text
    assert "Взять следующее" in _in_russian(analyst, "/queue")
    assert "Подтвердилось" in analyst.get(f"/cases/{case}").text
    page = analyst.get("/portal")
    assert (page.status, "не разрешено" in page.text) == (403, True), "what is refused is told in the reader's language"
    assert (page.has_form("/sign-out"), "Очередь" in page.text) == (True, True), "and they find their way on"


DATA = "SELECT DISTINCT key FROM event, jsonb_each(data) WHERE jsonb_typeof(value) NOT IN ('object', 'array', 'null')"


def test_all_that_happened_has_names_in_the_readers_language(doors: Doors, world: World, service: Service) -> None:
    analyst, customer, product = doors.enter("analyst"), world.customer(), world.product()
    content = MARKER + product.encode()
    case = world.queued(customer, product, content=content)
    again = {"details": {"is_production": True, "purpose": "Pays."}, "product_version": "7.2", "contact": "b@c.example"}
    joined = customer.submit({**world.fields(product), **again}, [("again.bin", BytesIO(content))])
    assert joined["id"] == case["id"]
    seen = _in_russian(analyst, f"/cases/{case['id']}")
    assert [each for each in ("contact", "product version", "is production", "True") if each in seen] == []
    for told in ("рабочей системе: да", "Контакт: b@c.example", "Версия продукта: 7.2", "Добавлен пароль: нет"):
        assert told in seen
    known = {*WORDS["datum"], *WORDS["detail"], *ENGLISH.labels, *_SHOWN_TO_STAFF}
    assert {each for (each,) in rows(service, DATA)} - known == set(), "whatever other tests have had happen"


def test_every_reason_that_a_page_tells_is_translated() -> None:
    unfit = ("short", "aaaaaaaaaaaaaaaa", "somebody-else-1")
    told = set()
    for each in unfit:
        with pytest.raises(sign_in_errors.PasswordUnfit) as refused:
            passwords.check(each, "somebody-else")
        told.add(refused.value.reason)
    for file in CONSOLE.glob("*.py"):
        calls = [each for each in ast.walk(ast.parse(file.read_text())) if isinstance(each, ast.keyword)]
        told |= {_constant(each.value) for each in calls if each.arg in {"reason", "summary"}}
    told.discard("")
    assert told - REASONS == set()
    assert len(told) == len(unfit) + 5


def _constant(node: ast.expr) -> str:
    assert not isinstance(node, ast.JoinedStr), "what is filled in cannot be looked up"
    return str(node.value) if isinstance(node, ast.Constant) else ""


def test_what_is_refused_is_told_in_russian_to_the_last_word(doors: Doors) -> None:
    analyst, stranger = doors.enter("analyst"), doors.browser()
    _in_russian(analyst, "/queue")
    analyst.http.headers["Accept-Language"] = stranger.http.headers["Accept-Language"] = "ru"
    missing, odd = analyst.get("/queue/rules/cases"), analyst.get("/queue", band="9")
    assert (missing.status, "Отправленное не удалось понять" in missing.text) == (400, True)
    assert (odd.status, "Запрос не удалось прочитать: выбранного нет среди вариантов." in odd.text) == (400, True)
    link = stranger.get(doors.link(doors.person("analyst")))
    assert "введённые значения различаются" in stranger.send(link, "", password="a good one 4711", again="b").text
    short = stranger.send(link, "", password="short", again="short")
    assert "в нём должно быть от 12 до 200 знаков" in short.text
    assert Pages().word("refusal", "500", people.Language.RUSSIAN).startswith("Произошла ошибка")


def test_a_time_is_told_in_utc_whatever_its_offset() -> None:
    assert ">21 Nov 2026, 10:32 UTC<" in _moment("2026-11-21T13:32:00+03:00", people.Language.ENGLISH)


def _in_russian(browser: Browser, path: str) -> str:
    page = browser.get(path)
    token = page.form("/language").fields["form_token"]
    return browser.post("/language", {"form_token": token, "language": "ru", "next": path}).text
