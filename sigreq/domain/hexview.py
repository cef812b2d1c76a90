"""A few bytes around the places where rules hit, as hex and plain ASCII: enough to judge a hit, never the file."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

AROUND = 64
LONGEST = 256
MOST = 6
ROW = 16
_PRINTABLE = range(0x20, 0x7F)


@dataclass(frozen=True)
class Window:
    """The bytes from `start` to before `end`."""

    start: int
    end: int

    def __contains__(self, offset: object) -> bool:
        return isinstance(offset, int) and self.start <= offset < self.end


@dataclass(frozen=True)
class Cell:
    """One byte. `is_hit`: a rule hit begins here."""

    hex: str
    text: str
    is_hit: bool


@dataclass(frozen=True)
class Row:
    """Up to 16 bytes, beginning at `offset`."""

    offset: int
    cells: tuple[Cell, ...]


def windows(offsets: Iterable[int], size: int) -> list[Window]:
    """The first places in a file of this size, 64 bytes before and after each, in whole rows; what meets is joined.

    At most 6 windows of at most 256 bytes.
    """
    found: list[Window] = []
    for offset in sorted({each for each in offsets if 0 <= each < size}):
        if found and offset in found[-1]:
            wanted = Window(found[-1].start, _row_after(offset + AROUND, size))
            if wanted.end - wanted.start <= LONGEST:
                found[-1] = wanted
            continue
        if len(found) == MOST:
            break
        start = max(0, offset - AROUND) // ROW * ROW
        found.append(Window(max(start, found[-1].end if found else 0), _row_after(offset + AROUND, size)))
    return found


def _row_after(offset: int, size: int) -> int:
    return min(size, -(-offset // ROW) * ROW)


def rows(content: bytes, window: Window, hits: Collection[int]) -> list[Row]:
    """The content of a window, row by row; what is no printable ASCII is a dot."""
    return [
        Row(
            window.start + at,
            tuple(
                Cell(f"{byte:02x}", chr(byte) if byte in _PRINTABLE else ".", window.start + at + place in hits)
                for place, byte in enumerate(content[at : at + ROW])
            ),
        )
        for at in range(0, len(content), ROW)
    ]
