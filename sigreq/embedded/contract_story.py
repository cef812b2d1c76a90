"""The service contract in the story: what was promised, a phone call, a warning, mails, and the report."""

from sigreq.embedded.example import PRODUCT
from sigreq.embedded.postbox import Postbox
from sigreq.embedded.stage import Stage

READER, ON_CALL = "it@example.org", "on-call@example.com"
GOALS = ("1=20s:always:guaranteed", "2=6h:office:guaranteed", "3=8h:office:guaranteed", "4=10h:office:guaranteed")


def promise(stage: Stage) -> None:
    """What the customer was promised, and a plan so impatient that a warning comes while we watch."""
    stage.say("\nWhat the customer was promised, and in which language they want to read of it")
    account = stage.run("customer", "account")
    premium = account["contract"]["premium_incidents"]
    stage.must(
        premium["left"] == premium["limit"], f"{account['plan']['title']}: {premium['left']} premium incidents left"
    )
    for goal in account["plan"]["goals"]:
        stage.say(
            f"       severity {goal['severity']}: an answer within {goal['minutes'] / 60:g} h ({goal['calendar']})"
        )
    stage.run("customer", "contact", READER, "--language", "ru")
    stage.say("\nDue times that are hard to get right, computed without a server")
    table = str(stage.samples / "due-times.csv")
    for row in stage.run("customer", "admin", "due-times", table)["cases"]:
        stage.must(row["is_equal"], f"{row['case']}: {row['submitted']} + {row['goal_hours']:g} h = {row['due']}")
    _impatient(stage)


def call(stage: Stage) -> None:
    """The customer also calls; outside business hours that starts the clock of severity 1."""
    stage.say("\nThe customer of (1) also calls, as is required outside business hours")
    case = stage.run("analyst", "decide", "phone-call", stage.cases["fp"], "--note", "Their build servers stand still.")
    stage.must(bool(case["response_due_at"]), f"the call is in the record; the answer is due {case['response_due_at']}")


def keep(stage: Stage, postbox: Postbox) -> None:
    """Mails and warnings have arrived, and the report counts."""
    stage.say("\nWhat came by mail")
    events = stage.look("customer", f"/v1/submissions/{stage.cases['fp']}/timeline")["items"]
    ids = {event["id"] for event in events}
    stage.until(
        lambda: ids <= {mail["Message-ID"].strip("<>").partition("@")[0] for mail in postbox.to(READER)},
        f"the customer has a mail for each of the {len(ids)} events of (1), its Message-ID the event's id",
    )
    stage.say(f"       the last one: {postbox.to(READER)[-1]['Subject']}")
    late = stage.cases["late"]
    stage.until(lambda: len(postbox.to(ON_CALL)) > 0, "the on-call was warned that an answer is due")
    warnings = [mail for mail in postbox.to(ON_CALL) if mail["X-Sigreq-Submission"] == late]
    stage.say(f"       {warnings[0]['Subject']}: {late}")
    stage.say("\nHow well the promises were kept")
    for line in stage.run("lead", "report")["lines"]:
        kept = "-" if line["attainment"] is None else f"{line['attainment']:.0%}"
        counts = f"met {line['met']}, missed {line['missed']}, not counted {line['not_counted']}"
        stage.say(f"       {line['plan']} severity {line['severity']} {line['month']}: {kept} ({counts})")


def _impatient(stage: Stage) -> None:
    stage.say("\nA plan as data: twenty seconds for an answer, so that its warning comes while we watch")
    admin = "administrator"
    stage.run(admin, "admin", "group", "set", "drill", "--title", "Drill", "--on-call-email", ON_CALL)
    goals = [word for goal in GOALS for word in ("--goal", goal)]
    stage.run(
        admin, "admin", "plan", "set", "drill", "--title", "Drill", "--track", "expedited", *goals,
        "--premium-incidents", "unlimited", "--group", "drill",
    )  # fmt: skip
    stage.run(admin, "admin", "organisation", "add", "drill", "Drill Ltd", "--plan", "drill")
    made = stage.run(
        admin, "admin", "person", "add", "Drill Ltd's owner", "--role", "customer", "--organisation", "drill"
    )
    stage.keys["drill-customer"] = made["key"]
    file = str(stage.samples / "files" / "invoice-reader.txt")
    answer = stage.run(
        "drill-customer", "submit", file, "--kind", "false_negative", "--product", str(PRODUCT["id"]),
        "--product-version", "7.1", "--database-version", "20261122.1", "--severity", "1", "--contact", READER,
    )  # fmt: skip
    stage.cases["late"] = answer["id"]
