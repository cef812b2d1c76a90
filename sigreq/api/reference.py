"""The API's reference as one page that needs nothing from anywhere else: no script, no style from a foreign host."""

from html import escape
from typing import Any

from litestar import Request
from litestar.openapi.plugins import OpenAPIRenderPlugin

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1c2430 }
h1 { margin-bottom: 0 } section { border-top: 1px solid #d5dae1; padding: .75rem 0 } h2 { margin: 2rem 0 .5rem }
code { font-size: .95em } .method { display: inline-block; min-width: 4.5rem; font-weight: 700; color: #0b5cad }
p { margin: .25rem 0 0 } .fields { color: #566172; font-size: .9rem } @media (prefers-color-scheme: dark) {
body { background: #14181e; color: #e2e7ee } section { border-color: #333c48 } .method { color: #7db7f5 }
.fields { color: #a3afbf } a { color: #7db7f5 } }
"""


class ReferencePage(OpenAPIRenderPlugin):
    """Lists every address with what it takes; the machine-readable document is one click away."""

    def __init__(self) -> None:
        super().__init__(path="/")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The page."""
        document = self.get_openapi_json_route(request)
        about = openapi_schema["info"]
        parts = [
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(about['title'])} API</title>",
            '<meta name=viewport content="width=device-width">',
            f"<style>{_STYLE}</style><h1>{escape(about['title'])} API</h1><p>{escape(about['description'])}</p>",
            f'<p>For programs: <a href="{document}">{document}</a>. Send your key as ',
            "<code>Authorization: Bearer sgrq_live_...</code>. Errors are problem documents with a stable code.</p>",
        ]
        schemas = openapi_schema.get("components", {}).get("schemas", {})
        operations = _operations(openapi_schema)
        for tag in dict.fromkeys(_tag(operation) for _, _, operation in operations):
            parts.append(f"<h2>{escape(tag)}</h2>")
            parts += [_section(*each, schemas) for each in operations if _tag(each[2]) == tag]
        return "".join(parts).encode()


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    methods = ("get", "post", "put", "delete")
    return [(m, path, item[m]) for path, item in document["paths"].items() for m in methods if m in item]


def _tag(operation: dict[str, Any]) -> str:
    return str(operation.get("tags", ["Other"])[0])


def _section(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    taken = [_parameter(each) for each in operation.get("parameters", []) if each["in"] != "path"]
    for body in operation.get("requestBody", {}).get("content", {}).values():
        taken += _members(body["schema"], schemas)
    fields = f"<p class=fields>{', '.join(taken)}</p>" if taken else ""
    summary = escape(operation.get("summary", ""))
    description = escape(operation.get("description", "") or "")
    head = f"<span class=method>{method.upper()}</span> <code>{escape(path)}</code> {summary}"
    return f"<section>{head}<p>{description}</p>{fields}</section>"


def _members(schema: dict[str, Any], schemas: dict[str, Any], outer: str = "") -> list[str]:
    """The fields of a body, and those of the objects in it."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    needed = set(schema.get("required", []))
    found: list[str] = []
    for name, member in schema.get("properties", {}).items():
        found.append(f"<code>{escape(outer + name)}</code>{'' if name in needed else '?'}")
        found += _members(member, schemas, f"{outer}{name}.")
    return found


def _parameter(parameter: dict[str, Any]) -> str:
    optional = "" if parameter.get("required") else "?"
    about = ": ".join(each for each in (parameter["in"], parameter.get("description")) if each)
    return f"<code>{escape(parameter['name'])}</code>{optional} ({escape(about)})"
