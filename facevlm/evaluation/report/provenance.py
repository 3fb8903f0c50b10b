"""What made the figures, in words: data, model, prompt, versions, what was lost, what it cost, the exact command."""

from __future__ import annotations

from collections.abc import Sequence

from facevlm.evaluation.report import table
from facevlm.evaluation.report.facts import Report
from facevlm.evaluation.report.table import NONE, Table

_DIGITS = 12  # of a hash, as far as people compare them


def facts(reports: Sequence[Report]) -> Table:
    """The facts of every run, a column each."""
    told = [_facts(report) for report in reports]
    rows = tuple((name, *(each[name] for each in told)) for name in told[0])
    return Table("What was run", ("", *table.names(reports)), rows)


def lost(report: Report) -> str:
    """How many pictures the figures are of, and what of the data is not in them."""
    counts = report.run.counts
    told = [f"{counts.samples:,} pictures, {counts.done:,} of {counts.asked:,} answers"]
    told += [f"{counts.unanswered:,} more without an answer, left out"] if counts.unanswered else []
    told += [f"{counts.unparsable:,} could not be read and count as wrong"] if counts.unparsable else []
    told += [f"{counts.outside:,} faces of other classes left out"] if counts.outside else []
    told += [f"{count:,} lost: {reason}" for reason, count in report.why_lost.items()]
    return "; ".join(told)


def _facts(report: Report) -> dict[str, str]:
    run = report.run
    return {
        "suite": f"{run.suite.title} ({run.suite.name})",
        "data": " ".join(filter(None, (run.data.name, run.data.split, f"sha256 {run.data.sha256[:_DIGITS]}"))),
        "data differ from what is published": run.data.note or NONE,
        "answers": lost(report),
        "model": table.model(report) + (f" at {run.base_url}" if run.base_url else ""),
        "weights": f"sha256 {run.weights[:_DIGITS]}" if run.weights else NONE,
        "prompts": ", ".join(run.prompts.values()) or NONE,
        "marks": run.marks,
        "sampling": _sampling(report),
        "speed": _speed(report),
        "made": _when(report),
        "versions": ", ".join(f"{name} {version}" for name, version in run.versions.items()) or NONE,
    }


def _sampling(report: Report) -> str:
    run = report.run
    chosen = f"the first {run.limit:,}" if run.limit else "all"
    shuffled = f", shuffled by {run.shuffle}" if run.shuffle is not None else ""
    drawn = f"{run.draws} answers each at temperature {run.suite.temperature:g}" if run.draws > 1 else "greedy"
    return f"{chosen}{shuffled}; {drawn}; seed {run.seed}"


def _speed(report: Report) -> str:
    speed = report.speed
    if speed is None or speed.rate is None:
        return NONE
    told = f"{speed.rate:.1f} answers a second, {speed.seconds / 60:.1f} minutes in all"
    return f"{told}; one answer {speed.median:.2f} s, 95 % within {speed.slowest:.2f} s"


def _when(report: Report) -> str:
    ended = report.run.ended
    return f"{report.run.started:%Y-%m-%d %H:%M}" + ("" if ended else ", not ended: figures are of a part")
