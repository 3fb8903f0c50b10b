"""A run, or several side by side, for people: one page that needs nothing beside itself, Markdown, and JSON.

`facts.read` makes a `Report` of a run's folder; `page.html`, `markdown.text` and `writing.write` are of reports.
"""

from __future__ import annotations

from facevlm.evaluation.report.facts import Report, read
from facevlm.evaluation.report.writing import committed, write

__all__ = ["Report", "committed", "read", "write"]
