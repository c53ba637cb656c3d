"""The whole command in a process of its own: ``python -m webui.bench.command ARGUMENTS``.

Does what ``python -m webui ARGUMENTS`` does, and then writes one JSON object as the last
line of standard error: the process's id and its peak memory, which only it can tell.
"""

from __future__ import annotations

import json
import os
import runpy
import sys

from webui.process_memory import peak_rss_bytes

if __name__ == "__main__":
    try:
        # By name: the command stands above the benchmark and is not imported by it.
        runpy.run_module("webui", run_name="__main__", alter_sys=True)
    finally:
        known = {"process_id": os.getpid(), "peak_rss_bytes": peak_rss_bytes()}
        print(json.dumps(known), file=sys.stderr)
