"""What is known of one face, as the evidence that sentences about it rest on."""

from __future__ import annotations

from collections.abc import Iterable

from facevlm import facs
from facevlm.agent.values import Evidence, Region
from facevlm.data.cot.presence import grade, present, seen, side, strength
from facevlm.faces.cues import cue_table
from facevlm.facs.tables import Place
from facevlm.types import Box, Face, FaceAnalysis, Landmarks

__all__ = ["grade", "of_unit", "of_units", "present", "regions", "seen", "side", "strength", "whole"]

LEAST = 4.0  # pixels that a region is wide and high at least, so that it can be seen


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
