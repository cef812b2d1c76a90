"""Reads an upload as it comes: the fields first and judged first, then the files, in constant memory.

When the fields are refused the parser is left where it stands: no byte of a file is parsed or kept, and the plain
answer reaches clients that are still sending.
"""

import json
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


@dataclass
class _FormReceiver(_Receiver):
    """Takes a browser's form: its fields one by one, in their order, and the files behind them."""

    texts: dict[str, str] = field(default_factory=dict)
    name: str | None = None
    is_judged: bool = False
    is_ignored: bool = False

    async def take(self, event: MultipartSegment | bytearray | bytes | None) -> None:
        if isinstance(event, MultipartSegment) and event.filename is not None:
            await self._judge()
            # What a browser sends where no file was chosen.
            self.is_ignored = not event.filename
            if self.is_ignored:
                return
        if self.is_ignored:
            self.is_ignored = event is not None
            return
        await super().take(event)

    async def _judge(self) -> None:
        if not self.is_judged:
            self.is_judged = True
            await self.judge(json.dumps(self.texts).encode())

    def _begin(self, part: MultipartSegment) -> None:
        if part.filename is not None:
            super()._begin(part)
        elif self.is_judged or part.name is None:
            raise errors.RequestMalformed(reason="the fields of the form must come before its files, each with a name")
        else:
            self.name, self.fields = part.name, bytearray()

    async def _end(self) -> None:
        if self.writing is not None:
            await super()._end()
        elif self.name is not None and self.fields is not None:
            self.texts[self.name] = self.fields.decode(errors="replace").replace("\r\n", "\n")
            if sum(map(len, self.texts.values())) > self.limits.fields_bytes:
                raise errors.RequestMalformed(reason=f"the fields are over {self.limits.fields_bytes} bytes")
            self.name = None


async def receive_form(
    body: AsyncIterator[bytes],
    headers: Headers,
    limits: Limits,
    spool: Spool,
    judge: Callable[[bytes], Awaitable[None]],
) -> list[SpooledSample]:
    """Read a form that a browser sends, in which `judge` gets the fields as a JSON object of texts. Raises the same."""
    receiver = _FormReceiver(limits, spool, _announced(headers), judge, fields=bytearray())
    return await _read(body, headers, receiver, most_parts=limits.submission_files + 60)


async def receive_files(
    body: AsyncIterator[bytes], headers: Headers, limits: Limits, spool: Spool
) -> list[SpooledSample]:
    """Read an upload that is only files. Raises the same."""

    async def judge(_: bytes) -> None:
        """There are no fields."""

    return await _read(body, headers, _Receiver(limits, spool, _announced(headers), judge, fields=bytearray()))


async def _read(
    body: AsyncIterator[bytes], headers: Headers, receiver: _Receiver, most_parts: int | None = None
) -> list[SpooledSample]:
    most = most_parts or receiver.limits.submission_files + 2
    parser = PushMultipartParser(_boundary(headers), max_segment_count=most)
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
