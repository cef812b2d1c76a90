"""Many are looked after in a row, and none of them holds up the others."""

import pytest
from structlog.testing import capture_logs

from sigreq.domain.errors import NotFound, ServiceUnavailable
from sigreq.upkeep.apart import apart


def test_what_one_is_refused_for_or_breaks_at_is_a_line_in_the_log() -> None:
    with capture_logs() as told:
        for failure in (NotFound(what="Submission", id="SR-1"), ZeroDivisionError()):
            with apart("SR-1"):
                raise failure
    assert [(each["event"], each["id"], each["log_level"]) for each in told] == [
        ("upkeep.moved_meanwhile", "SR-1", "info"),
        ("upkeep.failed", "SR-1", "error"),
    ]


def test_an_outage_is_everybodys_and_stops_the_row() -> None:
    with pytest.raises(ServiceUnavailable), apart("SR-1"):
        raise ServiceUnavailable("PostgreSQL")
