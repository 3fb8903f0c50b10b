"""From a model's answers to what it says of each face, with how sure it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from facevlm.errors import FaceVLMError, OutputError
from facevlm.models import Answer
from facevlm.reasoning.parse import parse_face, parse_scene
from facevlm.types import Emotion, Explanation, Generation

# No one emotion stands out when the likeliest has less than this, or leads the next by less than that.
LIKELY, LEAD = 0.5, 0.1

Told = Explanation | FaceVLMError


def told(
    answers: Sequence[Answer], ids: Sequence[int], fields: Sequence[str], asks: Literal["scene", "face"]
) -> dict[int, Told]:
    """By face id, the explanation a model gave or why there is none.

    Args:
        answers: one for each id, or, from a model that asks by scene, one about all of them.
        ids: the faces that were drawn.
        fields: what the prompt asked for.
        asks: which of the two.
    """
    if not ids:
        return {}
    if asks == "scene":
        return _of_scene(answers[0], ids, fields)
    return {face_id: _of_face(answer, fields) for face_id, answer in zip(ids, answers, strict=True)}


def _of_scene(answer: Answer, ids: Sequence[int], fields: Sequence[str]) -> dict[int, Told]:
    """Probabilities come in the order in which the answer speaks of the faces; unless it speaks once of each they
    cannot be told apart, and none has any.
    """
    try:
        generation = _written(answer)
        parsed = parse_scene(generation.text, ids, fields)
    except FaceVLMError as error:
        return dict.fromkeys(ids, error)
    in_step = len(generation.commitments) == len(parsed)
    probabilities = generation.commitments if in_step else (None,) * len(parsed)
    return {
        face_id: one if isinstance(one, OutputError) else _weighed(one, committed)
        for (face_id, one), committed in zip(parsed.items(), probabilities, strict=True)
    }


def _of_face(answer: Answer, fields: Sequence[str]) -> Told:
    try:
        return _weighed(parse_face(_written(answer).text, fields), _written(answer).probabilities)
    except FaceVLMError as error:
        return error


def _written(answer: Answer) -> Generation:
    if isinstance(answer, FaceVLMError):
        raise answer
    return answer


def _weighed(explanation: Explanation, probabilities: dict[Emotion, float] | None) -> Explanation:
    """The explanation with the model's probabilities; the emotion stays the one the text names."""
    uncertain = probabilities is not None and not _stands_out(probabilities)
    return explanation.model_copy(update={"probabilities": probabilities, "uncertain": uncertain})


def _stands_out(probabilities: dict[Emotion, float]) -> bool:
    second, first = sorted(probabilities.values())[-2:]
    return first >= LIKELY and first - second >= LEAD
