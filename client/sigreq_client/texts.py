"""Texts that analysts answer with."""

from sigreq_client.caller import Caller, R_co, path
from sigreq_client.calls import Call


class TextOperations(Caller[R_co]):
    """Words that an analyst group uses again and again; its leads keep them."""

    def canned_texts(self) -> R_co:
        """The texts of your groups."""
        return self._get("canned-texts")

    def add_canned_text(self, title: str, body: str, language: str = "en", group: str | None = None) -> R_co:
        """Add a text to a group in which you work, by default the first one."""
        return self._post("canned-texts", title=title, body=body, language=language, group=group)

    def change_canned_text(
        self, text_id: str, title: str, body: str, language: str = "en", group: str | None = None
    ) -> R_co:
        """Give a text other words; all of it is replaced."""
        said = {"title": title, "body": body, "language": language, **({} if group is None else {"group": group})}
        return self._call(Call("PUT", path("canned-texts", text_id), body=said))

    def remove_canned_text(self, text_id: str) -> R_co:
        """Take a text away; what was answered with it stays as it was said."""
        return self._delete("canned-texts", text_id)
