"""What the keeper of the clean corpus does."""

from collections.abc import Sequence

from sigreq_client.caller import Caller, R_co, path
from sigreq_client.calls import Call
from sigreq_client.upload import File, Upload


class CorpusOperations(Caller[R_co]):
    """Clean files that no signature may ever hit."""

    def corpus(self) -> R_co:
        """The sources with how much they hold, and the newest revisions."""
        return self._get("corpus")

    def add_corpus_source(self, source_id: str, kind: str, location: str) -> R_co:
        """A new source: a `folder` or a list of `hashes`, sent and completed by you, or a `prefix` of the store.

        The same again, while it is not complete, goes on where it stood.
        """
        return self._post("admin", "corpus", id=source_id, kind=kind, location=location)

    def missing_from_corpus(self, source_id: str, sha256s: Sequence[str]) -> R_co:
        """Which of these contents (at most 10,000) still have to be sent; the others are the source's from now on."""
        return self._post("admin", "corpus", source_id, "missing", sha256s=list(sha256s))

    def add_corpus_hashes(self, source_id: str, sha256s: Sequence[str]) -> R_co:
        """Clean files (at most 10,000) that are only known by their SHA-256."""
        return self._post("admin", "corpus", source_id, "hashes", sha256s=list(sha256s))

    def send_to_corpus(self, source_id: str, files: Sequence[File]) -> R_co:
        """Clean files, as many as fit into one submission."""
        address = path("admin", "corpus", source_id, "files")
        return self._call(Call("POST", address, upload=Upload(None, files, None)))

    def complete_corpus_source(self, source_id: str) -> R_co:
        """All of it is there: the revision that it makes."""
        return self._post("admin", "corpus", source_id, "complete")

    def remove_corpus_source(self, source_id: str) -> R_co:
        """Take it out: the revision that this makes."""
        return self._delete("admin", "corpus", source_id)
