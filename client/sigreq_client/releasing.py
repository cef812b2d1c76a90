"""What release tooling does."""

from collections.abc import Mapping
from typing import IO, Any

from sigreq_client.caller import Caller, R_co, path
from sigreq_client.calls import Call


class ReleaseOperations(Caller[R_co]):
    """The feed of approved changes, and the published versions."""

    def feed(
        self,
        product: str,
        after: int = 0,
        limit: int | None = None,
        track: str | None = None,
        *,
        mark: str | None = None,
        wait: int | None = None,
    ) -> R_co:
        """What happened to approved changes behind the cursor `after`.

        `next_cursor` and `next_mark` of the answer are `after` and `mark` of the next call. `wait` is for how many
        seconds the server may wait for an entry when there is none; keep it below the client's timeout.
        """
        return self._get("feed", product=product, after=after, limit=limit, track=track, mark=mark, wait=wait)

    def feed_snapshot(self, product: str, track: str | None = None) -> R_co:
        """What is approved and not answered by a release, and the cursor to read on from."""
        return self._get("feed", "snapshot", product=product, track=track)

    def picked_up(self, change_id: str) -> R_co:
        """Say that the change is on its way into a release."""
        return self._post("changes", change_id, "picked-up")

    def schedule(self, product: str) -> R_co:
        """When the product's trains depart: `schedule` (null without any) and `next_departure`."""
        return self._get("products", product, "schedule")

    def releases(self, product: str) -> R_co:
        """The published versions, highest ordinal first."""
        return self._get("releases", product)

    def ruleset(self, product: str, version: str) -> R_co:
        """The rules and allowed files of a published version."""
        return self._get("releases", product, version, "ruleset")

    def bundle(self, product: str, version: str, target: str, into: IO[bytes]) -> R_co:
        """Write the bundle for an engine, `yara` or `clamav`, into `into`; the register has its SHA-256."""
        return self._call(Call("GET", path("releases", product, version, "bundles", target), into=into))

    def test_train(self, product: str, version: str, release: Mapping[str, Any]) -> R_co:
        """Send a version through the gate before it is published; `release` is what will publish it."""
        return self._call(Call("POST", path("releases", product, version, "gate"), body=release))

    def gate(self, run_id: str) -> R_co:
        """A run of the gate: how far it is, and its report once `state` is no longer `running`."""
        return self._get("gates", run_id)

    def publish(self, product: str, version: str, release: Mapping[str, Any]) -> R_co:
        """Enter a version: {ordinal, ruleset: {rules, allowed}, changes: [{id, rev, is_included, reason?}]}.

        All or nothing. Sending the same again changes nothing. With `rolls_back_to` it is an earlier version again.
        """
        return self._put("releases", product, version, body=release)
