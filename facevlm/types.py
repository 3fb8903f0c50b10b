"""The values that pass from step to step: photograph → faces → marks → conversations → explanations → analysis.

Coordinates are pixels of the original picture (after its EXIF orientation), x to the right, y down.
Left and right of a face are the person's own. This module knows no other module of the package.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

Emotion = Literal["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]
EMOTIONS: tuple[Emotion, ...] = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
)

Intensity = Literal["A", "B", "C", "D", "E"]
INTENSITY_VALUES: dict[Intensity, float] = {"A": 0.1, "B": 0.3, "C": 0.5, "D": 0.7, "E": 0.9}

Side = Literal["both", "left", "right"]
Verdict = Literal["supported", "contradicted", "unmeasurable"]

# The action units FaceVLM speaks of. 43 is eyes closed.
AU_CODES: tuple[int, ...] = (
    1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 18, 20, 22, 23, 24, 25, 26, 27, 28, 43,
)  # fmt: skip

SCHEMA_VERSION = "1"


class Value(BaseModel):
    """A frozen value."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Box(Value):
    """A rectangle in pixels of the picture; x and y are of its upper left corner."""

    x: float
    y: float
    width: float = Field(gt=0)
    height: float = Field(gt=0)

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def area(self) -> float:
        return self.width * self.height

    def intersection(self, other: Box) -> float:
        """Area shared with another box, in square pixels."""
        width = min(self.right, other.right) - max(self.x, other.x)
        height = min(self.bottom, other.bottom) - max(self.y, other.y)
        return max(width, 0.0) * max(height, 0.0)

    def iou(self, other: Box) -> float:
        """Intersection over union with another box, 0–1."""
        shared = self.intersection(other)
        return shared / (self.area + other.area - shared)


class Landmarks(Value):
    """The 478 points of MediaPipe's face mesh with irises."""

    points: NDArray[np.float32]  # (478, 3): x, y in pixels of the picture, z in the same unit, smaller is nearer

    def xy(self, *indices: int) -> NDArray[np.float32]:
        """The picture positions of some landmarks, (n, 2) float32."""
        chosen: NDArray[np.float32] = self.points[list(indices), :2]
        return chosen

    def outline(self, *indices: int) -> list[tuple[float, float]]:
        """The corners of the convex hull of some landmarks, in order, x and y in pixels of the picture."""
        import cv2

        return [(x, y) for x, y in cv2.convexHull(self.xy(*indices))[:, 0].tolist()]


class Pose(Value):
    """Head rotation in degrees. Positive yaw is towards the person's left, pitch up, roll to their right shoulder."""

    yaw: float
    pitch: float
    roll: float


class Quality(Value):
    """How far a face can be trusted: 1 is a sharp, large, frontal, whole face; flags name what lowers it."""

    score: float = Field(ge=0, le=1)
    flags: tuple[str, ...] = ()


class ActionUnit(Value):
    """One action unit as measured on one face, 0–1; None where this face does not let it be measured."""

    code: int
    value: float | None
    left: float | None = None
    right: float | None = None


class Face(Value):
    """One face found in a photograph. `id` is 0 until `marks.number` gives it one."""

    id: int = 0
    box: Box
    score: float
    landmarks: Landmarks
    pose: Pose
    quality: Quality
    cues: dict[str, float] = Field(default_factory=dict)  # name → standard deviations from a resting face
    action_units: dict[int, ActionUnit] = Field(default_factory=dict)


class Picture(Value):
    """A decoded photograph: upright RGB pixels and where they came from."""

    image: Image.Image
    source: str
    sha256: str
    notes: tuple[str, ...] = ()  # what a user should know of how it was read, e.g. «first of 12 frames»

    @property
    def width(self) -> int:
        return self.image.width

    @property
    def height(self) -> int:
        return self.image.height


class MarkedImage(Value):
    """The picture with its marks drawn, and the faces they stand for, numbered from 1 by area."""

    image: Image.Image
    faces: tuple[Face, ...]
    variant: str


class Turn(Value):
    """One message to a model. Images come before the text, so that prefix caches hit."""

    role: Literal["system", "user", "assistant"]
    text: str
    images: tuple[Image.Image, ...] = ()


class Conversation(Value):
    """What a model is asked, and the JSON schema its answer must follow."""

    turns: tuple[Turn, ...]
    answer_schema: dict[str, Any] | None = None
    max_tokens: int = 512


@dataclass(frozen=True)
class Generation:
    """What a model wrote. `probabilities` are those of the eight emotions where the answer first commits to one;
    `commitments` the same at every such place, in order, for an answer about several faces. `cut`: the limit on tokens
    ended it."""

    text: str
    probabilities: dict[Emotion, float] | None = None
    reasoning: str | None = None
    usage: dict[str, int] = field(default_factory=dict)
    commitments: tuple[dict[Emotion, float] | None, ...] = ()
    cut: bool = False


class Observation(Value):
    """One claim of the explanation: this action unit, this strong, on this side, and how it shows."""

    au: int
    name: str
    intensity: Intensity
    side: Side = "both"
    evidence: str = ""


class Explanation(Value):
    """What the model says of one face: observations first, then what they mean, then the emotion read from them."""

    observations: tuple[Observation, ...]
    interpretation: str
    emotion: Emotion
    context: str | None = None  # what body, scene and other people add; kept apart from the face's own evidence
    probabilities: dict[Emotion, float] | None = None
    uncertain: bool = False


class Check(Value):
    """One claim held against the measurement of the same action unit on the same face."""

    au: int
    claimed: Intensity
    side: Side
    measured: float | None
    verdict: Verdict


class Reading(Value):
    """An emotion as read by something that gives all of them a probability: the likeliest, and how likely each is."""

    emotion: Emotion
    probabilities: dict[Emotion, float]


class SecondOpinion(Value):
    """What a matcher sees on a face the model explained. What compares the two is null where there is no explanation.

    `disagreement` is the divergence of Jensen and Shannon between the two, in bits: 0 where they say the same, 1 where
    they share nothing. `differs` says whether they name different emotions. `fits_none` says whether the face fits none
    of the eight emotions, null where the matcher brings no rule for that.
    """

    matcher: str  # name@first 12 hex digits of the sha256 of its weights
    alone: Reading
    together: Reading | None  # model and matcher, fused
    disagreement: float | None
    differs: bool | None
    fits_none: bool | None = None


class FaceAnalysis(Value):
    """Everything said and measured of one face. Exactly one of `explanation` and `error` is set."""

    id: int
    box: Box
    score: float
    pose: Pose
    quality: Quality
    action_units: dict[int, float | None]
    action_unit_sides: dict[int, dict[Literal["left", "right"], float | None]]
    explanation: Explanation | None
    checks: tuple[Check, ...]
    faithfulness: float | None
    coverage: float | None
    error: str | None = None
    second_opinion: SecondOpinion | None = Field(default=None, exclude_if=lambda value: value is None)


class ImageInfo(Value):
    """What an analysis tells of its photograph."""

    source: str
    width: int
    height: int
    sha256: str
    notes: tuple[str, ...] = ()


class Provenance(Value):
    """What produced an analysis, enough to repeat it."""

    facevlm: str
    model: str
    adapter: str | None
    prompt: str  # name@first 12 hex digits of the template's sha256
    marks: str = "landmarks"
    seconds: float


class Analysis(Value):
    """The answer for one photograph; `model_dump_json()` is the JSON of the interface."""

    schema_version: str = SCHEMA_VERSION
    image: ImageInfo
    faces: tuple[FaceAnalysis, ...]
    provenance: Provenance
    marked: MarkedImage | None = Field(default=None, exclude=True, repr=False)  # for reports; never serialised
