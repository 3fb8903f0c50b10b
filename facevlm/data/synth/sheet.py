"""A contact sheet: the first pictures of a synthetic data set with what they show written beneath."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from facevlm import facs
from facevlm.data.pictures import write_picture
from facevlm.data.sample import Sample

COLUMNS, SHOWN = 8, 64
TILE, CAPTION, LINE = 160, 44, 13  # px


def contact_sheet(folder: Path, file: Path) -> None:
    """Draw the sheet of the data set in `folder`."""
    shown = list(islice(_pictures(folder / "samples.jsonl"), SHOWN))
    rows = -(-len(shown) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE, rows * (TILE + CAPTION)), "white")
    for place, samples in enumerate(shown):
        tile = _tile(folder, samples)
        sheet.paste(tile, (place % COLUMNS * TILE, place // COLUMNS * (TILE + CAPTION)))
    write_picture(sheet, file, "JPEG", 88)


def _pictures(samples: Path) -> Iterator[list[Sample]]:
    with samples.open(encoding="utf-8") as lines:
        read = (Sample.model_validate_json(line) for line in lines)
        for _, faces in groupby(read, key=lambda sample: sample.image):
            yield list(faces)


def _tile(folder: Path, faces: list[Sample]) -> Image.Image:
    tile = Image.new("RGB", (TILE, TILE + CAPTION), "white")
    picture = Image.open(folder / faces[0].image)
    scale = TILE / max(picture.size)
    draw = ImageDraw.Draw(tile)
    tile.paste(picture.resize((round(picture.width * scale), round(picture.height * scale))), (0, 0))
    for face in faces if len(faces) > 1 else ():
        if face.box:
            corners = (face.box.x, face.box.y, face.box.right, face.box.bottom)
            draw.rectangle([scale * each for each in corners], outline=(0, 160, 0))
    for row, text in enumerate(_caption(faces)):
        draw.text((3, TILE + 1 + row * LINE), text, fill="black", font=ImageFont.load_default(11))
    return tile


def _caption(faces: list[Sample]) -> list[str]:
    if len(faces) > 1:
        return [f"{len(faces)} faces"]
    (face,) = faces
    told = [_unit(code, face) for code, label in sorted((face.aus or {}).items()) if label.present]
    label = face.compound or face.emotion or face.details["kind"]
    return [label, " ".join(told[:4]), " ".join(told[4:])]


def _unit(code: int, face: Sample) -> str:
    label = (face.aus or {})[code]
    side = {"left": "L", "right": "R"}.get(label.side or "", "")
    return f"{side}{facs.unit(code).code}{label.intensity}"
