"""Which faces are marked, and their numbers: the rule of Set-of-Vision prompting (arXiv 2410.02244)."""

from __future__ import annotations

from collections.abc import Sequence

from facevlm.types import Box, Face


def number(faces: Sequence[Face], overlap: float = 0.5) -> tuple[Face, ...]:
    """The faces that are kept, largest first, with ids 1, 2, 3, … in that order.

    A face is dropped where it shares more than `overlap` of the smaller box with a larger face that is kept. Faces of
    equal area are taken from top to bottom, then from left to right.
    """
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: (-face.box.area, face.box.y, face.box.x)):
        if all(_shared(face.box, larger.box) <= overlap for larger in kept):
            kept.append(face)
    return tuple(face.model_copy(update={"id": index}) for index, face in enumerate(kept, start=1))


def _shared(smaller: Box, larger: Box) -> float:
    return smaller.intersection(larger) / min(smaller.area, larger.area)
