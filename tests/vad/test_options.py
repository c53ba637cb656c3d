"""VadOptions: the defaults are FunASR's, and nothing impossible gets in."""

from __future__ import annotations

import inspect
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given

from tests.vad.strategies import vad_options
from webui.errors import LANGUAGES, OptionsError
from webui.vad.options import PRESETS, VadOptions, option_info, option_names


@pytest.mark.funasr
def test_defaults_are_funasrs():
    model = pytest.importorskip("funasr.models.fsmn_vad_streaming.model")
    parameters = inspect.signature(model.VADXOptions).parameters
    assert VadOptions().as_dict() == {name: parameters[name].default for name in option_names()}


@given(vad_options())
def test_as_dict_and_back(options):
    assert VadOptions.from_mapping(options.as_dict()) == options


@pytest.mark.parametrize("name", option_names())
def test_each_range_is_closed_and_its_outside_refused(name):
    info = option_info(name)
    VadOptions.from_mapping({"window_size_ms": 1000, name: info.maximum})
    for value in (info.minimum - 1, info.maximum + 1, float("nan"), float("inf"), "x", None, True):
        with pytest.raises(OptionsError, match=name):
            VadOptions.from_mapping({name: value})


@pytest.mark.parametrize("name", option_names())
def test_each_option_speaks_both_languages(name):
    info = option_info(name)
    for language in LANGUAGES:
        assert info.label[language]
        assert info.help[language]


def test_terms_that_chinese_speech_people_use():
    assert option_info("max_end_silence_time").label["zh"] == "尾部静音阈值"
    assert option_info("speech_noise_thres").label["zh"] == "语音-噪声阈值"


def test_numbers_as_they_come_from_forms():
    options = VadOptions.from_mapping({"max_end_silence_time": "500", "window_size_ms": 200.0})
    assert options == VadOptions(max_end_silence_time=500)
    with pytest.raises(OptionsError, match="whole number"):
        VadOptions.from_mapping({"max_end_silence_time": 500.5})


def test_unknown_name_lists_the_known():
    with pytest.raises(OptionsError, match="speech_noise_thres"):
        VadOptions.from_mapping({"threshold": 0.5})


def test_a_threshold_longer_than_the_window_is_refused():
    with pytest.raises(OptionsError, match="window_size_ms") as caught:
        VadOptions(window_size_ms=100)
    assert "window_size_ms" in caught.value.message("zh")


def test_frozen():
    with pytest.raises(FrozenInstanceError):
        VadOptions().max_end_silence_time = 1


def test_presets_are_named_in_both_languages_and_the_default_is_the_default():
    assert PRESETS["default"].options == VadOptions()
    assert PRESETS["low_memory"].options == VadOptions(
        max_end_silence_time=500, speech_noise_thres=0.7
    )
    assert all(preset.label[lang] for preset in PRESETS.values() for lang in LANGUAGES)
