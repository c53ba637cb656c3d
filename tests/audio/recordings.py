"""Recordings for the tests, encoded by PyAV and known sample by sample."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from webui.audio.reader import AudioReader, open_audio
from webui.audio.report import AudioReport, Channel

RATE_HZ = 16_000
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}

Samples = NDArray[np.float32]


def sweep(seconds: float, rate_hz: int = RATE_HZ) -> Samples:
    """A tone that rises from 200 Hz by 150 Hz a second: its phase tells every instant apart."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = 0.5 * np.sin(2 * np.pi * (200 * time_s + 75 * time_s**2))
    return wave.astype(np.float32)


def encode(
    path: Path,
    samples: Samples,
    rate_hz: int,
    codec: str,
    *,
    sample_format: str | None = None,
    with_video: bool = False,
    video_seconds: float | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write (channels, n) samples to ``path`` in the container that its name asks for."""
    layout = LAYOUTS[len(samples)]
    with av.open(str(path), "w", options=options or {}) as media:
        stream = media.add_stream(codec, rate=rate_hz, layout=layout)
        assert isinstance(stream, AudioStream)
        if sample_format:
            stream.codec_context.format = sample_format
        stream.codec_context.options = {"strict": "experimental"}
        stream.codec_context.open()
        if with_video:
            _add_video(media, video_seconds or samples.shape[1] / rate_hz)
        fitter = av.AudioResampler(
            format=stream.codec_context.format,
            layout=layout,
            rate=rate_hz,
            frame_size=stream.codec_context.frame_size or None,
        )
        packed = np.ascontiguousarray(samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate = rate_hz
        frame.pts = 0
        for fitted in [*fitter.resample(frame), *fitter.resample(None)]:
            media.mux(stream.encode(fitted))
        media.mux(stream.encode(None))
    return path


def _add_video(media: av.container.OutputContainer, seconds: float) -> None:
    video = media.add_stream("mpeg4", rate=5, width=32, height=32, pix_fmt="yuv420p")
    for number in range(round(5 * seconds)):
        picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), number, np.uint8))
        picture.pts = number
        media.mux(video.encode(picture))
    media.mux(video.encode(None))


def read(
    path: Path, channel: Channel = "mix", block_s: float = 10.0
) -> tuple[Samples, AudioReport]:
    """Read a whole recording."""
    with open_audio(path, channel, block_s) as audio:
        return collect(audio), audio.report()


def collect(audio: AudioReader) -> Samples:
    """Join all blocks."""
    return np.concatenate([np.zeros(0, np.float32), *audio])


def codes(report: AudioReport) -> list[str]:
    """The codes of a report's notices."""
    return [notice.code for notice in report.notices]


def best_lag(found: Samples, wanted: Samples) -> tuple[int, float]:
    """By how many samples ``found`` comes late, and how well it then correlates (1 is equal)."""
    size = 1 << (len(found) + len(wanted)).bit_length()
    product = np.fft.rfft(found, size) * np.conj(np.fft.rfft(wanted, size))
    correlation = np.fft.irfft(product, size)
    lag = int(np.argmax(correlation))
    norm = float(np.linalg.norm(found) * np.linalg.norm(wanted))
    return lag if lag < size // 2 else lag - size, float(correlation[lag]) / norm
