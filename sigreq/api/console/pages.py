"""Pages as text: the templates, in each language, with what all of them use."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from babel.dates import format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response
from markupsafe import Markup

from sigreq.api.console import mistakes
from sigreq.api.console.assets import CONTENT_SECURITY_POLICY, HERE, Assets
from sigreq.api.console.reasons import CODED, CODES, REASONS
from sigreq.api.console.words import word
from sigreq.api.problems import STATUSES
from sigreq.domain.errors import FieldInvalid, Problem
from sigreq.domain.findings import Trouble
from sigreq.domain.people import Language

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # No address of ours leaves; with `no-referrer` browsers would send our own forms with a null Origin.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Pages:
    """Every template in every language. What is put into a page is escaped, whatever it is. Raises AssetsMissing."""

    def __init__(self) -> None:
        self.assets = Assets()
        self._environments = {language: self._environment(language) for language in Language}

    def render(self, template: str, language: Language, context: dict[str, Any]) -> str:
        """The page as text."""
        return self._environments[language].get_template(template).render(context)

    def answer(
        self, template: str, language: Language, context: dict[str, Any], *, status_code: int = 200
    ) -> Response[str]:
        """The page as it leaves."""
        content = self.render(template, language, {"language": language, **context})
        return Response(content, status_code=status_code, media_type="text/html", headers=HEADERS)

    def told(self, problem: Problem, language: Language) -> str:
        """What was wrong, in a language."""
        spoken: str = self._environments[language].globals["problem_text"](problem)  # type: ignore[operator]
        return spoken

    def word(self, kind: str, value: object, language: Language) -> str:
        """What a value is called in a language."""
        spoken: str = self._environments[language].globals["word"](kind, value)  # type: ignore[operator]
        return spoken

    @staticmethod
    def status(problem: Problem) -> int:
        """The status that the API has for the same."""
        return STATUSES[type(problem)]

    def _environment(self, language: Language) -> Environment:
        made = Environment(
            loader=PackageLoader("sigreq.api.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        words = _words(language)
        made.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined] # the extension brings it
        made.globals["asset"] = self.assets.address
        made.globals["word"] = lambda kind, value: words.gettext(word(kind, value)) if value is not None else ""
        made.globals["problem_text"] = lambda problem: _told(problem, words, language)
        made.globals["trouble_text"] = lambda document: _troubled(document, words, language)
        made.globals["languages"] = {Language.ENGLISH: "English", Language.RUSSIAN: "Русский"}
        made.filters["moment"] = lambda at: _moment(at, language)
        made.filters["duration"] = lambda length: _duration(length, words)
        made.filters["bytes"] = lambda size: _bytes(size, words)
        return made


def _words(language: Language) -> NullTranslations:
    """The catalogue of a language; English is what stands in the templates."""
    path = HERE / "translations" / f"{language}.po"
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as file:
        catalogue = read_po(file, locale=str(language), abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def _told(problem: Problem, words: NullTranslations, language: Language) -> str:
    """What was wrong; what stands in its fields is translated too where it is one of ours."""
    if isinstance(problem, FieldInvalid):
        told = mistakes.summary(problem.problems, words.gettext)
        problem = FieldInvalid(told or problem.summary, problem.problems)

    return problem.filled(words.gettext, lambda name, said: _reworded(name, said, words, language))


def _troubled(document: Mapping[str, Any], words: NullTranslations, language: Language) -> str:
    """What the gate found; what a compiler, ClamAV or the lint of rules says of it stays in their words."""
    found = Trouble.read(document)
    said = found.said.filled(words.gettext, lambda name, said: _reworded(name, said, words, language))
    return f"{said} [{found.engine}]" if found.engine else said


def _reworded(name: str, said: str, words: NullTranslations, language: Language) -> str:
    """What stands in a field, where it is one of ours: the name of a file is told as it is, whatever it means to us."""
    if name not in CODED:
        return said
    if said in REASONS:
        return words.gettext(said)
    if language is Language.ENGLISH:
        return said
    return ", ".join(words.gettext(CODES[each]) if each in CODES else each for each in said.split(", "))


def _moment(at: datetime | str | None, language: Language) -> Markup | str:
    """A time as people read it, in UTC; pages that can also show it in the reader's own time zone."""
    if at is None:
        return "—"
    when = datetime.fromisoformat(at) if isinstance(at, str) else at
    shown = format_datetime(when, "d MMM y, HH:mm 'UTC'", tzinfo=UTC, locale=str(language))
    return Markup('<time datetime="{}">{}</time>').format(when.isoformat(), shown)


def _duration(length: timedelta, words: NullTranslations) -> str:
    """The two largest units, without a sign."""
    minutes = int(abs(length.total_seconds()) // 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return words.gettext("%(days)s d %(hours)s h") % {"days": days, "hours": hours}
    if hours:
        return words.gettext("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    return words.gettext("%(minutes)s min") % {"minutes": minutes}


_UNITS = ((30, "GiB"), (20, "MiB"), (10, "KiB"))


def _bytes(size: int, words: NullTranslations) -> str:
    """A size as people read it."""
    if size < 1024:  # noqa: PLR2004 - a KiB
        return words.gettext("%(size)s bytes") % {"size": size}
    amount, unit = next((size / 2**bits, unit) for bits, unit in _UNITS if size >= 2**bits)
    return f"{amount:.1f} {unit}"
