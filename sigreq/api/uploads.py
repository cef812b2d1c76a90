"""Reads an upload as it comes: the fields first and judged first, then the files, in constant memory.

When the fields are refused the parser is left where it stands: no byte of a file is parsed or kept, and the plain
answer reaches clients that are still sending.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from litestar.datastructures.headers import Headers
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from sigreq.domain import errors
from sigreq.settings import Limits
from sigreq.spool import Spool, SpooledSample, Writing

FIELDS, FILE = "submission", "file"
FRAMING_BYTES = 64 * 1024  # what the multipart framing of a full upload may add


@dataclass
class _Receiver:
    """Takes the parser's events one by one."""

    limits: Limits
    spool: Spool
    announced: int | None
    judge: Callable[[bytes], Awaitable[None]]
    fields: bytearray | None = None
    writing: Writing | None = None
    taken: int = 0
    samples: list[SpooledSample] = field(default_factory=list)

    async def take(self, event: MultipartSegment | bytearray | bytes | None) -> None:
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is not None:
            self._write(bytes(event))
        else:
            await self._end()

    def _begin(self, part: MultipartSegment) -> None:
        if self.fields is None:
            if part.name != FIELDS:
                raise errors.RequestMalformed(
                    reason=f"the first part must be `{FIELDS}` (JSON), before any file; it is `{part.name}`"
                )
            self.fields = bytearray()
            return
        if part.name != FILE:
            raise errors.RequestMalformed(
                reason=f"after `{FIELDS}` only parts named `{FILE}` may come, not `{part.name}`"
            )
        if len(self.samples) >= self.limits.submission_files:
            raise errors.SamplesTooMany(limit=self.limits.submission_files)
        name = (part.filename or "unnamed")[:255]
        room = self.limits.submission_bytes + self.limits.fields_bytes + FRAMING_BYTES
        if self.announced is not None and self.announced > room:
            raise errors.SampleTooLarge(name=name, limit_bytes=self.limits.submission_bytes)
        self.writing = self.spool.begin(name)

    def _write(self, chunk: bytes) -> None:
        if self.writing is not None:
            self.taken += len(chunk)
            if self.taken > self.limits.submission_bytes:
                raise errors.SampleTooLarge(name=self.writing.name, limit_bytes=self.limits.submission_bytes)
            self.writing.write(chunk)
        elif self.fields is not None:
            self.fields += chunk
            if len(self.fields) > self.limits.fields_bytes:
                raise errors.RequestMalformed(reason=f"the part `{FIELDS}` is over {self.limits.fields_bytes} bytes")

    async def _end(self) -> None:
        if self.writing is None:
            await self.judge(bytes(self.fields or b""))
            return
        if self.writing.size == 0:
            raise errors.SampleEmpty(name=self.writing.name)
        self.samples.append(self.writing.end())
        self.writing = None


async def receive(
    body: AsyncIterator[bytes],
    headers: Headers,
    limits: Limits,
    spool: Spool,
    judge: Callable[[bytes], Awaitable[None]],
) -> list[SpooledSample]:
    """Read a whole upload. `judge` sees the fields before the first file and may refuse.

    Raises RequestMalformed, SampleMissing, SampleEmpty, SampleTooLarge, SamplesTooMany, and whatever `judge` raises.
    """
    receiver = _Receiver(limits, spool, _announced(headers), judge)
    return await _read(body, headers, receiver)


async def receive_files(
    body: AsyncIterator[bytes], headers: Headers, limits: Limits, spool: Spool
) -> list[SpooledSample]:
    """Read an upload that is only files. Raises the same."""

    async def judge(_: bytes) -> None:
        """There are no fields."""

    return await _read(body, headers, _Receiver(limits, spool, _announced(headers), judge, fields=bytearray()))


async def _read(body: AsyncIterator[bytes], headers: Headers, receiver: _Receiver) -> list[SpooledSample]:
    parser = PushMultipartParser(_boundary(headers), max_segment_count=receiver.limits.submission_files + 2)
    try:
        async for chunk in body:
            for event in parser.parse(chunk):
                await receiver.take(event)
        parser.close()
    except MultipartError as error:
        raise errors.RequestMalformed(reason=f"the multipart body is broken ({error})") from error
    finally:
        parser.close(check_complete=False)
    if receiver.fields is None:
        raise errors.RequestMalformed(reason=f"the first part must be `{FIELDS}` (JSON); the body is empty")
    if not receiver.samples:
        raise errors.SampleMissing
    return receiver.samples


def _announced(headers: Headers) -> int | None:
    length = headers.get("content-length", "")
    return int(length) if length.isdigit() else None


def _boundary(headers: Headers) -> str:
    kind, options = parse_options_header(headers.get("content-type", ""))
    boundary = options.get("boundary")
    if kind != "multipart/form-data" or not boundary:
        raise errors.RequestMalformed(reason="send multipart/form-data with a boundary")
    return str(boundary)
