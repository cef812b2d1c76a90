"""What of the pages has to be translated, as Babel finds it in the templates and the words."""

from pathlib import Path

from babel.messages.extract import extract_from_dir

CONSOLE = Path(__file__).parents[2] / "sigreq/api/console"
METHODS = [
    ("**.html", "jinja2.ext.babel_extract"),
    ("words.py", "python"),
    ("mistakes.py", "python"),
    ("pages.py", "python"),
    ("reasons.py", "python"),
]


def messages() -> set[str]:
    """Every text, as it stands there."""
    found = extract_from_dir(CONSOLE, METHODS, options_map={"**.html": {"newstyle_gettext": "true"}})
    return {message for _, _, message, _, _ in found if isinstance(message, str)}
