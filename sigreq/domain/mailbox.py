"""An e-mail address as people write it."""

from email import policy
from email.errors import HeaderParseError
from email.headerregistry import Address


def read_mailbox(text: str) -> Address:
    """One address, with a name before it or without, such as `sigreq <sigreq@example.com>`. Raises ValueError."""
    try:
        header = policy.default.header_factory("From", text)
        found: tuple[Address, ...] = header.addresses
    except (HeaderParseError, IndexError, AttributeError) as error:  # the last two: what it stumbles over, such as ".:"
        raise ValueError(f"{text!r} is not an e-mail address") from error
    if header.defects or len(found) != 1 or not found[0].domain:
        raise ValueError(f"{text!r} is not one e-mail address, such as Jane Doe <jane@example.com>")
    return found[0]
