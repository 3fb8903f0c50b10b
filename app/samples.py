"""The pictures to try the page with: one that a dependency ships, and synthetic faces that lie beside this file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facevlm.config import demo_picture
from facevlm.errors import PrerequisiteError

FOLDER = Path(__file__).parent / "samples"


@dataclass(frozen=True)
class Sample:
    """A picture to try: its file, and what is said of it to those who choose and those who do not see."""

    file: Path
    title: str


def samples() -> list[Sample]:
    """What is there, the photograph first."""
    rendered = [Sample(file, file.stem.replace("-", " ").capitalize()) for file in sorted(FOLDER.glob("*.jpg"))]
    try:
        return [Sample(demo_picture(), "Astronaut Eileen Collins (NASA, public domain)"), *rendered]
    except PrerequisiteError:
        return rendered
