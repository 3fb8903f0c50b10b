from __future__ import annotations

from pathlib import Path

from PIL import Image

from facevlm.training.tuning import curves


def test_going_on_forgets_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "curves.jsonl"
    for step in (1, 2, 3):
        curves.append(file, {"step": step, "loss": 1 / step})
    curves.cut(file, 2)
    assert [row["step"] for row in curves.read(file)] == [1, 2]


def test_a_line_that_was_cut_short_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "curves.jsonl"
    file.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    assert curves.read(file) == [{"step": 1, "loss": 2.0}]


def test_every_quantity_is_drawn(tmp_path: Path) -> None:
    logged = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}, {"step": 2, "eval_loss": 1.5, "eval_valid": 0.5}]
    curves.draw(logged, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as drawn:
        assert drawn.width > drawn.height  # two axes side by side: the losses share theirs
