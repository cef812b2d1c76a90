"""What operators and other programs ask the service about itself."""

import re

import httpx2

from sigreq.api.app import ROUTES
from tests.flows import call
from tests.world import World


def _get(world: World, path: str) -> httpx2.Response:
    return httpx2.get(world.url + path, trust_env=False, timeout=30)


def test_live_and_ready_answer_without_a_key(world: World) -> None:
    assert _get(world, "/health/live").json() == {"status": "alive"}
    ready = _get(world, "/health/ready")
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ready",
        "checks": {"database": "ok", "redis": "ok", "samples": "ok", "bundles": "ok"},
    }


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


def test_an_unknown_address_leads_to_the_description(world: World) -> None:
    answer = call(world, world.keys["analyst"], "GET", "/v1/nothing-here")
    assert (answer.status_code, answer.json()["code"]) == (404, "address_unknown")
    assert "/schema" in answer.json()["detail"]


def _paths() -> set[str]:
    """Every address, its variables written as the description writes them."""
    handlers = [handler for routes in ROUTES.values() for handler in routes if handler.include_in_schema is not False]
    return {re.sub(r":\w+}", "}", path) for handler in handlers for path in handler.paths}
