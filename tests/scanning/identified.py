"""What is told of some content, and what holds for whatever is told."""

import hashlib
import json
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from sigreq.domain.examination import Identity
from sigreq.domain.faults import Fault
from sigreq.scanning.identify import identify

Told = dict[str, Any]


def told(content: bytes) -> Told:
    with NamedTemporaryFile() as sample:
        sample.write(content)
        sample.flush()
        return told_of(Path(sample.name))


def told_of(sample: Path) -> Told:
    found = identify(sample)
    check_form(found)
    return found


def executable(content: bytes) -> Told:
    found = told(content)
    assert found["fault"] is None
    program: Told = found["executable"]
    return program


def check_form(found: Told) -> None:
    """What holds for every file: the terms of Identity, and nothing that a database or a page could not take."""
    Identity(**found)
    assert found["fault"] is None or found["fault"] in set(Fault)
    assert len(json.dumps(found, allow_nan=False)) < 64 << 10
    for word in words_in(found):
        assert word.isprintable()
        assert len(word) <= 200


def words_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [word for part in parts for word in words_in(part)]


def noise(size: int) -> bytes:
    return hashlib.shake_256(b"noise").digest(size)
