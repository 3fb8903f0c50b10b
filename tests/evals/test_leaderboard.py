"""The README's figures and the leaderboard are what the committed reports say."""

from __future__ import annotations

import json
from pathlib import Path

import leaderboard
import pytest
import yaml
from leaderboard import BEGIN, END, HEAD, Cell

from facevlm.errors import InputError
from facevlm.evaluation.report.facts import Report
from facevlm.evaluation.report.writing import Committed
from tests.evaluation import made


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A folder of reports: a script's as JSON and as Markdown, and one of `facevlm eval report`."""
    folder = tmp_path / "reports"
    (folder / "made").mkdir(parents=True)
    rows = [{"what": "accuracy", "figure": 0.8512, "low": 0.8, "high": 0.9, "n": 90}]
    (folder / "script.json").write_text(json.dumps(rows))
    lines = ("| what | measured | at least |", "|---|---|---|", "| found | 0.905 (0.807–0.956; 57 of 63) | 0.9 |",
             "| a face | 0.18 s | ≤ 0.8 s |")  # fmt: skip
    (folder / "bench.md").write_text("\n".join(lines))
    committed = Committed(reports=(Report(name="made", run=made.run(), scores=made.SCORES),))
    (folder / "made" / "report.json").write_text(committed.model_dump_json())
    return folder


def _figure(reports: Path, figure: str, file: str, name: str) -> str:
    rows = reports.parent / "rows.yaml"
    rows.write_text(yaml.safe_dump([{"what": "it", "figure": figure, "of": {"x": {file: name}}}], allow_unicode=True))
    return leaderboard.figures(rows, reports).removeprefix(f"{HEAD}| it | ").removesuffix(" |\n")


def test_the_readme_quotes_what_the_reports_say() -> None:
    text = leaderboard.README.read_text(encoding="utf-8")
    assert BEGIN in text, "the README's table has no markers; run `python evals/leaderboard.py`"
    assert leaderboard.with_figures(text, leaderboard.figures()) == text, "run `python evals/leaderboard.py`"


def test_the_leaderboard_is_of_the_reports_that_are_committed() -> None:
    reports = list(leaderboard.committed_reports())
    assert (leaderboard.EVALS / "leaderboard.md").read_text(encoding="utf-8") == leaderboard.page(reports)
    told = json.loads((leaderboard.EVALS / "leaderboard.json").read_text(encoding="utf-8"))
    assert told == [leaderboard.entry(name, report) for name, report in reports]


@pytest.mark.parametrize(
    ("figure", "file", "name", "told"),
    [
        ("{x}", "script.json", "accuracy", "0.851 (0.800–0.900)"),
        ("{x:.1%} of them", "script.json", "accuracy", "85.1 % of them"),
        ("{x}", "bench.md", "found", "0.905 (0.807–0.956)"),
        ("{x:counts}", "bench.md", "found", "57 of 63"),
        ("{x:.2f}", "bench.md", "found", "0.90"),  # of 57 of 63, not of 0.905
        ("{x}", "bench.md", "a face", "0.18 s"),
        ("{x}", "made/report.json", "accuracy", "0.500 (0.100–0.900)"),
        ("{x:counts}", "made/report.json", "accuracy", "3 of 6"),
        ("{x}", "made/report.json", "blurred: accuracy", "0.250 (0.000–0.600)"),
        ("{x}", "made/report.json", "F1, happiness", "0.750 (0.500–1.000)"),
        ("{x}", "made/report.json", "light dim: accuracy", "1.000 (0.400–1.000)"),
    ],
)
def test_a_row_quotes_a_figure_of_any_report(reports: Path, figure: str, file: str, name: str, told: str) -> None:
    assert _figure(reports, figure, file, name) == told


def test_a_figure_that_no_report_has_is_told_with_those_there_are(reports: Path) -> None:
    with pytest.raises(InputError, match=r"script\.json has no figure 'macro-F1'; it has accuracy"):
        _figure(reports, "{x}", "script.json", "macro-F1")


def test_words_are_not_written_as_a_number() -> None:
    with pytest.raises(InputError, match="no number"):
        f"{Cell('none'):.2f}"


def test_markers_are_put_around_the_table_that_is_there_and_then_it_alone_is_written() -> None:
    before, after = "# FaceVLM\n\n", "\nThe rest.\n"
    once = leaderboard.with_figures(f"{before}{HEAD}| old | 1 |\n{after}", f"{HEAD}| new | 2 |\n")
    assert once == f"{before}{BEGIN}\n{HEAD}| new | 2 |\n{END}\n{after}"
    assert leaderboard.with_figures(once, f"{HEAD}| newer | 3 |\n") == once.replace("| new | 2 |", "| newer | 3 |")


def test_a_text_without_a_table_is_refused() -> None:
    with pytest.raises(InputError, match="put <!-- figures"):
        leaderboard.with_figures("# FaceVLM\n", HEAD)


def test_the_page_has_a_table_for_every_suite_and_data_set(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaderboard, "REPORTS", reports)
    told = leaderboard.page(list(leaderboard.committed_reports()))
    assert "## Made emotions: made set valid" in told
    assert "| nano | p | 0.500 (0.100–0.900) |" in told
