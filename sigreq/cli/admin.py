"""An administrator's work: who uses the server, for which products, and which databases are published."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from sigreq.cli import contracts
from sigreq.cli.bootstrap import bootstrap
from sigreq.cli.corpus import corpus
from sigreq.cli.due_times import due_times
from sigreq.cli.kinds import FOLDER_THERE, LANGUAGES, Moment, Span, Targets
from sigreq.cli.options import Session, api_command
from sigreq.cli.output import Document, moment, table
from sigreq.cli.signing_keys import signing_keys


@click.group()
def admin() -> None:
    """Customers and what they were promised, people, keys, products and published databases."""


for command in (bootstrap, due_times, corpus, signing_keys, *contracts.COMMANDS):
    admin.add_command(command)


@admin.group()
def organisation() -> None:
    """The customers."""


@organisation.command("add")
@click.argument("organisation_id", metavar="ORGANISATION")
@click.argument("name")
@click.option(
    "--plan", default="standard", show_default=True, help="Other than standard: a contract for it starts now."
)
@api_command
def add_organisation(session: Session, organisation_id: str, name: str, plan: str) -> None:
    """Add a customer under the short name ORGANISATION."""
    document = session.client.add_organisation(organisation_id, name, plan)
    session.show(document, f"Organisation {document['id']}: {name}")


@organisation.command("list")
@api_command
def list_organisations(session: Session) -> None:
    """List the customers."""
    _list(session, session.client.organisations())


@admin.group()
def person() -> None:
    """People and programs that hold keys."""


@person.command("add")
@click.argument("name")
@click.option(
    "--role",
    required=True,
    type=click.Choice(["customer", "analyst", "lead", "auditor", "release", "administrator"]),
)
@click.option("--organisation", help="Whose they are; only for customers.")
@click.option("--email", help="Where to write each event of theirs to. [default: no mail]")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of that mail.")
@click.option("--group", help="Whose cases they work on. [default: analysts, for analysts and leads]")
@api_command
def add_person(session: Session, name: str, role: str, organisation: str | None, **more: str) -> None:
    """Add a person. Their API key is shown this once."""
    document = session.client.add_person(name, role, organisation, **more)
    session.show(document, f"Person {document['id']}: {name}, {role}\n{_key_text(document)}")


@person.command("list")
@api_command
def list_people(session: Session) -> None:
    """List the people."""
    _list(session, session.client.people())


@person.command("password-link")
@click.argument("person_id", metavar="PERSON")
@click.option("--login", help="The name they sign in with. [default: what they have, else their e-mail, else PERSON]")
@api_command
def password_link(session: Session, person_id: str, login: str | None) -> None:
    """Give PERSON a link to set the password for the pages: for one use within 24 hours. It is shown this once."""
    document = session.client.add_password_link(person_id, login)
    address = session.url.rstrip("/") + document["path"]
    text = f"Sign-in name: {document['login']}\nLink, until {moment(document['expires_at'])}: {address}"
    session.show({**document, "url": address}, f"{text}\nIt is not shown again.")


@person.command("end-access")
@click.argument("person_id", metavar="PERSON")
@api_command
def end_access(session: Session, person_id: str) -> None:
    """Let PERSON in no more: end their API keys, password, sessions, and links to set a password."""
    session.show(session.client.end_access(person_id), f"{person_id} has no access any more.")


@admin.group()
def key() -> None:
    """API keys."""


@key.command("add")
@click.argument("person_id", metavar="PERSON")
@api_command
def add_key(session: Session, person_id: str) -> None:
    """Give a person one more API key. It is shown this once."""
    document = session.client.add_key(person_id)
    session.show(document, _key_text(document))


@key.command("revoke")
@click.argument("person_id", metavar="PERSON")
@api_command
def revoke_keys(session: Session, person_id: str) -> None:
    """Make every API key of a person useless. Their password stays: see `person end-access`."""
    session.show(session.client.revoke_keys(person_id), f"No key of {person_id} works any more.")


@admin.group()
def product() -> None:
    """The antivirus products."""


@product.command("add")
@click.argument("product_id", metavar="PRODUCT")
@click.option("--title", required=True, help="Its name for people.")
@click.option(
    "--scheme",
    required=True,
    type=click.Choice(["clamav", "dotted", "eset", "date_revision", "integer", "timestamp"]),
    help="How it writes its database versions.",
)
@click.option("--grace", type=Span(), default="4h", show_default=True, help="How long an older database is accepted.")
@click.option("--update-instructions", required=True, help="What to tell a customer whose database is old.")
@click.option(
    "--targets", type=Targets(), default="yara", show_default=True, help="The engines its signatures are for."
)
@api_command
def add_product(session: Session, product_id: str, grace: timedelta, targets: list[str], **said: str) -> None:
    """Add a product under the short name PRODUCT."""
    fields = {"id": product_id, "grace_seconds": int(grace.total_seconds()), "targets": targets, **said}
    session.show(session.client.add_product(fields), f"Product {product_id}: {said['title']}, for {', '.join(targets)}")


@product.command("targets")
@click.argument("product_id", metavar="PRODUCT")
@click.argument("targets", type=Targets())
@api_command
def set_targets(session: Session, product_id: str, targets: list[str]) -> None:
    """Say which engines PRODUCT's signatures are for, as in yara,clamav.

    What passed the gate without one of them has to be tested again.
    """
    document = session.client.set_targets(product_id, targets)
    session.show(document, f"The signatures of {product_id} are for {', '.join(document['targets'])} from now on.")


@product.command("list")
@api_command
def list_products(session: Session) -> None:
    """List the products."""
    _list(session, session.client.products())


@product.command("schedule")
@click.argument("product_id", metavar="PRODUCT")
@click.option("--day", "days", multiple=True, help="A day, mon to sun; give it again for more.")
@click.option("--at", "times", multiple=True, help="A time of day, such as 06:00; give it again for more.")
@click.option("--zone", default="UTC", show_default=True, help="The IANA time zone whose clocks show these times.")
@click.option("--none", "is_none", is_flag=True, help="Have no trains: everything goes out as soon as it is approved.")
@api_command
def set_schedule(
    session: Session, product_id: str, *, days: tuple[str, ...], times: tuple[str, ...], zone: str, is_none: bool
) -> None:
    """Set when the standard changes of PRODUCT go out; show it, without options."""
    if is_none:
        document = session.client.remove_schedule(product_id)
    elif days or times:
        document = session.client.set_schedule(product_id, days, times, zone)
    else:
        document = session.client.schedule(product_id)
    session.show(document, _schedule_text(product_id, document))


def _schedule_text(product_id: str, document: Document) -> str:
    said = document["schedule"]
    if said is None:
        return f"{product_id} has no trains: everything goes out as soon as it is approved."
    departs = f"{' '.join(said['days'])} at {' '.join(said['times'])} ({said['time_zone']})"
    return f"Trains of {product_id} depart {departs}; the next one {moment(document['next_departure'])}."


@admin.group()
def database() -> None:
    """The published databases."""


@database.command("publish")
@click.argument("product_id", metavar="PRODUCT")
@click.argument("version")
@click.option("--rules", required=True, type=FOLDER_THERE)
@click.option("--ordinal", type=click.IntRange(min=0), help="Its place in the order. [default: after the last]")
@click.option("--published-at", type=Moment(), help="When it came out, such as 2026-11-21T10:32:00Z. [default: now]")
@click.option("--ago", type=Span(), help="The same as the time since, such as 6h.")
@api_command
def publish_database(
    session: Session,
    product_id: str,
    version: str,
    rules: Path,
    ordinal: int | None,
    **when: Any,
) -> None:
    """Enter a database into the register, with the rules of the folder --rules.

    Each rule is a file of its own, NAME.yar with the rule's name; allowed.txt may hold the SHA-256 of files that are
    never detected, one a line.
    """
    if ordinal is None:
        published = session.client.releases(product_id)["items"]
        ordinal = published[0]["ordinal"] + 1 if published else 1
    ruleset = _read_rules(rules)
    body = {"ordinal": ordinal, "ruleset": ruleset, "changes": (), **_published_at(**when)}
    document = session.client.publish(product_id, version, body)
    session.show(document, f"{product_id} {version}: {len(ruleset['rules'])} rules, ordinal {ordinal}")


@database.command("list")
@click.argument("product_id", metavar="PRODUCT")
@api_command
def list_databases(session: Session, product_id: str) -> None:
    """List the databases of PRODUCT, the last one first."""
    document = session.client.releases(product_id)
    rows = [
        [row["ordinal"], row["version"], moment(row["published_at"]), moment(row["withdrawn_at"]), _bundles(row)]
        for row in document["items"]
    ]
    session.show(document, table(["ORDINAL", "VERSION", "PUBLISHED", "WITHDRAWN", "BUNDLES"], rows))


def _bundles(row: Document) -> str:
    """The first digits of each hash are enough to compare by eye; --json has them whole."""
    return ", ".join(f"{each['target']} {each['sha256'][:12]}" for each in row["bundles"]) or "-"


@database.command("withdraw")
@click.argument("product_id", metavar="PRODUCT")
@click.argument("version")
@api_command
def withdraw_database(session: Session, product_id: str, version: str) -> None:
    """Take a database back: it is not the latest any more, and submissions on it are refused."""
    session.show(session.client.withdraw_release(product_id, version), f"{product_id} {version} is withdrawn.")


def _key_text(document: dict[str, Any]) -> str:
    return f"API key: {document['key']}\nIt is not shown again."


def _list(session: Session, document: dict[str, Any]) -> None:
    items = document["items"]
    names = list(items[0]) if items else []
    rows = [[_cell(item[name]) for name in names] for item in items]
    session.show(document, table([name.upper() for name in names], rows) if items else "Nothing here.")


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return ",".join(value)
    return "-" if value is None else value


def _published_at(published_at: datetime | None, ago: timedelta | None) -> dict[str, str]:
    if published_at is not None and ago is not None:
        raise click.UsageError("Give --published-at or --ago, not both.")
    when = datetime.now(UTC) - ago if ago is not None else published_at
    return {} if when is None else {"published_at": when.isoformat()}


def _read_rules(folder: Path) -> dict[str, Any]:
    rules = {path.stem: path.read_text() for path in sorted(folder.glob("*.yar"))}
    listed = folder / "allowed.txt"
    allowed = listed.read_text().split() if listed.exists() else []
    if not rules and not allowed:
        raise click.ClickException(f"{folder} holds no rules: neither a file NAME.yar nor allowed.txt.")
    return {"rules": rules, "allowed": sorted(allowed)}
