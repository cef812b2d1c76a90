"""Extras and interim relief, for whoever makes, approves or applies them."""

from sigreq_client.caller import Caller, R_co, path
from sigreq_client.calls import Call


class ExtraOperations(Caller[R_co]):
    """Small additions to the newest version that end by themselves."""

    def extras(self, product: str) -> R_co:
        """What is in force on the newest version, as far as it is for you."""
        return self._get("products", product, "extras")

    def publish_extra(self, change_id: str, base_version: str, hours: int | None = None) -> R_co:
        """Put an approved expedited change in force at once; the same again is answered with what there is."""
        body = {"base_version": base_version, **({} if hours is None else {"hours": hours})}
        return self._call(Call("PUT", path("changes", change_id, "extra"), body=body))

    def test_extra(self, change_id: str) -> R_co:
        """Test an approved change once more, where its pass does not hold any more: the run of the gate."""
        return self._post("changes", change_id, "extra", "gate")

    def propose_relief(
        self,
        submission_id: str,
        revision: int,
        reason: str,
        sha256: str | None = None,
        name: str | None = None,
        hours: int | None = None,
    ) -> R_co:
        """Ask a lead that one file of a case is allowed, or detected, until the fix is out."""
        more = {"sha256": sha256, "name": name, "hours": hours}
        return self._post("submissions", submission_id, "relief", revision=revision, reason=reason, **more)

    def relief(self, submission_id: str) -> R_co:
        """The relief that a case has and had, oldest first."""
        return self._get("submissions", submission_id, "relief")

    def approve_relief(self, extra_id: str) -> R_co:
        """Put proposed relief in force. Who proposed it cannot."""
        return self._post("extras", extra_id, "approve")

    def end_extra(self, extra_id: str) -> R_co:
        """Take relief or an extra back, or drop a proposal."""
        return self._post("extras", extra_id, "end")
