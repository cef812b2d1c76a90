"""The shape of what our e-mails say in one language; `mail_en.py` and `mail_ru.py` fill it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sigreq.domain.lifecycle import Event


@dataclass(frozen=True)
class Text:
    """About one event."""

    subject: str
    happened: str
    next: str


@dataclass(frozen=True)
class WarningText:
    """For the analyst on call. `subject` and `happened` take `percent`, `time` takes `hours` and `minutes`."""

    subject: str
    happened: str
    overdue: str
    due: str
    left: str
    over: str
    time: str


@dataclass(frozen=True)
class Texts:
    """One language. `labels` name an event's data in the order they are shown; `words` say its values, by label."""

    submission: str
    next: str
    link: str
    footer: str
    warning: WarningText
    events: Mapping[Event, Text]
    labels: Mapping[str, str]
    words: Mapping[str, Mapping[str | int, str]]
