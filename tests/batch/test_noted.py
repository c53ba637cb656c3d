"""A batch in the history: found by what it was given, and told with what failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from webui.batch.noted import name_of, noted
from webui.batch.order import Order
from webui.batch.run import Tally
from webui.vad.options import VadOptions

ORDER = Order(VadOptions(), "mix", "onnx", "0" * 64, ("json",))


@pytest.mark.parametrize(
    ("inputs", "name"),
    [
        (["a/corpus/"], "corpus -> labels"),
        (["/"], "/ -> labels"),
        (["录音/wav.scp", "b.wav"], "wav.scp, … -> labels"),
    ],
)
def test_a_command_s_batch_bears_its_input_s_name(inputs: list[str], name: str) -> None:
    assert name_of(inputs, Path("out/labels")) == name


def test_the_folder_that_is_worked_in_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert name_of(["."], Path("labels")) == f"{tmp_path.name} -> labels"


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"done": 5, "skipped": 2}, "talks (7)"),
        ({"done": 5, "skipped": 1, "failed": 1}, "talks (6/7)"),
        ({"done": 3}, "talks (3/7)"),
    ],
)
def test_what_has_no_results_is_counted(counts: dict[str, Any], told: str) -> None:
    run = noted("talks", ORDER, Tally(7, **counts), worked_ms=0, spent_s=0)
    assert run.file == told
