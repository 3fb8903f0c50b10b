"""What a report is made of: the run, its figures, and what only its rows tell. It is the JSON of a report.

No picture, no label and no answer of a single sample is in it, so that it may be passed on where the data may not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

from pydantic import Field

from facevlm.evaluation import fairness, keeping, run, scores
from facevlm.evaluation.fairness import Fairness
from facevlm.evaluation.rows import Row
from facevlm.evaluation.run import Run
from facevlm.evaluation.scores import Score
from facevlm.types import Emotion, Explanation, Value

BINS = 15  # of sureness, as in Guo et al., ICML 2017
NO_ANSWER = "no answer"  # the face was not found, or what was written could not be read


class Confusion(Value):
    """How often labels were concluded of faces of each: `counts[i][j]`, truly `labels[i]`, concluded `columns[j]`."""

    labels: tuple[str, ...]
    columns: tuple[str, ...]  # the labels and «no answer»
    counts: tuple[tuple[int, ...], ...]


class Bin(Value):
    """Answers of about the same sureness: their mean sureness, the share that is right, and how many they are."""

    sure: float
    right: float
    n: int


class Speed(Value):
    """What answering cost. `seconds` is the wall time of the whole run, the others are of one answer."""

    answers: int
    seconds: float
    median: float
    slowest: float  # of nineteen in twenty answers

    @property
    def rate(self) -> float | None:
        """Answers a second."""
        return self.answers / self.seconds if self.seconds else None


class Report(Value):
    """One run as it is reported. Confusion and reliability, and the errors of a page, are of its first condition."""

    schema_version: str = "1"
    name: str  # of the run's folder
    run: Run
    scores: tuple[Score, ...]
    confusion: Confusion | None = None
    reliability: tuple[Bin, ...] = ()
    speed: Speed | None = None
    why_lost: dict[str, int] = Field(default_factory=dict)  # reason → pictures
    fairness: Fairness | None = None

    @property
    def condition(self) -> str:
        """The condition whose figures head the report."""
        return self.run.suite.conditions[0].name


class Answered(Value):
    """One labelled face of the heading condition, and what was concluded of it."""

    truth: Emotion
    explanation: Explanation | None


def read(folder: Path) -> tuple[Report, list[Row]]:
    """The report of a run's folder, and the rows it was made of.

    Raises:
        InputError: the folder holds no run, or one that is not scored.
    """
    of_run, figures = run.read(folder), tuple(scores.read(folder))
    rows = list(keeping.read(folder))
    heading = [row for row in rows if row.condition == of_run.suite.conditions[0].name and row.draw == 0]
    answered = list(_answered(heading, of_run.suite.emotions))
    report = Report(
        name=folder.resolve().name,
        run=_without_places(of_run),
        scores=figures,
        confusion=_confusion(answered, of_run.suite.emotions) if answered else None,
        reliability=tuple(_reliability(answered)),
        speed=_speed(rows, of_run.seconds) if rows else None,
        why_lost=dict(Counter(each.reason for each in of_run.counts.lost).most_common()),
        fairness=fairness.read(folder),
    )
    return report, rows


def _without_places(of_run: Run) -> Run:
    """The run without the folders of this machine and the names of single pictures."""
    place = of_run.data.place
    data = of_run.data.model_copy(update={"place": place and Path(place).name})
    suite = of_run.suite.model_copy(update={"heat": of_run.suite.heat and Path(of_run.suite.heat).name})
    counts = of_run.counts.model_copy(update={"lost": ()})
    return of_run.model_copy(update={"data": data, "suite": suite, "counts": counts})


def _answered(rows: Iterable[Row], labels: Sequence[Emotion]) -> Iterator[Answered]:
    for row in rows:
        for truth, face in row.pairs():
            if truth.emotion is not None and truth.emotion in labels:
                yield Answered(truth=truth.emotion, explanation=face.explanation if face else None)


def _confusion(answered: list[Answered], labels: Sequence[Emotion]) -> Confusion:
    pairs = Counter((each.truth, each.explanation.emotion if each.explanation else NO_ANSWER) for each in answered)
    concluded = {guess for _, guess in pairs}
    columns = (*labels, *sorted(concluded - {*labels, NO_ANSWER}), NO_ANSWER)
    return Confusion(
        labels=tuple(labels),
        columns=columns,
        counts=tuple(tuple(pairs[truth, guess] for guess in columns) for truth in labels),
    )


def _reliability(answered: list[Answered]) -> Iterator[Bin]:
    """The bins that hold an answer, by the probability of the emotion concluded."""
    binned: dict[int, list[tuple[float, bool]]] = {}
    for each in answered:
        if each.explanation and each.explanation.probabilities:
            sure = each.explanation.probabilities[each.explanation.emotion]
            place = min(int(sure * BINS), BINS - 1)
            binned.setdefault(place, []).append((sure, each.explanation.emotion == each.truth))
    for _, members in sorted(binned.items()):
        sures, rights = zip(*members, strict=True)
        yield Bin(sure=sum(sures) / len(members), right=sum(rights) / len(members), n=len(members))


def _speed(rows: list[Row], seconds: float) -> Speed:
    times = sorted(row.seconds for row in rows)
    return Speed(answers=len(rows), seconds=seconds, median=median(times), slowest=times[int(0.95 * (len(times) - 1))])
