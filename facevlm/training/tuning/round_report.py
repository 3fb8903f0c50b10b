"""What a round kept and what it did not, in figures and in words."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from facevlm.training.tuning.keeping import Judged
from facevlm.training.tuning.round_files import Annotation
from facevlm.types import EMOTIONS, Emotion, Value


class Seen(Value):
    """Of one emotion, how many faces were answered with it and how many of these are kept."""

    answered: int
    kept: int


class Accuracy(Value):
    """Among the faces whose label is known; None where there are none."""

    faces: int
    share: float | None


class Report(Value):
    """One round. `agreement` and `overlap` are means over the faces that were answered."""

    round: int
    model: str
    adapter: str | None
    pictures: int
    unreadable: int
    faces: int
    kept: int
    rows: int
    why_not: dict[str, int]
    agreement: float | None
    overlap: float | None
    emotions: dict[Emotion, Seen]
    right: Accuracy
    right_if_kept: Accuracy


def report(number: int, model: str, adapter: str | None, annotations: Sequence[Annotation]) -> Report:
    """The figures of one round."""
    faces = [face for each in annotations for face in each.faces]
    kept = [face for face in faces if face.kept]
    answered = [face for face in faces if face.emotion is not None]
    return Report(
        round=number,
        model=model,
        adapter=adapter,
        pictures=len(annotations),
        unreadable=sum(each.error is not None for each in annotations),
        faces=len(faces),
        kept=len(kept),
        rows=sum(len(each.kept) for each in annotations),
        why_not=dict(Counter(face.reason for face in faces if face.reason is not None).most_common()),
        agreement=_mean(face.agreement for face in answered),
        overlap=_mean(face.overlap for face in answered),
        emotions={emotion: _seen(emotion, answered) for emotion in EMOTIONS},
        right=_accuracy(faces),
        right_if_kept=_accuracy(kept),
    )


def markdown(told: Report) -> str:
    """The report as Markdown."""
    lines = [
        f"# Round {told.round}",
        "",
        f"{told.model}{f' + {told.adapter}' if told.adapter else ''}: {told.pictures} pictures, "
        f"{told.unreadable} of them not explained; {told.faces} faces, {told.kept} kept in {told.rows} rows.",
        "",
        f"Samples agree with the greedy answer on the emotion {_number(told.agreement)}, on the action units "
        f"{_number(told.overlap)} (mean share, mean Jaccard index).",
        "",
        f"Where the label is known: {_share(told.right)} right, of those kept {_share(told.right_if_kept)}.",
        "",
        "| not kept, because | faces |",
        "|---|---|",
        *(f"| {reason} | {count} |" for reason, count in told.why_not.items()),
        "",
        "An emotion that is answered and hardly kept is one that the next round forgets.",
        "",
        "| emotion | answered | of all answered | kept | of all kept |",
        "|---|---|---|---|---|",
        *(_row(emotion, seen, told) for emotion, seen in told.emotions.items()),
    ]
    return "\n".join(lines) + "\n"


def _row(emotion: str, seen: Seen, told: Report) -> str:
    answered = sum(each.answered for each in told.emotions.values())
    shares = (seen.answered / max(answered, 1), seen.kept / max(told.kept, 1))
    return f"| {emotion} | {seen.answered} | {shares[0]:.1%} | {seen.kept} | {shares[1]:.1%} |"


def _seen(emotion: Emotion, answered: Iterable[Judged]) -> Seen:
    own = [face for face in answered if face.emotion == emotion]
    return Seen(answered=len(own), kept=sum(face.kept for face in own))


def _accuracy(faces: Iterable[Judged]) -> Accuracy:
    known = [face.emotion == face.label for face in faces if face.label is not None]
    return Accuracy(faces=len(known), share=_mean(known))


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return round(statistics.fmean(found), 4) if found else None


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _share(accuracy: Accuracy) -> str:
    return "–" if accuracy.share is None else f"{accuracy.share:.1%} of {accuracy.faces}"
