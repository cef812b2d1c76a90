"""The command `sigreq`, killed at a point of its work, as `tests.forked` says.

Points are everything that lasts: after each answer to a request, and before and after each file takes its place. Right
before a request nothing is different from right after what was done last.
"""

import json
import re
from pathlib import Path
from typing import Any

import httpx2

import sigreq.cli.release
from sigreq.cli.main import main
from tests.forked import Points, serve

_IDENTIFIER = r"(?<=/)[^/]*[-.][^/]*"  # every other part of a path is a word


def _run(points: Points, *command: str) -> None:
    send, replace = httpx2.Client.send, Path.replace

    def sent(client: httpx2.Client, request: httpx2.Request, **more: Any) -> httpx2.Response:
        response = send(client, request, **more)
        name = f"{request.method} {re.sub(_IDENTIFIER, '*', request.url.path)} {response.status_code}"
        if "/gates/" in name:  # how often it looks is chance
            points.passed_each(f"{name} {json.loads(response.read())['state']}")
        else:
            points.passed(name)
        return response

    def replaced(draft: Path, target: Path) -> Path:
        name = re.sub(r"^.+-(?=\w+\.tar)", "*-", target.name)
        points.passed(f"before {name}")
        found = replace(draft, target)
        points.passed(f"after {name}")
        return found

    setattr(httpx2.Client, "send", sent)  # noqa: B010 -- every request goes through it
    setattr(Path, "replace", replaced)  # noqa: B010 -- and every file
    main(command)


if __name__ == "__main__":
    assert sigreq.cli.release.run.name == "run"  # imported here, once, with all that the command needs
    serve(_run)
