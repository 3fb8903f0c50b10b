"""Where a conclusion rests: the regions whose greying takes probability from it, as a map over the face, held against
the map of the action units; or a map of heat that the user made. All of it from rows, without picture and model.

The units of a face are those coded to show, or, where a data set codes none, those typical of what was concluded, as
in Belharbi et al. (FG 2024, arXiv 2402.00281); and, apart, those that the explanation claims. A neutral face has none
and does not count, nor does a region without which the face was not found or the answer could not be read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from facevlm import facs
from facevlm.errors import InputError
from facevlm.evaluation import tables
from facevlm.evaluation.answers import Answered, Answers, concluded
from facevlm.evaluation.metrics import attribution, measure
from facevlm.evaluation.metrics.attribution import Heat, Mask, Places, Region
from facevlm.evaluation.metrics.measure import Measure
from facevlm.evaluation.questions import shows
from facevlm.evaluation.suite import Suite
from facevlm.types import Emotion, FaceAnalysis

SIDE = 96  # pixels along the longer side of the maps of an occlusion

Maps = Sequence[tuple[Heat, Mask] | None]
Drops = Mapping[Region, float]


def occluded(suite: Suite, base: Answers, told: Mapping[str, Answers]) -> dict[str, Measure]:
    """How well the regions that the conclusions of `base` rest on point at the action units.

    Args:
        told: the answers with regions greyed out, and others, by condition.

    Returns:
        «cosine» and «IoU» with the units of the face («units») and with those claimed («claims»), and the cosine with
        the former of a map that is as hot everywhere: what knows nothing reaches that.
    """
    greyed = {unit: told[name].by_place() for name, unit in suite.greyed.get(base.condition, {}).items()}
    maps: list[tuple[Heat, Heat, dict[Region, Mask]] | None] = []
    for place, each in base.by_place().items():
        drops = _drops(each, {unit: others[place] for unit, others in greyed.items() if place in others})
        maps.append(_drawn(drops, each.places) if drops and each.places else None)
    units = [_units(suite, each) for each in base.of]
    claims = tables.claims(base)
    by_units = attribution.pointing(_against(maps, units, 0))
    by_claims = attribution.pointing(_against(maps, claims, 0))
    even = attribution.pointing(_against(maps, units, 1))
    return {
        "occlusion: cosine with units": measure.one(by_units, "cosine"),
        "occlusion: cosine of an even map": measure.one(even, "cosine"),
        "occlusion: IoU with units": measure.one(by_units, "IoU"),
        "occlusion: cosine with claims": measure.one(by_claims, "cosine"),
        "occlusion: IoU with claims": measure.one(by_claims, "IoU"),
    }


def lost(base: Answers, greyed: Answers) -> Measure:
    """The mean probability that the conclusions of `base` lose under a condition; both hold the same faces."""
    pairs = zip(base.of, greyed.of, strict=True)
    return measure.average([_drop(before.face, after.face) for before, after in pairs])


def heated(suite: Suite, base: Answers, folder: Path) -> dict[str, Measure]:
    """How well the user's own maps point at the action units: FOLDER/ID.npy, (h, w) as large as the picture or a
    fraction of it; a face without a map does not count.

    Raises:
        InputError: the folder is not there, a map is none, or the run did not keep where the regions are.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no folder of heat maps; give one with ID.npy for each picture")
    if not any(each.places for each in base.of):
        raise InputError(
            f"{suite.name}: its rows do not say where regions are; run the suite occlusion, or one with heat"
        )
    sizes = {row.id: row.answer.image.width for row in base.pictures if row.answer}
    found = [_heated(suite, each, folder / f"{each.id}.npy", sizes[each.id]) for each in base.of]
    both = attribution.pointing(found)
    return {f"heat map: {of} with units": measure.one(both, of) for of in both.of}


def _drops(base: Answered, greyed: Mapping[int, Answered]) -> dict[Region, float]:
    """What each region costs the conclusion; those of which that is not known left out."""
    by_unit = {unit: _drop(base.face, each.face) for unit, each in greyed.items()}
    drops = {region: by_unit[unit] for region in attribution.regions() for unit in region if unit in by_unit}
    return {region: drop for region, drop in drops.items() if not np.isnan(drop)}


def _drop(before: FaceAnalysis | None, after: FaceAnalysis | None) -> float:
    emotion = concluded(before)
    return np.nan if emotion is None else _chance(before, emotion) - _chance(after, emotion)


def _chance(face: FaceAnalysis | None, emotion: Emotion) -> float:
    """How probable an emotion is in an answer; of one without probabilities, whether it is the one concluded."""
    told = face.explanation if face else None
    if told is None:
        return np.nan
    return told.probabilities[emotion] if told.probabilities else float(told.emotion == emotion)


def _drawn(drops: Drops, places: Places) -> tuple[Heat, Heat, dict[Region, Mask]]:
    """The map of what regions cost, one that is as hot in all of them, and where they are."""
    masks = attribution.masks(places, *attribution.frame(places, SIDE))
    return attribution.heat(drops, masks), attribution.heat(dict.fromkeys(drops, 1.0), masks), masks


def _against(
    maps: Sequence[tuple[Heat, Heat, dict[Region, Mask]] | None], units: Sequence[Collection[int] | None], which: int
) -> Maps:
    """The maps that are known, each with that of units, where there are any."""
    pairs = zip(maps, units, strict=True)
    return [
        ((each[0], each[1])[which], attribution.unit_map(codes, each[2])) if each and codes else None
        for each, codes in pairs
    ]


def _heated(suite: Suite, face: Answered, file: Path, width: int) -> tuple[Heat, Mask] | None:
    units = _units(suite, face)
    if face.places is None or not units or not file.is_file():
        return None
    heat = _map(file)
    height, across = heat.shape
    masks = attribution.masks(face.places, (height, across), scale=across / width)
    return np.maximum(heat, 0), attribution.unit_map(units, masks)


def _map(file: Path) -> Heat:
    try:
        heat: Heat = np.load(file, allow_pickle=False).astype(np.float64)
    except (OSError, ValueError):
        raise InputError(f"{file}: no array of NumPy; write each map with numpy.save") from None
    if heat.ndim != 2 or not np.isfinite(heat).all():
        raise InputError(f"{file}: of shape {heat.shape}, or not all numbers; give (height, width) of the picture")
    return heat


def _units(suite: Suite, face: Answered) -> Collection[int]:
    if face.truth.units is not None:
        return [code for code, label in face.truth.units.items() if shows(label, suite)]
    emotion = concluded(face.face)
    return facs.typical(emotion) if emotion else ()
