"""What is known of one face, as the evidence that sentences about it rest on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from facevlm import facs
from facevlm.agent.values import Evidence, Region
from facevlm.faces.action_units import THRESHOLDS
from facevlm.faces.cues import cue_table
from facevlm.facs.tables import Place
from facevlm.prompting.cues import APART
from facevlm.types import ActionUnit, Box, Face, FaceAnalysis, Intensity, Landmarks

LEAST = 4.0  # pixels that a region is wide and high at least, so that it can be seen


def strength(unit: ActionUnit | None) -> float | None:
    """How strong a unit is on the stronger side, 0–1; None where it was not measured."""
    known = [] if unit is None else [each for each in (unit.value, unit.left, unit.right) if each is not None]
    return max(known, default=None)


def present(face: Face, code: int) -> bool | None:
    """Whether a unit reaches the threshold that claims are checked at; None where it cannot be measured."""
    value = strength(face.action_units.get(code))
    return None if value is None else value >= THRESHOLDS[code]


def seen(face: Face) -> tuple[int, ...]:
    """The units that are there, the strongest first; of two that exclude each other the stronger alone."""
    codes = [code for code in face.action_units if present(face, code)]
    ranked = sorted(codes, key=lambda code: -(strength(face.action_units[code]) or 0))
    excluded = {max(pair.aus, key=ranked.index) for pair in facs.contradictions(ranked)}
    return tuple(code for code in ranked if code not in excluded)


def grade(face: Face, code: int) -> Intensity | None:
    """The letter of a unit's strength on this face."""
    value = strength(face.action_units.get(code))
    return None if value is None else facs.grade(value)


def side(face: Face, code: int) -> Literal["both", "left", "right"] | None:
    """The stronger side of a unit, «both» where they are alike; None where they were not measured apart."""
    unit = face.action_units.get(code)
    if unit is None or unit.left is None or unit.right is None:
        return None
    if abs(unit.left - unit.right) < APART:
        return "both"
    return "left" if unit.left > unit.right else "right"


def of_unit(picture: str, face: Face, code: int, told: FaceAnalysis | None = None) -> Evidence:
    """The evidence of one action unit; with what the explanation claims of it, where there is one."""
    unit = face.action_units.get(code)
    claim = next((each for each in told.checks if each.au == code), None) if told else None
    return Evidence(
        picture=picture, face=face.id, au=code, name=facs.unit(code).name,
        measured=strength(unit), left=unit.left if unit else None, right=unit.right if unit else None,
        claimed=claim.claimed if claim else None, side=claim.side if claim else side(face, code),
        verdict=claim.verdict if claim else None, present=present(face, code), cues=_cues(face, code),
        regions=regions(face.landmarks, code),
    )  # fmt: skip


def of_units(picture: str, face: Face, codes: Iterable[int], told: FaceAnalysis | None = None) -> tuple[Evidence, ...]:
    """The evidence of several; of the face as a whole where there are none."""
    each = tuple(of_unit(picture, face, code, told) for code in dict.fromkeys(codes))
    return each or (whole(picture, face, told),)


def whole(picture: str, face: Face, told: FaceAnalysis | None = None) -> Evidence:
    """The face as a whole: its box, and the emotion that the explanation reads from it."""
    box, explained = face.box, told.explanation if told else None
    outline = ((box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom))
    return Evidence(
        picture=picture, face=face.id, name=f"face {face.id}", emotion=explained.emotion if explained else None,
        regions=(Region(place="middle", box=box, outline=outline),),
    )  # fmt: skip


def regions(landmarks: Landmarks, code: int) -> tuple[Region, ...]:
    """Where a unit shows on a face, part by part."""
    parts: dict[Place, tuple[int, ...]] = facs.unit(code).region
    return tuple(_region(landmarks, place, points) for place, points in parts.items() if points)


def _region(landmarks: Landmarks, place: Place, points: tuple[int, ...]) -> Region:
    xy = landmarks.xy(*points)
    (left, top), (right, bottom) = xy.min(0).tolist(), xy.max(0).tolist()
    box = Box(x=left, y=top, width=max(right - left, LEAST), height=max(bottom - top, LEAST))
    return Region(place=place, box=box, outline=tuple(landmarks.outline(*points)))


def _cues(face: Face, code: int) -> dict[str, float]:
    return {cue.name: face.cues[cue.name] for cue in cue_table() if code in cue.aus and cue.name in face.cues}
