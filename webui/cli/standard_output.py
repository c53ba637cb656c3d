"""Standard output that says what is wrong with it, wherever it is written to."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any

from webui.errors import OutputError
from webui.system_errors import system_reason_zh


class _Descriptor(io.FileIO):
    """Where standard output goes; its errors are told from those of other files."""

    def write(self, data: Any, /) -> int:
        """Write what fits.

        Raises:
            BrokenPipeError: whoever read it has enough.
            OutputError: it takes nothing.
        """
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise output_error(error) from error


def tell_lost_output() -> None:
    """Have `OutputError` raised where this process's standard output cannot be written."""
    before = sys.stdout
    if not isinstance(before, io.TextIOWrapper) or (os.name == "nt" and before.isatty()):
        return  # closed; or a console, which is no file
    raw = _Descriptor(before.fileno(), "wb", closefd=False)
    sys.stdout = io.TextIOWrapper(
        raw if before.write_through else io.BufferedWriter(raw),  # python -u
        encoding=before.encoding,
        errors=before.errors,
        line_buffering=before.line_buffering,
        write_through=before.write_through,
    )


def output_error(error: OSError) -> OutputError:
    """Say what the system says."""
    reason = error.strerror or os.strerror(error.errno or errno.EIO)
    return OutputError(reason=reason, reason_zh=system_reason_zh(error))
