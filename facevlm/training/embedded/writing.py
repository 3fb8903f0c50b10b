"""What the embedded model is asked and should answer about one face, written anew each time the face is seen.

A photograph has a label drawn from its ten votes, and the action units measured on it. A synthetic face has action
units that are true, and no label: of an answer about it the observations alone are learned. They are those that are
true; or, where a model is to repeat what it is told, those that were measured, unless they are withheld.

Now and then a photograph is given the observations of another, as if the model had made them, and the label of that
one: so the emotion is concluded from what was observed, not only from the pixels. The foreign observations themselves
are not learned.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facevlm import prompting
from facevlm.data.cot import coding, short
from facevlm.data.cot.coding import Label
from facevlm.data.cot.questions import questions
from facevlm.faces.action_units import measured_codes
from facevlm.faces.cues import cue_table
from facevlm.prompting import Prompt
from facevlm.training.embedded import nano
from facevlm.types import AU_CODES, EMOTIONS, ActionUnit, Emotion

NO_CUES, FEW_CUES = 0.1, 0.2  # shares of samples whose cues are withheld, all or half of them
TYPED = 0.3  # share of questions that are put as people type them
TRUE_FROM = 0.2  # true intensity (B) from which an observation is to be made
STOP = 0.5  # weight of the end of the observations on synthetic faces: to miss a unit costs as much as to add one

_SEAM = '],"interpretation":"'

Units = dict[int, ActionUnit]


@dataclass(frozen=True)
class Row:
    """One face as it is seen: its sides are those of the picture shown."""

    cues: NDArray[np.float32]  # (cues,)
    units: NDArray[np.float32]  # (24, 3) measured: value, left, right; NaN where unmeasured
    truth: NDArray[np.float32]  # (24, 2) left and right; NaN where unknown
    votes: NDArray[np.float32]  # (8,) a distribution, or zero

    @property
    def synthetic(self) -> bool:
        return not np.isnan(self.truth).all()


@dataclass(frozen=True)
class Text:
    """A prompt and its answer in two parts, either of which may be given without being learned."""

    prompt: str
    parts: tuple[str, str]
    learned: tuple[float, float]  # weights of the parts
    commits: bool  # whether the answer names an emotion that the votes are learned at
    votes: NDArray[np.float32]
    seam: float = 1.0  # weight of the token that ends the observations


@dataclass(frozen=True)
class Encoded:
    inputs: dict[str, Tensor]  # right-padded ids and their mask
    labels: Tensor  # (n, t), −100 where nothing is learned
    weights: Tensor  # (n, t)
    commits: Tensor  # (n,) position of the token that first commits to an emotion, −1 where none does


class Writer:
    """Writes texts for faces and turns them into token ids; holds the tokenizer, the templates and chance."""

    def __init__(
        self,
        tokenizer: Any,
        tasks: Mapping[str, float],
        seed: int,
        *,
        claimed: float = coding.CLAIMED,
        forced: float = 0.0,
        as_measured: bool = False,
        plainly: bool = False,
        shown: bool = True,
    ) -> None:
        """`forced` is the share of explanations that start from another face's observations.

        With `as_measured` the observations of a synthetic face are those that the prompt tells, if it tells any.

        With `plainly` nothing is withheld: as users' faces are asked about. Without `shown` there is no picture and no
        cue, and every unit is told.
        """
        self.tokenizer = tokenizer
        self.as_measured = as_measured
        self.plainly = plainly
        self.claimed = claimed
        self.forced = forced
        self.prompts = {name: prompting.load(name, "face") for name in tasks}
        self.shares = list(tasks.values())
        self.rng = random.Random(seed)
        self.emotion_ids = torch.tensor(tokenizer.convert_tokens_to_ids(list(EMOTIONS)))
        (self.seam_id,) = tokenizer.encode(_SEAM, add_special_tokens=False)
        self.shown = shown
        self.image = nano.AROUND + nano.WHOLE + nano.IMAGE * nano.IMAGE_TOKENS + nano.AROUND

    def text(self, row: Row, donor: Row | None = None) -> Text:
        """A prompt about a face and its answer; `donor` is another face whose observations may be forced on it."""
        prompt = self.prompts[self.rng.choices(list(self.prompts), self.shares)[0]]
        if prompt.answer == ("answer",):
            return self._question(prompt, row)
        if row.synthetic:
            return self._observed(row)
        forced = donor is not None and prompt.answer[0] == "observations" and self.rng.random() < self.forced
        told = donor if forced and donor is not None else row
        emotion = self.rng.choices(EMOTIONS, told.votes.tolist())[0]
        observations = short.observe(measured(told.units), self.rng, self.claimed)
        answer = short.write(observations, short.interpret(observations, emotion, self.rng), emotion, prompt.answer)
        first, second = _split(answer) if forced else ("", answer)
        return Text(self._prompt(prompt, *self._told(row)), (first, second + nano.END), (0.0, 1.0), True, told.votes)

    def encode(self, texts: Sequence[Text]) -> Encoded:
        """Texts as ids, with what is learned of them."""
        asked = self._ids([text.prompt for text in texts])
        said = [self._ids([text.parts[part] for text in texts]) for part in (0, 1)]
        longest = max(len(q) + len(a) + len(b) for q, a, b in zip(asked, *said, strict=True))
        ids = torch.full((len(texts), longest), self.tokenizer.pad_token_id)
        labels, weights = torch.full_like(ids, -100), torch.zeros(ids.shape)
        for row, (text, q, a, b) in enumerate(zip(texts, asked, *said, strict=True)):
            ids[row, : len(q) + len(a) + len(b)] = torch.tensor(q + a + b)
            weights[row, len(q) :][: len(a) + len(b)] = torch.tensor(
                [text.learned[0]] * len(a) + [text.learned[1]] * len(b)
            )
            weights[row, ids[row] == self.seam_id] *= text.seam
        labels[weights > 0] = ids[weights > 0]
        named = torch.isin(labels, self.emotion_ids) & torch.tensor([[text.commits] for text in texts])
        commits = torch.where(named.any(1), named.int().argmax(1), -1)
        mask = (ids != self.tokenizer.pad_token_id).long()
        return Encoded({"input_ids": ids, "attention_mask": mask}, labels, weights, commits)

    def lengths(self, texts: Sequence[Text]) -> Tensor:
        """How many tokens each text has, (n,)."""
        return torch.tensor([len(ids) for ids in self._ids([text.prompt + "".join(text.parts) for text in texts])])

    def _ids(self, texts: list[str]) -> list[list[int]]:
        found: list[list[int]] = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        return found

    def _observed(self, row: Row) -> Text:
        """What shows on a synthetic face, up to where an emotion would be concluded."""
        prompt = prompting.load("sov-cot", "face")
        cues, told = self._told(row)
        units, claimed = self._shown(row, told)
        first, _ = _split(short.write(short.observe(units, self.rng, claimed), "", "neutral", prompt.answer))
        return Text(self._prompt(prompt, cues, told), (first + _SEAM, ""), (1.0, 0.0), False, row.votes, STOP)

    def _question(self, prompt: Prompt, row: Row) -> Text:
        cues, told = self._told(row)
        units, claimed = self._shown(row, told)
        (pair,) = questions(coding.measured(units, claimed), None if row.synthetic else _label(row.votes), self.rng, 1)
        answer = json.dumps({"answer": pair.answer}, separators=(",", ":"), ensure_ascii=False) + nano.END
        question = pair.question.rstrip("?.").lower() if self.rng.random() < TYPED else pair.question
        return Text(self._prompt(prompt, cues, told, question), ("", answer), (0.0, 1.0), False, row.votes)

    def _shown(self, row: Row, told: Units) -> tuple[Units, float]:
        """The units that a face shows, given what is `told` of them, and how strong one is to be spoken of."""
        if row.synthetic and not (told and self.as_measured):
            return true_units(row.truth), TRUE_FROM
        return measured(row.units), self.claimed

    def _told(self, row: Row) -> tuple[dict[str, float], Units]:
        """Cues and units of a face, but sometimes none or half of them, so that the pixels are looked at."""
        if not self.shown:
            return {}, measured(row.units)
        draw = 1.0 if self.plainly else self.rng.random()
        few = NO_CUES <= draw < NO_CUES + FEW_CUES
        cues = {
            cue.name: value
            for cue, value in zip(cue_table(), row.cues.tolist(), strict=True)
            if draw >= NO_CUES and not (few and self.rng.random() < 0.5)
        }
        withheld = draw < NO_CUES or (few and self.rng.random() < 0.5)
        return cues, {} if withheld else measured(row.units)

    def _prompt(self, prompt: Prompt, cues: dict[str, float], units: Units, question: str | None = None) -> str:
        image = self.image if self.shown else ""
        return image + prompting.face_text(prompt, cues, units, question) + nano.END


def measured(row: NDArray[np.float32]) -> dict[int, ActionUnit]:
    """(24, 3) value, left, right with NaN for unmeasured → measured action units."""
    known = [[None if np.isnan(each) else round(float(each), 3) for each in unit] for unit in row]  # as it was measured
    return {
        code: ActionUnit(code=code, value=value, left=left, right=right)
        for code, (value, left, right) in zip(AU_CODES, known, strict=True)
    }


def true_units(truth: NDArray[np.float32]) -> dict[int, ActionUnit]:
    """(24, 2) true intensities → action units as strong as their stronger side; None where none is measured."""
    can = measured_codes()
    return {
        code: ActionUnit(code=code, value=max(left, right), left=left, right=right)
        if code in can
        else ActionUnit(code=code, value=None)
        for code, (left, right) in zip(AU_CODES, truth.tolist(), strict=True)
    }


def _split(answer: str) -> tuple[str, str]:
    """An explanation in front of its interpretation, and from there on."""
    place = answer.index(_SEAM)
    return answer[:place], answer[place:]


def _label(votes: NDArray[np.float32]) -> Label:
    shares: dict[Emotion, float] = dict(zip(EMOTIONS, votes.tolist(), strict=True))
    return Label(emotion=max(shares, key=lambda each: shares[each]), distribution=shares)
