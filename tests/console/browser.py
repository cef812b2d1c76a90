"""A browser without JavaScript: it keeps cookies, reads forms out of pages, and sends them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx2

from sigreq_client.certificates import trusted


@dataclass
class Form:
    """A form as it stands in a page."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    """Collects the forms and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._area: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        self.tags.append((tag, of))
        if tag == "form":
            self.forms.append(Form(of.get("action", ""), of.get("method", "get")))
        elif self.forms and tag == "input" and of.get("type") not in {"submit", "file"} and "name" in of:
            if of.get("type") not in {"checkbox", "radio"} or "checked" in of:
                self.forms[-1].fields[of["name"]] = of.get("value", "")
        elif self.forms and tag == "textarea":
            self._area = of["name"]
            self.forms[-1].fields[self._area] = ""
        elif self.forms and tag == "select":
            self._select = of["name"]
        elif self._select and tag == "option" and ("selected" in of or self._select not in self.forms[-1].fields):
            self.forms[-1].fields[self._select] = of.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            said = self.forms[-1].fields[self._area]
            self.forms[-1].fields[self._area] = said.removeprefix("\n")  # as the standard says
            self._area = None
        if tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.forms[-1].fields[self._area] += data
        self.words.append(data)


@dataclass
class Page:
    """What came back."""

    status: int
    url: str
    html: str
    headers: Mapping[str, str]

    def __post_init__(self) -> None:
        self._reader = _Reader()
        self._reader.feed(self.html)

    @property
    def text(self) -> str:
        """What is read, with single spaces."""
        return re.sub(r"\s+", " ", " ".join(self._reader.words))

    @property
    def raw_text(self) -> str:
        """What is read, as it was written, and what stands in fields."""
        fields = [of.get("value", "") for _, of in self._reader.tags]
        return "\n".join(["".join(self._reader.words), *fields])

    def names(self) -> list[str]:
        """The name of every tag."""
        return [tag for tag, _ in self._reader.tags]

    @property
    def path(self) -> str:
        """Where it is."""
        return httpx2.URL(self.url).path

    def form(self, action: str, method: str | None = None) -> Form:
        """The form that is sent to this path; its end is enough."""
        found = [each for each in self._reader.forms if each.action.endswith(action) and method in {None, each.method}]
        assert found, f"no form to {action} in {self.url}: {[each.action for each in self._reader.forms]}"
        return found[0]

    def has_form(self, action: str) -> bool:
        """Whether there is such a form."""
        return any(each.action.endswith(action) for each in self._reader.forms)

    def tags(self, name: str) -> list[dict[str, str]]:
        """The attributes of each tag of this name."""
        return [of for tag, of in self._reader.tags if tag == name]


class Browser:
    """One person's browser, at one network address."""

    def __init__(self, url: str, address: str = "127.0.0.1") -> None:
        headers = {"X-Forwarded-For": address} if address != "127.0.0.1" else {}
        self.http = httpx2.Client(
            base_url=url,
            headers=headers,
            timeout=60,
            trust_env=False,
            verify=trusted(),
            follow_redirects=True,
            cookies=httpx2.Cookies(),
        )

    def get(self, path: str, **params: str) -> Page:
        """Open a page."""
        return _page(self.http.get(path, params=params or None))

    def send(self, page: Page, action: str, **said: Any) -> Page:
        """Fill in a form of a page and send it; what is None is left out."""
        form = page.form(action)
        filled = {name: value for name, value in {**form.fields, **said}.items() if value is not None}
        return _page(self.http.request(form.method.upper(), form.action or page.url, data=filled))

    def upload(self, page: Page, action: str, files: list[tuple[str, bytes]], **said: Any) -> Page:
        """Fill in a form that takes files, and send it: its fields first, as browsers do."""
        form = page.form(action, "post")
        filled = {name: value for name, value in {**form.fields, **said}.items() if value is not None}
        parts: list[Any] = [(name, (None, value)) for name, value in filled.items()]
        parts += [("file", (name, content, "application/octet-stream")) for name, content in files]
        return _page(self.http.post(form.action, files=parts))

    def post(self, path: str, data: Mapping[str, str], **headers: str) -> Page:
        """Send what no form of ours has."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return _page(self.http.post(path, data=dict(data), headers=sent))

    def close(self) -> None:
        """Close it."""
        self.http.close()


def _page(answer: httpx2.Response) -> Page:
    return Page(answer.status_code, str(answer.url), answer.text, answer.headers)
