"""What the customer is asked to do: the words that go with an answer."""

from sigreq.domain.submission import Kind

RESTORE = "If the file was quarantined, restore it from the quarantine after the update."
CONFIRM = "Please confirm that it works, or say that it still happens: then an analyst looks again."
COMPARE = (
    "If the fault is gone with the latest version, withdraw the submission; if it is there as well, you need not do "
    "anything: the work goes on."
)
NO_VERSION = "No version is published at the moment; update as soon as there is one. You need not submit again."


def steps(update_instructions: str, kind: Kind) -> list[str]:
    """In this order: update, restore what was wrongly quarantined, tell us."""
    restore = [RESTORE] if kind is Kind.FALSE_POSITIVE else []
    return [update_instructions, *restore, CONFIRM]


def steps_back(update_instructions: str, latest: str | None) -> list[str]:
    """What to do when the version in use was taken back; `latest` is what to have instead, if there is anything."""
    return [NO_VERSION] if latest is None else [update_instructions, COMPARE]
