"""Many are looked after in a row, and none of them holds up the others."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from sigreq.domain.errors import Problem, ServiceUnavailable

log = structlog.get_logger()


@contextmanager
def apart(subject_id: str) -> Iterator[None]:
    """What one of them is refused for, or breaks at, is a line in the log. An outage is everybody's, and is raised."""
    try:
        yield
    except ServiceUnavailable:
        raise
    except Problem as problem:
        log.info("upkeep.moved_meanwhile", id=subject_id, code=problem.code)
    except Exception:
        log.exception("upkeep.failed", id=subject_id)
