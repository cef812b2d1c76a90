"""What a customer may read of an event: one shape for the timeline and the webhook."""

from typing import Any

from sigreq.tables.events import Event
from sigreq.tables.people import Person


def public_view(event: Event) -> dict[str, Any]:
    """The public fields of a public event. `sequence` counts public events without gaps."""
    return {
        "id": event.id,
        "sequence": event.public_sequence,
        "name": event.name,
        "state": event.state,
        "at": event.at.isoformat(),
        "data": event.data,
    }


def staff_view(event: Event, person: Person | None) -> dict[str, Any]:
    """Everything, for those who see every case."""
    return {
        "id": event.id,
        "sequence": event.sequence,
        "name": event.name,
        "state": event.state,
        "was": event.was,
        "at": event.at.isoformat(),
        "by": person.name if person else "sigreq",
        "is_public": event.public_sequence is not None,
        "data": event.data,
    }
