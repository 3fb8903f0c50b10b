"""The leaderboard and the README's table of figures, from the reports that are committed: `make leaderboard`.

    python evals/leaderboard.py             # writes evals/leaderboard.md, evals/leaderboard.json and the README's table

A report of `facevlm eval report` is committed as `evals/reports/NAME/report.json` and `report.md`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from facevlm.errors import InputError
from facevlm.evaluation.report import Report, committed, markdown, table
from facevlm.evaluation.scores import Score

EVALS = Path(__file__).parent
REPORTS, ROWS, README = EVALS / "reports", EVALS / "leaderboard.yaml", EVALS.parent / "README.md"
BEGIN, END = "<!-- figures: make leaderboard -->", "<!-- end of figures -->"
HEAD = "| what | figure |\n|---|---|\n"
_NUMBER = re.compile(r"[-−+]?\d[\d,.]*")
_COUNTS = re.compile(r"; ([\d,]+) of ([\d,]+)(?=\))")


@dataclass(frozen=True)
class Cell:
    """A figure as the README quotes it."""

    text: str
    value: float | None = None
    counts: str = ""

    def __format__(self, spec: str) -> str:
        """The figure with its interval; for «counts» its counts alone, for any other format the value alone."""
        if not spec:
            return self.text
        if spec == "counts":
            return self.counts
        if self.value is None:
            raise InputError(f"{self.text!r}: no number to be written as {spec!r}; correct evals/leaderboard.yaml")
        return format(self.value, spec).replace("%", " %").replace("-", "−")


def main() -> None:
    """Write the leaderboard and the README's table."""
    reports = list(committed_reports())
    (EVALS / "leaderboard.md").write_text(page(reports), encoding="utf-8")
    facts = json.dumps([entry(name, report) for name, report in reports], ensure_ascii=False, indent=1)
    (EVALS / "leaderboard.json").write_text(facts + "\n", encoding="utf-8")
    README.write_text(with_figures(README.read_text(encoding="utf-8"), figures()), encoding="utf-8")


def figures(rows: Path = ROWS, reports: Path = REPORTS) -> str:
    """The README's table. Raises InputError where a row quotes a figure that no report has."""
    told = yaml.safe_load(rows.read_text(encoding="utf-8"))
    return HEAD + "".join(f"| {what} | {figure} |\n" for what, figure in (_row(row, reports) for row in told))


def with_figures(text: str, table: str) -> str:
    """A text with the table between its markers, which are put around the table there is where there are none yet."""
    if BEGIN not in text:
        text = re.sub(re.escape(HEAD) + r"(?:\|.*\n)+", lambda there: f"{BEGIN}\n{there[0]}{END}\n", text, count=1)
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(f"README.md: has no table of figures; put {BEGIN} and {END} where it is to be")
    return f"{before}{BEGIN}\n{table}{END}{after}"


def page(reports: list[tuple[str, Report]]) -> str:
    """The leaderboard: a table for every suite and data set."""
    parts = ["# Leaderboard", "Shares with their 95 % intervals; `python evals/leaderboard.py` makes it of `reports/`."]
    for about in dict.fromkeys(_about(report) for _, report in reports):
        parts.append(markdown.of_table(_board(about, [each for each in reports if _about(each[1]) == about])))
    return "\n\n".join(parts) + "\n"


def entry(name: str, report: Report) -> dict[str, Any]:
    """One run, as leaderboard.json holds it."""
    run = report.run
    return {
        "report": f"reports/{name}/report.json",
        "suite": run.suite.name,
        "data": {"name": run.data.name, "split": run.data.split, "sha256": run.data.sha256},
        "model": run.model,
        "adapter": run.adapter,
        "weights": run.weights,
        "prompts": run.prompts,
        "figures": {
            each.metric: {"value": each.value, "low": each.low, "high": each.high, "n": each.n}
            for each in table.of_all(report, report.condition)
        },
        "command": run.command,
        "started": run.started.isoformat(),
    }


def committed_reports() -> Iterator[tuple[str, Report]]:
    """The reports in `reports/NAME/report.json`, each with its NAME."""
    for file in sorted(REPORTS.glob("*/report.json")):
        for report in committed(file):
            yield file.parent.name, report


def _about(report: Report) -> str:
    data = " ".join(filter(None, (report.run.data.name, report.run.data.split)))
    return f"{report.run.suite.title}: {data}"


def _board(about: str, reports: list[tuple[str, Report]]) -> table.Table:
    found = [{each.metric: each for each in table.of_all(report, report.condition)} for _, report in reports]
    metrics = list(dict.fromkeys(metric for each in found for metric in each))
    rows = tuple(
        (table.model(report), ", ".join(report.run.prompts), *(table.figure(each.get(metric)) for metric in metrics))
        for (_, report), each in zip(reports, found, strict=True)
    )
    return table.Table(about, ("model", "prompt", *metrics), rows)


def _row(row: dict[str, Any], reports: Path) -> tuple[str, str]:
    cells = {name: _quoted(*next(iter(source.items())), reports) for name, source in row.get("of", {}).items()}
    return row["what"].format_map(cells), row["figure"].format_map(cells)


def _quoted(file: str, name: str, reports: Path) -> Cell:
    found = _cells(reports / file)
    if name not in found:
        raise InputError(f"evals/leaderboard.yaml: {file} has no figure {name!r}; it has {'; '.join(found)}")
    return found[name]


def _cells(file: Path) -> dict[str, Cell]:
    """The figures of a report by their names: of `facevlm eval report`, or of a script of this folder."""
    if file.suffix == ".md":
        return dict(_of_markdown(file.read_text(encoding="utf-8")))
    if file.name == "report.json":
        return {name: cell for report in committed(file) for name, cell in _of_report(report)}
    return {row["what"]: _of_score(_score(row)) for row in json.loads(file.read_text(encoding="utf-8"))}


def _of_markdown(text: str) -> Iterator[tuple[str, Cell]]:
    """Of the tables `what | measured | at least`."""
    for line in text.splitlines():
        cells = [each.strip() for each in line.strip("|").split(" | ")]
        if line.startswith("|") and len(cells) == 3:
            yield cells[0], _of_text(cells[1])


def _of_text(text: str) -> Cell:
    """«0.905 (0.807–0.956; 57 of 63)»: its value is that of the counts where they are told, which is not rounded."""
    number, counts = _NUMBER.match(text), _COUNTS.search(text)
    if counts:
        part, whole = (int(each.replace(",", "")) for each in counts.groups())
        return Cell(_COUNTS.sub("", text), part / whole, f"{counts[1]} of {counts[2]}")
    return Cell(text, float(number[0].replace("−", "-").replace(",", "")) if number else None)


def _of_report(report: Report) -> Iterator[tuple[str, Cell]]:
    """Named «accuracy», «F1, fear», «light dim: accuracy» of a group, «blur 1 px: accuracy» of another condition."""
    for each in report.scores:
        under = "" if each.condition == report.condition else f"{each.condition}: "
        group = "".join(f"{key} {value}: " for key, value in each.group.items())
        yield f"{under}{group}{each.metric}{f', {each.of}' if each.of else ''}", _of_score(each)


def _of_score(score: Score) -> Cell:
    counts = "" if score.value is None else f"{score.n * score.value:,.0f} of {score.n:,}"
    return Cell(table.figure(score), score.value, counts)


def _score(row: dict[str, Any]) -> Score:
    return Score(metric="", value=row["figure"], low=row["low"], high=row["high"], condition="")


if __name__ == "__main__":
    main()
