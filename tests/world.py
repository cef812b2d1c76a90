"""What tests of the running service need again and again: people, products, submissions."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from typing import Any, Self

import httpx2

from sigreq_client import Client
from sigreq_client.certificates import trusted

MARKER = b"ACME-HARMLESS-MARKER-4711"
PATIENCE_SECONDS = 90  # only a guard against hanging: nothing asserts how long it took
# Whoever looks all the time takes the processor from what it waits for.
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.03, 0.25
_numbers = count(1)


def rule(name: str, text: str) -> str:
    """A rule that fires on a text."""
    return f'rule {name} {{ meta: description = "made for a test" strings: $a = "{text}" condition: $a }}'


class World:
    """A running service, and clients for each role. Tests make their own products and customers, and share nothing."""

    def __init__(self, url: str, keys: Mapping[str, str]) -> None:
        self.url = url
        self.keys = dict(keys)
        self._clients: list[Client | httpx2.Client] = []
        self.administrator = self.client(keys["administrator"])
        self.analyst = self.client(keys["analyst"])
        self.lead = self.client(keys["lead"])
        self.release = self.client(keys["release"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()

    def client(self, key: str) -> Client:
        """A client with this key."""
        made = Client(self.url, key)
        self._clients.append(made)
        return made

    def plain(self, key: str | None = None) -> httpx2.Client:
        """Plain HTTP with this key, for tests that look at the whole answer."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        made = httpx2.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False, verify=trusted())
        self._clients.append(made)
        return made

    def key(self, role: str, organisation: str | None = None) -> str:
        """The key of somebody new."""
        key: str = self.administrator.add_person(f"{role} {next(_numbers)}", role, organisation)["key"]
        return key

    def person(self, role: str, organisation: str | None = None) -> Client:
        """Somebody new."""
        return self.client(self.key(role, organisation))

    def organisation(self, plan: str = "standard") -> str:
        """A new customer organisation."""
        name = f"customer-{next(_numbers)}"
        self.administrator.add_organisation(name, name, plan)
        return name

    def customer(self, plan: str = "standard") -> Client:
        """Somebody of a new organisation."""
        return self.person("customer", self.organisation(plan))

    def product(self, rules: Mapping[str, str] | None = None, targets: Sequence[str] = ("yara",)) -> str:
        """A new product whose only version, 20261122.1, came out a day ago."""
        name = f"product-{next(_numbers)}"
        fields: dict[str, Any] = {
            "id": name,
            "title": name,
            "scheme": "date_revision",
            "update_instructions": "Update now.",
        }
        fields["targets"] = list(targets)
        self.administrator.add_product(fields)
        self.publish(name, "20261122.1", rules, ago=timedelta(days=1))
        return name

    def publish(
        self, product: str, version: str, rules: Mapping[str, str] | None = None, *, ago: timedelta = timedelta()
    ) -> None:
        """Enter a version into the register, `ago` back in time."""
        sources = {"Marker": rule("Marker", MARKER.decode())} if rules is None else dict(rules)
        known = self.administrator.releases(product)["items"]
        release: dict[str, Any] = {
            "ordinal": known[0]["ordinal"] + 1 if known else 1,
            "ruleset": {"rules": sources, "allowed": []},
            "changes": [],
            "published_at": (datetime.now(UTC) - ago).isoformat(),
        }
        self.administrator.publish(product, version, release)

    def fields(self, product: str, kind: str = "false_positive", **more: Any) -> dict[str, Any]:
        """A claim that is accepted as it stands."""
        said = {
            "kind": kind,
            "product": product,
            "product_version": "7.1",
            "database_version": "20261122.1",
            "severity": 3,
            "expected_verdict": "clean" if kind == "false_positive" else "malware",
            "contact": "it@example.org",
        }
        if kind == "false_positive":
            said["detection_name"] = "Marker"
        return {**said, **more}

    def submit(
        self, customer: Client, product: str, content: bytes | None = None, kind: str = "false_positive", **more: Any
    ) -> dict[str, Any]:
        """Submit a file of new content, which the rule Marker hits when it is about a false positive."""
        unique = f" {time.monotonic_ns()}-{next(_numbers)}".encode()
        sent = content or ((MARKER if kind == "false_positive" else b"inert") + unique)
        answer: dict[str, Any] = customer.submit(self.fields(product, kind, **more), [("file.bin", BytesIO(sent))])
        return answer

    def until(self, submission_id: str, *states: str) -> dict[str, Any]:
        """Wait until a submission is in one of these states; what an analyst sees of it."""
        found: dict[str, Any] = wait_for(
            lambda: self.analyst.submission(submission_id), lambda seen: seen["state"] in states
        )
        return found

    def queued(self, customer: Client, product: str, **more: Any) -> dict[str, Any]:
        """A submission that waits for an analyst."""
        return self.until(self.submit(customer, product, **more)["id"], "queued")

    def claimed(self, analyst: Client, customer: Client, product: str, **more: Any) -> dict[str, Any]:
        """A submission that this analyst holds."""
        case = self.queued(customer, product, **more)
        claimed: dict[str, Any] = analyst.claim(case["id"], case["revision"])
        return claimed

    def determined(self, analyst: Client, customer: Client, product: str, **more: Any) -> dict[str, Any]:
        """A submission for which this analyst has concluded that the database must change."""
        case = self.claimed(analyst, customer, product, **more)
        is_fp = case["kind"] == "false_positive"
        determination = "false_positive_confirmed" if is_fp else "false_negative_confirmed"
        verdict = "clean" if is_fp else "malware"
        found: dict[str, Any] = analyst.determine(case["id"], case["revision"], determination, verdict, "As you say.")
        return found


def wait_for(look: Callable[[], Any], is_there: Callable[[Any], bool], seconds: float = PATIENCE_SECONDS) -> Any:
    """Look again and again until it is there; fail with what was seen last."""
    deadline, pause = time.monotonic() + seconds, SHORTEST_PAUSE_SECONDS
    while not is_there(found := look()):
        assert time.monotonic() < deadline, f"still not there: {found}"
        time.sleep(pause)
        pause = min(1.3 * pause, LONGEST_PAUSE_SECONDS)
    return found
