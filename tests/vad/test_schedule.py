"""The table of dynamic silence: FunASR's own, read and written, and refused with a reason."""

from __future__ import annotations

import math

import pytest
from hypothesis import given

from tests.vad.strategies import schedules
from webui.errors import OptionsError
from webui.vad.options import VadOptions
from webui.vad.schedule import FUNASR_SCHEDULE, SilenceSchedule, tidy
from webui.vad.timebase import frames_in


@pytest.mark.funasr
def test_the_default_is_funasrs():
    model = pytest.importorskip("funasr.models.fsmn_vad_streaming.model")
    ours = SilenceSchedule.parse(FUNASR_SCHEDULE)
    rows = list(zip(ours.limits_ms, ours.silences_ms, strict=True))
    assert rows == model.DEFAULT_SILENCE_SCHEDULE


@given(schedules())
def test_read_and_written(text):
    assert str(SilenceSchedule.parse(text)) == text
    assert VadOptions.from_mapping({"silence_schedule": text}).silence_schedule == text


def test_a_limit_belongs_to_its_row():
    schedule = SilenceSchedule((1000, 2000, math.inf), (900, 500, 100))
    found = [schedule.silence_ms(open_ms) for open_ms in (0, 1000, 1001, 2000, 2001, 10**9)]
    assert found == [900, 900, 500, 500, 100, 100]


def test_spaces_and_chinese_punctuation_do_not_matter():
    assert tidy(" 1000 : 900， 2000：500 ,inf:100 ") == "1000:900,2000:500,inf:100"


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("", "is no row", "不是有效的一行"),
        ("1000:900,", "is no row", "不是有效的一行"),
        ("1000:900;inf:100", "is no row", "不是有效的一行"),
        ("1000.5:900,inf:100", "is no row", "不是有效的一行"),
        ("-5:900,inf:100", "is no row", "不是有效的一行"),
        ("inf:" + "9" * 5000, "is no row", "不是有效的一行"),
        ("inf:60001", "between 0 and 60000", "0 到 60000"),
        ("1000:900,1000:500,inf:100", "must rise", "必须递增"),
        ("inf:900,inf:100", "must rise", "必须递增"),
        ("1000:900", "must be inf", "必须是 inf"),
        (",".join(f"{n}:100" for n in range(40)) + ",inf:1", "more than 32 rows", "最多 32 行"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_reason(text, english, chinese):
    for make in (VadOptions.from_mapping, lambda values: VadOptions(**values)):
        with pytest.raises(OptionsError, match="silence_schedule") as caught:
            make({"silence_schedule": text})
        assert english in caught.value.message("en")
        assert chinese in caught.value.message("zh")
        assert len(caught.value.message("en")) < 250


def test_steps_begin_two_frames_before_what_is_known():
    from webui.vad.schedule import first_frame, frames_known

    for step_ms in (100, 1000, 60_000):
        for step in (1, 2, 7):
            assert frames_known(step_ms, step) == frames_in(16 * step_ms * step)
            assert first_frame(step_ms, step) == frames_known(step_ms, step) - 2
    assert first_frame(60_000, 1) == 5996
