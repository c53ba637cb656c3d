"""VadOptions: the defaults are FunASR's, and nothing impossible gets in."""

from __future__ import annotations

import inspect
from dataclasses import FrozenInstanceError
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given

from tests.vad.strategies import dynamic_options, refining_options, vad_options
from webui.errors import LANGUAGES, OptionsError
from webui.vad.options import PRESETS, VadOptions, option_info, option_names


@pytest.mark.funasr
def test_defaults_are_funasrs():
    model = pytest.importorskip("funasr.models.fsmn_vad_streaming.model")
    parameters = inspect.signature(model.VADXOptions).parameters
    theirs = option_names(group="main") + option_names(group="endpointer")
    ours = {name: getattr(VadOptions(), name) for name in theirs}
    assert ours == {name: parameters[name].default for name in theirs}


def test_what_funasr_has_not_is_off_by_default():
    defaults = VadOptions().as_dict()
    names = ["dynamic_silence", *option_names(group="post_processing")]
    assert not any(defaults[name] for name in names)


@given(refining_options(vad_options() | dynamic_options()))
def test_as_dict_and_back(options):
    assert VadOptions.from_mapping(options.as_dict()) == options


NUMBERS = [name for name in option_names() if option_info(name).kind == "number"]
SWITCHES = [name for name in option_names() if option_info(name).kind == "switch"]


@pytest.mark.parametrize("name", NUMBERS)
def test_each_range_is_closed_and_its_outside_refused(name):
    info = option_info(name)
    VadOptions.from_mapping({"window_size_ms": 1000, name: info.maximum})
    for value in (
        info.minimum - 1,
        info.maximum + 1,
        float("nan"),
        float("inf"),
        10**400,
        "x",
        None,
        True,
    ):
        with pytest.raises(OptionsError, match=name):
            VadOptions.from_mapping({name: value})


@pytest.mark.parametrize("name", SWITCHES)
def test_each_switch_is_read_from_forms_addresses_and_json(name):
    for value in (True, "true", "True", "1", 1, "on"):
        assert getattr(VadOptions.from_mapping({name: value}), name) is True
    for value in (False, "false", "False", "0", 0, "off"):
        assert getattr(VadOptions.from_mapping({name: value}), name) is False
    for value in ("maybe", None, 2, "", float("nan")):
        with pytest.raises(OptionsError, match=name):
            VadOptions.from_mapping({name: value})
    with pytest.raises(OptionsError, match="true or false"):
        VadOptions(**{name: 1})


def test_text_is_text():
    for value in (None, 5, True, ["10:20"]):
        with pytest.raises(OptionsError, match="silence_schedule"):
            VadOptions.from_mapping({"silence_schedule": value})


def test_options_survive_an_address():
    options = VadOptions(
        split_capped=True, silence_schedule="1000:500,inf:100", speech_noise_thres=-0.25
    )
    assert VadOptions.from_mapping(dict(parse_qsl(urlencode(options.as_dict())))) == options


def test_dynamic_silence_brings_its_own_threshold():
    assert VadOptions().speech_probability == pytest.approx(0.8)
    assert VadOptions(dynamic_silence=True).speech_probability == pytest.approx(0.75)


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


def test_a_number_is_written_with_the_unit_of_the_language() -> None:
    assert option_info("max_end_silence_time").written(800, "en") == "800 ms"
    assert option_info("max_end_silence_time").written(800, "zh") == "800 毫秒"
    assert option_info("speech_noise_thres").written(0.6, "zh") == "0.6"
    with pytest.raises(OptionsError) as caught:
        VadOptions(max_end_silence_time=-1)
    assert " 毫秒之间" in caught.value.message("zh")
