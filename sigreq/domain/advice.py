"""What the customer is asked to do: the words that go with an answer."""

from sigreq.domain.extras import Ending
from sigreq.domain.submission import Kind

RESTORE = "If the file was quarantined, restore it from the quarantine after the update."
CONFIRM = "Please confirm that it works, or say that it still happens: then an analyst looks again."
COMPARE = (
    "If the fault is gone with the latest version, withdraw the submission; if it is there as well, you need not do "
    "anything: the work goes on."
)
NO_VERSION = "No version is published at the moment; update as soon as there is one. You need not submit again."

TAKE_RELIEF = "Have your product look for updates: it takes the relief with them. It is for this file alone."
UNTIL_FIXED = (
    "This is relief for the time being: it ends by itself when the fix is out, at the latest at the time given."
)

TAKE_EXTRA = "Have your product look for updates: it takes the addition with them."
UPDATE_NOW = "Update to the version that has the fix: with it the relief is not needed any more."
FAULT_MAY_SHOW = (
    "The fault may show again until the fix is out. If you need relief for longer, tell us on the submission."
)


def steps(update_instructions: str, kind: Kind) -> list[str]:
    """In this order: update, restore what was wrongly quarantined, tell us."""
    restore = [RESTORE] if kind is Kind.FALSE_POSITIVE else []
    return [update_instructions, *restore, CONFIRM]


def steps_back(update_instructions: str, latest: str | None) -> list[str]:
    """What to do when the version in use was taken back; `latest` is what to have instead, if there is anything."""
    return [NO_VERSION] if latest is None else [update_instructions, COMPARE]


def steps_of_relief(kind: Kind) -> list[str]:
    """How to come by interim relief, and how long it lasts."""
    restore = [RESTORE] if kind is Kind.FALSE_POSITIVE else []
    return [TAKE_RELIEF, *restore, UNTIL_FIXED]


def steps_after_relief(ending: Ending) -> list[str]:
    """What to do once interim relief is over."""
    if ending in {Ending.FIXED, Ending.SHIPPED}:
        return [UPDATE_NOW]
    return [] if ending is Ending.CLOSED else [FAULT_MAY_SHOW]


def steps_of_extra(kind: Kind) -> list[str]:
    """How to come by an approved change before the next version is out."""
    restore = [RESTORE] if kind is Kind.FALSE_POSITIVE else []
    return [TAKE_EXTRA, *restore, UNTIL_FIXED]
