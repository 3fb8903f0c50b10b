"""A second opinion on an analysis: what a matcher sees on the same faces, how far it is from the model, and both fused.

They are fused by a log-linear pool, p ∝ p_model^a · p_matcher^b (Genest & Zidek 1986), with the weights that come with
the matcher. The explanation itself stays as the model gave it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facevlm.errors import InputError
from facevlm.matching import unseen
from facevlm.matching.distributions import Rows, divergence, pooled
from facevlm.matching.matcher import Vectors
from facevlm.matching.matching import Choice
from facevlm.types import (
    AU_CODES,
    EMOTIONS,
    Analysis,
    Explanation,
    Face,
    FaceAnalysis,
    Picture,
    Reading,
    SecondOpinion,
)  # fmt: skip

TRUSTED = 0.9  # probability of the label a model gives without saying how sure it is; the others share the rest
WEIGHTS = {"model": 1.0, "matcher": 0.5}  # of a matcher that brings none


def second_opinion(choice: Choice, analysis: Analysis, picture: Picture) -> Analysis:
    """The analysis with a second opinion on every face.

    Args:
        choice: the eight emotions, `Choice(matcher, EMOTIONS)`.
        analysis: as `FaceReasoner` gives it, with its marked picture: one read from JSON has lost the landmarks.
        picture: the photograph, without marks.

    Raises:
        InputError: the analysis has no marked picture.
    """
    if analysis.marked is None:
        raise InputError(f"{analysis.image.source}: this analysis holds no landmarks; analyse the photograph again")
    matcher, shown = choice.matcher, analysis.marked.faces
    vectors = matcher.faces([matcher.crop(picture.image, face) for face in shown])
    likely, none = choice.probabilities(vectors), _fits_none(choice, vectors, shown)
    opinions = {face.id: (row, fits) for face, row, fits in zip(shown, likely, none, strict=True)}
    faces = tuple(
        face.model_copy(update={"second_opinion": _opinion(choice, face, *opinions[face.id])})
        for face in analysis.faces
    )
    return analysis.model_copy(update={"faces": faces})


def model_probabilities(explanation: Explanation) -> list[float]:
    """The model's probabilities of the eight emotions, in their order.

    A model that gives none, as some endpoints do, counts as giving its label TRUSTED and sharing the rest among the
    others; that is an assumption, not a measurement.
    """
    if explanation.probabilities is not None:
        return [explanation.probabilities[emotion] for emotion in EMOTIONS]
    rest = (1 - TRUSTED) / (len(EMOTIONS) - 1)
    return [TRUSTED if emotion == explanation.emotion else rest for emotion in EMOTIONS]


def _fits_none(choice: Choice, vectors: Vectors, faces: Sequence[Face]) -> list[bool | None]:
    """Whether each face fits none of the emotions, by the rule the matcher brings; None where it brings none."""
    rule = unseen.rule(choice.matcher)
    if rule is None or not faces:
        return [None] * len(faces)
    units = np.array([[face.action_units[code].value for code in AU_CODES] for face in faces], np.float32)
    scores = unseen.scores(choice.logits(vectors), units, EMOTIONS)
    return [bool(each) for each in unseen.unfit(rule, scores)]


def _opinion(choice: Choice, face: FaceAnalysis, likely: Rows, none: bool | None) -> SecondOpinion:
    matcher = choice.matcher
    alone, reference = _reading(likely), f"{matcher.name}@{matcher.fingerprint}"
    if face.explanation is None:
        return SecondOpinion(
            matcher=reference, alone=alone, together=None, disagreement=None, differs=None, fits_none=none
        )
    model = model_probabilities(face.explanation)
    weights = matcher.facts.get("fusion", WEIGHTS)
    return SecondOpinion(
        matcher=reference,
        alone=alone,
        together=_reading(pooled((model, likely), (weights["model"], weights["matcher"]))),
        disagreement=float(divergence(model, likely)),
        differs=alone.emotion != face.explanation.emotion,
        fits_none=none,
    )


def _reading(likely: Rows) -> Reading:
    return Reading(
        emotion=EMOTIONS[int(likely.argmax())],
        probabilities={emotion: float(share) for emotion, share in zip(EMOTIONS, likely, strict=True)},
    )
