"""Answers worth looking at: wrong and sure of it, claims against the measurement, action units missed or invented.

They are shown in a page alone, with the pictures where those may be shown; Markdown and JSON have none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from facevlm import facs
from facevlm.errors import FaceVLMError
from facevlm.evaluation.report.facts import Report
from facevlm.evaluation.rows import FaceTruth, Row
from facevlm.reasoning import text
from facevlm.reasoning.report import cropped, data_url
from facevlm.types import FaceAnalysis

SIDE = 320  # px, the longest side of a picture in the page
SHOWN = 8  # of each kind


@dataclass(frozen=True)
class Case:
    """One face: what is true of it, what was said of it, and the picture as a model was shown it."""

    id: str
    picture: str | None  # a data URL
    truth: str
    answer: str
    interpretation: str
    claims: tuple[tuple[str, str], ...]  # what is claimed, and the verdict of the measurement
    units: str  # action units missed and invented, where the true ones are known
    raw: str  # what was written, where it could not be read


@dataclass(frozen=True)
class Cases:
    """Answers of one kind, the worst first, and how many there are in all."""

    title: str
    shown: tuple[Case, ...]
    total: int


@dataclass(frozen=True)
class _Face:
    row: Row
    truth: FaceTruth
    told: FaceAnalysis | None


def choose(report: Report, rows: Iterable[Row], pictures: bool, most: int = SHOWN) -> list[Cases]:
    """The kinds of errors of a run's heading condition, those that it has none of left out.

    Args:
        pictures: show the marked faces, where the rows say where they are.
        most: cases of each kind.
    """
    heading = [row for row in rows if row.condition == report.condition and row.draw == 0]
    faces = [_Face(row, truth, told) for row in heading for truth, told in _pairs(row)]
    kinds: tuple[tuple[str, Callable[[_Face], float]], ...] = (
        ("Wrong, and most sure of it", _sure_and_wrong),
        ("Claims that the measurement contradicts", _contradicted),
        ("Action units missed or invented", _units_wrong),
        ("No answer", _unanswered),
    )
    return [found for title, badness in kinds if (found := _worst(title, faces, badness, report, pictures, most)).shown]


def _pairs(row: Row) -> list[tuple[FaceTruth, FaceAnalysis | None]]:
    """A picture in which none is labelled and none was found is answered rightly, for all that is known."""
    return row.pairs() or ([(FaceTruth(), row.face)] if row.face or row.answer is None else [])


def _worst(
    title: str, faces: Sequence[_Face], badness: Callable[[_Face], float], report: Report, pictures: bool, most: int
) -> Cases:
    bad = sorted(((badness(face), face) for face in faces), key=lambda pair: -pair[0])
    kept = [face for score, face in bad if score > 0]
    return Cases(title, tuple(_case(face, report.run.marks, pictures) for face in kept[:most]), len(kept))


def _sure_and_wrong(face: _Face) -> float:
    told = face.told.explanation if face.told else None
    if told is None or face.truth.emotion in (None, told.emotion):
        return 0
    return told.probabilities[told.emotion] if told.probabilities else 0


def _contradicted(face: _Face) -> float:
    """How many claims are, those that are supported breaking ties."""
    verdicts = [check.verdict for check in face.told.checks] if face.told else []
    wrong = verdicts.count("contradicted")
    return wrong - verdicts.count("supported") / 100 if wrong else 0


def _units_wrong(face: _Face) -> float:
    missed, invented = _differences(face)
    return len(missed) + len(invented)


def _unanswered(face: _Face) -> float:
    return float(face.told is None or face.told.explanation is None)


def _differences(face: _Face) -> tuple[list[int], list[int]]:
    """Action units shown and not claimed, and coded as absent and claimed."""
    told = face.told.explanation if face.told else None
    if told is None or face.truth.units is None:
        return [], []
    claimed = {each.au for each in told.observations}
    missed = [code for code, label in face.truth.units.items() if label.present and code not in claimed]
    invented = [code for code, label in face.truth.units.items() if not label.present and code in claimed]
    return sorted(missed), sorted(invented)


def _case(face: _Face, marks: str, pictures: bool) -> Case:
    told = face.told.explanation if face.told else None
    claims = zip(told.observations, face.told.checks, strict=True) if told and face.told else ()
    return Case(
        id=face.row.id,
        picture=_picture(face, marks) if pictures else None,
        truth=_truth(face.truth),
        answer=_answer(face),
        interpretation=told.interpretation if told else "",
        claims=tuple((text.claim(observation), check.verdict) for observation, check in claims),
        units=_units_in_words(face),
        raw="" if told else "\n\n".join(face.row.raw),
    )


def _truth(truth: FaceTruth) -> str:
    votes = sorted((truth.votes or {}).items(), key=lambda vote: -vote[1])
    shares = ", ".join(f"{emotion} {text.percent(share)}" for emotion, share in votes if share)
    label = truth.emotion or truth.compound or ", ".join(truth.labels)
    return f"{label} (votes: {shares})" if shares else label


def _answer(face: _Face) -> str:
    if face.row.error:
        return face.row.error
    if face.told is None:
        return "the face was not found"
    return text.emotion(face.told) if face.told.explanation else face.told.error or "no answer"


def _units_in_words(face: _Face) -> str:
    missed, invented = _differences(face)
    told = (f"missed {_named(missed)}" if missed else "", f"invented {_named(invented)}" if invented else "")
    return "; ".join(filter(None, told))


def _named(codes: list[int]) -> str:
    return ", ".join(f"AU{code} {facs.unit(code).name}" for code in codes)


def _picture(face: _Face, marks: str) -> str | None:
    """The face as the marks show it; None where the picture is not to be had."""
    from facevlm.reasoning import seeing

    if face.row.image is None:
        return None
    try:
        seen = seeing.mark(seeing.find(face.row.image), marks, None)
    except FaceVLMError:
        return None
    image = seen.marked.image
    return data_url(cropped(image, face.told.box) if face.told else image, SIDE)
