"""A made run: six faces, of which one is answered wrongly, one is not found and one answer cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from facevlm.evaluation import run as runs
from facevlm.evaluation import scores
from facevlm.evaluation.rows import Row
from facevlm.evaluation.run import ROWS
from facevlm.evaluation.scores import Score
from tests.evaluation import made
from tests.evaluation.made import SCORES, face, row

MakeRun = Callable[..., Path]


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    return [
        row("a", "happiness", face("happiness", 0.9, [(12, "supported")])),
        row("b", "happiness", face("sadness", 0.7, [(12, "contradicted"), (6, "supported")], "A <b>smile</b>.")),
        row("c", "sadness", face("sadness", 0.6)),
        row("d", "sadness", None),
        row("e", "fear", face(None), raw=("<not json>",)),
        row("f", "fear", face("fear", 0.5), seconds=0.9),
    ]


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> MakeRun:
    """The folder of a run; its model, its rows, its figures and what else a Run has may be other ones."""

    def make(of: Sequence[Row] = rows, figures: Sequence[Score] | None = None, **fields: Any) -> Path:
        folder = tmp_path_factory.mktemp("run")
        runs.write(folder, made.run(**fields))
        scores.write(folder, SCORES if figures is None else figures)
        (folder / ROWS).write_text("".join(each.model_dump_json() + "\n" for each in of))
        return folder

    return make
