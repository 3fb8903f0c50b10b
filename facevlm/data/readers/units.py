"""Action units as data sets write them, made ours: AU12, «12», grades A–E, grades 1–5, strengths from 0 to 1."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from facevlm import facs
from facevlm.data.sample import UnitLabel
from facevlm.types import AU_CODES, INTENSITY_VALUES, Intensity

ABSENT = UnitLabel(present=False)
PRESENT = UnitLabel(present=True)

_GRADED = {letter: UnitLabel(present=True, intensity=letter) for letter in get_args(Intensity)}
_BY_NUMBER = dict(enumerate(_GRADED.values(), start=1))  # 1 is A, 5 is E


def graded(number: int) -> UnitLabel:
    """A grade from 1 to 5 as FACS coders write it in numbers. Raises ValueError for any other."""
    if number not in _BY_NUMBER:
        raise ValueError(f"intensity {number} is not a grade; 1 to 5 are")
    return _BY_NUMBER[number]


def code(text: object) -> int:
    """The number of an action unit written 12, «12», «AU12» or «au_12». Raises ValueError."""
    found = re.fullmatch(r"(?:au[\s_]*)?0*(\d{1,2})", str(text).strip(), re.IGNORECASE)
    if found is None:
        raise ValueError(f"{text!r} is not an action unit; write 12 or AU12")
    return int(found[1])


def labels(given: object) -> dict[int, UnitLabel]:
    """Action units as a user writes them: a list of those present, or a mapping from unit to a grade A–E, a strength
    from 0.0 to 1.0, or whether it is present (true, false, 1, 0). Raises ValueError."""
    if isinstance(given, Mapping):
        return {code(unit): _label(value) for unit, value in given.items()}
    if isinstance(given, list):
        return {code(unit): PRESENT for unit in given}
    raise ValueError(f"aus {given!r} are neither a list nor a mapping")


def known(coded: Mapping[int, UnitLabel]) -> tuple[dict[int, UnitLabel] | None, dict[str, Any]]:
    """The units FaceVLM speaks of, None where there are none, and as details those present that it does not."""
    ours = {unit: label for unit, label in coded.items() if unit in AU_CODES}
    others = {str(unit): label.intensity for unit, label in coded.items() if unit not in AU_CODES and label.present}
    return ours or None, {"other_aus": others} if others else {}


def complete(present: Mapping[int, UnitLabel]) -> dict[int, UnitLabel]:
    """Whole FACS coding: what was not coded as present is absent."""
    return {unit: ABSENT for unit in AU_CODES} | dict(present)


def mentioned(text: str) -> Iterable[int]:
    """The action units a text names as AU and a number."""
    return sorted({int(unit) for unit in re.findall(r"\bAU\s?(\d{1,2})\b", text)})


def _label(value: object) -> UnitLabel:
    if isinstance(value, str) and value.upper() in INTENSITY_VALUES:
        return _GRADED[value.upper()]
    if isinstance(value, bool) or (value in (0, 1) and isinstance(value, int)):
        return PRESENT if value else ABSENT
    if isinstance(value, float) and 0 <= value <= 1:
        letter = facs.grade(value)
        return _GRADED[letter] if letter else ABSENT
    raise ValueError(f"intensity {value!r} is unknown; write A to E, 0.0 to 1.0, true or false")
