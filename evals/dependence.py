"""Whether a conclusion depends on the observations: those of another face are forced on a model, which then goes on.

Forced is the answer up to where the interpretation begins; cues and pixels stay the face's own, so both speak against
the foreign observations. The control forces the face's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import variations
from answers import Asking, Pictures, Told, tell

from facevlm.evaluation.intervals import Line, share
from facevlm.evaluation.variations import beginning
from facevlm.models import Model
from facevlm.models.local import LocalModel
from facevlm.prompting import Prompt
from facevlm.types import EMOTIONS, Emotion, Explanation

PAIRS = 500


@dataclass(frozen=True)
class Pair:
    """A face, the face whose observations are forced on it, and that one's label."""

    face: Told
    donor: Told
    label: Emotion


def lines(
    asking: Asking, pictures: Pictures, told: Sequence[Told], labels: Mapping[str, int], work: Path
) -> Iterator[Line]:
    """How often the conclusion changes with the observations, and how often it follows them."""
    chosen = pairs(told, labels)
    after = _concluded(asking, pictures, work, {pair.face.id: beginning(_explanation(pair.donor)) for pair in chosen})
    control = _concluded(asking, pictures, work, {pair.face.id: beginning(_explanation(pair.face)) for pair in chosen})
    for name, value, least in counted(chosen, after, control):
        yield name, share(value, len(chosen)), least


def pairs(told: Sequence[Told], labels: Mapping[str, int], count: int = PAIRS) -> list[Pair]:
    """Faces by a fixed seed, each with another of a different label; only pictures of exactly one explained face."""
    usable = [each for each in told if each.found == 1 and each.face and each.face.explanation]
    rng = np.random.default_rng(0)
    chosen = [usable[place] for place in rng.permutation(len(usable))[:count]]
    return [_pair(face, usable, labels, rng) for face in chosen]


def counted(
    chosen: Sequence[Pair], after: Sequence[Emotion | None], control: Sequence[Emotion | None]
) -> Iterator[tuple[str, int, str]]:
    """What is said of how many pairs; an answer that cannot be read, None, neither changes nor follows anything."""
    before = [_explanation(pair.face).emotion for pair in chosen]
    others = [_explanation(pair.donor).emotion for pair in chosen]
    forced = f"another label's observations forced, {len(chosen)} pairs: "
    yield forced + "answers that can be read", sum(each is not None for each in after), "reported"
    yield forced + "the conclusion changes", _unlike(after, before), "0.60"
    labels = [pair.label for pair in chosen]
    yield forced + "it becomes the other's label", _alike(after, before, labels), "reported"
    yield forced + "it becomes what was concluded of the other", _alike(after, before, others), "reported"
    yield "control, its own observations forced: the conclusion changes", _unlike(control, before), "reported"


def _unlike(after: Sequence[Emotion | None], before: Sequence[Emotion]) -> int:
    return sum(new is not None and new != old for new, old in zip(after, before, strict=True))


def _alike(after: Sequence[Emotion | None], before: Sequence[Emotion], wanted: Sequence[Emotion]) -> int:
    return sum(new == want != old for new, want, old in zip(after, wanted, before, strict=True))


def _pair(face: Told, usable: Sequence[Told], labels: Mapping[str, int], rng: np.random.Generator) -> Pair:
    others = [each for each in usable if labels[each.id] != labels[face.id]]
    donor = others[rng.integers(len(others))]
    return Pair(face, donor, EMOTIONS[labels[donor.id]])


def _concluded(asking: Asking, pictures: Pictures, work: Path, begun: Mapping[str, str]) -> list[Emotion | None]:
    """What is concluded of each picture once its answer begins as given."""
    name = hashlib.sha256(repr(sorted(begun.items())).encode()).hexdigest()[:8]

    def retell(model: Model, prompt: Prompt, ids: Sequence[str]) -> Model:
        assert isinstance(model, LocalModel)
        return variations.Forced(model, iter([begun[each] for each in ids]))

    told = tell(replace(asking, told=f"forced-{name}"), pictures.of(list(begun)), work, retell)
    return [each.face.explanation.emotion if each.face and each.face.explanation else None for each in told]


def _explanation(told: Told) -> Explanation:
    assert told.face is not None and told.face.explanation is not None  # `pairs` takes no others
    return told.face.explanation
