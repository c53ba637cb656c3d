"""What the page asks about a result: sweeps, advice, settings to copy, A beside B."""

from __future__ import annotations

import argparse
import shlex
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.vad.strategies import dynamic_options, refining_options, vad_options
from tests.vad.test_summary import scores_of
from webui.cli import detect
from webui.settings import Settings
from webui.ui import analysis, recipe
from webui.ui.analysis import AnalysisDesk, SweepCache
from webui.ui.comparison import MOST_LISTED, kept_value, parse, turned
from webui.ui.questions import Questions
from webui.ui.session import ScoreCache
from webui.ui.studio import Studio
from webui.ui.workspace import Recording
from webui.vad.edited import Edits
from webui.vad.options import VadOptions
from webui.vad.sweep import Sweep, sweep

DEFAULTS = VadOptions()
VALUES = np.tile([*[0.1] * 200, *[0.95] * 150, *[0.1] * 40, *[0.85] * 150], 4)


class Shop:
    """What the routes need of a studio."""

    def __init__(self) -> None:
        self.cache = ScoreCache(10**8)
        self.questions = Questions()


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.questions.close()


@pytest.fixture
def result_id(shop: Shop, tmp_path: Path) -> str:
    return shop.cache.put(Recording(tmp_path / "a.wav"), (scores_of(VALUES),))


@pytest.fixture
def client(shop: Shop) -> Iterator[TestClient]:
    # One event loop for all requests, as on a server.
    with TestClient(Starlette(routes=analysis.routes(shop))) as client:  # type: ignore[arg-type]
        yield client


@pytest.mark.parametrize("name", ["speech_noise_thres", "max_end_silence_time"])
def test_sweep_over_http_is_the_sweep(client: TestClient, result_id: str, name: str) -> None:
    told = client.get(f"/results/{result_id}/sweep?name={name}&window_size_ms=250").json()
    expected = sweep([scores_of(VALUES)], VadOptions(window_size_ms=250), name)
    assert expected is not None
    assert told["values"] == list(expected.values)
    assert told["counts"] == list(expected.counts)
    assert told["shares"] == pytest.approx(expected.shares, abs=1e-4)
    plateau = expected.plateau
    assert told["plateau"] == (plateau and [plateau.first, plateau.last, plateau.middle])


def test_sweep_is_made_once_whatever_the_swept_option_is(shop: Shop, result_id: str) -> None:
    desk = AnalysisDesk(shop)  # type: ignore[arg-type]
    with TestClient(Starlette(routes=_routes(desk))) as client:
        for threshold in (0.1, 0.2, 0.6):
            address = f"/results/{result_id}/sweep?name=speech_noise_thres"
            assert client.get(f"{address}&speech_noise_thres={threshold}").status_code == 200
        assert len(desk.sweeps) == 1
        client.get(f"/results/{result_id}/sweep?name=speech_noise_thres&window_size_ms=300")
        assert len(desk.sweeps) == 2
        # The same recording scored anew is another result.
        assert shop.cache.renew(result_id, (scores_of(VALUES[::-1]),))
        address = f"/results/{result_id}/sweep?name=speech_noise_thres"
        other = sweep([scores_of(VALUES[::-1])], DEFAULTS, "speech_noise_thres")
        assert other is not None
        assert client.get(address).json()["counts"] == list(other.counts)
        assert len(desk.sweeps) == 3


def _routes(desk: AnalysisDesk) -> list[Any]:
    from starlette.routing import Route

    return [Route("/results/{result_id}/sweep", desk.sweep)]


def test_sweeps_are_bounded() -> None:
    cache = SweepCache(3)
    made = Sweep("speech_noise_thres", (0.0,), (1,), (0.5,), None)
    for key in "abc":
        cache.put(key, made)
    assert cache.get("a") is made
    cache.put("d", made)
    assert len(cache) == 3
    assert cache.get("b") is None and cache.get("a") is made


def test_what_cannot_be_answered_is_told(client: TestClient, result_id: str) -> None:
    assert client.get(f"/results/{result_id}/sweep?name=window_size_ms").status_code == 400
    address = f"/results/{result_id}/sweep?name=speech_noise_thres"
    wrong = client.get(f"{address}&window_size_ms=wild&language=zh")
    assert wrong.status_code == 400 and "window_size_ms" in wrong.text
    for kind in ("sweep?name=speech_noise_thres", "advice", "recipe"):
        gone = client.get(f"/results/unknown/{kind}")
        assert gone.status_code == 404 and "no longer kept" in gone.text


def test_many_questions_at_once_are_all_answered(client: TestClient, result_id: str) -> None:
    addresses = [
        f"/results/{result_id}/sweep?name=max_end_silence_time&speech_noise_thres={step / 10}"
        for step in range(8)
    ]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(client.get, addresses))
    assert [answer.status_code for answer in answers] == [200] * 8
    for step, answer in enumerate(answers):
        alone = sweep(
            [scores_of(VALUES)], VadOptions(speech_noise_thres=step / 10), "max_end_silence_time"
        )
        assert alone is not None
        assert answer.json()["counts"] == list(alone.counts)


def test_advice_over_http(client: TestClient, result_id: str) -> None:
    assert client.get(f"/results/{result_id}/advice").json() is None
    odd = client.get(f"/results/{result_id}/advice?speech_noise_thres=1&language=zh").json()
    assert odd["oddity"] == "empty" and odd["text"] == "没有找到语音。"
    assert odd["changes"]
    for change in odd["changes"]:
        mended = replace(DEFAULTS, **{change["name"]: change["value"]})
        assert scores_of(VALUES).segments(mended)
        assert "片段" in change["text"]


def test_no_advice_on_what_a_person_edited(shop: Shop, client: TestClient) -> None:
    tracks = tuple(scores_of(VALUES, channel=channel) for channel in ("left", "right"))
    result_id = shop.cache.put(Recording(Path("a.wav")), tracks)
    address = f"/results/{result_id}/advice?speech_noise_thres=1"
    assert client.get(address).json()["text"].startswith("Left · ")
    shop.cache.edit(result_id, "left", Edits.of([[0, 100]], DEFAULTS, tracks[0]))
    assert client.get(address).json()["text"].startswith("Right · ")
    shop.cache.edit(result_id, "right", Edits.of([], DEFAULTS, tracks[1]))
    assert client.get(address).json() is None


def test_closing_drops_what_is_asked_and_ends_the_thread() -> None:
    questions = Questions()
    nobody = threading.Event()
    has_begun = threading.Event()

    def long(go_on: Callable[[], bool]) -> str:
        while go_on():
            has_begun.set()
        return "given up"

    asked = questions.put(long, nobody)
    waiting = questions.put(long, nobody)
    assert has_begun.wait(30)
    questions.close()
    assert asked.result(0) == "given up" and waiting.cancelled()
    with pytest.raises(RuntimeError):
        questions.put(long, nobody)


def test_a_question_that_nobody_waits_for_is_given_up() -> None:
    questions = Questions()
    is_dropped = threading.Event()
    asked = questions.put(lambda go_on: [go_on(), is_dropped.set(), go_on()], is_dropped)
    assert asked.result(30) == [True, None, False]
    questions.close()


def test_the_studio_ends_its_thread(model_dir: Path, tmp_path: Path) -> None:
    before = {thread.ident for thread in threading.enumerate()}
    studio = Studio(Settings(engine="onnx", model_dir=model_dir, workspace_directory=tmp_path))
    app = Starlette(routes=analysis.routes(studio))
    result_id = studio.cache.put(Recording(tmp_path / "a.wav"), (scores_of(VALUES),))
    with TestClient(app) as client:
        assert client.get(f"/results/{result_id}/advice").json() is None
    studio.close()
    left = [t.name for t in threading.enumerate() if t.ident not in before]
    assert not any(name.startswith("questions") for name in left)


@settings(max_examples=30)
@given(options=refining_options(vad_options() | dynamic_options()))
@example(options=VadOptions(speech_noise_thres=-1e-5))
def test_the_command_gives_the_same_options(options: VadOptions) -> None:
    words = shlex.split(recipe.command([scores_of(VALUES)], options))
    assert words[:2] == ["fsmn-vad", "detect"]
    parser = argparse.ArgumentParser()
    detect.add_arguments(parser, "en")
    chosen = parser.parse_args(words[2:])
    assert detect.chosen_options(chosen) == options
    assert chosen.audio == ["a.wav"] and chosen.engine == "onnx"


@given(options=refining_options(vad_options() | dynamic_options()))
def test_the_python_gives_the_same_options(options: VadOptions) -> None:
    asked: list[Any] = []

    class Heard:
        def __init__(self, **given: Any) -> None:
            asked.append(given)

        def score(self, *given: Any, **named: Any) -> Any:
            asked.append((given, named))
            return scores_of(VALUES)

    code = recipe.python([scores_of(VALUES)], options)
    # Only the recording is not there: the model is not asked.
    names: dict[str, Any] = {}
    lines = code.splitlines()
    assert lines[0] == "from webui.vad import Detector, VadOptions"
    exec(lines[0], names)
    names["Detector"] = Heard
    exec("\n".join(lines[1:]), names)
    assert asked == [{"engine": "onnx"}, (("a.wav",), {})]
    assert names["segments"] == scores_of(VALUES).segments(options)


def test_names_of_files_are_words_and_no_options() -> None:
    scores = scores_of(VALUES)
    hostile = replace(scores, audio=replace(scores.audio, file="-x '; rm -rf $HOME.wav"))
    assert shlex.split(recipe.command([hostile], DEFAULTS))[-1] == "./-x '; rm -rf $HOME.wav"
    assert repr(hostile.audio.file) in recipe.python([hostile], DEFAULTS)
    left = replace(scores, audio=replace(scores.audio, channel="left"))
    assert "--channel left" in recipe.command([left], DEFAULTS)
    assert 'channel="left"' in recipe.python([left], DEFAULTS)


def test_a_beside_b() -> None:
    scores = scores_of(VALUES)
    b = VadOptions(max_end_silence_time=300)
    value = kept_value([scores], b, [scores.segments(b)], DEFAULTS, "en")
    assert value["name"] == "A"
    assert [row[:2] for row in value["tracks"][0]] == [
        [s.start_ms, s.end_ms] for s in scores.segments(DEFAULTS)
    ]
    assert value["options"] == [["End silence", "800 ms", "300 ms"]]
    assert value["count"] == len(value["differences"]) > 0
    only = {"a": 0, "b": 0}
    for start_ms, end_ms, side, *_ in value["differences"]:
        only[side] += end_ms - start_ms
    assert [only["a"], only["b"]] == value["only_ms"]
    a_ms, b_ms = value["speech_ms"]
    assert a_ms - b_ms == only["a"] - only["b"]


def test_a_beside_b_on_two_channels() -> None:
    left, right = scores_of(VALUES, channel="left"), scores_of(VALUES[::-1], channel="right")
    b = VadOptions(max_end_silence_time=300)
    found = [track.segments(b) for track in (left, right)]
    value = kept_value([left, right], b, found, DEFAULTS, "en")
    alone = [
        kept_value([track], b, [own], DEFAULTS, "en")
        for track, own in zip((left, right), found, strict=True)
    ]
    assert value["tracks"] == [each["tracks"][0] for each in alone]
    assert value["count"] == sum(each["count"] for each in alone)
    for name in ("counts", "speech_ms", "only_ms"):
        assert value[name] == [sum(pair) for pair in zip(*(e[name] for e in alone), strict=True)]
    for track, each in enumerate(alone):
        of_track = [d[:4] for d in value["differences"] if d[4] == track]
        assert of_track == [d[:4] for d in each["differences"]]
    assert value["differences"] == sorted(value["differences"])
    assert "--channel each" in recipe.command([left, right], b)
    code = recipe.python([left, right], b)
    compile(code, "recipe", "exec")
    assert ".score_tracks('a.wav', channel=\"each\")" in code


def test_switches_and_tables_are_written_in_words() -> None:
    scores = scores_of(VALUES)
    b = VadOptions(split_capped=True, silence_schedule="1000:500,inf:300")
    value = kept_value([scores], b, [scores.segments(b)], DEFAULTS, "zh")
    assert [row[1:] for row in value["options"]] == [
        [DEFAULTS.silence_schedule, "1000:500,inf:300"],
        ["关", "开"],
    ]


def test_the_page_lists_the_first_differences_and_sums_all() -> None:
    bursts = np.tile([*[0.1] * 100, *[0.95] * 30], 650)
    tracks = [scores_of(bursts, channel="left"), scores_of(bursts[::-1], channel="right")]
    found = [track.segments(DEFAULTS) for track in tracks]
    silence = VadOptions(speech_noise_thres=1)
    value = kept_value(tracks, silence, [(), ()], DEFAULTS, "en")
    every = sorted(
        [segment.start_ms, segment.end_ms, "a", "segment", track]
        for track, segments in enumerate(found)
        for segment in segments
    )
    assert len(every) == value["count"] == 1300 > MOST_LISTED
    assert value["differences"] == every[:MOST_LISTED]
    assert value["only_ms"] == [sum(end - start for start, end, *_ in every), 0]
    assert sum(map(len, value["tracks"])) == 1300


def test_a_beside_itself() -> None:
    scores = scores_of(VALUES)
    value = kept_value([scores], DEFAULTS, [scores.segments(DEFAULTS)], DEFAULTS, "zh")
    assert (value["options"], value["differences"], value["count"]) == ([], [], 0)


def test_what_the_buttons_of_a_and_b_do() -> None:
    a, b = {"max_end_silence_time": 800}, {"max_end_silence_time": 300}
    assert turned("kept", None, b) == (b, b)
    assert turned("kept", a, b) == (b, b)
    assert turned("restored", a, b) == (a, a)
    assert turned("swapped", a, b) == (b, a)
    assert turned("swapped", *turned("swapped", a, b)) == (a, b)
    assert turned("dropped", a, b) == (None, b)
    for event in ("restored", "swapped", "dropped"):
        assert turned(event, None, b) == (None, b)


def test_only_options_that_hold_are_kept() -> None:
    assert parse(DEFAULTS.as_dict()) == DEFAULTS
    assert parse(None) is None
    assert parse({"max_end_silence_time": 1}) is None
