"""What a client may say, and that everything else is told in both languages."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.audio.pcm import PcmFormat
from webui.errors import (
    EngineCrashedError,
    EngineInUseError,
    OptionsError,
    StudioError,
)
from webui.live import protocol
from webui.live.protocol import Resume, Start, Stop, Tune
from webui.memory_errors import MemoryShortError
from webui.stream_errors import (
    ClipGoneError,
    StreamElsewhereError,
    StreamError,
    StreamGoneError,
    StreamMessageError,
    StreamRateError,
    StreamsFullError,
    StreamSizeError,
)
from webui.vad.options import VadOptions

HAN = re.compile(r"[\u4e00-\u9fff]")


def understood(**fields: Any) -> protocol.Message:
    return protocol.read(protocol.parse(json.dumps(fields)))


def test_what_clients_may_say() -> None:
    assert understood(type="start", rate_hz=48_000) == Start(PcmFormat(48_000), VadOptions())
    assert understood(
        type="start",
        rate_hz=44_100,
        channels=2,
        sample_format="float32",
        options={"max_end_silence_time": "500", "dynamic_silence": True},
        engine="onnx",
        frames=True,
        keep=True,
        language="zh",
    ) == Start(
        PcmFormat(44_100, 2, "f32le"),
        VadOptions(max_end_silence_time=500, dynamic_silence=True),
        "onnx",
        frames=True,
        keep=True,
        language="zh",
    )
    assert understood(type="resume", stream="a", key="b") == Resume("a", "b")
    given_all = understood(type="resume", stream="a", key="b", events=3, frames=0)
    assert given_all == Resume("a", "b", 3, 0)
    assert understood(type="resume", stream="a", key="b", events=None) == Resume("a", "b")
    tuned = VadOptions(speech_noise_thres=0.3)
    assert understood(type="tune", options={"speech_noise_thres": 0.3}) == Tune(tuned)
    assert understood(type="tune", options={}, past=True) == Tune(VadOptions(), past=True)
    assert understood(type="stop") == Stop()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no JSON object"),
        ("{", "no JSON object"),
        ("[" * 50_000, "no JSON object"),
        ("9" * 10_000, "no JSON object"),
        ("null", "no JSON object"),
        ('"start"', "no JSON object"),
        ('[{"type":"stop"}]', "no JSON object"),
        ("{}", "type is missing"),
        ('{"type":null}', "type is missing"),
        ('{"type":["stop"]}', "type must be text"),
        ('{"type":"begin"}', 'no type "begin"'),
        ('{"type":"\\ud800"}', "no type"),
        ('{"type":"stop","now":1}', 'no field "now"'),
        ('{"type":"start"}', "rate_hz is missing"),
        ('{"type":"start","rate":48000}', "rate_hz is missing"),
        ('{"type":"start","rate_hz":"48000"}', "rate_hz must be a whole number"),
        ('{"type":"start","rate_hz":48000.5}', "rate_hz must be a whole number"),
        ('{"type":"start","rate_hz":NaN}', "rate_hz must be a whole number"),
        ('{"type":"start","rate_hz":true}', "rate_hz must be a whole number"),
        ('{"type":"start","rate_hz":16000,"channels":[]}', "channels must be a whole number"),
        ('{"type":"start","rate_hz":16000,"sample_format":16}', "sample_format must be text"),
        ('{"type":"start","rate_hz":16000,"keep":1}', "keep must be true or false"),
        ('{"type":"start","rate_hz":16000,"frames":"yes"}', "frames must be true or false"),
        ('{"type":"start","rate_hz":16000,"options":[]}', "options must be an object"),
        ('{"type":"start","rate_hz":16000,"language":"fr"}', "language must be one of en, zh"),
        ('{"type":"start","rate_hz":16000,"rate":1}', 'no field "rate"'),
        ('{"type":"resume","stream":"a"}', "key is missing"),
        ('{"type":"resume","stream":1,"key":"b"}', "stream must be text"),
        ('{"type":"resume","stream":"a","key":"b","events":-1}', "must not be below 0"),
        ('{"type":"resume","stream":"a","key":"b","events":"1"}', "must be a whole number"),
        ('{"type":"tune"}', "options is missing"),
        ('{"type":"tune","options":"fast"}', "options must be an object"),
        ('{"type":"tune","options":{},"past":0}', "past must be true or false"),
    ],
)
def test_what_is_not_understood_is_told(text: str, says: str) -> None:
    with pytest.raises(StreamMessageError) as caught:
        protocol.read(protocol.parse(text))
    assert says in caught.value.message("en")
    assert HAN.search(caught.value.message("zh"))
    assert len(caught.value.message("en")) < 400
    json.dumps(protocol.error_message(caught.value, "zh")).encode()


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "start", "rate_hz": 999},
        {"type": "start", "rate_hz": 16_000, "channels": 33},
        {"type": "start", "rate_hz": 16_000, "sample_format": "mp3"},
        {"type": "start", "rate_hz": 10**30},
        {"type": "tune", "options": {"max_end_silence_time": 1}},
        {"type": "tune", "options": {"nonsense": 1}},
        {"type": "tune", "options": {"window_size_ms": 100}},
        {"type": "tune", "options": {"max_end_silence_time": 10**400}},
        {"type": "tune", "options": {"speech_noise_thres": float("nan")}},
    ],
)
def test_wrong_formats_and_options_are_told(fields: dict[str, Any]) -> None:
    with pytest.raises(OptionsError) as caught:
        understood(**fields)
    assert HAN.search(caught.value.message("zh"))
    assert protocol.close_code(caught.value) == protocol.CLOSE_POLICY


def test_too_much_text() -> None:
    with pytest.raises(StreamSizeError):
        protocol.parse('{"type":"' + "x" * protocol.MOST_TEXT_BYTES + '"}')
    longest = '{"type":"' + "x" * (protocol.MOST_TEXT_BYTES - 11) + '"}'
    with pytest.raises(StreamMessageError) as caught:
        protocol.read(protocol.parse(longest))
    assert len(str(caught.value)) < 400


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "type",
                "rate_hz",
                "channels",
                "sample_format",
                "options",
                "engine",
                "frames",
                "keep",
                "language",
                "stream",
                "key",
                "events",
                "past",
            ]
        ),
        st.one_of(
            st.sampled_from(["start", "resume", "tune", "stop", "s16le", "en", 16_000, "语"]),
            st.none() | st.booleans() | st.integers() | st.floats(),
            st.lists(st.integers(), max_size=2),
            st.dictionaries(st.sampled_from(["", "keep"]), st.integers(), max_size=2),
        ),
    )
)
def test_no_message_ends_in_anything_but_a_told_error(fields: dict[str, Any]) -> None:
    try:
        protocol.read(protocol.parse(json.dumps(fields)))
    except StudioError as error:
        for language in ("en", "zh"):
            assert error.message(language)


@pytest.mark.parametrize(
    ("error", "code", "closes"),
    [
        (StreamMessageError(reason="a", reason_zh="错"), "stream_message", 1008),
        (StreamSizeError(size=2, most=1), "stream_size", 1009),
        (StreamRateError(bytes_per_s=2, most=1), "stream_rate", 1008),
        (StreamGoneError(), "stream_gone", 1008),
        (StreamElsewhereError(), "stream_elsewhere", 1008),
        (StreamError(reason="a", reason_zh="错"), "stream", 1008),
        (ClipGoneError(start_ms=1, end_ms=2), "clip_gone", 1008),
        (StreamsFullError(streams=3), "streams_full", 1013),
        (EngineInUseError(engine="onnx"), "engine_in_use", 1013),
        (
            MemoryShortError(
                needed_mb=3,
                left_mb=1,
                percent=85,
                limit_mb=9,
                wall="it",
                wall_zh="它",
                remedies=("programs",),
            ),
            "memory_short",
            1013,
        ),
        (EngineCrashedError(reason="a", reason_zh="错"), "engine_crashed", 1011),
        (OptionsError(name="a", value=1, reason="b", reason_zh="错"), "options", 1008),
    ],
)
def test_codes(error: StudioError, code: str, closes: int) -> None:
    for language in ("en", "zh"):
        told = protocol.error_message(error, language, fatal=False)
        assert (told["type"], told["code"], told["fatal"]) == ("error", code, False)
        assert bool(HAN.search(told["message"])) == (language == "zh")
    assert protocol.close_code(error) == closes


def test_language_of_a_message_that_is_otherwise_wrong() -> None:
    assert protocol.language_of({"language": "zh"}, "en") == "zh"
    for wrong in ("fr", 1, ["zh"], None):
        assert protocol.language_of({"language": wrong}, "en") == "en"
