"""What happened, in the words of our e-mails: pages and mail say the same."""

from typing import Any

from sigreq.api.console.desk import Visitor
from sigreq.api.console.standing import texts_of
from sigreq.api.console.words import WORDS
from sigreq.domain.lifecycle import Event
from sigreq.notify.mails import facts
from sigreq.notify.timeline import staff_view
from sigreq.tables.events import Event as EventRow
from sigreq.tables.people import Person

_SAID = ("message", "reason")
_SHOWN_TO_STAFF = frozenset({*_SAID, "note", "is_qualified", "determination", "final_verdict", "approved_by"})
"""What the timeline of staff has places of its own for; who approved is who did it."""


def told_to_customer(visitor: Visitor, event: EventRow) -> dict[str, Any]:
    """A public event: what it means for them, and what was said."""
    texts = texts_of(visitor)
    text = texts.events[Event(event.name)]
    return {
        "sequence": event.sequence,
        "at": event.at,
        "title": text.subject,
        "happened": text.happened,
        "said": [event.data[name] for name in _SAID if event.data.get(name)],
        "is_qualified": bool(event.data.get("is_qualified")),
        "facts": facts({name: value for name, value in event.data.items() if name not in _SAID}, texts),
    }


def told_to_staff(visitor: Visitor, event: EventRow, person: Person | None) -> dict[str, Any]:
    """Any event, with everything it says, also what customers never read."""
    texts = texts_of(visitor)
    data = {name: value for name, value in event.data.items() if name not in _SHOWN_TO_STAFF}
    inner = [
        (_label(visitor, name), [_value(visitor, name, value)])
        for name, value in data.items()
        if name not in texts.labels and isinstance(value, str | int | float)
    ]
    return {**staff_view(event, person), "facts": [*facts(data, texts), *inner]}


def _label(visitor: Visitor, name: str) -> str:
    kind = "detail" if name in WORDS["detail"] else "datum"
    return visitor.pages.word(kind, name, visitor.person.language)


def _value(visitor: Visitor, name: str, value: object) -> str:
    kind = "said" if isinstance(value, bool) else {"expected_verdict": "verdict"}.get(name, name)
    return visitor.pages.word(kind, value, visitor.person.language) if kind in WORDS else str(value)
