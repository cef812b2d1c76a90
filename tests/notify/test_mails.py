"""What e-mails say, in both languages, and what customers' data cannot do to them."""

from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import IntEnum, StrEnum
from html.parser import HTMLParser
from typing import Any
from unicodedata import name

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sigreq.domain import advice
from sigreq.domain.lifecycle import TRANSITIONS, Event
from sigreq.domain.submission import Kind, Severity, Track
from sigreq.domain.verdict import Determination, Finding, Resolution, Verdict
from sigreq.mail import MailRefused
from sigreq.notify.mails import TEXTS, AnswerWarning, Language, compose, compose_warning

ID = "SR-7K3M-9QX2-4TFZ"
SENDER = "sigreq <sigreq@vendor.example>"
TO = "Jane Doe <jane@customer.example>"
AT = "2026-11-22T10:00:00+00:00"
PUBLIC = [event for event, transition in TRANSITIONS.items() if transition.is_public]
LANGUAGES: list[Language] = ["en", "ru"]
SAID_BY_WORDS: dict[str, type[StrEnum] | type[IntEnum]] = {
    "kind": Kind,
    "finding": Finding,
    "determination": Determination,
    "final_verdict": Verdict,
    "resolution": Resolution,
    "track": Track,
    "severity": Severity,
    "from": Severity,
    "to": Severity,
}


def mail(about: str = "answered", language: Language = "en", to: str = TO, **data: Any) -> EmailMessage:
    event = {"id": "EV-0123", "sequence": 3, "name": about, "state": "fixed", "at": AT, "data": data}
    return compose(event, ID, to, language, SENDER, "https://sigreq.vendor.example/")


def warn(percent: int, left: timedelta, language: Language = "en") -> EmailMessage:
    at = datetime.fromisoformat("2026-03-06T17:00:00+01:00")
    return compose_warning(AnswerWarning("AW-1", ID, percent, at + left, at), TO, language, SENDER, None)


def plain(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def html(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


class Reader(HTMLParser):
    """What a page holds, as a mail program reads it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the parser's interface
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("event", PUBLIC)
def test_every_public_event_has_its_own_text_and_says_what_comes_next(event: Event, language: Language) -> None:
    text, message = TEXTS[language].events[event], mail(event, language)
    others = [each.subject for each in TEXTS[language].events.values() if each is not text]
    assert text.subject not in others
    for said in (text.happened, text.next):
        assert said.endswith(".")
        assert said in plain(message)
        assert said in Reader(html(message)).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_written_about_events_that_customers_do_not_see(language: Language) -> None:
    assert set(TEXTS[language].events) == set(PUBLIC)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_value_of_an_events_data_has_its_words(language: Language) -> None:
    for key, values in SAID_BY_WORDS.items():
        assert set(TEXTS[language].words[key]) == set[str | int](values), key


def test_both_languages_show_the_same_data() -> None:
    assert list(TEXTS["en"].labels) == list(TEXTS["ru"].labels)


def test_russian_texts_are_written_in_russian_letters() -> None:
    for text in TEXTS["ru"].events.values():
        said = text.subject + text.happened + text.next
        assert not [letter for letter in said if letter.isalpha() and "CYRILLIC" not in name(letter)], said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fix_names_the_version_and_numbers_the_steps(language: Language) -> None:
    steps = advice.steps("Press Update.", Kind.FALSE_POSITIVE)
    message = mail("fixed", language, fixed_in="20261122.4", steps=steps, proof=[{"sha256": "ab"}])
    said = [TEXTS[language].words.get("steps", {}).get(step, step) for step in steps]
    for text in (plain(message), Reader(html(message)).text):
        assert "20261122.4" in text
        assert all(step in text for step in said)
        assert "sha256" not in text
    assert f"\n2. {said[1]}\n3. " in plain(message)


def test_a_due_time_is_shown_with_its_offset() -> None:
    message = mail("severity_changed", to=TO, due_at="2026-11-23T12:30:00+01:00", reason=None)
    assert "Answer due: 2026-11-23 12:30+01:00" in plain(message)
    assert "Reason" not in plain(message)


def test_an_approved_fix_says_when_its_train_departs() -> None:
    message = mail("fix_approved", expected_release_at="2026-11-24T06:00:00+00:00")
    assert "Expected to be released: 2026-11-24 06:00+00:00" in plain(message)
    russian = mail("fix_approved", "ru", expected_release_at="2026-11-24T06:00:00+00:00")
    assert "Ожидаемый выпуск: 2026-11-24 06:00+00:00" in plain(russian)


def test_data_comes_in_words_not_in_codes() -> None:
    text = plain(mail("determined", "ru", determination="correct_detection", final_verdict="malware"))
    assert "Заключение: файл обнаруживается правильно" in text
    assert "malware" not in text


def test_messages_of_one_submission_form_a_thread_and_answer_no_robot() -> None:
    message = mail()
    assert message["Message-ID"] == "<EV-0123@vendor.example>"
    assert message["In-Reply-To"] == message["References"] == f"<{ID}@vendor.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Sigreq-Submission"] == ID
    assert message["Date"].datetime == datetime.fromisoformat(AT)
    assert (message["From"], message["To"]) == (SENDER, TO)
    assert "2026-11-22 10:00+00:00" in plain(message)


def test_identifiers_stay_whole_however_long_the_senders_domain_is() -> None:
    domain = ".".join(["d" * 60] * 4)
    event = {"id": "EV-" + "0" * 32, "name": "answered", "at": AT, "data": {}}
    sent = compose(event, ID, TO, "en", f"sigreq@{domain}", None).as_bytes()
    assert f"\r\nReferences: <{ID}@{domain}>\r\n".encode() in sent
    assert f"\r\nMessage-ID: <{event['id']}@{domain}>\r\n".encode() in sent


def test_the_same_event_is_the_same_message_but_for_the_boundary_between_its_parts() -> None:
    first, second = mail(message="Done."), mail(message="Done.")
    assert first.items() == second.items()
    assert (plain(first), html(first)) == (plain(second), html(second))


def test_the_link_leads_to_the_submission_and_is_left_out_where_there_are_no_pages() -> None:
    assert f"https://sigreq.vendor.example/submissions/{ID}" in plain(mail())
    assert "<a " not in html(warn(50, timedelta(hours=1)))


@pytest.mark.parametrize(
    "to",
    [
        "jane@customer.example\nBcc: all@elsewhere.example",
        "jane@customer.example\r\nSubject: hello",
        "Jane\nX: y <jane@customer.example>",
        "jane@customer.example, all@elsewhere.example",
        "jane@customer.example>",
        "+49 30 1234567",
        "jane@",
        "",
    ],
)
def test_a_contact_that_is_not_one_address_gets_no_mail(to: str) -> None:
    with pytest.raises(MailRefused, match="e-mail address"):
        mail(to=to)


@given(st.text(max_size=60))
@example(".:")
@example("x@y.example\nBcc: z@y.example")
def test_no_contact_can_add_a_header_or_a_recipient(to: str) -> None:
    try:
        message = mail(to=to)
    except MailRefused:
        return
    arrived = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert arrived.keys() == mail().keys()
    assert len(arrived["To"].addresses) == 1


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
@example("first line\r\nBcc: all@elsewhere.example\r\n\r\n<script>alert(1)</script>")
@example("\n.\nMAIL FROM:<x@y.example>")
def test_no_customers_words_can_add_a_header_or_markup(said: str) -> None:
    message = mail(message=f"x{said}", reason=said, steps=[said, said])
    arrived = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert isinstance(arrived, EmailMessage)
    assert arrived.keys() == mail().keys()
    harmless = mail(message="x", reason="x" if said else "", steps=["x", "x"])
    assert Reader(html(arrived)).tags == Reader(html(harmless)).tags


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_warning_says_how_far_the_clock_is_and_what_is_left(language: Language) -> None:
    message = warn(75, timedelta(hours=1, minutes=30, seconds=40), language)
    assert "75%" in message["Subject"]
    assert message["Message-ID"] == "<AW-1@vendor.example>"
    text, words = plain(message), TEXTS[language].warning
    assert f"{words.due}: 2026-03-06 18:30+01:00" in text
    assert f"{words.left}: {words.time.format(hours=1, minutes=30)}" in text
    assert ID in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_warning_past_the_due_time_says_by_how_much(language: Language) -> None:
    text, words = plain(warn(100, -timedelta(hours=26, minutes=5), language)), TEXTS[language].warning
    assert words.overdue in text
    assert f"{words.over}: {words.time.format(hours=26, minutes=5)}" in text
    assert words.left not in text
