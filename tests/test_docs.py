"""What the documents say of the code, held against the code."""

import re
from collections.abc import Iterator
from dataclasses import astuple, fields, is_dataclass
from inspect import cleandoc
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from sigreq.api.problems import STATUSES
from sigreq.cli.main import ENTRIES
from sigreq.domain.errors import Problem
from sigreq.domain.faults import MEANINGS
from sigreq.domain.limits import LISTS, UnpackLimits
from sigreq.domain.worded import Reason
from sigreq.settings import Limits, Mail, Scanning, Settings

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
HEAD = "| status | code | message | facts |\n|---|---|---|---|\n"
REASONS_HEAD = "| reason | in words | facts | in |\n|---|---|---|---|\n"


def error_table() -> str:
    """The table of docs/api.md as the code has it."""
    return HEAD + "".join(_line(kind, status) for kind, status in sorted(STATUSES.items(), key=lambda each: each[1]))


def _line(kind: type[Problem], status: int) -> str:
    message = cleandoc(kind.__doc__ or "").strip().replace("\n", " ")
    facts = ", ".join(f"`{field.name}`" for field in fields(kind)) if is_dataclass(kind) else ""
    return f"| {status} | `{kind.__new__(kind).code}` | {message} | {facts} |\n"


def reason_table() -> str:
    """Its table of the reasons that have codes, as the code has it."""
    told: dict[Any, list[str]] = {}
    for kind in STATUSES:
        types: list[Any] = [each.type for each in fields(kind)] if is_dataclass(kind) else []
        for union in types:
            for reason in (each for each in get_args(union) if each is not type(None) and issubclass(each, Reason)):
                told.setdefault(reason, []).append(kind.__new__(kind).code)
    return REASONS_HEAD + "".join(_reason_line(reason, codes) for reason, codes in told.items())


def _reason_line(reason: type[Reason], codes: list[str]) -> str:
    facts = ", ".join(f"`{field.name}`" for field in fields(reason)) if is_dataclass(reason) else ""
    shown, where = reason.__new__(reason), ", ".join(f"`{code}`" for code in codes)
    return f"| `{shown.code}` | {shown.template} | {facts} | {where} |\n"


def setting_names(model: type[BaseModel], before: str = "SIGREQ_") -> Iterator[str]:
    """Every setting under its name in the environment."""
    for name, field in model.model_fields.items():
        section = Mail if name == "mail" else field.annotation
        inner = f"{before}{name.upper()}"
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from setting_names(section, f"{inner}__")
        elif is_dataclass(section):
            yield from (f"{inner}__{each.name.upper()}" for each in fields(section))
        else:
            yield f"{before}{name.upper()}"


def test_the_table_of_errors_is_the_codes() -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    found = page[page.index(HEAD) :].partition("\n\n")[0] + "\n"
    assert found.splitlines() == error_table().splitlines()


def test_the_table_of_reasons_is_the_codes() -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    found = page[page.index(REASONS_HEAD) :].partition("\n\n")[0] + "\n"
    assert found.splitlines() == reason_table().splitlines()


def test_the_readmes_table_of_outcomes_is_the_codes() -> None:
    page = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", page[page.index("| outcome | what it means |") :], re.MULTILINE)
    assert rows[: len(MEANINGS)] == [(code.value, meaning) for code, meaning in MEANINGS.items()]


def test_the_readmes_table_of_limits_is_the_defaults() -> None:
    page = (ROOT / "README.md").read_text()
    table = page[page.index("| limit | by default |") :].partition("\n\n")[0]
    told = [line.split(" | ")[1].removesuffix(" |") for line in table.splitlines()[2:]]
    sent, unpack = Limits(), UnpackLimits()
    assert told == [
        f"{sent.submission_files}",
        f"{sent.submission_bytes >> 30} GiB",
        f"{unpack.members:,}",
        f"{unpack.member_bytes >> 20} MiB",
        f"{unpack.total_bytes >> 30} GiB",
        f"{unpack.depth} deep, the sent file counting as one",
        f"{unpack.ratio} times its size, at least 1 MiB",
        f"{unpack.seconds} s",
        f"{Scanning().timeout.seconds} s",
        ", ".join(str(each) for each in astuple(LISTS)),
    ]


def test_every_setting_stands_in_the_operators_page_and_no_other() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    rows = set(re.findall(r"^\| `(SIGREQ_\w+)` \|", page, re.MULTILINE))
    assert rows == set(setting_names(Settings))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    named = set(re.findall(r"(?:`|\$ )sigreq ([a-z][a-z-]+)", page.read_text()))
    assert named <= set(ENTRIES)
