"""An hour takes no more memory than a minute."""

from __future__ import annotations

import subprocess
import sys
import wave
from pathlib import Path

import pytest

HALF_AN_HOUR_S = 1_800
ROOT = Path(__file__).resolve().parents[2]

# Prints by how many KiB the process grew between the second block and the end.
# In a process of its own, since the highest memory use only ever rises.
PROGRAM = """
import resource, sys
from webui.audio.peaks import PeakBuilder
from webui.audio.reader import open_audio
peaks = PeakBuilder()
with open_audio(sys.argv[1]) as audio:
    for number, block in enumerate(audio):
        peaks.feed(block)
        if number == 1:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(audio.report().samples, len(peaks.finish()), after - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux alone")
@pytest.mark.parametrize(("rate_hz", "channels"), [(16_000, 1), (44_100, 2)])
def test_memory_does_not_grow_with_duration(tmp_path: Path, rate_hz: int, channels: int) -> None:
    path = tmp_path / "long.wav"
    size = HALF_AN_HOUR_S * rate_hz * channels * 2
    with wave.open(str(path), "wb") as header:
        header.setnchannels(channels)
        header.setsampwidth(2)
        header.setframerate(rate_hz)
        header.setnframes(size // channels // 2)
        header.writeframesraw(b"")
    # The samples are a hole in the file: zeros that take no room on the disk.
    content = bytearray(path.read_bytes()[:44])
    content[4:8] = (size + 36).to_bytes(4, "little")
    content[40:44] = size.to_bytes(4, "little")
    with path.open("wb") as file:
        file.write(content)
        file.truncate(44 + size)
    command = [sys.executable, "-c", PROGRAM, str(path)]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    samples, hops, grown_kib = map(int, output.split())
    assert samples == HALF_AN_HOUR_S * 16_000
    assert hops == HALF_AN_HOUR_S * 100
    assert grown_kib < 20 * 1024
