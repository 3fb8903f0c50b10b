"""One row for each answer: what was asked about, what is true of it, what the model said. `rows.jsonl` holds them."""

from __future__ import annotations

from pydantic import Field

from facevlm.data.sample import UnitLabel
from facevlm.evaluation.metrics.attribution import Places
from facevlm.types import Analysis, Box, Emotion, FaceAnalysis, Value

IOU = 0.35  # from here on a face that was found is the labelled one


class FaceTruth(Value):
    """What is known of one face; None where the data set does not say."""

    box: Box | None = None  # None: the picture shows this one face
    emotion: Emotion | None = None
    votes: dict[Emotion, float] | None = None  # shares, summing to 1
    units: dict[int, UnitLabel] | None = None  # those coded; present, intensity, side
    compound: str | None = None
    text: str | None = None  # a reference explanation or description
    labels: tuple[str, ...] = ()  # open-vocabulary emotion words


class Truth(Value):
    """What is known of a picture."""

    faces: tuple[FaceTruth, ...] = ()
    count: int | None = None  # faces in the picture, where all of them are known

    @property
    def face(self) -> FaceTruth:
        """The first or only labelled face; one of which nothing is known where none is labelled."""
        return self.faces[0] if self.faces else FaceTruth()


class Row(Value):
    """One answer. `(id, condition, draw)` is unique in a run."""

    id: str
    condition: str
    draw: int = 0  # of several sampled answers to the same picture
    image: str | None = None  # path of the picture; None where the data set may not be shown
    group: dict[str, str] = Field(default_factory=dict)  # {"subject": …} and what else tells samples apart
    truth: Truth
    answer: Analysis | None = None  # None: the model failed on the whole picture, see `error`
    raw: tuple[str, ...] = ()  # what the model wrote, a text for each conversation
    places: dict[int, Places] = Field(default_factory=dict)  # by face id, where another condition greys them out
    error: str | None = None
    seconds: float = 0.0

    @property
    def key(self) -> tuple[str, str, int]:
        return self.id, self.condition, self.draw

    @property
    def face(self) -> FaceAnalysis | None:
        """The face that answers for `truth.face`: the largest, or the one in its box; None where it was not found."""
        return self.pairs()[0][1] if self.truth.faces else self._largest()

    def pairs(self) -> list[tuple[FaceTruth, FaceAnalysis | None]]:
        """Every labelled face with the one found in its place, each found face used once."""
        left = list(self.answer.faces) if self.answer else []
        return [(truth, _taken(truth.box, left)) for truth in self.truth.faces]

    def _largest(self) -> FaceAnalysis | None:
        return self.answer.faces[0] if self.answer and self.answer.faces else None


def _taken(box: Box | None, left: list[FaceAnalysis]) -> FaceAnalysis | None:
    """The face of a box, taken out of those that are left."""
    best = max(left, key=lambda face: box.iou(face.box) if box else face.box.area, default=None)
    if best is None or (box is not None and box.iou(best.box) < IOU):
        return None
    left.remove(best)
    return best
