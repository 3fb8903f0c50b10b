from __future__ import annotations

from pathlib import Path

import pytest

from facevlm.errors import InputError
from facevlm.training.tuning import checkpoints

TOLD = {"model": "base", "rate": 0.1}


def checkpoint(work: Path, step: int, state: str | None) -> Path:
    folder = work / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    if state is not None:
        (folder / "trainer_state.json").write_text(state)
    return folder


def test_a_run_goes_on_from_its_newest_whole_checkpoint(tmp_path: Path) -> None:
    checkpoint(tmp_path, 100, '{"global_step": 100}')
    newest = checkpoint(tmp_path, 200, '{"global_step": 200}')
    checkpoint(tmp_path, 300, None)
    checkpoint(tmp_path, 400, '{"global_st')
    assert checkpoints.last(tmp_path) == newest


def test_a_run_without_checkpoints_starts_at_the_beginning(tmp_path: Path) -> None:
    assert checkpoints.last(tmp_path / "new") is None


def test_a_changed_recipe_is_refused_with_what_changed(tmp_path: Path) -> None:
    checkpoints.claim(tmp_path, TOLD, fresh=False)
    checkpoints.claim(tmp_path, TOLD, fresh=False)
    with pytest.raises(InputError, match=r"holds a run with other rate; undo the change .* --fresh .* --work"):
        checkpoints.claim(tmp_path, TOLD | {"rate": 0.2}, fresh=False)


def test_a_fresh_run_forgets_the_old_checkpoints_and_nothing_else(tmp_path: Path) -> None:
    checkpoints.claim(tmp_path, TOLD, fresh=False)
    checkpoint(tmp_path, 100, '{"global_step": 100}')
    (tmp_path / "notes.txt").write_text("mine")
    checkpoints.claim(tmp_path, TOLD | {"rate": 0.2}, fresh=True)
    assert checkpoints.last(tmp_path) is None
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_checkpoints_of_another_program_are_left_alone(tmp_path: Path) -> None:
    checkpoint(tmp_path, 100, '{"global_step": 100}')
    with pytest.raises(InputError, match="holds checkpoints of another program"):
        checkpoints.claim(tmp_path, TOLD, fresh=False)
