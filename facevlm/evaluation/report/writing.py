"""Reports as files: `report.html`, `report.md`, `report.json`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from facevlm import files
from facevlm.errors import InputError
from facevlm.evaluation.report import cases, facts, markdown, page
from facevlm.evaluation.report.facts import Report
from facevlm.types import Value

PAGE, MARKDOWN, JSON = "report.html", "report.md", "report.json"


class Committed(Value):
    """What `report.json` holds."""

    schema_version: str = "1"
    reports: tuple[Report, ...]


def write(folders: Sequence[Path], out: Path, pictures: bool | None = None, most: int = cases.SHOWN) -> Path:
    """Report on the runs of some folders, side by side, and return the page.

    Args:
        out: the folder for the three files, made if need be.
        pictures: show faces beside the errors; by default where the data set may be shown.
        most: errors of each kind.

    Raises:
        InputError: a folder holds no run or no figures, or `out` cannot be written.
        PrerequisiteError: plotly is not installed.
    """
    read = [facts.read(folder) for folder in folders]
    reports = [report for report, _ in read]
    shown = [
        cases.choose(report, rows, report.run.data.shown if pictures is None else pictures, most)
        for report, rows in read
    ]
    committed = Committed(reports=tuple(reports))
    contents = {
        MARKDOWN: markdown.text(reports),
        JSON: committed.model_dump_json(indent=1, exclude_defaults=True) + "\n",
        PAGE: page.html(reports, shown),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            files.write(out / name, content)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); give another folder with --out") from None
    return out / PAGE


def committed(file: Path) -> tuple[Report, ...]:
    """The reports of a `report.json`, whatever it is called now. Raises InputError where it holds none."""
    try:
        return Committed.model_validate_json(file.read_bytes()).reports
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); give a report.json") from None
    except ValidationError:
        raise InputError(f"{file}: not of `facevlm eval report`; give a report.json") from None
