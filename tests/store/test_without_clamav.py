"""What is for ClamAV does not pass the gate where none is found: neither when it is planned nor in a part of it."""

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from sigreq.blobs import Blobs, ruleset_key
from sigreq.domain.gating import PartKind, Purpose, RunState
from sigreq.domain.ruleset import Ruleset
from sigreq.domain.submission import Track
from sigreq.domain.targets import Target
from sigreq.domain.versions import Scheme
from sigreq.embedded.stack import Addresses
from sigreq.release.engines import MISSING
from sigreq.settings import Settings
from sigreq.store import gates, releases
from sigreq.store.gates import Subject
from sigreq.store.jobs import JobName
from sigreq.tables.events import Job
from sigreq.worker import TrackWorker
from tests.store.support import Bench, at
from tests.trust.installation import environment
from tests.world import rule

RULES = Ruleset(rules={"Marker": rule("Marker", "some words")})
BOTH = [Target.YARA, Target.CLAMAV]


@pytest.mark.parametrize("begins", ["plan", "part"])
def test_a_version_for_clamav_does_not_pass_on_a_worker_that_finds_none(
    addresses: Addresses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begins: str
) -> None:
    told = {"SIGREQ_SCANNING__CLAMAV": str(tmp_path), "SIGREQ_WORK_DIR": str(tmp_path / "work")}
    for name, value in {**environment(addresses), **told}.items():
        monkeypatch.setenv(name, value)
    settings, product = Settings(), f"without-{begins}"

    async def begun(bench: Bench) -> str:
        """The run, and as its only job the one that this worker gets; another one may have planned it."""
        fields = {"id": product, "title": product, "grace_seconds": 0, "update_instructions": "Update."}
        async with bench.database.transaction() as tx:
            await releases.add_product(tx, {**fields, "scheme": Scheme.DATE_REVISION, "targets": BOTH})
            run = await gates.begin(tx, None, Subject(product, Purpose.TRAIN, "1", Track.EXPEDITED), RULES.digest)
            if begins == "part":
                values = {"targets": BOTH, "ruleset_digest": RULES.digest, "scanned_digest": RULES.digest}
                await gates.plan(tx, run, values, [(PartKind.CLEAN, [])])
        return run.id

    async def work(bench: Bench) -> None:
        bundles = Blobs(settings.s3, settings.s3.bundles)
        await bundles.put_bytes(ruleset_key(RULES.digest), RULES.document(), RULES.digest)
        run_id = await begun(bench)
        name = JobName.GATE if begins == "plan" else JobName.GATE_PART
        of_run = (col(Job.name) == name, col(Job.args)["run_id"].astext == run_id)
        async with bench.database.transaction() as tx:
            job_id = (await tx.session.scalars(select(col(Job.id)).where(*of_run))).one()
        worker = TrackWorker(settings, Track.EXPEDITED)
        await worker._runner.run(job_id)  # noqa: SLF001 -- one job alone, as if it had been hinted at
        await worker._scanner.close()  # noqa: SLF001
        await worker._database.close()  # noqa: SLF001
        async with bench.database.transaction() as tx:
            run = await gates.get(tx, run_id)
        assert run.report is not None
        (problem,) = run.report["problems"]
        assert (run.state, run.report["is_passed"], problem["code"]) == (RunState.FAILED, False, "could_not_run")
        assert MISSING in problem["message"]

    at(addresses.database_url, work)
