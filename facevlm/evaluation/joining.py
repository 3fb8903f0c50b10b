"""A run made of the answers of `facevlm batch`, joined to the labels of a data set by id."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from facevlm.errors import InputError
from facevlm.evaluation import provenance, run
from facevlm.evaluation.keeping import Rows
from facevlm.evaluation.questions import Questions
from facevlm.evaluation.rows import Row
from facevlm.evaluation.run import Counts, Run
from facevlm.evaluation.suite import Suite
from facevlm.types import Analysis


class _Body(BaseModel):
    facevlm: Analysis | None = None
    error: Any = None


class _Response(BaseModel):
    status_code: int
    body: _Body


class _Result(BaseModel):
    custom_id: str
    response: _Response


def join(results: Path, suite: Suite, questions: Questions, folder: Path) -> None:
    """Write run.json and rows.jsonl of the answers that a batch gave about a suite's pictures, of its first condition.

    A picture that the batch could not answer is lost, one that it was not asked about is left out and counted.

    Raises:
        InputError: the file is not of `facevlm batch`, none of its ids is the data set's, or the folder holds a run.
    """
    if (folder / run.RUN).is_file():
        raise InputError(f"{folder}: holds a run already; give another --out")
    answered = dict(_results(results))
    items = [item for item in questions.items if item.id in answered]
    if not items:
        why = f"none of its {len(answered):,} ids is one of the data set"
        raise InputError(f"{results}: {why}; give the same ids to both")
    condition = suite.conditions[0]
    rows = []
    for item in items:
        body = answered[item.id]
        rows.append(
            Row(
                id=item.id, condition=condition.name, image=item.image, group=item.group, truth=item.truth,
                answer=body.facevlm, error=None if body.facevlm else f"not answered: {body.error}",
                seconds=body.facevlm.provenance.seconds if body.facevlm else 0.0,
            )
        )  # fmt: skip
    run.write(folder, _described(results, suite, questions, rows))
    file = Rows(folder)
    file.add(rows)
    file.close()


def _results(file: Path) -> Iterator[tuple[str, _Body]]:
    try:
        lines = file.read_bytes().split(b"\n")[:-1]
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); give the file `facevlm batch` wrote") from None
    for number, line in enumerate(lines, start=1):
        try:
            found = _Result.model_validate_json(line)
        except ValidationError:
            raise InputError(f"{file}: line {number} is no result of a batch; give the file that it wrote") from None
        yield found.custom_id, found.response.body


def _described(results: Path, suite: Suite, questions: Questions, rows: list[Row]) -> Run:
    told = next((row.answer.provenance for row in rows if row.answer), None)
    now = datetime.now(UTC)
    return Run(
        suite=suite.model_copy(update={"conditions": suite.conditions[:1]}),
        data=questions.data,
        model=told.model if told else "unknown",
        adapter=told.adapter if told else None,
        prompts={told.prompt.partition("@")[0]: told.prompt} if told else {},
        tables=provenance.tables(),
        marks=told.marks if told else suite.marks,
        versions=provenance.versions(),
        command=f"facevlm batch … {results.name}",
        started=now,
        ended=now,
        counts=Counts(
            samples=len(rows),
            unanswered=len(questions.items) - len(rows),
            asked=len(rows),
            lost=tuple(questions.lost),
            outside=questions.outside,
        ),
    )
