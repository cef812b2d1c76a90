"""What the customer is asked to do: the words that go with an answer."""

from sigreq.domain.submission import Kind

RESTORE = "If the file was quarantined, restore it from the quarantine after the update."
CONFIRM = "Please confirm that it works, or say that it still happens: then an analyst looks again."


def steps(update_instructions: str, kind: Kind) -> list[str]:
    """In this order: update, restore what was wrongly quarantined, tell us."""
    restore = [RESTORE] if kind is Kind.FALSE_POSITIVE else []
    return [update_instructions, *restore, CONFIRM]
