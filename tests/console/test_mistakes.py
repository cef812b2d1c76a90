"""What is wrong with a form is said in our words and the reader's language, whatever pydantic finds."""

from collections.abc import Mapping

import pytest

from sigreq.api.console import mistakes
from sigreq.api.console.forms import read
from sigreq.api.console.pages import Pages
from sigreq.api.console.queue import ViewIn
from sigreq.api.keys import KeyIn
from sigreq.api.schemas import (
    AnswerIn,
    ChangeIn,
    Details,
    DetermineIn,
    ExamineIn,
    Message,
    OptionalReason,
    Payload,
    Reason,
    SeverityIn,
    Strict,
    SubmissionIn,
    WebhookIn,
)
from sigreq.api.texts import CannedTextIn
from sigreq.domain.errors import FieldInvalid
from sigreq.domain.people import Language
from tests.console.catalogue import CONSOLE
from tests.console.test_languages import russian

FORMS: tuple[type[Strict], ...] = (
    *(Message, Reason, OptionalReason, AnswerIn, DetermineIn, SeverityIn, ExamineIn, CannedTextIn, KeyIn, WebhookIn),
    *(ViewIn, Payload, ChangeIn, SubmissionIn),
)
SAID = (
    "",
    " ",
    "x" * 100_001,
    "9" * 5000,
    "-1",
    "5",
    "1.5",
    "maybe",
    "ж!",
    "http://",
    "ftp://a.example",
    "a.example/x",
)
STRUCTURES = {"payload", "details"}
"""What our own code puts together out of a form's fields, and no field is."""
LONG_ADDRESS = "https://a.example/" + "x" * 3000
CLAIM = {
    "kind": "false_positive",
    "product": "av",
    "product_version": "1",
    "database_version": "1",
    "severity": "1",
    "expected_verdict": "clean",
    "contact": "Ann",
}


def found(kind: type[Strict], said: Mapping[str, object]) -> list[FieldInvalid]:
    try:
        read(kind, said)
    except FieldInvalid as refused:
        return [refused]
    return []


def refusals() -> list[FieldInvalid]:
    """What comes of each form without anything, and with nonsense in each of its fields and of its details."""
    told = [each for kind in FORMS for each in found(kind, {})]
    fields = [
        (kind, name, said)
        for kind in FORMS
        for name in set(kind.model_fields) - STRUCTURES
        for said in (*SAID, LONG_ADDRESS)
    ]
    told += [each for kind, name, said in fields for each in found(kind, {name: said})]
    details = [(name, said) for name in Details.model_fields for said in SAID]
    told += [each for name, said in details for each in found(SubmissionIn, {**CLAIM, "details": {name: said}})]
    told += found(SubmissionIn, {**CLAIM, "kind": "false_negative"})
    return told + found(SubmissionIn, CLAIM)


def test_all_that_can_be_wrong_with_our_forms_has_words_of_ours_and_nothing_else_has() -> None:
    problems = [each for refused in refusals() for each in refused.problems]
    assert {each["type"] for each in problems} == set(mistakes.MISTAKES)
    patterns = {each["context"]["pattern"] for each in problems if "pattern" in each["context"]}
    assert patterns == set(mistakes.PATTERNS)
    own = {each["context"]["error"] for each in problems if each["type"] == "value_error"}
    assert own == mistakes.OWN
    assert [each for each in problems if "%(" in each["problem"] or not each["problem"]] == []


def test_a_form_that_is_read_is_one_of_those() -> None:
    sources = "".join(file.read_text() for file in CONSOLE.glob("*.py"))
    assert {each.__name__ for each in FORMS} == {
        call.partition(",")[0] for call in sources.replace("def read(", "").split("read(")[1:] if call[:1].isupper()
    }


@pytest.mark.parametrize("language", list(Language))
def test_each_is_told_in_the_language_of_the_reader(language: Language) -> None:
    pages, words = Pages(), russian()
    for refused in refusals():
        told = pages.told(refused, language)
        for each in refused.problems:
            if each["type"] in mistakes.MISTAKES and each["type"] != "value_error":
                beginning = mistakes.MISTAKES[each["type"]].partition("%(")[0]
                spoken = words[mistakes.MISTAKES[each["type"]]].partition("%(")[0]
                expected = beginning if language is Language.ENGLISH else spoken
                assert expected in told or len(told) > 1000
    (no_name,) = found(SubmissionIn, CLAIM)
    assert ("для ложного срабатывания" in pages.told(no_name, Language.RUSSIAN)) is True
    (empty,) = found(Details, {"hosts_affected": "-1"})
    assert (
        "Machines affected: the number is too small; write 0 or more" in pages.told(empty, Language.ENGLISH)
    ) is True
