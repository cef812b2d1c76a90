"""The house rules that a program can check."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [
    file
    for folder in ("sigreq", "client")
    for file in sorted((ROOT / folder).rglob("*.py"))
    if "versions" not in file.parts  # migrations are written by a tool, and never read again
]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[Path, Function]]:
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, Function):
                yield file, node


def length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_modules_import_only_from_the_floors_below() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_function_is_over_fifty_lines_and_nine_in_ten_are_within_twenty_five() -> None:
    found = sorted((length(node), f"{file.name}:{node.name}") for file, node in functions())
    assert found[-1][0] <= 50, found[-3:]
    assert found[int(0.9 * len(found))][0] <= 25


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_has_at_most_three_hundred_lines(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= 300


def test_package_files_are_empty_so_that_modules_are_imported_by_their_path() -> None:
    full = [file for file in FILES if file.name == "__init__.py" and file.parent.name != "sigreq_client"]
    assert [file for file in full if file.read_text()] == []


def test_what_is_public_says_what_it_promises() -> None:
    silent = []
    for file in FILES:
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
                silent += [] if ast.get_docstring(node) else [f"{file.name}:{node.name}"]
    assert silent == []


def test_no_dependency_is_pinned_with_an_address() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text()
