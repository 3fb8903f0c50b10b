"""The answers of a run as metrics take them: for each labelled face what was said of it, one condition at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from facevlm.evaluation.metrics.attribution import Places
from facevlm.evaluation.rows import FaceTruth, Row
from facevlm.types import Emotion, FaceAnalysis


@dataclass(frozen=True)
class Answered:
    """One labelled face: what is true of it, and each answer about it, None where the face was not found."""

    id: str
    truth: FaceTruth
    draws: tuple[FaceAnalysis | None, ...]
    group: dict[str, str]
    places: Places | None = None  # where the regions of the first draw's face are, where that was kept

    @cached_property
    def face(self) -> FaceAnalysis | None:
        """The answer that counts: of several the first that says what most of them say."""
        said = [concluded(face) for face in self.draws]
        most = Counter(said).most_common(1)[0][0]
        return self.draws[said.index(most)]


@dataclass(frozen=True)
class Answers:
    """The labelled faces of one condition, and the pictures they are in."""

    condition: str
    of: tuple[Answered, ...]
    pictures: tuple[Row, ...]  # the first draw of each

    def __len__(self) -> int:
        return len(self.of)

    @property
    def faces(self) -> list[FaceAnalysis | None]:
        return [each.face for each in self.of]

    @property
    def truths(self) -> list[FaceTruth]:
        return [each.truth for each in self.of]

    @property
    def subjects(self) -> list[str] | None:
        """Who is in each, where it is known of all; a picture of several people stands for itself."""
        known = [each.group.get("subject") for each in self.of]
        if all(known):
            return [str(subject) for subject in known]
        return [each.id for each in self.of] if len({each.id for each in self.of}) < len(self.of) else None

    def where(self, group: dict[str, str]) -> Answers:
        """Those of a group."""
        of = tuple(each for each in self.of if group.items() <= each.group.items())
        pictures = tuple(row for row in self.pictures if group.items() <= row.group.items())
        return Answers(self.condition, of, pictures)

    def shared(self, other: Answers) -> tuple[Answers, Answers]:
        """The faces that both hold, in one order."""
        mine, theirs = self.by_place(), other.by_place()
        common = [place for place in mine if place in theirs]
        ids = {place[0] for place in common}
        return tuple(  # type: ignore[return-value]
            Answers(
                side.condition,
                tuple(places[place] for place in common),
                tuple(row for row in side.pictures if row.id in ids),
            )
            for side, places in ((self, mine), (other, theirs))
        )

    def by_place(self) -> dict[tuple[str, int], Answered]:
        """Each face by its picture and its number among the labelled ones there."""
        seen: Counter[str] = Counter()
        places = {}
        for each in self.of:
            places[each.id, seen[each.id]] = each
            seen[each.id] += 1
        return places


def answers(rows: Iterable[Row], condition: str) -> Answers:
    """The answers under one condition, by id: what is resampled then does not depend on which answer came first.
    Pictures that could not be read are left out."""
    draws: dict[str, list[Row]] = {}
    for row in rows:
        if row.condition == condition and row.answer is not None:
            draws.setdefault(row.id, []).append(row)
    each = [sorted(several, key=lambda row: row.draw) for _, several in sorted(draws.items())]
    of = tuple(face for several in each for face in _faces(several))
    return Answers(condition, of, tuple(several[0] for several in each))


def _faces(rows: Sequence[Row]) -> list[Answered]:
    """The labelled faces of one picture, each with the answers of all draws."""
    pairs = [row.pairs() for row in rows]
    first = rows[0]
    return [
        Answered(first.id, truth, tuple(draw[place][1] for draw in pairs), first.group, first.places.get(_id(face)))
        for place, (truth, face) in enumerate(pairs[0])
    ]


def _id(face: FaceAnalysis | None) -> int:
    return face.id if face else 0


def concluded(face: FaceAnalysis | None) -> Emotion | None:
    """The emotion concluded of a face; None where it was not found or told nothing of."""
    return face.explanation.emotion if face and face.explanation else None
