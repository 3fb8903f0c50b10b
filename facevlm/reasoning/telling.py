"""An answer in Markdown that can be read while it is written.

Of a longer beginning of an answer each function gives a text that goes on from what it gave of a shorter one, as long
as the answer is JSON. What a model wrote cannot add markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from facevlm import facs
from facevlm.reasoning import text
from facevlm.reasoning.check import check_claim
from facevlm.reasoning.draft import Draft, claims, draft, finished
from facevlm.types import Analysis, Face, FaceAnalysis, Observation

Detail = Literal["low", "normal", "high"]


def answer(written: str) -> str:
    """The answer to a question, as far as it is written."""
    return text.plain(_text(draft(written), "answer"))


def face(written: str, about: Face, detail: Detail) -> str:
    """What is told of one face, as far as it is written."""
    return _face(draft(written), finished(written), about, detail)


def scene(written: str, faces: Mapping[int, Face], detail: Detail) -> str:
    """What is told of every face of a picture, as far as it is written. Faces that were not drawn are passed over."""
    drafts, sure = _faces(draft(written)), _faces(finished(written))
    parts = []
    for place, told in enumerate(drafts):
        known = sure[place] if place < len(sure) else {}
        identity = told.get("id") if len(told) > 1 else None  # a number that stands last may go on
        if type(identity) is int and identity in faces:
            parts.append(_face(told, known, faces[identity], detail))
    return "\n\n".join(parts)


def closing(analysis: Analysis, detail: Detail) -> str:
    """What follows the faces: how sure each emotion is and how far it agrees with measurement, and the limits."""
    summary = "\n".join(f"- {_summary(each)}" for each in analysis.faces) or "No face was found."
    tables = [_measured(each) for each in analysis.faces] if detail == "high" else []
    notes = [f"Note: {text.plain(note)}." for note in analysis.image.notes]
    return "\n\n".join([summary, *tables, *notes, text.LIMITS])


def _face(told: Draft, known: Draft, about: Face, detail: Detail) -> str:
    """Heading and fields in the order in which they are written."""
    parts = [f"## Face {about.id}"]
    for field in told:
        match field:
            case "observations":
                parts += ["\n".join(_claim(each, about, detail) for each in claims(known))]
            case "interpretation" | "context":
                parts += [text.plain(_text(told, field))]
            case "emotion" if isinstance(known.get("emotion"), str):
                parts += [f"Expression: **{text.plain(known['emotion'])}**"]
    return "\n\n".join(part for part in parts if part)


def _claim(observation: Observation, about: Face, detail: Detail) -> str:
    checked, unit = check_claim(observation, about), about.action_units.get(observation.au)
    measured = text.measured(checked, {} if unit is None else {"left": unit.left, "right": unit.right})
    evidence = f": {text.plain(observation.evidence)}" if detail != "low" else ""
    held = f"{checked.verdict}, measured {measured}" if measured else checked.verdict
    return f"- {text.claim(observation)}{evidence} ({text.SIGNS[checked.verdict]} {held})"


def _summary(told: FaceAnalysis) -> str:
    if told.explanation is None:
        return f"Face {told.id}: no explanation, {text.plain(told.error or '')}"
    flags = f"; {', '.join(told.quality.flags)}" if told.quality.flags else ""
    return f"Face {told.id}: {text.emotion(told)}; {text.agreement(told)}{flags}"


def _measured(told: FaceAnalysis) -> str:
    lines = [f"| face {told.id}: measured | both | left | right |", "|---|---|---|---|", *_rows(told)]
    return "\n".join(lines)


def _rows(told: FaceAnalysis) -> Iterator[str]:
    for code, value in told.action_units.items():
        sides = told.action_unit_sides.get(code, {})
        shown = (value, sides.get("left"), sides.get("right"))
        cells = " | ".join("–" if each is None else f"{each:.2f}" for each in shown)
        yield f"| AU{code} {facs.unit(code).name} | {cells} |"


def _faces(told: Draft) -> list[Draft]:
    faces = told.get("faces")
    return [each for each in faces if isinstance(each, dict)] if isinstance(faces, list) else []


def _text(told: Draft, field: str) -> str:
    written = told.get(field)
    return written if isinstance(written, str) else ""
