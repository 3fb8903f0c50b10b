"""The pictures an adapter is verified on: a folder's, or ten made from the photograph that scikit-image ships."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from facevlm.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

COUNT = 10


def of_folder(folder: Path) -> dict[str, Path]:
    """The first ten pictures of a folder by name. Raises InputError where it has none."""
    from facevlm.faces.decode import SUFFIXES

    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder; name one that holds pictures")
    found = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    if not found:
        raise InputError(f"{folder}: holds no picture; name a folder with JPEG or PNG files")
    return {file.name: file for file in found[:COUNT]}


def made(photograph: Path) -> dict[str, Image]:
    """Ten pictures of one face, always the same: turned, mirrored, cut, scaled, lighter, darker and blurred.

    Args:
        photograph: the picture of `facevlm demo`, 512 × 512.
    """
    from PIL import Image

    with Image.open(photograph) as file:
        whole = file.convert("RGB")
    return {name: change(whole) for name, change in _changes().items()}


def _changes() -> dict[str, Callable[[Image], Image]]:
    from PIL import ImageEnhance, ImageFilter, ImageOps

    return {
        "as it is": lambda image: image,
        "mirrored": ImageOps.mirror,
        "turned 12° left": lambda image: image.rotate(12),
        "turned 12° right": lambda image: image.rotate(-12),
        "head only": lambda image: image.crop((130, 10, 320, 230)),
        "half the size": lambda image: ImageOps.scale(image, 0.5),
        "lighter": lambda image: ImageEnhance.Brightness(image).enhance(1.4),
        "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
        "grey, less contrast": lambda image: ImageEnhance.Contrast(ImageOps.grayscale(image)).enhance(0.6),
        "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    }
