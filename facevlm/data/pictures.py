"""Pictures of samples, read and written: a file, or one of the named pictures of an archive (`archive.npz#name`).

An archive has the arrays image (n, h, w) or (n, h, w, 3) uint8 and name (n,).
"""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from facevlm import files
from facevlm.data.sample import Sample
from facevlm.errors import InputError

_IN_ARCHIVE = ".npz#"


def open_picture(sample: Sample, root: Path) -> Image.Image:
    """The whole picture a sample is about, upright RGB; `sample.box` is where in it the face is.

    Args:
        sample: the sample; a relative `image` is looked for in `root`.
        root: the folder of the sample's file, or of the data set.

    Raises:
        InputError: there is no such picture, or it cannot be read.
    """
    from facevlm import faces

    return faces.decode(_pixels(sample.image, root) if _IN_ARCHIVE in sample.image else root / sample.image).image


def _pixels(image: str, root: Path) -> Any:
    before, _, name = image.partition(_IN_ARCHIVE)
    file = root / f"{before}.npz"
    images, rows = _archive(file)
    if name not in rows:
        raise InputError(f"{file}: holds no picture named {name!r}; check the sample's image")
    return images[rows[name]]


@lru_cache(maxsize=4)  # the archives of one data set: each is read as a whole
def _archive(file: Path) -> tuple[Any, dict[str, int]]:
    import numpy as np

    try:
        with np.load(file) as arrays:
            return arrays["image"], {str(name): row for row, name in enumerate(arrays["name"])}
    except FileNotFoundError:
        raise InputError(f"{file}: there is no such archive; check the sample's image") from None
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{file}: not an archive of pictures with the arrays image and name ({error})") from None


def write_picture(image: Image.Image, file: Path, kind: Literal["PNG", "JPEG"] = "PNG", quality: int = 92) -> None:
    """Put a picture in a file, whole or not at all.

    It is encoded first: Pillow, writing to a disk that fills up, takes a part of a picture for all of it.

    Raises:
        OSError: the file cannot be written.
    """
    encoded = io.BytesIO()
    image.save(encoded, kind, **({"quality": quality} if kind == "JPEG" else {}))
    files.write(file, encoded.getvalue())
