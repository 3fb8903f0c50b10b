"""What the embedded model is asked and should answer, and which of it is learned."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from facevlm.config import asset_dir
from facevlm.faces.cues import cue_table
from facevlm.training.embedded import nano, writing
from facevlm.training.embedded.writing import Row, Writer
from facevlm.types import AU_CODES, EMOTIONS

Make = Callable[..., Row]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(asset_dir("adapters") / "nano-base")


def row(emotion: str | None = "happiness", measured: dict[int, float] | None = None, true: int | None = None) -> Row:
    """A face with a label on which these units are measured alike on both sides, or a synthetic one with a unit."""
    units = np.zeros((24, 3), np.float32)
    for code, value in (measured or {}).items():
        units[AU_CODES.index(code)] = value
    truth = np.full((24, 2), np.nan, np.float32)
    if true is not None:
        truth[:] = 0
        truth[AU_CODES.index(true)] = 0.5
    votes = np.array([each == emotion for each in EMOTIONS], np.float32)
    return Row(np.zeros(len(cue_table()), np.float32), units, truth, votes)


def learned(writer: Writer, text: writing.Text) -> str:
    encoded = writer.encode([text])
    ids = encoded.labels[0]
    found: str = writer.tokenizer.decode(ids[ids >= 0])
    return found


def test_a_photograph_is_explained_by_what_was_measured_and_its_label(tokenizer: Any) -> None:
    writer = Writer(tokenizer, {"sov-cot": 1.0}, seed=0, plainly=True)
    text = writer.text(row("surprise", {1: 0.7, 2: 0.6, 26: 0.5}))
    answer = json.loads("".join(text.parts).removesuffix(nano.END))
    assert {each["au"] for each in answer["observations"]} == {1, 2, 26}
    assert answer["emotion"] == "surprise"
    assert "AU1:0.7 AU2:0.6 AU26:0.5" in text.prompt


def test_a_text_alone_tells_every_unit_and_shows_nothing(tokenizer: Any) -> None:
    writer = Writer(tokenizer, {"sov-cot": 1.0}, seed=0, shown=False)
    prompts = {writer.text(row("happiness", {12: 0.8})).prompt for _ in range(30)}
    (prompt,) = prompts
    assert "AU12:0.8" in prompt
    assert nano.IMAGE not in prompt


def test_an_answer_is_learned_and_its_prompt_is_not(tokenizer: Any) -> None:
    writer = Writer(tokenizer, {"sov-cot": 1.0}, seed=0, plainly=True)
    text = writer.text(row("happiness", {12: 0.8}))
    assert learned(writer, text) == "".join(text.parts)


def test_of_a_synthetic_face_the_true_observations_alone_are_learned(tokenizer: Any) -> None:
    writer = Writer(tokenizer, {"sov-cot": 1.0}, seed=0, plainly=True)
    text = writer.text(row(None, {12: 0.8}, true=17))
    said = learned(writer, text)
    assert said.startswith('{"observations":[{"au":17,')
    assert said.endswith('],"interpretation":"')
    assert "12" not in said
    assert writer.encode([text]).commits.tolist() == [-1]


def test_or_those_that_the_prompt_tells_unless_they_are_withheld(tokenizer: Any) -> None:
    writer = Writer(tokenizer, {"sov-cot": 1.0}, seed=0, as_measured=True)
    texts = [writer.text(row(None, {12: 0.8}, true=17)) for _ in range(60)]
    told = ["AU12:0.8" in text.prompt for text in texts]
    assert {False, True} == set(told)
    assert ['"au":12' in text.parts[0] for text in texts] == told
    assert ['"au":17' in text.parts[0] for text in texts] == [not each for each in told]


def test_the_end_of_a_synthetic_faces_observations_weighs_less(tokenizer: Any) -> None:
    writer = Writer(tokenizer, {"sov-cot": 1.0}, seed=0, plainly=True)
    weights = writer.encode([writer.text(row(None, true=17))]).weights[0]
    assert weights[-1] == pytest.approx(writing.STOP)
    assert weights[-2] == 1


def test_observations_forced_on_a_face_are_given_and_not_learned(tokenizer: Any) -> None:
    writer = Writer(tokenizer, {"sov-cot": 1.0}, seed=0, forced=1.0, plainly=True)
    text = writer.text(row("happiness", {12: 0.8}), row("anger", {4: 0.9}))
    assert "AU12:0.8" in text.prompt
    assert '"au":4' in text.parts[0]
    said = learned(writer, text)
    assert said.startswith('],"interpretation":"')
    assert said.endswith('"emotion":"anger"}' + nano.END)
    assert text.votes[EMOTIONS.index("anger")] == 1


def test_a_question_commits_to_no_emotion(tokenizer: Any) -> None:
    writer = Writer(tokenizer, {"sov-question": 1.0}, seed=1, plainly=True)
    texts = [writer.text(row("happiness", {6: 0.5, 12: 0.8})) for _ in range(20)]
    assert writer.encode(texts).commits.tolist() == [-1] * 20
    assert all("answer" in json.loads(text.parts[1].removesuffix(nano.END)) for text in texts)


def test_what_was_measured_is_sometimes_withheld(tokenizer: Any) -> None:
    writer = Writer(tokenizer, {"sov-cot": 1.0}, seed=0)
    texts = [writer.text(row("happiness", {12: 0.8})) for _ in range(400)]
    without = np.mean(["AU12:0.8" not in text.prompt for text in texts])
    assert without == pytest.approx(writing.NO_CUES + writing.FEW_CUES / 2, abs=0.07)


def test_units_that_cannot_be_measured_are_not_claimed(tokenizer: Any) -> None:
    assert writing.true_units(row(None, true=11).truth)[11].value is None
