"""Cut sound against the samples that it was cut from, bit by bit."""

from __future__ import annotations

import csv
import io
import multiprocessing
import subprocess
import sys
import zipfile
from dataclasses import replace
from itertools import pairwise

import av
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.audio.recordings import RATE_HZ, encode, read, sweep
from webui.audio.cuts.cut import cut, join
from webui.audio.cuts.deliver import cut_members, cut_to_directory
from webui.audio.cuts.names import cut_names, name_stem
from webui.audio.cuts.process import CutProcess, cut_archive
from webui.audio.cuts.spans import Span, kept_spans, sample_at
from webui.audio.cuts.table import CutTable, Cutting
from webui.errors import CutError, FileMissingError, NameTemplateError
from webui.zipped import zipped

SUBTYPES = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"]


def noise(subtype: str, samples: int, channels: int) -> np.ndarray:
    """Every bit of each sample at random."""
    random = np.random.default_rng(samples)
    if subtype in ("FLOAT", "DOUBLE"):
        kind = np.float32 if subtype == "FLOAT" else np.float64
        return random.uniform(-1.5, 1.5, (samples, channels)).astype(kind)
    whole = random.integers(-(2**31), 2**31, (samples, channels)).astype(np.int32)
    bits = {"PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}[subtype]
    return whole >> (32 - bits) << (32 - bits)


def stored(content: bytes, kind: str) -> np.ndarray:
    """All samples, with an independent reader where there is one."""
    if kind == "flac":
        with av.open(io.BytesIO(content)) as media:
            channels = media.streams.audio[0].channels
            parts = [f.to_ndarray().reshape(-1, channels) for f in media.decode(audio=0)]
            found = np.concatenate(parts) if parts else np.zeros((0, channels), np.int32)
            return found.astype(np.int32) << (16 if found.dtype == np.int16 else 0)
    with soundfile.SoundFile(io.BytesIO(content)) as file:
        dtype = {"FLOAT": "float32", "DOUBLE": "float64"}.get(file.subtype, "int32")
        return file.read(dtype=dtype, always_2d=True)


def pieces_of(path, spans, **how):
    streams = {}

    def opened(index):
        streams[index] = io.BytesIO()
        return streams[index]

    found = {piece.index: piece for piece in cut(path, spans, opened, **how)}
    return found, {index: stream.getvalue() for index, stream in streams.items()}


@st.composite
def some_spans(draw, duration_ms=400):
    bounds = st.integers(0, duration_ms)
    pairs = draw(st.lists(st.tuples(bounds, bounds), max_size=6))
    return [Span(min(pair), max(pair)) for pair in pairs]


@pytest.mark.parametrize(
    ("subtype", "suffix", "kind"),
    [
        *((subtype, "wav", "wav") for subtype in SUBTYPES),
        *((subtype, "wav", "flac") for subtype in SUBTYPES if subtype.startswith("PCM")),
        *((subtype, "flac", kind) for subtype in ("PCM_S8", "PCM_16", "PCM_24")
          for kind in ("wav", "flac")),
        ("PCM_24", "aiff", "wav"),
    ],
)  # fmt: skip
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    spans=some_spans(), channels=st.sampled_from([1, 2, 6]), rate_hz=st.sampled_from([44100, 8000])
)
def test_pieces_put_back_are_the_source_bit_by_bit(
    tmp_path, subtype, suffix, kind, spans, channels, rate_hz
):
    path = tmp_path / f"a.{suffix}"
    source = noise(subtype, rate_hz * 3 // 8, channels)
    soundfile.write(path, source, rate_hz, subtype=subtype)
    found, contents = pieces_of(path, spans, kind=kind)
    assert sorted(found) == list(range(len(spans)))
    for index, span in enumerate(spans):
        first, stop = sample_at(span.start_ms, rate_hz), sample_at(span.end_ms, rate_hz)
        wanted = source[first:stop]
        piece, samples = found[index], stored(contents[index], kind)
        assert (piece.first_sample, piece.samples) == (first, len(wanted))
        assert np.array_equal(samples, wanted), span
        if kind == "wav":
            info = soundfile.info(io.BytesIO(contents[index]))
            assert (info.samplerate, info.channels) == (rate_hz, channels)
            assert info.subtype == {"PCM_S8": "PCM_U8"}.get(subtype, subtype)


def test_pieces_side_by_side_are_the_whole(tmp_path):
    path = tmp_path / "a.wav"
    source = noise("PCM_16", 44_100, 2)
    soundfile.write(path, source, 44_100, subtype="PCM_16")
    bounds = [0, 7, 333, 334, 901, 1000]
    spans = [Span(a, b) for a, b in pairwise(bounds)]
    _, contents = pieces_of(path, spans)
    whole = np.concatenate([stored(contents[index], "wav") for index in range(len(spans))])
    assert np.array_equal(whole, source)


@pytest.mark.parametrize("rate_hz", [8_000, 44_100])
def test_what_reaches_beyond_the_end_has_its_true_end(tmp_path, rate_hz):
    """And all samples, also those within the millisecond that its duration is rounded to."""
    path = tmp_path / "a.wav"
    source = noise("PCM_16", rate_hz * 1_000_4 // 10_000, 1)  # 1000.4 ms
    soundfile.write(path, source, rate_hz, subtype="PCM_16")
    spans = [
        Span.within(1_000, *bounds, "mix") for bounds in ((100, 1_010), (900, 1_000), (10, 20))
    ]
    assert cut_names("a", spans, "") == ["a_0001_100_1000", "a_0002_900_1000", "a_0003_10_20"]
    found, contents = pieces_of(path, spans)
    assert np.array_equal(stored(contents[0], "wav"), source[rate_hz // 10 :])
    assert len(stored(contents[1], "wav")) == rate_hz // 10
    stream = io.BytesIO()
    assert join(path, spans[:1], stream).samples == found[0].samples
    table = CutTable()
    table.add(Cutting(str(path), "a.wav", spans, ["0", "1", "2"], [None] * 3), [found[0]])
    row = next(csv.DictReader(io.StringIO(table.encoded().decode())))
    assert row["end_ms"] == "1000" and int(row["samples"]) == found[0].samples


def test_a_side_is_cut_alone(tmp_path):
    path = tmp_path / "a.wav"
    source = noise("PCM_16", 8_000, 2)
    soundfile.write(path, source, 8_000, subtype="PCM_16")
    spans = [Span(100, 300, "left"), Span(200, 400, "right")]
    _, contents = pieces_of(path, spans)
    assert np.array_equal(stored(contents[0], "wav"), source[800:2400, :1])
    assert np.array_equal(stored(contents[1], "wav"), source[1600:3200, 1:])
    _, contents = pieces_of(path, spans, rate="16k")
    assert soundfile.info(io.BytesIO(contents[1])).channels == 1


def test_16k_mono_is_what_the_model_gets(tmp_path):
    path = encode(tmp_path / "a.mp3", np.stack([sweep(3, 44_100)] * 2), 44_100, "libmp3lame")
    heard, _ = read(path)
    _, contents = pieces_of(path, [Span(500, 2500)], rate="16k", kind="flac")
    found = stored(contents[0], "flac")[:, 0] >> 16
    assert np.abs(found - heard[8_000:40_000] * 2**15).max() <= 0.51
    assert soundfile.info(io.BytesIO(contents[0])).samplerate == RATE_HZ


def test_lossy_codecs_give_16_bits_in_their_own_rate(tmp_path):
    path = encode(tmp_path / "a.ogg", sweep(2, 48_000)[np.newaxis], 48_000, "libopus")
    _, contents = pieces_of(path, [Span(500, 1500)])
    info = soundfile.info(io.BytesIO(contents[0]))
    assert (info.samplerate, info.subtype, info.frames) == (48_000, "PCM_16", 48_000)


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_what_the_recording_does_not_reach_is_empty(tmp_path, kind):
    path = tmp_path / "a.wav"
    source = noise("PCM_16", 16_000, 1)
    soundfile.write(path, source, 16_000, subtype="PCM_16")
    found, contents = pieces_of(path, [Span(900, 1200), Span(2000, 2100)], kind=kind)
    assert (found[0].samples, found[1].samples) == (1600, 0)
    assert np.array_equal(stored(contents[0], kind), source[14_400:])
    assert len(stored(contents[1], kind)) == 0


def test_floating_point_in_flac_keeps_24_bits(tmp_path):
    path = tmp_path / "a.wav"
    source = np.array([0.25, -1.0, 1.5, np.nan, 2**-24], np.float32)
    soundfile.write(path, np.repeat(source, 16)[:, np.newaxis], 16_000, subtype="FLOAT")
    _, contents = pieces_of(path, [Span(0, 5)], kind="flac")
    wanted = [2**29, -(2**31), (2**23 - 1) << 8, 0, 0]
    assert stored(contents[0], "flac")[::16, 0].tolist() == wanted
    assert soundfile.info(io.BytesIO(contents[0])).subtype == "PCM_24"


def test_flac_refuses_what_it_cannot_hold(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, noise("PCM_16", 160, 12), 16_000, subtype="PCM_16")
    with pytest.raises(CutError) as refused:
        pieces_of(path, [Span(0, 5)], kind="flac")
    assert "12 channels" in str(refused.value)
    assert "12 个声道" in refused.value.message("zh")
    _, contents = pieces_of(path, [Span(0, 5)])
    assert soundfile.info(io.BytesIO(contents[0])).channels == 12


def test_a_file_that_is_none():
    with pytest.raises(FileMissingError):
        pieces_of("missing.wav", [Span(0, 5)])


# --- joined


@given(spans=some_spans(), pause_ms=st.integers(0, 200))
def test_no_pause_is_longer_and_no_speech_is_lost(spans, pause_ms):
    kept = kept_spans(spans, pause_ms)
    inside = np.zeros(1000, bool)
    for start_ms, end_ms in kept:
        assert not inside[start_ms:end_ms].any()
        inside[start_ms:end_ms] = True
    assert kept == sorted(kept)
    speech = np.zeros(1000, bool)
    for span in spans:
        speech[span.start_ms : span.end_ms] = True
    assert inside[speech].all()
    # Each pause has what it had, and no more than is allowed.
    bounds = np.flatnonzero(np.diff(np.concatenate([[1], speech, [1]])))
    for start, stop in zip(bounds[::2], bounds[1::2], strict=True):
        assert inside[start:stop].sum() == min(pause_ms, stop - start)


def test_speech_in_a_row(tmp_path):
    path = tmp_path / "a.flac"
    source = noise("PCM_24", 44_100, 2)
    soundfile.write(path, source, 44_100, subtype="PCM_24")
    spans = [Span(600, 800), Span(100, 200)]
    stream = io.BytesIO()
    piece = join(path, spans, stream)
    wanted = np.concatenate([source[4410:8820], source[26_460:35_280]])
    assert np.array_equal(stored(stream.getvalue(), "wav"), wanted)
    assert (piece.samples, piece.format.bits) == (len(wanted), 24)
    stream = io.BytesIO()
    join(path, spans, stream, max_pause_ms=100, kind="flac")
    wanted = np.concatenate([source[: 250 * 441 // 10], source[550 * 441 // 10 : 900 * 441 // 10]])
    assert np.array_equal(stored(stream.getvalue(), "flac"), wanted)


# --- names


@pytest.mark.parametrize(
    ("template", "said", "said_zh"),
    [
        ("{nonsense}", "{nonsense}", "没有字段"),
        ("{stem.__class__}", "no field", "没有字段"),
        ("{stem!r}", "cannot be written so", "格式无效"),
        ("{index:>99999}", "two digits", "两位"),
        ("{stem:5}", "cannot be written so", "格式无效"),
        ("../{index}", "path separators", "路径分隔符"),
        ("a\\{index}", "path separators", "路径分隔符"),
        ("{index", "braces", "花括号"),
        ("{stem}", "segments 1 and 2", "第 1 个和第 2 个"),
        ("x" * 250 + "{index}{end_ms}", "255", "255"),
        (".{index}", "hidden", "隐藏"),
    ],
)
def test_templates_that_make_no_names(template, said, said_zh):
    with pytest.raises(NameTemplateError) as refused:
        cut_names("talk", [Span(0, 10), Span(20, 30)], ".wav", template)
    assert said in refused.value.message("en")
    assert said_zh in refused.value.message("zh")


def test_names():
    spans = [Span(0, 10), Span(20, 35, "left")]
    assert cut_names("讲座 1", spans, ".wav") == ["讲座 1_0001_0_10.wav", "讲座 1_0002_20_35.wav"]
    template = "{{{channel}}}-{index}-{duration_ms:4}"
    assert cut_names("x", spans, "", template) == ["{mix}-1-  10", "{left}-2-  15"]
    assert name_stem("/a/b/x:y?.tar.gz") == "x_y_.tar"
    assert name_stem(b"/a/\xff\xe9.wav".decode("utf-8", "surrogateescape")) == "��"


# --- places


def test_files_in_a_directory_appear_whole(tmp_path):
    path = tmp_path / "a.wav"
    source = noise("PCM_16", 16_000, 1)
    soundfile.write(path, source, 16_000, subtype="PCM_16")
    spans = [Span(0, 500), Span(100, 200), Span(300, 900)]
    names = cut_names("a", spans, ".wav")
    out = tmp_path / "out"
    out.mkdir()
    done = cut_to_directory(path, spans, names, out)
    assert next(done).index == 1
    # The first is being written; under its name there is nothing yet.
    assert sorted(file.name for file in out.glob("*.wav")) == [names[1]]
    done.close()
    assert [file.name for file in out.iterdir()] == [names[1]]
    assert len(list(cut_to_directory(path, spans, names, out))) == 3
    assert np.array_equal(
        soundfile.read(out / names[2], dtype="int16")[0], source[4800:14400, 0] >> 16
    )


def test_a_zip_streams_and_is_the_same_each_time(tmp_path):
    path = tmp_path / "a.wav"
    source = noise("PCM_16", 16_000 * 60, 2)
    soundfile.write(path, source, 16_000, subtype="PCM_16")
    spans = [Span(second * 1000, second * 1000 + 900) for second in range(60)]
    names = cut_names("讲座", spans, ".wav")

    def archive():
        members = ((name, stream) for name, stream, _ in cut_members(path, spans, names))
        yield from zipped(members)
        yield from ()

    parts = list(archive())
    assert max(map(len, parts)) < 400_000
    content = b"".join(parts)
    assert content == b"".join(archive())
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == names
        found = stored(opened.read(names[59]), "wav")
    assert np.array_equal(found, source[59 * 16_000 : 59 * 16_000 + 14_400])


def test_a_zip_that_nobody_takes_to_its_end():
    parts = zipped([("a/b.txt", b"x"), ("c.txt", io.BytesIO(b"y" * 1_000_000))])
    next(parts)
    parts.close()
    names = zipfile.ZipFile(io.BytesIO(b"".join(zipped([("ä\udcff", b"z")])))).namelist()
    assert names == ["ä?"]


def test_an_archive_from_a_process_of_its_own(tmp_path):
    path = tmp_path / "a.wav"
    source = noise("PCM_16", 16_000 * 20, 1)
    soundfile.write(path, source, 16_000, subtype="PCM_16")
    spans = [Span(at, at + 1000) for at in range(0, 20_000, 1000)]
    names = cut_names("a", spans, ".flac")
    labels = [("segments.csv", b"start_ms\r\n")]
    cutting = Cutting(str(path), "a.wav", spans, names, [0.5] * 20, labels)

    def begin(cutting):
        return CutProcess(
            tmp_path, "a.wav", 60, cut_archive, cutting=cutting, rate="source", kind="flac"
        )

    process = begin(cutting)
    content = b"".join(iter(process.take, None))
    process.end()
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.namelist() == [*names, "segments.csv", "cuts.csv"]
        assert np.array_equal(stored(opened.read(names[7]), "flac"), source[112_000:128_000])
    # Whoever leaves off leaves no process.
    process = begin(cutting)
    process.take()
    process.end()
    assert not [p for p in multiprocessing.active_children() if p.name == "fsmn-vad-cutter"]
    process = begin(replace(cutting, path=str(tmp_path / "gone.wav")))
    with pytest.raises(FileMissingError):
        list(iter(process.take, None))
    process.end()


def test_a_process_that_is_killed_is_told_of(tmp_path):
    cutting = Cutting(str(tmp_path), "a.wav", [], [], [])
    process = CutProcess(
        tmp_path, "a.wav", 60, cut_archive, cutting=cutting, rate="source", kind="wav"
    )
    process._process.kill()
    with pytest.raises(CutError, match="ended"):
        while process.take() is not None:
            pass
    process.end()


def test_asking_for_an_archive_loads_no_ffmpeg():
    code = (
        "import sys, webui.audio.cuts.process, webui.audio.cuts.names; print('av' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
