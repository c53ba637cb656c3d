from __future__ import annotations

import os
import shlex
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from webui import setting_places
from webui.errors import SettingsError
from webui.settings import PROFILES, Settings


def test_unset_and_empty_variables_keep_the_defaults() -> None:
    assert Settings.from_environment({"FSMN_VAD_PORT": " ", "PORT": "1"}) == Settings()


def test_every_field_is_read_from_its_variable(tmp_path: Path) -> None:
    values = {
        "host": "0.0.0.0",
        "port": 8000,
        "password": "ann:se:cret",
        "language": "zh",
        "models_directory": tmp_path / "模型",
        "manifest_file": tmp_path / "m.toml",
        "model_dir": tmp_path / "own model",
        "fetch_timeout_s": 2.5,
        "workspace_directory": tmp_path / "work",
        "profile": "server",
        "memory_share": 0.7,
        "engine_memory_bytes": 2**30,
        "block_s": 5.0,
        "precision": "fp16",
        "idle_unload_s": 30.0,
        "engine": "onnx",
        "device": "cuda:1",
        "threads": 3,
        "start_timeout_s": 60.0,
        "stall_timeout_s": 30.0,
        "max_waiting_jobs": 4,
        "cache_bytes": 2**24,
        "max_upload_bytes": 2**30,
        "workspace_bytes": 2**31,
        "upload_age_s": 3600.0,
        "max_streams": 7,
        "stream_bytes_per_s": 2**20,
        "stream_idle_s": 5.0,
        "live_keep_s": 600.0,
        "batch_files": 100,
        "max_batches": 3,
        "history_runs": 20,
        "mcp": True,
        "server_folders": (tmp_path / "talks", tmp_path / "录音 2"),
    }
    assert set(values) == {field.name for field in fields(Settings)}
    environment = {
        f"FSMN_VAD_{name.upper()}": (
            os.pathsep.join(map(str, value)) if isinstance(value, tuple) else str(value)
        )
        for name, value in values.items()
    }
    read = Settings.from_environment(environment)
    assert {name: getattr(read, name) for name in values} == values
    assert {type(getattr(read, name)) for name in ("port", "threads")} == {int}


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("PORT", "http", "whole number"),
        ("PORT", "0", "1 to 65535"),
        ("PORT", "7860.5", "whole number"),
        ("THREADS", "-1", "0 to 1024"),
        ("ENGINE", "tensorflow", "auto, funasr, onnx"),
        ("LANGUAGE", "fr", "auto, en, zh"),
        ("DEVICE", "cuda:", "cuda:1"),
        ("DEVICE", "gpu", "cuda:1"),
        ("PASSWORD", "secret", "user:password"),
        ("PASSWORD", ":secret", "user:password"),
        ("UPLOAD_AGE_S", "nan", "60 to"),
        ("STALL_TIMEOUT_S", "inf", "1 to 3600"),
        ("CACHE_BYTES", "256 MiB apiece", "256M or 256MiB"),
    ],
)
def test_a_bad_value_is_refused_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({f"FSMN_VAD_{name}": value})
    english, chinese = caught.value.message("en"), caught.value.message("zh")
    assert english.startswith(f"FSMN_VAD_{name}: ")
    assert allowed in english
    assert english != chinese.replace("：", ": ")


def test_a_value_given_in_python_is_checked_too() -> None:
    with pytest.raises(SettingsError, match="FSMN_VAD_CACHE_BYTES"):
        Settings(cache_bytes=0)


def test_relative_and_home_paths_become_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    read = Settings.from_environment(
        {"FSMN_VAD_MODEL_DIR": "here", "FSMN_VAD_MODELS_DIRECTORY": "~/models"}
    )
    assert read.model_dir == tmp_path / "here"
    assert read.models_directory == tmp_path / "home" / "models"


def test_every_field_has_help_in_both_languages_and_its_default_is_in_range() -> None:
    for field in fields(Settings):
        assert field.metadata["en"] and field.metadata["zh"], field.name
        low, high = field.metadata["low"], field.metadata["high"]
        value = getattr(Settings(), field.name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            assert low < high, field.name


@pytest.mark.parametrize(
    ("platform", "environment", "cache"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/fsmn-vad-studio"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/ann/.cache/fsmn-vad-studio"),
        ("darwin", {}, "/home/ann/Library/Caches/fsmn-vad-studio"),
        ("win32", {"LOCALAPPDATA": "/l"}, "/l/fsmn-vad-studio/cache"),
    ],
)
def test_the_workspace_is_where_the_platform_keeps_caches(
    platform: str, environment: dict[str, str], cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Settings().workspace_directory == Path(cache)


def test_without_a_source_tree_models_go_to_the_users_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        setting_places, "__file__", str(tmp_path / "site-packages/webui/settings.py")
    )
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert Settings().models_directory == tmp_path / "fsmn-vad-studio" / "models"
    assert Settings().manifest_file == Path(sys.prefix, "share/fsmn-vad-studio/manifest.toml")


def test_in_the_source_tree_models_lie_in_it(root: Path) -> None:
    assert Settings().models_directory == root / "models"
    assert Settings().manifest_file == root / "models" / "manifest.toml"


def test_recordings_open_by_path_below_the_folders_alone(tmp_path):
    folder = tmp_path / "talks"
    folder.mkdir()
    (tmp_path / "secret.wav").touch()
    (folder / "link.wav").symlink_to(tmp_path / "secret.wav")
    settings = Settings(server_folders=(folder,))
    assert settings.may_open(folder / "a" / "b.wav")
    assert not settings.may_open(folder / ".." / "secret.wav")
    assert not settings.may_open(folder / "link.wav")
    assert not settings.may_open(tmp_path / "talks2" / "a.wav")
    assert not Settings().may_open(folder / "a.wav")


def test_a_switch_is_on_or_off():
    assert Settings.from_environment({"FSMN_VAD_MCP": "off"}).mcp is False
    with pytest.raises(SettingsError, match="FSMN_VAD_MCP: maybe is not on or off"):
        Settings.from_environment({"FSMN_VAD_MCP": "maybe"})


def test_a_profile_sets_several_and_single_settings_go_before_it() -> None:
    board = Settings.from_environment({"FSMN_VAD_PROFILE": "board"})
    assert (board.engine, board.threads, board.profile) == ("onnx", 1, "board")
    assert board.cache_bytes < Settings().cache_bytes
    own = Settings.from_environment({"FSMN_VAD_PROFILE": "board", "FSMN_VAD_THREADS": "2"})
    assert own.threads == 2
    assert own.cache_bytes == board.cache_bytes


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_can_be_used(name: str) -> None:
    assert Settings.from_environment({"FSMN_VAD_PROFILE": name}).profile == name
    assert set(PROFILES[name]) <= {field.name for field in fields(Settings)}


def test_an_unknown_profile_says_which_there_are() -> None:
    with pytest.raises(SettingsError, match=r"FSMN_VAD_PROFILE: desk is not one of board, "):
        Settings.from_environment({"FSMN_VAD_PROFILE": "desk"})


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("268435456", 256 * 1024**2),
        ("256M", 256 * 1024**2),
        ("256MiB", 256 * 1024**2),
        ("256 MiB", 256 * 1024**2),
        ("256mb", 256 * 1024**2),
        ("1G", 1024**3),
        ("1.5 GiB", 3 * 1024**3 // 2),
        ("1.1M", 1_153_433),
        ("2048k", 2 * 1024**2),
        ("1048576 B", 1024**2),
    ],
)
def test_sizes_may_have_units_as_the_defaults_are_written(text: str, size: int) -> None:
    assert Settings.from_environment({"FSMN_VAD_CACHE_BYTES": text}).cache_bytes == size


@pytest.mark.parametrize("text", ["256 apples", "M", "1,5G", "-1M", "1e9", "0.3", "256MM", "1_0M"])
def test_what_is_no_size_says_how_one_is_written(text: str) -> None:
    with pytest.raises(SettingsError, match=r"FSMN_VAD_CACHE_BYTES: .* is not a number of bytes"):
        Settings.from_environment({"FSMN_VAD_CACHE_BYTES": text})


def test_advice_names_the_program_as_the_user_starts_it(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    default = setting_places.default_models_directory()
    assert setting_places.fetch_command(default) == "fsmn-vad models fetch"
    (tmp_path / "fsmn-vad-studio.stamp").touch()  # as run.sh leaves it
    command = f"{shlex.quote(str(root / 'run.sh'))} models fetch"
    assert setting_places.fetch_command(default) == command
    other = setting_places.fetch_command(tmp_path / "a b")
    assert other == f"FSMN_VAD_MODELS_DIRECTORY='{tmp_path}/a b' {command}"
