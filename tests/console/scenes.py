"""A service in which people have worked for a while: what pictures and checks of pages are made of."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any, Self

from sigreq.embedded.receiver import Receiver
from tests.flows import HARMLESS, after_test, drafted, fixed
from tests.world import MARKER, World, wait_for

MALWARE = "Example_Loader_Generic"


@dataclass
class Scenes:
    """Who may look at which pages, by the name of each."""

    world: World
    people: dict[str, str]
    pages: dict[str, dict[str, str]]

    @classmethod
    def made(cls, world: World) -> Self:
        """Have people work."""
        organisation = world.organisation("msa_business")
        staff = {role: world.administrator.add_person(name, role) for role, name in _NAMES.items()}
        owner = world.administrator.add_person("Dmitri Orlov", "customer", organisation)
        people = {role: each["id"] for role, each in {**staff, "customer": owner}.items()}
        analyst, customer = world.client(staff["analyst"]["key"]), world.client(owner["key"])
        product = world.product()
        for number, severity in enumerate((1, 2, 2, 3, 4, 3)):
            sender = customer if number % 2 else world.customer()
            kind = "false_positive" if number % 3 else "false_negative"
            world.queued(sender, product, kind=kind, severity=severity)
        held = _talked(world, analyst, customer, product)
        _keep_texts(world)
        case = world.determined(analyst, customer, product)
        change = after_test(analyst, drafted(analyst, case, "Marker", HARMLESS))
        mended = fixed(world, customer, world.product())["id"]
        _connected(customer)
        pages = {
            "": {"sign-in": "/sign-in"},
            "analyst": {
                "queue": "/queue",
                "rules": "/queue/rules",
                "rule": "/queue/rules/cases?rule=Marker",
                "case": f"/cases/{held}",
                "similar": f"/cases/{held}/similar",
                "file": f"/cases/{held}/files/0",
                "cases": "/cases",
                "draft": f"/cases/{case['id']}/change?kind=rule_modify",
                "me": "/me",
                "texts": "/texts",
            },
            "lead": {"change": f"/changes/{change['id']}", "changes": "/changes", "texts-kept": "/texts"},
            "customer": {
                "portal": "/portal",
                "portal-case": f"/portal/{held}",
                "portal-fixed": f"/portal/{mended}",
                "new-case": "/portal/new",
                "new-case-checked": f"/portal/new?product={product}&database_version=20251122.1",
                "keys": "/portal/keys",
                "webhook": "/portal/webhook",
            },
        }
        return cls(world, people, pages)

    def link(self, who: str) -> str:
        """A link by which somebody sets their password."""
        path: str = self.world.administrator.add_password_link(self.people[who])["path"]
        return path


def _connected(customer: Any) -> None:
    """Keys, and a webhook whose receiver does not take everything at once."""
    customer.add_own_key("build server")
    customer.revoke_own_key(next(each["id"] for each in customer.keys()["items"] if each["title"]))
    customer.add_own_key("ticket system")
    with Receiver(refuse_first=1) as receiver:
        receiver.secret = customer.set_webhook(receiver.url)["secret"]
        customer.ping_webhook()
        wait_for(lambda: customer.deliveries()["items"], lambda seen: seen[0]["state"] == "retrying")
        customer.ping_webhook()
        wait_for(lambda: customer.deliveries()["items"], lambda seen: seen[0]["state"] == "delivered")


_NAMES = {"analyst": "Ann Lund", "lead": "Leo Brandt"}


def _keep_texts(world: World) -> None:
    """What the first group answers with; a service that has it already keeps it."""
    known = {each["title"] for each in world.lead.canned_texts()["items"]}
    for title, language, body in _TEXTS:
        if title not in known:
            world.lead.add_canned_text(title, body, language)


_TEXTS = (
    ("The rule was wrong", "en", "Your file is harmless. The rule that detected it is being mended."),
    ("Which installer?", "en", "Where did you get this file from, and which version does its publisher give?"),
    ("Ошибка правила", "ru", "Ваш файл безвреден. Правило, которое сработало, исправляется."),
)


def _talked(world: World, analyst: Any, customer: Any, product: str) -> str:
    """A case in which both sides have spoken."""
    fields = world.fields(
        product,
        severity=2,
        details={"software_name": "Payroll 4", "publisher": "Acme Ltd", "purpose": "Pays the wages on the 28th."},
    )
    files = [("payroll-setup.exe", BytesIO(MARKER + b"a")), ("readme.txt", BytesIO(b"How to install it." + MARKER))]
    case: str = customer.submit(fields, files)["id"]
    seen = analyst.claim(case, world.until(case, "queued")["revision"])
    seen = analyst.answer(case, seen["revision"], "We see the detection too and look into it.", is_qualified=True)
    seen = analyst.ask(case, seen["revision"], "Is it the installer from the publisher's own page?")
    customer.reply(case, "Yes, downloaded yesterday. The wages are due on Friday.")
    return case
