"""Getting bundles: the stock TUF client, with our API's key and a look at how far it is."""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Self

import httpx2
from tuf.api.exceptions import DownloadHTTPError, RepositoryError
from tuf.ngclient import FetcherInterface, TargetFile, Updater

from sigreq.trust.documents import Untrusted

CHUNK = 1 << 16
TIMEOUT_SECONDS = 30
Progress = Callable[[int], None]
"""Is told how many bytes more have come."""


class NotOffered(Exception):
    """The repository answers, is good, and offers no bundle of this name."""


class Unreachable(Exception):
    """A file of the repository cannot be had; the text says which, and why."""


@cache
def _trusted() -> ssl.SSLContext:
    """Of HTTPS servers those that this machine trusts; to read whom it does takes 60 ms of processor time."""
    return httpx2.create_ssl_context(trust_env=False)


class _Fetcher(FetcherInterface):
    """Fetches with the API's key, if there is one."""

    def __init__(self, key: str | None) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx2.Client(headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False, verify=_trusted())
        self.progress: Progress | None = None

    def _fetch(self, url: str) -> Iterator[bytes]:
        request = self._client.build_request("GET", url)
        answer = self._client.send(request, stream=True)
        if answer.status_code != HTTPStatus.OK:
            answer.close()
            raise DownloadHTTPError(f"{url}: status {answer.status_code}", answer.status_code)
        return self._chunks(answer)

    def _chunks(self, answer: httpx2.Response) -> Iterator[bytes]:
        try:
            for chunk in answer.iter_bytes(CHUNK):
                if self.progress is not None:
                    self.progress(len(chunk))
                yield chunk
        finally:
            answer.close()

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()


@dataclass(frozen=True)
class Place:
    """Where a repository is, what is trusted to begin with, and where the client remembers what it has seen.

    What is remembered keeps an older state from passing for the newest; the newest root of it is `root.json`.
    """

    url: str
    key: str | None
    root: bytes | None
    folder: Path


class Bundles:
    """A client of one repository. Raises Untrusted for what is not signed as the trusted root says, Unreachable."""

    def __init__(self, place: Place) -> None:
        self._fetcher = _Fetcher(place.key)
        place.folder.mkdir(parents=True, exist_ok=True)
        base = place.url.rstrip("/")
        try:
            self._updater = Updater(
                str(place.folder),
                f"{base}/metadata/",
                None,
                f"{base}/targets/",
                self._fetcher,
                bootstrap=place.root,
            )
            self._updater.refresh()
        except BaseException as error:
            self._fetcher.close()
            raise _plain(error) from error

    def find(self, name: str) -> TargetFile:
        """What the repository says of a bundle. Raises NotOffered."""
        try:
            found = self._updater.get_targetinfo(name)
        except Exception as error:
            raise _plain(error) from error
        if found is None:
            raise NotOffered(name)
        return found

    def get(self, found: TargetFile, into: Path, progress: Progress | None = None) -> None:
        """Download a bundle; the file is written only once it has been checked."""
        self._fetcher.progress = progress
        try:
            self._updater.download_target(found, str(into))
        except Exception as error:
            raise _plain(error) from error
        finally:
            self._fetcher.progress = None

    def close(self) -> None:
        """Give the connections back."""
        self._fetcher.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _plain(error: BaseException) -> BaseException:
    """What the client's library means, in two words: it cannot be had, or it must not be believed."""
    if isinstance(error, DownloadHTTPError | httpx2.HTTPError):
        return Unreachable(str(error))
    if isinstance(error, RepositoryError):
        return Untrusted(f"{type(error).__name__.removesuffix('Error')}: {error}")
    cause = error.__cause__
    if isinstance(cause, httpx2.HTTPError):
        return Unreachable(f"{error}: {cause}")
    return error
