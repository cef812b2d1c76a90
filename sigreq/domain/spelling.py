"""Names of detections, as products show them and as rules are called."""

import re


def spelling(name: str) -> str:
    """The same for names that differ in case and separators only."""
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


def spellings(shown: str) -> frozenset[str]:
    """Those of the rules that a product may mean, which shows a name as `Family:Win32/Rule` or just as it is."""
    last = re.split(r"[:/.]", shown)[-1]
    return frozenset(filter(None, (spelling(shown), spelling(last))))
