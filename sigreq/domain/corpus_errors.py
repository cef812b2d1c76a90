"""What can be wrong with the clean corpus; facts as in `errors.py`."""

from dataclasses import dataclass

from sigreq.domain.errors import Problem


@dataclass(eq=False)
class CorpusSourceClosed(Problem):
    """The source {id} is {state}, so nothing can be added to it. Remove it and add it anew, or choose another name."""

    id: str
    state: str


@dataclass(eq=False)
class CorpusMalware(Problem):
    """The source {id} holds files that a published version detects by their hash: {files}. Retire that first."""

    id: str
    files: str
