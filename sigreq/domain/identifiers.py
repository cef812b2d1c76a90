"""Identifiers that people read out over the phone and type by hand: no look-alike symbols, and typos are noticed."""

import secrets
import string
from collections.abc import Callable

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: without I, L, O (look like 1 and 0) and U."""

RANDOM_SYMBOLS = 11
GROUP = 4

_BITS_PER_SYMBOL = 5
_LENGTH = RANDOM_SYMBOLS + 1
_LONGEST_TEXT = 100

_SEPARATORS = string.whitespace + "-\N{NO-BREAK SPACE}\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{EN DASH}\N{EM DASH}"
_AS_MEANT = (
    str.maketrans(string.ascii_lowercase, string.ascii_uppercase, _SEPARATORS)
    | str.maketrans("Oo", "00")
    | str.maketrans("IiLl", "1111")
)


class IdentifierInvalid(ValueError):
    """The text is not an identifier; the message says what to look at."""


def new_identifier(prefix: str, random_bits: Callable[[int], int] = secrets.randbits) -> str:
    """Make an identifier such as SR-7K3M-9QX2-4TFZ: 55 random bits and a check symbol."""
    bits = random_bits(RANDOM_SYMBOLS * _BITS_PER_SYMBOL)
    digits = [bits >> (_BITS_PER_SYMBOL * place) & 31 for place in range(RANDOM_SYMBOLS)]
    body = "".join(SYMBOLS[digit] for digit in digits)
    return _written(prefix, body + _check_symbol(body))


def read_identifier(prefix: str, text: str) -> str:
    """Bring what was typed or heard into the form that `new_identifier` gave.

    Case, hyphens and spaces do not matter, the prefix may be missing, O is read as 0, I and L as 1. Raises
    IdentifierInvalid. Noticed are every single wrong symbol and every swap of two neighbours but 0 and Z.
    """
    if len(text) > _LONGEST_TEXT:
        message = f"An identifier such as {prefix}-7K3M-9QX2-4TFZ is far shorter than {len(text)} characters."
        raise IdentifierInvalid(message)
    symbols = text.translate(_AS_MEANT)
    if len(symbols) > _LENGTH:
        symbols = symbols.removeprefix(prefix.translate(_AS_MEANT))
    _refuse_wrong_form(prefix, symbols)
    if symbols[-1] != _check_symbol(symbols[:-1]):
        message = f"There is a typing mistake in {_written(prefix, symbols)}: its last symbol does not fit the others."
        raise IdentifierInvalid(message)
    return _written(prefix, symbols)


def _refuse_wrong_form(prefix: str, symbols: str) -> None:
    foreign = next((symbol for symbol in symbols if symbol not in SYMBOLS), None)
    if foreign is not None:
        message = f"{foreign!r} does not occur in identifiers such as {prefix}-7K3M-9QX2-4TFZ."
        raise IdentifierInvalid(message)
    if len(symbols) != _LENGTH:
        message = f"After {prefix} an identifier has {_LENGTH} letters and digits, here are {len(symbols)}."
        raise IdentifierInvalid(message)


def _written(prefix: str, symbols: str) -> str:
    return "-".join([prefix, *(symbols[at : at + GROUP] for at in range(0, _LENGTH, GROUP))])


def _check_symbol(body: str) -> str:
    """The Luhn algorithm modulo 32: every second symbol, from the right, counts double, as the sum of its two digits.

    It cannot see 0 and Z swapped: doubling leaves both values, 0 and 31, as they are modulo 31.
    """
    total = 0
    for distance, symbol in enumerate(reversed(body)):
        value = SYMBOLS.index(symbol)
        total += sum(divmod(2 * value, 32)) if distance % 2 == 0 else value
    return SYMBOLS[-total % 32]
