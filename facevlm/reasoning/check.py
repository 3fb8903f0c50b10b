"""An explanation held against what was measured on the same face."""

from __future__ import annotations

from facevlm.faces.action_units import THRESHOLDS
from facevlm.prompting.cues import APART
from facevlm.types import ActionUnit, Check, Explanation, Face, Observation, Verdict

_UNMEASURABLE: Verdict = "unmeasurable"


def check(explanation: Explanation, face: Face) -> tuple[tuple[Check, ...], float | None, float | None]:
    """Holds every claim against the measurement of its action unit on that face.

    Returns:
        The checks in the order of the claims; faithfulness, supported ÷ (supported + contradicted), None where nothing
        could be measured; coverage, measurable ÷ claims, None without claims.
    """
    checks = tuple(check_claim(claim, face) for claim in explanation.observations)
    measurable = [each for each in checks if each.verdict != "unmeasurable"]
    supported = [each for each in measurable if each.verdict == "supported"]
    return checks, _ratio(len(supported), len(measurable)), _ratio(len(measurable), len(checks))


def check_claim(claim: Observation, face: Face) -> Check:
    """One claim held against the measurement of its action unit."""
    unit = face.action_units.get(claim.au)
    measured, verdict = (None, _UNMEASURABLE) if unit is None else _held_against(claim, unit)
    return Check(au=claim.au, claimed=claim.intensity, side=claim.side, measured=measured, verdict=verdict)


def _held_against(claim: Observation, unit: ActionUnit) -> tuple[float | None, Verdict]:
    """The measurement a claim speaks of, and what follows: of the side it names, or of the one at rest of both."""
    if unit.value is None:
        return None, _UNMEASURABLE
    if claim.side == "both":
        weaker = min(each for each in (unit.value, unit.left, unit.right) if each is not None)
        verdict = _verdict(claim.au, weaker)
        return (unit.value if verdict == "supported" else weaker), verdict
    if unit.left is None or unit.right is None:
        return None, _UNMEASURABLE
    here, there = (unit.left, unit.right) if claim.side == "left" else (unit.right, unit.left)
    return here, _verdict(claim.au, here) if here - there >= APART else "contradicted"


def _verdict(code: int, value: float) -> Verdict:
    return "supported" if value >= THRESHOLDS[code] else "contradicted"


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
