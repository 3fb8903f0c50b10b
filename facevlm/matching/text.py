"""A match in words: rows for a table, and Markdown."""

from __future__ import annotations

from pathlib import Path

from facevlm.matching.matching import FaceMatch, Match
from facevlm.reasoning.text import LIMITS, percent, plain

COLUMNS: tuple[str, ...] = ("face", "label", "probability", "true alone")


def rows(match: Match) -> list[tuple[str, ...]]:
    """One row a face with the cells of COLUMNS, plain text; the likeliest label first."""
    return [_row(face) for face in match.faces]


def markdown(match: Match) -> str:
    """The match as Markdown; a label cannot add markup to it."""
    title = f"# {plain(Path(match.image.source).name)}"
    notes = [f"Note: {plain(note)}." for note in match.image.notes]
    faces = [_markdown_face(face) for face in match.faces] or ["No face was found."]
    return "\n\n".join([title, *notes, *faces, LIMITS, f"Matched by {plain(match.matcher)}."]) + "\n"


def _ranked(face: FaceMatch) -> list[tuple[str, str, str]]:
    """Label, probability and truth alone, in the order of the probabilities."""
    true = {} if face.alone is None else {label: percent(share) for label, share in face.alone.items()}
    likeliest = sorted(face.labels, key=lambda label: -face.labels[label])
    return [(label, percent(face.labels[label]), true.get(label, "")) for label in likeliest]


def _row(face: FaceMatch) -> tuple[str, ...]:
    return str(face.id), *("\n".join(column) for column in zip(*_ranked(face), strict=True))


def _markdown_face(face: FaceMatch) -> str:
    head = ["| label | probability | true alone |", "|---|---:|---:|"]
    lines = [f"| {plain(label)} | {share} | {true} |" for label, share, true in _ranked(face)]
    return "\n".join([f"## Face {face.id}", "", *head, *lines])
