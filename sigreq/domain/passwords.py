"""Which passwords are good enough, and how often a wrong one may be tried (NIST SP 800-63B: length, not alphabets)."""

from dataclasses import dataclass

from sigreq.domain.sign_in_errors import PasswordUnfit

SHORTEST, LONGEST = 12, 200
FEWEST_DIFFERENT = 5


@dataclass(frozen=True)
class Counter:
    """One count of wrong passwords; `limit` of them, and it lets nobody through until it is forgotten."""

    name: str
    limit: int


def check(password: str, login: str) -> None:
    """Let a password through that cannot be guessed in the tries that we allow. Raises PasswordUnfit."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordUnfit(reason=f"it must have {SHORTEST} to {LONGEST} characters; a sentence does well")
    if len(set(password.lower())) < FEWEST_DIFFERENT:
        raise PasswordUnfit(reason=f"it has fewer than {FEWEST_DIFFERENT} different characters")
    if login.lower() in password.lower() and len(password) < len(login) + SHORTEST:
        raise PasswordUnfit(reason="it is little more than the sign-in name")


def counters(login: str, address: str, device: str | None) -> list[Counter]:
    """What a try is counted under. A browser that was signed in before has a count of its own.

    So somebody who tries wrong passwords for another person's name uses up what strangers at their own address have,
    never what the person's own browser has, and never what other addresses have.
    """
    if device is not None:
        return [Counter(f"device:{device}", 10)]
    return [Counter(f"login:{login}|{address}", 5), Counter(f"address:{address}", 50)]
