"""The report on the matcher: its own figures by hand, and the whole of it on made faces."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fitting
import matched
import matching
import numpy as np
import pytest
from answers import Pictures, Told
from matched import Faces
from numpy.typing import NDArray
from PIL import Image

from facevlm.data import ferplus
from facevlm.matching import compound, unseen
from facevlm.matching.captions import Moved, naming
from facevlm.matching.distributions import softmax
from facevlm.matching.matcher import FACTS
from facevlm.training.embedded.arrays import FaceArrays, save
from facevlm.types import AU_CODES, EMOTIONS, Emotion, FaceAnalysis


def faces(votes: NDArray[np.float32]) -> Faces:
    """Faces with these shares of the votes, (n, 8), of which nothing else is known."""
    count = len(votes)
    black, names = np.zeros((count, 64, 64, 3), np.uint8), np.array([f"fer{row}.png" for row in range(count)])
    unmeasured = np.full((count, len(AU_CODES)), np.nan, np.float32)
    none, found = np.full(count, -1), np.ones(count, bool)
    return Faces("made", black[:, :48, :48, 0], names, votes, none, black, unmeasured, found)


def voted(**shares: float) -> list[float]:
    return [shares.get(each, 0.0) for each in EMOTIONS]


def rendered(count: int, au: int, left: float, right: float) -> NDArray[np.float32]:
    truth = np.zeros((count, len(AU_CODES), 2), np.float32)
    truth[:, AU_CODES.index(au)] = left, right
    return truth


def test_a_face_is_mixed_where_two_emotions_lead_with_a_clear_share_and_are_a_pair() -> None:
    votes = [
        voted(fear=0.5, surprise=0.4, neutral=0.1),
        voted(fear=0.7, surprise=0.2, neutral=0.1),  # too small a share
        voted(neutral=0.5, surprise=0.5),  # no pair
        voted(fear=0.4, surprise=0.3, sadness=0.3),  # which two?
        voted(sadness=0.3, anger=0.7),
    ]
    chosen, truth = matched.mixed(faces(np.array(votes, np.float32)), compound.expressions("c-expr"))
    assert chosen.names.tolist() == ["fer0.png", "fer4.png"]
    assert [compound.expressions("c-expr")[place].name for place in truth] == ["fearfully surprised", "sadly angry"]


def test_only_what_enough_faces_show_is_asked_for() -> None:
    smiles = rendered(matching.FIRST, 12, left=0.9, right=0.1)
    assert [claim for _, claim in matching.asked(smiles)] == [Moved(au=12), Moved(au=12, side="left")]
    assert matching.asked(smiles[1:]) == []


def test_no_two_queries_are_worded_alike() -> None:
    everything = np.concatenate([rendered(20, au, *sides) for au in AU_CODES for sides in ((0.9, 0.0), (0.0, 0.9))])
    queries = [query for query, _ in matching.asked(everything)]
    assert len(queries) == len(set(queries)) >= 40


def test_a_smile_of_both_sides_is_raised_on_the_left_when_read_loosely_alone() -> None:
    claim, both = Moved(au=12, side="left"), rendered(1, 12, left=0.9, right=0.9)
    assert not matching.relevant(claim, both).any()
    assert matching.relevant(claim, both, loose=True).all()
    assert not matching.relevant(claim, rendered(1, 12, left=0.0, right=0.9), loose=True).any()


def test_precision_is_of_the_ten_likest_faces() -> None:
    likeness, right = np.arange(30, dtype=np.float32), np.zeros(30, bool)
    right[[29, 27, 20, 19]] = True  # three among the ten, one below
    assert matching.precision(likeness, right) == pytest.approx(0.3)


def test_the_temperature_of_logits_three_times_too_steep_is_three() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 8))
    truth = np.array([rng.choice(8, p=row) for row in softmax(logits)])
    assert fitting.temperature(3 * logits, truth) == pytest.approx(3, rel=0.1)


def test_an_opinion_of_chance_gets_little_weight_beside_one_that_knows() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (2000, 8))
    truth = np.array([rng.choice(8, p=row) for row in softmax(logits)])
    chance = softmax(rng.normal(0, 2, (2000, 8)))
    model, matcher = fitting.weights(softmax(logits), chance, truth)
    assert model == pytest.approx(1, abs=0.1)
    assert matcher == pytest.approx(0, abs=0.1)


def test_what_is_fitted_is_written_beside_what_a_matcher_already_says(tmp_path: Path) -> None:
    (tmp_path / FACTS).write_text(json.dumps({"kind": "matcher", "temperature": 9.0}))
    fitting.write(str(tmp_path), {"temperature": 1.5})
    assert json.loads((tmp_path / FACTS).read_text()) == {"kind": "matcher", "temperature": 1.5}
    assert [each.name for each in tmp_path.iterdir()] == [FACTS]


def test_a_part_takes_its_own_place_in_the_report_and_no_other(tmp_path: Path) -> None:
    row: dict[str, object] = {"what": "accuracy", "measured": "0.700", "at least": "0.72", "command": "first"}
    matching.write(tmp_path, {"labels": [row], "speed": [row]})
    matching.write(tmp_path, {"speed": [row | {"command": "second"}], "unseen": []})
    kept = json.loads((tmp_path / "matching.json").read_text())
    assert {part: rows[0]["command"] for part, rows in kept.items()} == {"labels": "first", "speed": "second"}
    text = (tmp_path / "matching.md").read_text()
    assert text.index("## labels") < text.index("`first`") < text.index("## speed") < text.index("`second`")


def test_every_part_is_reported_of_made_faces_and_a_matcher_that_sees_their_labels(made: dict[str, Any]) -> None:
    report = made["report"]
    assert list(report) == ["labels", "fused", "retrieval", "unseen", "compound"]
    assert all(rows for rows in report.values())
    text = (made["folder"] / "matching.md").read_text()
    assert "| what | measured | at least |" in text


def test_a_face_that_is_not_found_is_wrong(made: dict[str, Any]) -> None:
    (accuracy,) = (row for row in made["report"]["labels"] if row["what"] == "n = 40, described by names: accuracy")
    assert accuracy["figure"] == pytest.approx(39 / 40)


def test_fused_with_a_matcher_that_is_right_a_model_that_errs_gains(made: dict[str, Any]) -> None:
    figures = {row["what"]: row["figure"] for row in made["report"]["fused"]}
    assert figures["the VLM: accuracy"] < figures["fused: accuracy"]
    assert figures["fused less the VLM: accuracy"] == pytest.approx(
        figures["fused: accuracy"] - figures["the VLM: accuracy"]
    )


def test_faces_of_a_class_that_was_left_out_are_told_from_the_others(made: dict[str, Any]) -> None:
    figures = {row["what"]: row["figure"] for row in made["report"]["unseen"]}
    assert figures["largest logit: AUROC, mean over sadness"] == 1
    assert any("it has seen every class" in what for what in figures)


def test_what_was_fitted_is_in_the_matchers_own_file(made: dict[str, Any]) -> None:
    facts = json.loads((made["folder"] / "matcher" / FACTS).read_text())
    assert facts["kind"] == "matcher"
    assert facts["fusion"]["matcher"] > 0
    assert set(facts["unseen"]["spreads"]) == set(unseen.COMBINED)


class Seer:
    """A matcher that reads a face's label off its crop, and sees nothing else; not sadness where it was left out."""

    vocabulary, bias, scale, temperature, fingerprint = (), -2.0, 10.0, 1.0, "0" * 12

    def __init__(self, model: str) -> None:
        self.name = model
        self.blind = Path(model).name == "without"
        self.fingerprint = f"{self.blind}"
        self.facts = json.loads((Path(model) / FACTS).read_text())

    def faces(self, crops: Sequence[Image.Image]) -> NDArray[np.float32]:
        return np.stack([self._of(np.asarray(each)[0, 0, 0] // 10) for each in crops])

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        named = {text: place for place, each in enumerate(EMOTIONS) for text in naming(each)}
        return np.stack([self._of(named.get(text, 9)) for text in texts])

    def _of(self, place: int) -> NDArray[np.float32]:
        seen = 9 if self.blind and place == EMOTIONS.index("sadness") else place
        return np.asarray(np.eye(10)[seen], np.float32)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, face: Callable[..., FaceAnalysis]) -> dict[str, Any]:
    """What the command reports of made faces; the VLM takes every third for neutral."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "ferplus").mkdir()
    for split, archive in (("valid", "valid"), ("train", "train-0")):
        _archive(folder / "ferplus" / f"{archive}.npz", folder / f"ferplus-{split}-64.npz")
    _renders(folder / "explain-64.npz")
    for name in ("matcher", "without"):
        (folder / name).mkdir()
        facts = {"kind": "matcher", "crop_size": 64, "marks": "landmarks"}
        (folder / name / FACTS).write_text(json.dumps(facts))

    def tell(_: object, pictures: Pictures, __: object) -> list[Told]:
        labels = [_label(int(np.asarray(pictures.open(each))[0, 0, 0])) for each in pictures.ids]
        guesses = [label if row % 3 else "neutral" for row, label in enumerate(labels)]
        told = zip(pictures.ids, guesses, strict=True)
        return [Told(id=each, found=1, face=face(guess, sure=0.8)) for each, guess in told]

    words = {
        "--data": folder, "--work": folder, "--answers": folder, "--renders": folder / "explain",
        "--matcher": folder / "matcher", "--without": f"sadness={folder / 'without'}", "--out": folder,
    }  # fmt: skip
    parts = ["--only", "labels", "fused", "retrieval", "unseen", "compound", "--fit"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(matched, "tell", tell)
        patched.setattr(matching, "Matcher", Seer)
        patched.setattr(sys, "argv", ["matching", *(str(each) for pair in words.items() for each in pair), *parts])
        matching.main()
    return {"folder": folder, "report": json.loads((folder / "matching.json").read_text())}


def _label(pixel: int) -> Emotion:
    return EMOTIONS[pixel // 10]


def _archive(file: Path, arrays: Path) -> None:
    """40 faces of the five common emotions, then ten of fear and surprise at once; the first is not found."""
    places = np.array([row % 5 for row in range(40)] + [EMOTIONS.index("fear")] * 10)
    votes = np.zeros((50, 10), np.uint8)
    votes[np.arange(50), places] = 10
    votes[40:, [EMOTIONS.index("fear"), EMOTIONS.index("surprise")]] = 5
    images = np.repeat(np.repeat((places * 10).astype(np.uint8)[:, None, None], 48, 1), 48, 2)
    np.savez(file, image=images, name=_names(50), votes=votes)
    crops = np.broadcast_to((places * 10).astype(np.uint8)[:, None, None, None], (50, 64, 64, 3))
    _arrays(arrays, crops[1:], _names(50)[1:], np.zeros((49, len(AU_CODES), 2), np.float32))


def _renders(file: Path) -> None:
    truth = np.concatenate([rendered(25, 12, 0.9, 0.0), rendered(25, 4, 0.9, 0.9)])
    _arrays(file, np.zeros((50, 64, 64, 3), np.uint8), _names(50), truth)


def _arrays(file: Path, crops: NDArray[np.uint8], names: NDArray[np.str_], truth: NDArray[np.float32]) -> None:
    count = len(names)
    unused: dict[str, NDArray[Any]] = dict.fromkeys(("plain", "cues", "votes", "majority"), np.zeros((count, 1)))
    units = np.zeros((count, len(AU_CODES), 3), np.float32)
    whole = unused | {"marked": crops, "units": units, "truth": truth, "names": names}
    assert set(whole) == set(FaceArrays.__dataclass_fields__)
    save(FaceArrays(**whole), file)


def _names(count: int) -> NDArray[np.str_]:
    """Names that belong to the tenth nothing is trained on."""
    every = np.array([f"fer{number:07}.png" for number in range(20 * count)])
    return every[ferplus.held_out(every)][:count]
