"""A round on a real photograph, answered by a model that says what it is told to."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest

from facevlm import faces
from facevlm.errors import InputError
from facevlm.faces.action_units import THRESHOLDS
from facevlm.models import Answer
from facevlm.training.tuning import keeping, round_files, round_report, rounds, rows
from facevlm.training.tuning.keeping import Judged, jaccard
from facevlm.training.tuning.round_files import Annotation
from facevlm.training.tuning.round_report import Report
from facevlm.training.tuning.rounds import Rounds
from facevlm.types import Conversation, Generation
from tests.training.tuning import tiny

Say = Callable[[float, int], str]  # temperature and how many were answered before → an answer


class Speaker:
    """A model that is shown crops and answers what it is told to."""

    name, adapter, crop_size = "speaker", None, 64
    asks: Literal["scene", "face"] = "face"

    def __init__(self, say: Say) -> None:
        self._say = say
        self.asked = 0

    def generate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        answers = [Generation(self._say(temperature, self.asked + place)) for place in range(len(conversations))]
        self.asked += len(conversations)
        return list(answers)

    async def agenerate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        return await asyncio.to_thread(self.generate, conversations, temperature=temperature, seed=seed)


def said(*codes: int, emotion: str = "happiness") -> str:
    claims = [{"au": code, "intensity": "C", "side": "both", "evidence": "as it shows"} for code in codes]
    return json.dumps({"observations": claims, "interpretation": "as it looks", "emotion": emotion})


@cache
def shown(picture: Path) -> tuple[int, int]:
    """The action unit that is measured most and the one measured least on a picture's face."""
    units = faces.find(faces.decode(picture))[0].action_units
    above = {code: unit.value - THRESHOLDS[code] for code, unit in units.items() if unit.value is not None}
    return max(above, key=lambda code: above[code]), min(above, key=lambda code: above[code])


@pytest.fixture
def photos(astronaut: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        shutil.copy(astronaut, folder / name)
    return folder


def annotated(say: Say | Speaker, photos: Path, out: Path, **settings: Any) -> Report:
    recipe = Rounds(**({"samples": 2} | settings))
    root, listed = round_files.listed(photos)
    model = say if isinstance(say, Speaker) else Speaker(say)
    return rounds.annotated(recipe, model, listed, root, out, 1, lambda: None)


def test_an_answer_that_holds_becomes_a_row_that_sft_reads(photos: Path, astronaut: Path, tmp_path: Path) -> None:
    answer = said(shown(astronaut)[0])
    told = annotated(lambda *_: answer, photos, tmp_path / "out")
    kept, rejected = rows.read(tmp_path / "out" / rounds.ROWS)
    assert (told.faces, told.kept, told.rows, told.why_not) == (2, 2, 2, {})
    assert (len(kept), rejected) == (2, [])
    assert kept[0].answer == answer and kept[0].prompt[-1].parts()[0].text


@pytest.mark.parametrize("reason", keeping.Reason.__args__)  # type: ignore[attr-defined]
def test_an_answer_that_does_not_hold_is_counted_by_why(reason: str, photos: Path, tmp_path: Path) -> None:
    most, least = shown(photos / "a.png")
    sayings: dict[str, Say] = {
        "no valid answer": lambda *_: "a smile",
        "nothing observed": lambda *_: said(),
        "claims not supported": lambda *_: said(most, least),
        "another emotion each time": lambda heat, _: said(most, emotion="fear" if heat else "happiness"),
        "other units each time": lambda heat, _: said(most, least) if heat else said(most),
    }
    told = annotated(sayings[reason], photos, tmp_path / "out")
    assert (told.kept, told.rows, told.why_not) == (0, 0, {reason: 2})


def test_silence_about_a_neutral_face_is_kept(photos: Path, tmp_path: Path) -> None:
    assert annotated(lambda *_: said(emotion="neutral"), photos, tmp_path / "out").kept == 2


def test_the_rules_are_the_recipes(photos: Path, tmp_path: Path) -> None:
    most, least = shown(photos / "a.png")
    mild = {"faithfulness": 0.5, "overlap": 0.5, "agreement": 0.5}
    told = annotated(lambda heat, place: said(most, least), photos, tmp_path / "out", **mild)
    assert told.kept == 2


def test_an_interrupted_round_goes_on_after_the_last_whole_line(photos: Path, tmp_path: Path) -> None:
    first = Speaker(lambda *_: said(emotion="neutral"))
    before = annotated(first, photos, tmp_path / "out")
    file = tmp_path / "out" / rounds.ANNOTATIONS
    lines = file.read_text().splitlines(keepends=True)
    file.write_text(lines[0] + lines[1][:40])
    second = Speaker(lambda *_: said(emotion="neutral"))
    assert annotated(second, photos, tmp_path / "out") == before
    assert (first.asked, second.asked) == (6, 3)
    assert [each.image for each in round_files.done(file)] == ["a.png", "b.png"]


def test_a_round_of_other_settings_is_not_gone_on_with(photos: Path, tmp_path: Path) -> None:
    annotated(lambda *_: said(emotion="neutral"), photos, tmp_path / "out")
    with pytest.raises(InputError, match="another model or other settings; give another --out"):
        annotated(lambda *_: said(emotion="neutral"), photos, tmp_path / "out", temperature=1.0)


def test_a_picture_that_cannot_be_read_is_counted_and_the_others_are_done(photos: Path, tmp_path: Path) -> None:
    (photos / "a.png").write_bytes(b"no picture")
    told = annotated(lambda *_: said(emotion="neutral"), photos, tmp_path / "out")
    assert (told.pictures, told.unreadable, told.kept) == (2, 1, 1)


def test_labels_that_are_known_are_held_beside_the_answers(photos: Path, tmp_path: Path) -> None:
    file = photos / "pictures.jsonl"
    file.write_text('{"image": "a.png", "emotion": "happiness"}\n{"image": "b.png", "emotion": "neutral"}\n')
    told = annotated(lambda *_: said(emotion="neutral"), file, tmp_path / "out")
    assert (told.right.faces, told.right.share, told.right_if_kept.share) == (2, 0.5, 0.5)


def test_a_line_that_names_no_picture_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "pictures.jsonl"
    file.write_text('{"image": "a.png"}\n{"picture": "b.png"}\n')
    with pytest.raises(InputError, match=r"pictures\.jsonl, row 2: image"):
        round_files.listed(file)


def test_a_report_shows_an_emotion_that_the_next_round_would_forget() -> None:
    def face(emotion: Any, reason: Any = None) -> Judged:
        return Judged(face=1, reason=reason, emotion=emotion, agreement=1.0, overlap=1.0)

    found = [face("happiness")] * 8 + [face("fear", "claims not supported")] * 2
    told = round_report.report(1, "nano", None, [Annotation(image="a.png", faces=tuple(found))])
    text = round_report.markdown(told)
    assert "| fear | 2 | 20.0% | 0 | 0.0% |" in text
    assert "| happiness | 8 | 80.0% | 8 | 100.0% |" in text
    assert "| claims not supported | 2 |" in text


def test_overlap_is_the_jaccard_index() -> None:
    assert jaccard({6, 12}, {12, 25}) == pytest.approx(1 / 3)
    assert (jaccard(set(), set()), jaccard({6}, set())) == (1, 0)


def test_what_is_kept_tunes_the_next_adapter_once(photos: Path, tmp_path: Path) -> None:
    base = tiny.make("Idefics3ForConditionalGeneration", tmp_path / "base")
    (tmp_path / "sft.yaml").write_text(
        "model: base\nsteps: 1\nbatch: 1\naccumulate: 1\nprecision: fp32\ngradient_checkpointing: false\n"
        "lora: {rank: 2, alpha: 4}\nheld_out: 0\n"
    )
    (tmp_path / "rounds.yaml").write_text("tuning: sft.yaml\nfewest: 2\nsamples: 2\n")
    recipe = rounds.read_rounds(tmp_path / "rounds.yaml")
    root, listed = round_files.listed(photos)
    out = tmp_path / "out"
    told = rounds.annotated(recipe, Speaker(lambda *_: said(emotion="neutral")), listed, root, out, 1, lambda: None)
    adapter = rounds.tuned(recipe, told, out, str(base), None)
    made = (adapter / "adapter_model.safetensors").stat().st_mtime_ns
    assert rounds.tuned(recipe, told, out, str(base), None) == adapter
    assert (adapter / "adapter_model.safetensors").stat().st_mtime_ns == made


def test_too_few_rows_are_not_tuned_on(photos: Path, tmp_path: Path) -> None:
    told = annotated(lambda *_: said(emotion="neutral"), photos, tmp_path / "out")
    with pytest.raises(InputError, match="2 rows are kept and 100 are needed"):
        rounds.tuned(Rounds(tuning="smolvlm-500m"), told, tmp_path / "out", "nano", None)


def test_rows_trained_on_beside_are_found_from_the_rounds_folder(photos: Path, tmp_path: Path) -> None:
    beside = tiny.rows(tmp_path / "given", ['{"emotion": "fear"}'])
    annotated(lambda *_: said(emotion="neutral"), photos, tmp_path / "out", beside=beside)
    found, rejected = rows.read(tmp_path / "out" / rounds.ROWS)
    assert [row.answer for row in found][-1] == '{"emotion": "fear"}' and not rejected
