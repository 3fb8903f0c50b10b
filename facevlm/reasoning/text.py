"""An analysis in words: the phrases all reports share, Markdown, and rows for a table.

Faithfulness and coverage are never shown one without the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from facevlm import facs
from facevlm.prompting.cues import APART
from facevlm.types import INTENSITY_VALUES, Analysis, Check, FaceAnalysis, Observation, Reading, Verdict

COLUMNS: tuple[str, ...] = ("face", "emotion", "what it shows", "why", "agreement with measurement")

# A sign besides the word, so that no verdict rests on colour.
SIGNS: dict[Verdict, str] = {"supported": "✓", "contradicted": "✗", "unmeasurable": "?"}

FAR = 2  # grades between a claim and its measurement from which a supported claim is told to be off

LIMITS = (
    "This describes expressions: what can be seen on a face at one moment. It does not tell what a person feels, "
    "and it identifies no one."
)


def rows(analysis: Analysis) -> list[tuple[str, ...]]:
    """One row a face with the cells of COLUMNS, plain text; several lines in a cell where there are several claims."""
    return [_row(face) for face in analysis.faces]


def markdown(analysis: Analysis) -> str:
    """The analysis as Markdown; what a model wrote cannot add markup to it."""
    title = f"# {plain(Path(analysis.image.source).name)}"
    faces = [_markdown_face(face) for face in analysis.faces] or ["No face was found."]
    notes = [f"Note: {plain(note)}." for note in analysis.image.notes]
    return "\n\n".join([title, *notes, *faces, LIMITS, plain(provenance(analysis))]) + "\n"


def emotion(face: FaceAnalysis) -> str:
    """The emotion with its probability where one is known, and whether it stands out."""
    if face.explanation is None:
        return "no answer"
    told, likely = face.explanation.emotion, face.explanation.probabilities
    sure = "" if likely is None else f" {percent(likely[told])}"
    return f"{told}{sure}{', uncertain' if face.explanation.uncertain else ''}"


def claim(observation: Observation) -> str:
    """«AU12 lip corner puller, severe, left»; the side only of a one-sided claim."""
    side = "" if observation.side == "both" else f", {observation.side}"
    return f"AU{observation.au} {observation.name}, {facs.intensity_word(observation.intensity)}{side}"


def strengths(value: float | None, left: float | None, right: float | None, first: str = "both") -> str:
    """«0.42 on the right, 0.26 on the left»: the side `first`, else the stronger one first; «0.42» without sides."""
    sides = {"left": left, "right": right}
    known = {side: f"{number:.2f}" for side, number in sides.items() if number is not None}
    if not known:
        return "not measurable" if value is None else f"{value:.2f}"
    if len(known) == 2 and known["left"] == known["right"]:
        return f"{known['left']} on both sides"
    ordered = sorted(known, key=lambda side: (side == first, sides[side]), reverse=True)
    return ", ".join(f"{known[side]} on the {side}" for side in ordered)


def measured(check: Check, sides: Mapping[Literal["left", "right"], float | None]) -> str:
    """What a claim was held against: one number, or that of each side where they differ, and its grade where the claim
    is far off it; empty where nothing was.
    """
    left, right = sides.get("left"), sides.get("right")
    if check.measured is None:
        return ""
    apart = left is not None and right is not None and abs(left - right) >= APART
    told = strengths(check.measured, left, right, check.side) if apart else f"{check.measured:.2f}"
    return ", ".join(filter(None, (told, far_grade(check))))


def far_grade(check: Check) -> str:
    """The word for the measured grade of a claim that is supported but two grades off or more; else empty."""
    grade = None if check.measured is None else facs.grade(check.measured)
    if check.verdict != "supported" or grade is None:
        return ""
    grades = list(INTENSITY_VALUES)
    far = abs(grades.index(grade) - grades.index(check.claimed)) >= FAR
    return facs.intensity_word(grade) if far else ""


def agreement(face: FaceAnalysis) -> str:
    """Faithfulness and coverage in one phrase."""
    if face.coverage is None:
        return "no claim to check"
    if face.faithfulness is None:
        return "none of the claims could be measured"
    return f"faithfulness {percent(face.faithfulness)}, coverage {percent(face.coverage)}"


def second_opinion(face: FaceAnalysis) -> str:
    """What a matcher sees, what model and matcher say together, and whether they differ; empty without a matcher."""
    told = face.second_opinion
    if told is None:
        return ""
    sees = f"The matcher sees {_reading(told.alone)}{', though the face fits none well' if told.fits_none else ''}"
    if told.together is None:
        return f"{sees}."
    end = "they disagree" if told.differs else "they agree"
    return f"{sees}, together with the model {_reading(told.together)}; {end} (divergence {told.disagreement:.2f})."


def provenance(analysis: Analysis) -> str:
    """What produced the analysis, on one line."""
    made = analysis.provenance
    model = made.model if made.adapter is None else f"{made.model} + {made.adapter}"
    return f"FaceVLM {made.facevlm} · {model} · {made.prompt} · marks {made.marks} · {made.seconds:.2f} s"


def percent(share: float) -> str:
    """A share of one as a whole percentage; only certainty is 100 %, and only what cannot be 0 %."""
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


def _reading(told: Reading) -> str:
    return f"{told.emotion} {percent(told.probabilities[told.emotion])}"


def _row(face: FaceAnalysis) -> tuple[str, ...]:
    if face.explanation is None:
        return str(face.id), emotion(face), face.error or "", second_opinion(face), ""
    claims = zip(face.explanation.observations, face.checks, strict=True)
    shown = "\n".join(f"{SIGNS[check.verdict]} {claim(observation)}{_off(check)}" for observation, check in claims)
    why = "\n".join(filter(None, (face.explanation.interpretation, second_opinion(face))))
    return str(face.id), emotion(face), shown, why, agreement(face)


def _off(check: Check) -> str:
    grade = far_grade(check)
    return f" (measured: {grade})" if grade else ""


def _markdown_face(face: FaceAnalysis) -> str:
    if face.explanation is None:
        return "\n\n".join(filter(None, (f"## Face {face.id}", plain(face.error or ""), second_opinion(face))))
    parts = [
        f"## Face {face.id}: {emotion(face)}",
        _markdown_claims(face),
        plain(face.explanation.interpretation),
        plain(face.explanation.context or ""),
        second_opinion(face),
        f"Agreement with measurement: {agreement(face)}.",
        f"Quality: {', '.join(face.quality.flags)}." if face.quality.flags else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _markdown_claims(face: FaceAnalysis) -> str:
    if face.explanation is None or not face.explanation.observations:
        return ""
    lines = ["| claim | how it shows | measured | verdict |", "|---|---|---|---|"]
    for observation, check in zip(face.explanation.observations, face.checks, strict=True):
        told = measured(check, face.action_unit_sides.get(check.au, {})) or "–"
        verdict = f"{SIGNS[check.verdict]} {check.verdict}"
        lines.append(f"| {claim(observation)} | {plain(observation.evidence)} | {told} | {verdict} |")
    return "\n".join(lines)


def plain(text: str) -> str:
    """Foreign text on one line, with Markdown's and HTML's signs escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&!])", r"\\\1", " ".join(text.split()))
