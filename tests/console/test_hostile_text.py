"""What customers write is text on every page, whatever it is."""

from io import BytesIO
from itertools import cycle

from tests.console.browser import Browser, Page
from tests.console.conftest import Doors
from tests.world import MARKER, World

# Each says where it is if it ever runs; the shapes are those that get past careless filters.
_BODIES = (
    "<script>hit()</script>",
    "<img src=x onerror=hit()>",
    "<svg onload=hit()>",
    "<svg><script>hit()</script></svg>",
    '"><script>hit()</script>',
    "'><script>hit()</script>",
    "</textarea><script>hit()</script>",
    "</title><script>hit()</script>",
    "</style><script>hit()</script>",
    "<iframe src=javascript:hit()>",
    "<a href=javascript:hit()>x</a>",
    '" onmouseover="hit()',
    "' onfocus='hit()' autofocus='",
    "<body onload=hit()>",
    "<details open ontoggle=hit()>",
    "<math><mtext><img src=x onerror=hit()></mtext></math>",
    "{{ 7 * 7 }}{% raw %}",
    "${7*7}",
    "<!--><script>hit()</script>-->",
    "&lt;script&gt;hit()&lt;/script&gt;",
)
_COVERS = ("{}", "a{}b", "{}.exe", "\u202e{}", "<<{}>>")
STRINGS = [cover.format(body) if "{}" in cover else cover for cover in _COVERS for body in _BODIES]


def test_there_are_a_hundred_of_them() -> None:
    assert len(set(STRINGS)) == 100


def _is_text(page: Page, strings: list[str]) -> None:
    """The page has no tag or attribute that our templates do not have, and each string is read as it was written."""
    assert page.status == 200
    ours = {"html", "head", "meta", "title", "link", "script", "body", "a", "header", "nav", "div", "span", "form"}
    ours |= {"input", "button", "main", "h1", "h2", "h3", "p", "b", "small", "section", "dl", "dt", "dd", "details"}
    ours |= {"summary", "table", "thead", "tbody", "tr", "th", "td", "ol", "ul", "li", "label", "textarea", "select"}
    ours |= {
        "option",
        "time",
        "code",
        "blockquote",
        "abbr",
        "pre",
        "kbd",
        "progress",
        "datalist",
        "fieldset",
        "legend",
        "mark",
    }
    assert set(page.names()) <= ours
    for name in page.names():
        for of in page.tags(name):
            assert not [each for each in of if each.startswith("on")]
            assert not of.get("href", "").lower().startswith("javascript")
    for script in page.tags("script"):
        assert script["src"].startswith("/assets/")
    flat = page.raw_text
    missing = [each for each in strings if each not in flat]
    assert missing == []


def _pages(doors: Doors, world: World) -> tuple[Browser, Browser, str, str]:
    organisation = world.organisation()
    person = world.person("customer", organisation)
    product = world.product()
    chunks = [STRINGS[start : start + 20] for start in range(0, 100, 20)]
    names = cycle(STRINGS)
    fields = world.fields(
        product,
        detection_name=STRINGS[0],
        contact=STRINGS[1],
        details={"purpose": STRINGS[2], "software_name": STRINGS[3], "customer_reference": STRINGS[4]},
    )
    case = person.submit(fields, [(next(names), BytesIO(MARKER + str(n).encode())) for n in range(20)])["id"]
    world.until(case, "queued")
    for chunk in chunks:
        person.reply(case, "\n".join(chunk))
    return doors.enter("analyst"), doors.enter("customer", organisation), case, product


def test_names_and_messages_are_text_on_every_page(doors: Doors, world: World) -> None:
    analyst, customer, case, _ = _pages(doors, world)
    _is_text(customer.get(f"/portal/{case}"), STRINGS)
    _is_text(customer.get("/portal"), STRINGS[:1])
    page = analyst.send(analyst.get(f"/cases/{case}"), "/claim")
    _is_text(page, STRINGS)
    _is_text(analyst.get("/cases"), STRINGS[:1])
    _is_text(analyst.get("/queue"), STRINGS[:1])
    _is_text(analyst.get("/queue", detection=STRINGS[4], customer=STRINGS[5], plan=STRINGS[6]), [])


def test_what_staff_and_files_bring_is_text_on_the_pages_of_the_desk(doors: Doors, world: World) -> None:
    analyst, _, case, _ = _pages(doors, world)
    _is_text(analyst.get(f"/cases/{case}/files/0"), [])
    _is_text(analyst.get("/queue/rules"), [])
    for name in STRINGS[:20]:
        _is_text(analyst.get("/queue/rules/cases", rule=name), [name])
    world.lead.add_canned_text(STRINGS[20], "\n".join(STRINGS))
    _is_text(analyst.get("/texts"), STRINGS)
    page = analyst.send(analyst.get(f"/cases/{case}"), "/claim")
    _is_text(page, STRINGS[20:21])
    saved = analyst.send(analyst.get("/queue", detection=STRINGS[30]), "/queue/views", name=STRINGS[40])
    _is_text(saved, [STRINGS[30], STRINGS[40]])


def test_what_is_shown_again_in_a_form_is_text(doors: Doors, world: World) -> None:
    analyst, customer, case, _ = _pages(doors, world)
    page = analyst.send(analyst.get(f"/cases/{case}"), "/claim")
    for body in STRINGS[:20]:
        refused = analyst.send(page, "/determine", message=body, final_verdict="no such verdict")
        assert refused.status == 422
        assert refused.form("/determine").fields["message"] == body
        assert [each for each in refused.tags("script") if not each.get("src", "").startswith("/assets/")] == []
    for body in STRINGS[:20]:
        tried = customer.get("/portal/new", product=body, database_version=body)
        assert [each for each in tried.tags("script") if not each.get("src", "").startswith("/assets/")] == []
        assert not tried.tags("img")
