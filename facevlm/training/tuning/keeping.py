"""Which of a model's own answers it may learn from: valid, supported by measurement, and what it says every time."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Sequence
from typing import Literal

from pydantic import Field

from facevlm.training.recipe import Part
from facevlm.types import Emotion, FaceAnalysis, Value

Reason = Literal[
    "no valid answer", "nothing observed", "claims not supported", "another emotion each time", "other units each time"
]


class Rules(Part):
    """What an answer has to meet to be kept."""

    samples: int = Field(4, gt=0, description="Answers sampled beside the greedy one.")
    temperature: float = Field(0.7, gt=0, description="Of sampling.")
    faithfulness: float = Field(1.0, ge=0, le=1, description="Least share of supported among the measurable claims.")
    coverage: float = Field(1.0, ge=0, le=1, description="Least share of measurable claims.")
    agreement: float = Field(0.75, ge=0, le=1, description="Least share of samples with the greedy answer's emotion.")
    overlap: float = Field(0.6, ge=0, le=1, description="Least mean Jaccard index of action units with the samples'.")


class Judged(Value):
    """One face's greedy answer, and why it is not kept; `reason` is None where it is."""

    face: int
    reason: Reason | None
    emotion: Emotion | None = None  # as answered
    label: Emotion | None = None  # as known beforehand
    units: tuple[int, ...] = ()
    agreement: float = 0.0
    overlap: float = 0.0

    @property
    def kept(self) -> bool:
        return self.reason is None


def judge(greedy: FaceAnalysis, samples: Sequence[FaceAnalysis | None], rules: Rules, label: Emotion | None) -> Judged:
    """The greedy answer about a face beside the sampled ones; a sample that is None or no answer agrees in nothing."""
    told = greedy.explanation
    if told is None:
        return Judged(face=greedy.id, reason="no valid answer", label=label)
    others = [each.explanation if each is not None else None for each in samples]
    units = _units(greedy)
    agreement = statistics.fmean(other is not None and other.emotion == told.emotion for other in others)
    overlap = statistics.fmean(
        jaccard(units, _units(each)) if each is not None and each.explanation else 0.0 for each in samples
    )
    return Judged(
        face=greedy.id,
        reason=_reason(greedy, agreement, overlap, rules),
        emotion=told.emotion,
        label=label,
        units=tuple(sorted(units)),
        agreement=round(agreement, 4),
        overlap=round(overlap, 4),
    )


def jaccard(one: Collection[int], other: Collection[int]) -> float:
    """Intersection over union of two sets; 1 where both are empty."""
    union = set(one) | set(other)
    return len(set(one) & set(other)) / len(union) if union else 1.0


def _reason(greedy: FaceAnalysis, agreement: float, overlap: float, rules: Rules) -> Reason | None:
    assert greedy.explanation is not None
    if not greedy.checks and greedy.explanation.emotion != "neutral":
        return "nothing observed"
    if greedy.checks and not _supported(greedy, rules):
        return "claims not supported"
    if agreement < rules.agreement:
        return "another emotion each time"
    return "other units each time" if overlap < rules.overlap else None


def _supported(greedy: FaceAnalysis, rules: Rules) -> bool:
    return (greedy.faithfulness or 0.0) >= rules.faithfulness and (greedy.coverage or 0.0) >= rules.coverage


def _units(face: FaceAnalysis) -> frozenset[int]:
    return frozenset(each.au for each in face.explanation.observations) if face.explanation else frozenset()
