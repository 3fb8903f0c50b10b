"""An analysis for people: a self-contained HTML page, and the files of `--out`."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Template
from PIL import Image

from facevlm import facs, files
from facevlm.errors import InputError
from facevlm.faces.action_units import THRESHOLDS
from facevlm.reasoning import text
from facevlm.reasoning.template import template
from facevlm.reasoning.text import COLUMNS, markdown, rows
from facevlm.types import EMOTIONS, INTENSITY_VALUES, Analysis, Box, Check, FaceAnalysis, Observation

__all__ = ["COLUMNS", "html", "markdown", "rows", "write"]

PAGE_SIDE = 1600  # longest side of the picture inside the page; the marked PNG beside it is whole
CROP_SIDE = 320
CROP_MARGIN = 0.3  # of the box, on each side


@dataclass(frozen=True)
class Bar:
    """One action unit as the page shows it: measured beside claimed, each 0–1; `told` is the measured one in words."""

    code: int
    name: str
    side: str
    measured: float | None
    claimed: float | None
    grade: str
    evidence: str
    verdict: str
    told: str


def html(analysis: Analysis) -> str:
    """One page that needs nothing beside itself: pictures, bars and styles are inside, all text is escaped.

    The pictures are those of `analysis.marked`; an analysis read back from JSON has none, and its page neither.
    """
    image = analysis.marked.image if analysis.marked else None
    return _page().render(
        analysis=analysis,
        name=Path(analysis.image.source).name,  # not the path: a page is passed on
        picture=None if image is None else data_url(image, PAGE_SIDE),
        crops={face.id: data_url(cropped(image, face.box), CROP_SIDE) for face in analysis.faces if image},
        bars={face.id: bars(face) for face in analysis.faces},
    )


def write(analysis: Analysis, folder: Path | str) -> tuple[Path, ...]:
    """Writes NAME.json, NAME.marked.png and NAME.html into a folder, made if need be, each whole or not at all.

    NAME is the picture's; where the folder holds another picture's analysis of that name, the first digits of this
    one's hash are added. Returns the paths. Raises InputError where the folder cannot be written.
    """
    folder = Path(folder)
    contents = {"json": analysis.model_dump_json(indent=1).encode(), "html": html(analysis).encode()}
    if analysis.marked is not None:
        contents["marked.png"] = _encoded(analysis.marked.image, "PNG")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        name = _name(analysis, folder)
        return tuple(files.write(folder / f"{name}.{suffix}", content) for suffix, content in contents.items())
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); choose another folder with --out") from None


def _name(analysis: Analysis, folder: Path) -> str:
    stem = re.sub(r"[^\w.-]+", "_", Path(analysis.image.source).stem).strip("._") or "picture"
    stem = stem.encode()[:200].decode(errors="ignore")  # file systems allow 255 bytes, and suffixes follow
    earlier = folder / f"{stem}.json"
    if not earlier.exists() or _sha256_in(earlier) == analysis.image.sha256:
        return stem
    return f"{stem}-{analysis.image.sha256[:8]}"


def _sha256_in(file: Path) -> str | None:
    """The picture's hash in an analysis; None where the file is something else."""
    try:
        return str(json.loads(file.read_bytes())["image"]["sha256"])
    except (ValueError, KeyError, TypeError):
        return None


def bars(face: FaceAnalysis) -> list[Bar]:
    """The claims in their order, then what was measured and not claimed, strongest first."""
    observations = face.explanation.observations if face.explanation else ()
    claimed = [_claimed_bar(face, *pair) for pair in zip(observations, face.checks, strict=True)]
    told = {observation.au for observation in observations}
    unsaid = {
        code: value
        for code, value in face.action_units.items()
        if value is not None and value >= THRESHOLDS[code] and code not in told
    }
    return claimed + [_unsaid_bar(code, unsaid[code]) for code in sorted(unsaid, key=unsaid.__getitem__, reverse=True)]


def _claimed_bar(face: FaceAnalysis, observation: Observation, check: Check) -> Bar:
    return Bar(
        code=observation.au,
        name=observation.name,
        side=observation.side,
        measured=check.measured,
        claimed=INTENSITY_VALUES[observation.intensity],
        grade=f"{observation.intensity} {facs.intensity_word(observation.intensity)}",
        evidence=observation.evidence,
        verdict=check.verdict,
        told=text.measured(check, face.action_unit_sides.get(check.au, {})) or "not possible",
    )


def _unsaid_bar(code: int, value: float) -> Bar:
    name = facs.unit(code).name
    return Bar(
        code, name, "both", value, claimed=None, grade="", evidence="", verdict="not mentioned", told=f"{value:.2f}"
    )


def cropped(image: Image.Image, box: Box) -> Image.Image:
    """The face with a margin, as far as the picture goes."""
    across, down = CROP_MARGIN * box.width, CROP_MARGIN * box.height
    left, top = max(box.x - across, 0), max(box.y - down, 0)
    right, bottom = min(box.right + across, image.width), min(box.bottom + down, image.height)
    return image.crop((round(left), round(top), max(round(right), round(left) + 1), max(round(bottom), round(top) + 1)))


def data_url(image: Image.Image, longest: int) -> str:
    """A picture as a page carries it: a JPEG of at most `longest` pixels a side."""
    small = image.copy()
    small.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return f"data:image/jpeg;base64,{base64.b64encode(_encoded(small, 'JPEG')).decode('ascii')}"


def _encoded(image: Image.Image, kind: str) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, quality=90, subsampling=0)
    return data.getvalue()


@cache
def _page() -> Template:
    return template(
        Path(__file__).with_name("report.html.jinja"),
        emotion=text.emotion,
        agreement=text.agreement,
        second_opinion=text.second_opinion,
        provenance=text.provenance,
        percent=text.percent,
        LIMITS=text.LIMITS,
        SIGNS=text.SIGNS,
        EMOTIONS=EMOTIONS,
    )
