"""What operators and other programs ask the service about itself."""

import json
import re
from typing import Any

import httpx2

from sigreq.api.app import ROUTES
from sigreq.api.schemas import SubmissionIn
from sigreq.api.uploads import FIELDS, FILE
from sigreq.embedded.service import Service
from sigreq_client.certificates import trusted
from tests.flows import call
from tests.world import World


def _get(world: World, path: str) -> httpx2.Response:
    return httpx2.get(world.url + path, trust_env=False, verify=trusted(), timeout=30)


def test_live_and_ready_answer_without_a_key(world: World) -> None:
    assert _get(world, "/health/live").json() == {"status": "alive"}
    ready = _get(world, "/health/ready")
    assert ready.status_code == 200
    told = ready.json()
    assert told["status"] == "ready"
    assert told["checks"] == {"database": "ok", "redis": "ok", "samples": "ok", "bundles": "ok", "workers": "ok"}


def test_readiness_says_how_far_each_worker_can_lock_in_what_it_examines(world: World) -> None:
    workers = _get(world, "/health/ready").json()["workers"]
    assert [each["queue"] for each in workers] == ["expedited", "standard"]
    assert all({"landlock", "seccomp", "libmagic", "libarchive"} <= set(each) for each in workers)
    assert all(each["libmagic"] and each["libarchive"] for each in workers)


def test_each_process_says_when_it_is_up(service: Service) -> None:
    logs = {part: (service.data / "logs" / f"{part}.log").read_text() for part in ("api", "worker-standard")}
    lines = [json.loads(line) for log in logs.values() for line in log.splitlines() if '.started"' in line]
    api, worker = ({name: line[name] for name in line if name not in {"level", "timestamp"}} for line in lines)
    host, _, port = service.url.removeprefix("http://").partition(":")
    assert api == {"event": "api.started", "host": host, "port": int(port)}
    assert worker == {"event": "worker.started", "queue": "standard"}


def test_the_description_of_the_api_names_every_path_and_asks_for_a_key(world: World) -> None:
    found = _get(world, "/schema/openapi.json")
    assert found.status_code == 200
    described = found.json()
    assert set(described["paths"]) == _paths()
    assert described["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    assert all(operation["summary"] for operation in operations)


def test_the_description_has_a_page_for_people(world: World) -> None:
    page = _get(world, "/schema")
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")


def test_the_description_says_what_an_upload_holds(world: World) -> None:
    described = _get(world, "/schema/openapi.json").json()
    body = described["paths"]["/v1/submissions"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert list(body["properties"]) == [FIELDS, FILE]
    where, _, name = body["properties"][FIELDS]["$ref"].rpartition("/")
    assert where == "#/components/schemas"
    assert set(described["components"]["schemas"][name]["properties"]) == set(SubmissionIn.model_fields)


def test_the_description_names_the_headers_that_are_read(world: World) -> None:
    paths = _get(world, "/schema/openapi.json").json()["paths"]
    assert _headers(paths["/v1/submissions"]["post"]) == ["Idempotency-Key"]
    for action in ("claim", "answer", "determine", "phone-call", "reply", "withdraw", "confirm", "dispute"):
        assert _headers(paths[f"/v1/submissions/{{submission_id}}/{action}"]["post"]) == ["If-Match"], action
    assert _headers(paths["/v1/changes/{change_id}"]["put"]) == ["If-Match"]
    assert _headers(paths["/v1/queue/take"]["post"]) == []


def test_the_page_shows_headers_and_the_fields_of_the_upload(world: World) -> None:
    page = _get(world, "/schema").text
    assert "<code>Idempotency-Key</code>? (header: 1 to 200 characters of your choice)" in page
    assert "<code>If-Match</code>? (header: needed: the ETag of what you read)" in page
    assert "<code>submission.database_version</code>" in page
    assert "<code>submission.details.hosts_affected</code>?" in page


def test_an_unknown_address_leads_to_the_description(world: World) -> None:
    answer = call(world, world.keys["analyst"], "GET", "/v1/nothing-here")
    assert (answer.status_code, answer.json()["code"]) == (404, "address_unknown")
    assert "/schema" in answer.json()["detail"]


def _headers(operation: dict[str, Any]) -> list[str]:
    """The names of the headers that an operation takes."""
    return [each["name"] for each in operation.get("parameters", []) if each["in"] == "header"]


def _paths() -> set[str]:
    """Every address, its variables written as the description writes them."""
    handlers = [handler for routes in ROUTES.values() for handler in routes if handler.include_in_schema is not False]
    return {re.sub(r":\w+}", "}", path) for handler in handlers for path in handler.paths}
