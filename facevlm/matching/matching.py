"""Labels for the faces of a photograph: how well each fits, by a matcher, without a word written.

photo → faces, numbered as an analysis numbers them → plain crops → likeness to each label's texts → probabilities
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from facevlm.config import Settings
from facevlm.errors import InputError
from facevlm.faces.decode import Source
from facevlm.matching.distributions import Rows, softmax
from facevlm.matching.labels import Description, embedded, labels, shown
from facevlm.matching.matcher import Matcher, Vectors
from facevlm.reasoning.seeing import Found, find
from facevlm.types import Box, ImageInfo, Value


class FaceMatch(Value):
    """How well labels fit one face: their probabilities, which sum to 1; if it was asked, how true each is alone."""

    id: int
    box: Box
    score: float
    labels: dict[str, float]
    alone: dict[str, float] | None = Field(default=None, exclude_if=lambda value: value is None)


class Match(Value):
    """The answer for one photograph; `model_dump_json()` is the JSON of the interface."""

    image: ImageInfo
    faces: tuple[FaceMatch, ...]
    matcher: str  # name@first 12 hex digits of the sha256 of its weights


class Choice:
    """Labels among which a matcher chooses. Make one and ask it of many photographs.

    Args:
        matcher: the model.
        names: the labels; emotions by their name, any other as its user writes it.
        describe: whether an emotion is described by its names, by the action units typical of it, or by both.

    Raises:
        InputError: no labels, an empty one, two that are the same, or a word the matcher does not know.
    """

    def __init__(self, matcher: Matcher, names: Sequence[str], describe: Description = "names") -> None:
        chosen = labels(names, describe)
        self.matcher = matcher
        self.names = tuple(label.name for label in chosen)
        self._places = embedded(matcher, chosen)
        self._shown = shown(matcher, chosen)

    def logits(self, faces: Vectors) -> Rows:
        """(faces, labels) scale × cosine ÷ temperature.

        Args:
            faces: (faces, dim) vectors of the matcher.
        """
        found: Rows = (self.matcher.scale * faces @ self._places.T / self.matcher.temperature).astype(np.float64)
        return found

    def probabilities(self, faces: Vectors) -> Rows:
        """(faces, labels), each row summing to 1: the softmax of the logits."""
        return softmax(self.logits(faces))

    def alone(self, faces: Vectors) -> Rows:
        """(faces, labels) in 0–1: how true what each label shows is of each face, whatever the other labels are.

        Raises:
            InputError: the matcher was not trained to say that (SigLIP's sigmoid, Zhai et al. 2023).
        """
        if self.matcher.bias is None:
            raise InputError(f"{self.matcher.name}: compares labels and cannot judge one alone; leave --each out")
        logits = self.matcher.scale * faces @ self._shown.T + self.matcher.bias
        return 1 / (1 + np.exp(-logits.astype(np.float64)))


def match(
    matcher: Matcher,
    source: Source,
    names: Sequence[str],
    describe: Description = "names",
    *,
    each: bool = False,
    settings: Settings | None = None,
) -> Match:
    """How well labels fit every face of a photograph. Arguments as `Choice` and `matched` take them.

    Raises:
        InputError: the photograph cannot be read, or the labels cannot be asked.
    """
    return matched(Choice(matcher, names, describe), find(source, settings), each=each)


def matched(choice: Choice, found: Found, *, each: bool = False) -> Match:
    """How well the labels of a choice fit the faces found in a photograph, under the numbers they have there.

    Args:
        choice: the labels and the matcher.
        found: the photograph and its faces.
        each: also say how true each label is alone.

    Raises:
        InputError: `each` is asked of a matcher that cannot say it.
    """
    picture, matcher = found.picture, choice.matcher
    vectors = matcher.faces([matcher.crop(picture.image, face) for face in found.faces])
    alone = [_named(choice, row) for row in choice.alone(vectors)] if each else [None] * len(vectors)
    likely = [_named(choice, row) for row in choice.probabilities(vectors)]
    return Match(
        image=ImageInfo(**{name: getattr(picture, name) for name in ImageInfo.model_fields}),
        faces=tuple(
            FaceMatch(id=face.id, box=face.box, score=face.score, labels=shares, alone=true)
            for face, shares, true in zip(found.faces, likely, alone, strict=True)
        ),
        matcher=f"{matcher.name}@{matcher.fingerprint}",
    )


def _named(choice: Choice, row: Rows) -> dict[str, float]:
    return dict(zip(choice.names, map(float, row), strict=True))
