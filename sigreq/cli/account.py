"""`sigreq account` and `sigreq webhook`: who you are, what you were promised, where you are told."""

import click

from sigreq.cli.options import Session, api_command


@click.command()
@api_command
def account(session: Session) -> None:
    """Show your organisation, its plan and the response goals that come with it."""
    found = session.client.account()
    lines = [f"{found['person']} ({found['role']})"]
    if found["plan"] is not None:
        lines.append(f"{found['organisation']['name']}: {found['plan']['title']}, track {found['plan']['track']}")
        for goal in found["plan"]["goals"]:
            kind = "guaranteed" if goal["is_guaranteed"] else "internal target"
            hours = f"{goal['minutes'] / 60:g} h ({goal['calendar']})"
            lines.append(f"  severity {goal['severity']}: answer within {hours}, {kind}")
    if found["webhook"] is not None:
        lines.append(f"webhook: {found['webhook']['url']}{' (disabled)' if found['webhook']['is_disabled'] else ''}")
    session.show(found, "\n".join(lines))


@click.command()
@click.argument("address", required=False)
@click.option("--off", is_flag=True, help="Be told no more.")
@api_command
def webhook(session: Session, address: str | None, *, off: bool) -> None:
    """Have every public event sent to ADDRESS, signed (Standard Webhooks). The secret is shown this once."""
    if off == (address is not None):
        raise click.UsageError("Give an address, or --off.")
    if address is None:
        session.client.delete_webhook()
        session.show({}, "No more webhooks.")
        return
    made = session.client.set_webhook(address)
    session.show(made, f"Events go to {made['url']}\nSecret: {made['secret']}")
