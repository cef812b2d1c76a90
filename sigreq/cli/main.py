"""The command `sigreq`. A command's module is imported only when that command is asked for, so that help is quick."""

from importlib import import_module
from typing import NamedTuple

import click


class Entry(NamedTuple):
    """Where a command lives (`module:attribute`), and its line in the list."""

    place: str
    summary: str


SECTIONS = {
    "Run sigreq": {
        "up": Entry("up:up", "Start everything on this machine."),
        "demo": Entry("demo:demo", "Watch four cases go their way, and the service contract being kept."),
        "serve": Entry("serve:serve", "Run the HTTP server."),
        "worker": Entry("worker:worker", "Run the background worker."),
        "migrate": Entry("migrate:migrate", "Bring the database to this version's tables."),
    },
    "For customers": {
        "check": Entry("submit:check", "Ask whether a database version is the latest."),
        "submit": Entry("submit:submit", "Hand in files that are wrongly detected, or wrongly not detected."),
        "upload": Entry("upload:upload", "Send the files of a request you made by phone, by the link you got."),
        "status": Entry("status:status", "Show where a submission stands, and what happened to it."),
        "watch": Entry("watch:watch", "Print what happens as it happens; for staff, the queue too."),
        "files": Entry("screening:files", "Show what screening found in each file."),
        "lookup": Entry("screening:lookup", "Show what a hash belongs to."),
        "limits": Entry("screening:limits", "Show what may be sent, and how far it is examined."),
        "list": Entry("status:list_submissions", "List submissions, newest first."),
        "reply": Entry("respond:reply", "Answer the analyst's question, or add something."),
        "confirm": Entry("respond:confirm", "Say that the published fix works."),
        "still-happens": Entry("respond:still_happens", "Say that the published fix does not work."),
        "dispute": Entry("respond:dispute", "Ask for a second opinion."),
        "withdraw": Entry("respond:withdraw", "Take a submission back."),
        "account": Entry("account:account", "Show who you are and what you were promised."),
        "contact": Entry("account:contact", "Have every event written to your e-mail address."),
        "evidence": Entry("evidence:evidence", "Get the signed evidence that a fix works."),
        "bundle": Entry("bundle:bundle", "Get published bundles, and check whose they are."),
        "verify": Entry("bundle:verify", "Check signed evidence, without any server."),
        "webhook": Entry("account:webhook", "Have every event sent to an address of yours."),
        "delivery": Entry("access:delivery", "Show what was sent to your webhook, try it, send again."),
        "key": Entry("access:key", "Your organisation's API keys."),
    },
    "For staff": {
        "queue": Entry("status:queue", "List what waits, in the order in which it will be taken."),
        "decide": Entry("decide:decide", "Work on submissions and signature changes."),
        "release": Entry("release:release", "Build and publish databases from approved changes."),
        "extra": Entry("extras:extra", "Put urgent additions in force at once, until the next database."),
        "feed": Entry("feed:feed", "Follow what is approved, published and withdrawn."),
        "report": Entry("report:report", "Show how well the promised answer times were kept."),
        "admin": Entry("admin:admin", "Customers, contracts, people, keys, products and published databases."),
    },
}
ENTRIES = {name: entry for section in SECTIONS.values() for name, entry in section.items()}


class LazyGroup(click.Group):
    """A group that lists its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """The names in the order of the sections."""
        return list(ENTRIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- the same
        """Import the command's module."""
        if cmd_name not in ENTRIES:
            return None
        module, attribute = ENTRIES[cmd_name].place.split(":")
        command = getattr(import_module(f"sigreq.cli.{module}"), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 -- a wrong line in SECTIONS
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- the same
        """Write the list from SECTIONS alone."""
        for title, entries in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.summary) for name, entry in entries.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sigreq")
def main() -> None:
    """Requests to change an antivirus signature: from a customer's sample to a proved fix.

    Commands that talk to a server take its address from --url or SIGREQ_URL and the API key from --key-file, --key or
    SIGREQ_API_KEY. They exit with 0, with 1 when the server refuses or cannot be reached, with 2 when the command line
    is wrong.
    """
