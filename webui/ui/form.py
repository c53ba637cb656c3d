"""A form with one file, read as it comes in: nothing of it is held but what just arrived."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

_MOST_HEADER_BYTES = 8 * 1024
# Of other fields that come before the file.
_MOST_BEFORE_BYTES = 64 * 1024


class FormError(Exception):
    """It is no form with a file, or ends before the file does."""


class FormFile:
    """The first file of a multipart form (RFC 7578).

    Args:
        content_type: of the request; it names the boundary.
        stream: body of the request.
    """

    def __init__(self, content_type: str, stream: AsyncIterator[bytes]) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise FormError
        self._stream = stream
        self._field = self._value = b""
        self._name: str | None = None
        self._pieces: deque[bytes] = deque()
        self._is_file = False
        self._is_complete = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
            },
        )

    async def open(self) -> str:
        """Read as far as the file and return its name.

        Raises:
            FormError: there is none.
        """
        read_bytes = 0
        while self._name is None:
            if read_bytes > _MOST_BEFORE_BYTES:
                raise FormError
            read_bytes += await self._read()
        return self._name

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the content of the file; what comes after it in the form is not read.

        Raises:
            FormError: the form ends before the file does.
        """
        while True:
            while self._pieces:
                yield self._pieces.popleft()
            if self._is_complete:
                return
            await self._read()

    async def _read(self) -> int:
        try:
            chunk = await anext(self._stream)
            return self._parser.write(chunk)
        except (StopAsyncIteration, MultipartParseError) as error:
            raise FormError from error

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field = self._grown(self._field, data[start:end])

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value = self._grown(self._value, data[start:end])

    def _grown(self, text: bytes, more: bytes) -> bytes:
        if len(text) + len(more) > _MOST_HEADER_BYTES:
            raise FormError
        return text + more

    def _on_header_end(self) -> None:
        if self._field.lower() == b"content-disposition" and self._name is None:
            _, options = parse_options_header(self._value)
            name = options.get(b"filename")
            if name is not None:
                self._name = name.decode("utf-8", "replace")
                self._is_file = True
        self._field = self._value = b""

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._pieces.append(data[start:end])

    def _on_part_end(self) -> None:
        if self._is_file:
            self._is_file = False
            self._is_complete = True
