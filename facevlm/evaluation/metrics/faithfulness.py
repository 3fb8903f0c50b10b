"""Whether what is claimed of a face is so: against its measurement, and against true action units where they are known.

Faithfulness is always given with coverage and the number of claims: who claims little, or only what cannot be measured,
is seldom contradicted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facevlm.evaluation.metrics.measure import Measure, aligned, average, share, together
from facevlm.types import FaceAnalysis, Verdict

Bools = NDArray[np.bool_]


def verdicts(faces: Iterable[FaceAnalysis | None]) -> list[tuple[Verdict, ...]]:
    """What was found of the claims of each face; none are made of a face that was not found."""
    return [tuple(check.verdict for check in face.checks) if face else () for face in faces]


def measured(verdicts: Sequence[Sequence[Verdict]]) -> Measure:
    """«faithfulness», the share of measurable claims that measurement supports; «coverage», the share of claims that
    can be measured; «claims», how many are made of a face."""
    supported, contradicted, every = (
        np.array([sum(one in kinds for one in each) for each in verdicts], float) for kinds in _KINDS
    )
    return _beside(supported, supported + contradicted, every)


def true(claimed: ArrayLike, true: ArrayLike) -> Measure:
    """«faithfulness», the share of claims about coded units that are true; «coverage», the share of claims about coded
    units; «claims», how many are made of a face. (n, units) twice, `true` nan where a unit was not coded."""
    told, shown, known = _tables(claimed, true)
    return _beside((told & shown).sum(1), (told & known).sum(1), told.sum(1))


def hallucinated(claimed: ArrayLike, true: ArrayLike) -> Measure:
    """The share of claims about coded units that the face does not show."""
    told, shown, known = _tables(claimed, true)
    return share((told & known & ~shown).sum(1), (told & known).sum(1), better="lower")


def missed(claimed: ArrayLike, true: ArrayLike) -> Measure:
    """The share of units the faces show that are not claimed of them."""
    told, shown, _ = _tables(claimed, true)
    return share((shown & ~told).sum(1), shown.sum(1), better="lower")


def _beside(so: ArrayLike, checked: ArrayLike, every: ArrayLike) -> Measure:
    return together({"faithfulness": share(so, checked), "coverage": share(checked, every), "claims": average(every)})


def _tables(claimed: ArrayLike, true: ArrayLike) -> tuple[Bools, Bools, Bools]:
    """What is claimed, shown, and known, (n, units) bool each."""
    told, labels = np.asarray(claimed, bool), np.asarray(true, np.float64)
    aligned(claimed=told, true=labels)
    return told, labels > 0, ~np.isnan(labels)


_KINDS: tuple[tuple[Verdict, ...], ...] = (
    ("supported",),
    ("contradicted",),
    ("supported", "contradicted", "unmeasurable"),
)
