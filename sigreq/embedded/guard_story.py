"""The gate and the guard in the story: drafts that are stopped, and a fix that came undone."""

import shutil
from typing import Any

from sigreq.embedded.example import PRODUCT
from sigreq.embedded.stage import Stage

NAME = str(PRODUCT["id"])
RULE = "Acme_Invoice_Stealer"


def targets() -> str:
    """The engines of the story's product: ClamAV too, where it is installed."""
    return "yara,clamav" if shutil.which("clamscan") else "yara"


def keep_corpus(stage: Stage) -> None:
    """A file that no signature may ever hit."""
    stage.say("\nThe corpus keeper says what is clean")
    folder = stage.work / "clean"
    folder.mkdir()
    shutil.copy(stage.samples / "files" / "quarterly-report.txt", folder)
    revision = stage.run("administrator", "admin", "corpus", "add", str(folder), "--name", "reports")
    stage.must(revision["contents"] == 1, f"revision {revision['number']} of the clean corpus has 1 file to scan")


def gate(stage: Stage, submission_id: str) -> str:
    """Two drafts do not pass: a slip, told with its place, and a rule that hits a clean file. The third one does."""
    drafts = stage.samples / "changes"
    change = stage.run(
        "analyst", "decide", "draft", submission_id, "--kind", "rule_add", "--rule", RULE,
        "--source", str(drafts / "first-draft.yar"),
    )["id"]  # fmt: skip
    _stopped(stage, change, "lint")
    for draft, code in (("second-draft", "clean_detected"), (RULE, None)):
        source = str(drafts / f"{draft}.yar")
        stage.run("analyst", "decide", "revise", change, "--rule", RULE, "--source", source)
        if code is not None:
            _stopped(stage, change, code)
    return str(change)


def by_clamav(stage: Stage, submission_id: str) -> None:
    """What ClamAV said of the customer's file in the proof, where it is installed."""
    if "clamav" not in targets():
        stage.say("       (ClamAV is not installed here, so YARA alone proves the fix)")
        return
    events = stage.look("analyst", f"/v1/submissions/{submission_id}/timeline")["items"]
    evidence = next(event for event in reversed(events) if event["name"] == "fixed")["data"]["evidence"]["clamav"]
    scan = evidence["proof"][0]
    names = ", ".join(scan["detections"]) or "nothing found"
    stage.must(scan["outcome"] in {"clean", "detected"}, f"{evidence['engine']} agrees: {scan['outcome']}, {names}")


def guard(stage: Stage, version: str, newer: str) -> None:
    """Somebody publishes, past the gate, a version in which another rule detects the file again."""
    stage.say("\nSomebody publishes past the gate: a new rule takes the Python interpreter for malware once more")
    folder = stage.work / "careless"
    folder.mkdir()
    for name, source in stage.look("release", f"/v1/releases/{NAME}/{version}/ruleset")["rules"].items():
        (folder / f"{name}.yar").write_text(source)
    old = (stage.samples / "rules" / "20261122.1" / "Acme_Script_Host.yar").read_text()
    (folder / "Acme_Careless.yar").write_text(old.replace("rule Acme_Script_Host", "rule Acme_Careless"))
    stage.run("administrator", "admin", "database", "publish", NAME, newer, "--rules", str(folder))
    case = stage.wait(stage.cases["fp"], "queued")
    stage.must(case["needs_attention"] == "regressed", f"{case['id']}, confirmed before, is open again: regressed")
    event = stage.look("customer", f"/v1/submissions/{case['id']}/timeline")["items"][-1]
    found = event["data"]["files"][0]["detections"]
    stage.must(found == ["Acme_Careless"], f"its customer is told: detected again in {newer}, by {found[0]}")
    stage.run("administrator", "admin", "database", "withdraw", NAME, newer)


def _stopped(stage: Stage, change: str, code: str) -> None:
    stage.run("analyst", "decide", "test", change)
    seen: dict[str, Any] = {}

    def has_ended() -> bool:
        seen.update(stage.look("analyst", f"/v1/changes/{change}"))
        return bool(seen["state"] != "testing")

    stage.until(has_ended, "the gate has ended")
    stage.must(seen["state"] == "gate_failed", f"stopped at revision {seen['rev']}")
    problems = seen["report"]["problems"]
    for each in problems:
        stage.say(f"       {each['message']}")
    stage.must(code in {each["code"] for each in problems}, f"because of {code}")
