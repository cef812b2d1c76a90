"""Text from strangers that must not be read as anything but text."""


def printable(text: str) -> str:
    """The same on one line: what does not print, line breaks and direction marks too, is shown as a replacement."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
