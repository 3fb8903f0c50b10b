"""One face in a few lines of HTML: its emotion, every action unit measured beside claimed, and what lowers trust.

All text is escaped. Colours follow the page's own, so that light and dark need no rules of their own.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Template
from PIL import Image

from app import measures, overlay
from app.overlay import Look, Spot
from facevlm.reasoning import text
from facevlm.reasoning.report import Bar
from facevlm.reasoning.template import template
from facevlm.types import EMOTIONS, Face, FaceAnalysis


def html(analysed: FaceAnalysis, face: Face, image: Image.Image, look: Look) -> str:
    """The card of a face. `look` is the page's: a spot on this face is lit on its portrait and framed in the list."""
    explained = analysed.explanation
    return _template("card").render(
        face=analysed,
        portrait=overlay.data_url(overlay.portrait(image, face, look)),
        alt=f"Face {face.id}. {overlay.alt([face], look) if look.chosen and look.chosen.face == face.id else ''}",
        emotions=sorted(EMOTIONS, key=lambda each: -explained.probabilities[each])
        if explained and explained.probabilities
        else [],
        bars=[
            (bar, measures.of_line(analysed, bar), spot(analysed, bar) == look.chosen)
            for bar in measures.bars(analysed)
        ],
    )


def spot(analysed: FaceAnalysis, bar: Bar) -> Spot:
    """What is lit when this line is chosen."""
    return Spot(analysed.id, bar.code, bar.side)


def label(bar: Bar) -> str:
    """«✓ AU12 lip corner puller, left»: the line as a button."""
    side = "" if bar.side == "both" else f", {bar.side}"
    return f"{text.SIGNS.get(bar.verdict, '·')} AU{bar.code} {bar.name}{side}"


def heading(analysed: FaceAnalysis) -> str:
    """«Face 1: happiness 97%»."""
    return f"Face {analysed.id}: {text.emotion(analysed)}"


def page(name: str, **values: object) -> str:
    """A whole page of this folder, with the styles inside."""
    styles = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
    return _template(name).render(styles=styles, LIMITS=text.LIMITS, **values)


@cache
def _template(name: str) -> Template:
    return template(
        Path(__file__).with_name(f"{name}.html.jinja"),
        emotion=text.emotion,
        agreement=text.agreement,
        percent=text.percent,
        SIGNS=text.SIGNS,
    )
