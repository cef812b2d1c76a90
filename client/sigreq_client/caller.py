"""How an operation becomes a call, whichever client carries it out."""

from typing import Any, Generic, TypeVar
from urllib.parse import quote

from sigreq_client.calls import Call

R_co = TypeVar("R_co", covariant=True)


def path(*segments: str) -> str:
    """An address of the API; each segment stays one, whatever signs it holds."""
    return "/v1/" + "/".join(quote(segment, safe="") for segment in segments)


def if_match(revision: int | None) -> dict[str, str]:
    """The header that names the revision a write was decided on."""
    return {} if revision is None else {"If-Match": f'"{revision}"'}


class Caller(Generic[R_co]):
    """What the operations are written with. `R_co` is the answer, or what is awaited for it."""

    def _call(self, call: Call) -> R_co:
        raise NotImplementedError

    def _get(self, *segments: str, **query: str | int | None) -> R_co:
        return self._call(Call("GET", path(*segments), query))

    def _post(self, *segments: str, revision: int | None = None, **body: Any) -> R_co:
        """Members of the body that are None are not sent."""
        said = {name: value for name, value in body.items() if value is not None}
        return self._call(Call("POST", path(*segments), body=said, headers=if_match(revision)))

    def _put(self, *segments: str, body: Any = None) -> R_co:
        return self._call(Call("PUT", path(*segments), body=body))

    def _delete(self, *segments: str) -> R_co:
        return self._call(Call("DELETE", path(*segments)))
