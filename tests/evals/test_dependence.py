"""Pairs of faces, and what is counted of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dependence
from answers import Asking, Pictures, Told, tell
from dependence import Pair
from PIL import Image

from facevlm.data import ferplus
from facevlm.types import EMOTIONS, Emotion

EMOTION_OF = {"a": "happiness", "b": "anger", "c": "happiness", "d": "neutral"}
LABELS = {name: EMOTIONS.index(emotion) for name, emotion in EMOTION_OF.items()}


def _told(face: Any, name: str, found: int = 1, emotion: Emotion = "happiness") -> Told:
    return Told(id=name, found=found, face=face(emotion))


def test_a_donor_has_another_label(face: Any) -> None:
    pairs = dependence.pairs([_told(face, name) for name in LABELS] * 5, LABELS)
    assert len(pairs) == 20
    assert all(LABELS[pair.donor.id] != LABELS[pair.face.id] for pair in pairs)
    assert all(EMOTION_OF[pair.donor.id] == pair.label for pair in pairs)


def test_pairs_are_the_same_in_every_run(face: Any) -> None:
    told = [_told(face, name) for name in LABELS] * 5
    assert dependence.pairs(told, LABELS, 7) == dependence.pairs(told, LABELS, 7)
    assert len(dependence.pairs(told, LABELS, 7)) == 7


def test_pictures_of_two_faces_or_none_are_left_out(face: Any) -> None:
    told = [_told(face, "a"), _told(face, "b"), _told(face, "c", found=2), Told(id="d", found=0, face=None)]
    assert {pair.face.id for pair in dependence.pairs(told, LABELS)} == {"a", "b"}


def test_what_is_forced_ends_where_the_interpretation_begins(face: Any) -> None:
    smile = face(observed=[(12, "D")], interpretation="a smile: happiness, its prototype.").explanation
    assert dependence.beginning(smile) == (
        '{"observations":[{"au":12,"intensity":"D","side":"both","evidence":"how 12 shows"}],"interpretation":"'
    )
    assert dependence.beginning(face().explanation) == '{"observations":[],"interpretation":"'


def test_a_conclusion_changes_follows_or_cannot_be_read(face: Any) -> None:
    happy, sad = _told(face, "a", emotion="happiness"), _told(face, "b", emotion="sadness")
    pair = Pair(happy, sad, "anger")  # labelled angry, concluded to be sad
    after: list[Emotion | None] = ["happiness", "anger", "sadness", "fear", None]
    control: list[Emotion | None] = ["happiness", "happiness", "happiness", "fear", "happiness"]
    counts = [count for _, count, _ in dependence.counted([pair] * 5, after, control)]
    assert counts == [4, 3, 1, 1, 1]


def test_to_become_what_was_concluded_before_is_no_change(face: Any) -> None:
    happy, other = _told(face, "a", emotion="happiness"), _told(face, "b", emotion="happiness")
    counts = [count for _, count, _ in dependence.counted([Pair(happy, other, "happiness")], ["happiness"], [None])]
    assert counts == [1, 0, 0, 0, 0]


def test_the_model_that_ships_concludes_from_what_it_observed(nano: Path, shared_data: Path, tmp_path: Path) -> None:
    faces = ferplus.read(shared_data / "ferplus", "train")
    faces = faces.where(ferplus.held_out(faces.names) & (faces.strict_majority() >= 0))
    images = dict(zip(map(str, faces.names[:60]), faces.images, strict=False))
    labels = dict(zip(images, faces.strict_majority().tolist(), strict=False))
    pictures = Pictures("held-out", list(images), lambda name: Image.fromarray(images[name]).convert("RGB"))
    asking = Asking("nano-facs")
    told = tell(asking, pictures, tmp_path)
    lines = {name: value for name, value, _ in dependence.lines(asking, pictures, told, labels, tmp_path)}
    (changed,) = (value for name, value in lines.items() if name.startswith("another") and "changes" in name)
    (control,) = (value for name, value in lines.items() if name.startswith("control"))
    assert changed.value >= 0.5
    assert control.value <= 0.1
