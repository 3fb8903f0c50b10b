"""A run from its beginning to its end: what it is, what is asked, and what is written of it in its folder."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from facevlm.data.synth import recipe as recipes
from facevlm.data.synth.recipe import Recipe
from facevlm.errors import InputError, PrerequisiteError
from facevlm.evaluation import plan, provenance, run, running
from facevlm.evaluation.asking import Asker
from facevlm.evaluation.questions import Questions, digest
from facevlm.evaluation.run import Run
from facevlm.evaluation.running import Outcome, Pace, Tick
from facevlm.evaluation.suite import Marks, Suite
from facevlm.models import Model


@dataclass(frozen=True)
class Asked:
    """How a run was asked for."""

    model: str = "nano"
    adapter: str | None = None
    base_url: str | None = None
    seed: int = 0
    draws: int = 1
    limit: int | None = None
    shuffle: int | None = None
    command: str = ""


@dataclass(frozen=True)
class Session:
    """A run that has begun, or goes on."""

    run: Run
    asker: Asker
    questions: Questions
    folder: Path
    left_out: Mapping[str, str]  # conditions under which the model cannot be asked, and why


def adapted(suite: Suite, prompt: str | None, marks: Marks | None) -> Suite:
    """The suite with another prompt or other marks, where its conditions do not say their own.

    Raises:
        InputError: the suite cannot be run yet.
    """
    if suite.awaits:
        raise InputError(f"{suite.name}: cannot be run yet; {suite.awaits}")
    given = {"prompt": prompt, "marks": marks}
    return suite.model_copy(update={key: value for key, value in given.items() if value is not None})


def recipe(suite: Suite, rig: Path | None, most: int | None = None) -> Recipe | None:
    """The recipe of the faces that a suite renders for itself, of so many pictures at most; None where it needs none.

    Raises:
        PrerequisiteError: there is no face model to render with.
    """
    wanted = suite.pictures
    if wanted is None or wanted.recipe is None:
        return None
    if rig is None:
        how = f"with --data what `facevlm data synth --recipe {wanted.recipe}` made"
        raise PrerequisiteError(f"{suite.name}: asks about rendered faces; give a face model with --rig, or {how}")
    found = recipes.read(wanted.recipe, count=wanted.count, seed=wanted.seed)
    return found if most is None else found.model_copy(update={"count": min(most, found.count)})


def begin(suite: Suite, questions: Questions, model: Model, folder: Path, asked: Asked) -> Session:
    """Begin a run in a folder, or go on with the one that it holds.

    Raises:
        InputError: the folder holds another run, or cannot be written; or there is no such prompt.
    """
    asker = Asker(model, suite, asked.seed, sampled=asked.draws > 1)
    now = _described(suite, questions, asker, asked)
    if (folder / run.RUN).is_file():
        before = run.read(folder)
        provenance.agree(_enlarged(before, now) if _goes_further(before, questions) else before, now, folder)
        now = now.model_copy(update={"started": before.started, "seconds": before.seconds})
    elif (folder / run.ROWS).is_file():
        raise InputError(f"{folder}: holds rows and no {run.RUN}, so it is no whole run; give another --out")
    run.write(folder, now)
    return Session(now, asker, questions, folder, plan.left_out(suite, model))


def ask(session: Session, tick: Tick, in_flight: int = 16, patience: float = 0.0) -> Outcome:
    """Ask what is missing, and write how long it took.

    Args:
        in_flight, patience: of an endpoint, as `running.Pace` has them.

    Raises as `running.run` does.
    """
    started = time.monotonic()
    outcome = Outcome()
    try:
        outcome = running.run(
            session.run.suite, session.questions.items, session.asker, session.folder, tick,
            Pace.of(session.asker.model, in_flight, patience), session.run.draws,
        )  # fmt: skip
    finally:
        _end(session, outcome, time.monotonic() - started)
    return outcome


def _goes_further(before: Run, questions: Questions) -> bool:
    """Whether the pictures are those of the run before and more after them, and which there are does not matter to how
    each is asked about."""
    there = before.counts.samples
    alone = all(condition.told in ("own", "withheld") for condition in before.suite.conditions)
    return alone and there < len(questions.items) and digest(questions.items[:there]) == before.data.sha256


def _enlarged(before: Run, now: Run) -> Run:
    return before.model_copy(update={"limit": now.limit, "data": now.data})


def _described(suite: Suite, questions: Questions, asker: Asker, asked: Asked) -> Run:
    counts = run.Counts(samples=len(questions.items), outside=questions.outside, lost=tuple(questions.lost))
    return Run(
        suite=suite,
        data=questions.data,
        model=asker.model.name,
        adapter=asker.model.adapter,
        weights=provenance.weights(asker.model, asked.model, asked.adapter),
        base_url=asked.base_url,
        prompts=provenance.prompts(suite, asker),
        tables=provenance.tables(),
        marks=suite.marks,
        seed=asked.seed,
        draws=asked.draws,
        limit=asked.limit,
        shuffle=asked.shuffle,
        versions=provenance.versions(),
        command=asked.command,
        started=datetime.now(UTC),
        counts=counts,
    )


def _end(session: Session, outcome: Outcome, seconds: float) -> None:
    before = session.run
    counts = before.counts.model_copy(update={"asked": outcome.asked, "failed": outcome.failed})
    ended = datetime.now(UTC) if outcome.asked and not outcome.failed else None
    update = {"seconds": round(before.seconds + seconds, 2), "ended": ended, "counts": counts}
    run.write(session.folder, before.model_copy(update=update))
