"""A run: what is missing of its rows is asked, many at a time, and each batch is written as it is answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from facevlm.batch.answering import LONGEST_PAUSE, PAUSE
from facevlm.errors import ModelError
from facevlm.evaluation import keeping, plan
from facevlm.evaluation.asking import Asker, Failed, Question, Ready
from facevlm.evaluation.keeping import Rows
from facevlm.evaluation.questions import Item
from facevlm.evaluation.rows import Row
from facevlm.evaluation.suite import Condition, Suite
from facevlm.models import Model
from facevlm.models.local import LocalModel

TOGETHER = 32  # pictures that a model in this process answers in one batch
IN_A_ROW = 16  # failures after which the model is taken to be broken

Tick = Callable[[int, int], object]  # rows that are done with, and of these how many were there before
Batch = list[Question]


@dataclass
class Outcome:
    """How many answers there should be, and how many the model failed to give."""

    asked: int = 0
    failed: int = 0
    why: str = ""  # the last failure


@dataclass(frozen=True)
class Pace:
    """How many pictures are answered together, how many such batches at once, how many threads ready them, and for how
    many seconds a batch is tried again whose model, having answered others, fails."""

    together: int
    in_flight: int
    readying: int
    patience: float = 0.0

    @classmethod
    def of(cls, model: Model, in_flight: int, patience: float = 0.0) -> Pace:
        """A model in this process answers batches one by one; an endpoint single pictures, so many at once."""
        if isinstance(model, LocalModel):
            return cls(TOGETHER, 1, 1)
        return cls(1, in_flight, 4, patience)


def run(
    suite: Suite, items: Sequence[Item], asker: Asker, folder: Path, tick: Tick, pace: Pace, draws: int = 1
) -> Outcome:
    """Ask what has no row yet.

    Args:
        folder: of the run; its rows are added to.
        tick: told of each batch.
        pace: how many at a time.
        draws: answers to each picture.

    Raises:
        InputError: the rows cannot be written.
        ModelError: the model failed so often in a row that going on makes no sense.
    """
    rows, outcome = Rows(folder), Outcome()
    try:
        for condition in suite.conditions:
            if condition.name not in plan.left_out(suite, asker.model):
                _ask(condition, items, asker, rows, tick, draws, pace, outcome)
    finally:
        rows.close()
    return outcome


def total(suite: Suite, items: Sequence[Item], asker: Asker, draws: int) -> int:
    """How many answers there will be, at most."""
    kept = len(suite.conditions) - len(plan.left_out(suite, asker.model))
    return kept * len(items) * draws


def _ask(
    condition: Condition,
    items: Sequence[Item],
    asker: Asker,
    rows: Rows,
    tick: Tick,
    draws: int,
    pace: Pace,
    outcome: Outcome,
) -> None:
    batches = []
    for questions in plan.asked(condition, items, draws, _base(condition, rows)):
        outcome.asked += len(questions)
        tick(there := sum(question.key in rows.keys for question in questions), there)
        batches += list(_missing(questions, rows, pace.together))
    in_a_row = 0
    for answered in _answered(asker, batches, pace):
        done = [each for each in answered if isinstance(each, Row)]
        failures = [each for each in answered if isinstance(each, Failed)]
        rows.add(done)
        in_a_row = 0 if done else in_a_row + len(failures)
        outcome.failed += len(failures)
        outcome.why = str(failures[-1].error) if failures else outcome.why
        tick(len(answered), 0)
        if in_a_row >= IN_A_ROW:
            raise ModelError(f"{outcome.why}; {in_a_row} pictures in a row failed so; run again to go on from here")


def _base(condition: Condition, rows: Rows) -> list[Row]:
    """The rows that a condition builds on."""
    if not condition.told.startswith("forced"):
        return []
    return [row for row in keeping.read(rows.path.parent) if row.condition == condition.of]


def _missing(questions: Sequence[Question], rows: Rows, together: int) -> Iterator[Batch]:
    """Batches as the whole of the questions falls into them, without those that have their row."""
    for start in range(0, len(questions), together):
        batch = [each for each in questions[start : start + together] if each.key not in rows.keys]
        if batch:
            yield batch


def _answered(asker: Asker, batches: Sequence[Batch], pace: Pace) -> Iterator[list[Row | Failed]]:
    """The answers to each batch as they come. Pictures are made ready while others are being answered."""
    readying = ThreadPoolExecutor(pace.readying, thread_name_prefix="facevlm-ready")
    answering = ThreadPoolExecutor(pace.in_flight, thread_name_prefix="facevlm-ask")
    waiting: set[Future[list[Row | Failed]]] = set()
    patient = _Patient(asker, pace.patience)
    try:
        for batch in batches:
            coming = readying.submit(asker.ready, batch)
            waiting.add(answering.submit(patient.answer, coming))
            if len(waiting) > pace.in_flight:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (each.result() for each in done)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (each.result() for each in done)
    finally:
        patient.ended.set()
        readying.shutdown(wait=False, cancel_futures=True)
        answering.shutdown(wait=True, cancel_futures=True)


class _Patient:
    """Asks an asker again, ever more slowly, what its model fails at after having answered, until `ended` is set."""

    def __init__(self, asker: Asker, seconds: float) -> None:
        self.ended = Event()
        self._asker, self._seconds = asker, seconds
        self._works = False  # a server that has never answered is not waited for

    def answer(self, coming: Future[list[Ready]]) -> list[Row | Failed]:
        batch = coming.result()
        pause, until = PAUSE, time.monotonic() + self._seconds
        while self._hopes(answers := self._asker.answer(batch)) and time.monotonic() + pause <= until:
            if self.ended.wait(pause):
                break
            pause = min(2 * pause, LONGEST_PAUSE)
        return answers

    def _hopes(self, answers: list[Row | Failed]) -> bool:
        failures = [each for each in answers if isinstance(each, Failed)]
        self._works = self._works or any(isinstance(each, Row) and each.raw for each in answers)
        return self._works and any(each.error.retry for each in failures)
