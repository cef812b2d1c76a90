"""The limit of one submission, on a service where it is small."""

from collections.abc import Iterator

import httpx2
import pytest

from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from tests.plain import problem, upload
from tests.wire import SlowUpload, opening, spooled
from tests.world import MARKER, World, wait_for

LIMIT = 100_000


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Iterator[Service]:
    """A service that takes 100 kB."""
    env = {"SIGREQ_LIMITS__SUBMISSION_BYTES": str(LIMIT)}
    with Service(tmp_path_factory.mktemp("narrow") / "data", env=env, fork_server=fork_server) as running:
        yield running


@pytest.fixture(scope="module")
def town(narrow: Service) -> Iterator[World]:
    """The world of that service."""
    with World(narrow.url, first_keys(narrow.env["SIGREQ_DATABASE__URL"], narrow.data / "keys")) as made:
        yield made


@pytest.fixture
def http(town: World) -> httpx2.Client:
    return town.plain(town.key("customer", town.organisation()))


def _is_too_large(found: dict[str, object]) -> None:
    assert (found["code"], found["name"], found["limit_bytes"]) == ("sample_too_large", "big.bin", LIMIT)
    assert "big.bin is over the limit of 100000 bytes" in str(found["detail"])


def test_a_length_over_the_limit_is_refused_before_a_byte_of_the_file(narrow: Service, town: World) -> None:
    with SlowUpload(narrow.url, town.key("customer", town.organisation()), length=50 * LIMIT) as slow:
        slow.send(opening(town.fields(town.product()), "big.bin"))
        answer = slow.answer()
        assert (answer.status, answer.content_type) == (413, "application/problem+json")
        _is_too_large(answer.document)
        wait_for(lambda: spooled(narrow), lambda count: count == 0)


def test_without_a_length_the_first_byte_over_the_limit_is_refused(narrow: Service, town: World) -> None:
    with SlowUpload(narrow.url, town.key("customer", town.organisation())) as slow:
        slow.send(opening(town.fields(town.product()), "big.bin"))
        slow.send(b"x" * LIMIT)
        wait_for(lambda: spooled(narrow), lambda count: count == 1)
        slow.send(b"x" * 1000)
        answer = slow.answer()
        assert (answer.status, answer.content_type) == (413, "application/problem+json")
        _is_too_large(answer.document)
        wait_for(lambda: spooled(narrow), lambda count: count == 0)


def test_the_limit_itself_is_accepted_and_one_byte_more_is_not(town: World, http: httpx2.Client) -> None:
    fields = town.fields(town.product())
    full = MARKER.ljust(LIMIT, b".")
    _is_too_large(problem(upload(http, fields, ("big.bin", full + b".")), 413, "sample_too_large"))
    assert http.get("/v1/submissions").json()["items"] == []
    assert upload(http, fields, ("big.bin", full)).status_code == 202


def test_the_limit_is_for_all_files_together(town: World, http: httpx2.Client) -> None:
    fields = town.fields(town.product())
    half = MARKER.ljust(LIMIT // 2 + 1, b".")
    _is_too_large(problem(upload(http, fields, ("a.bin", half), ("big.bin", half)), 413, "sample_too_large"))
