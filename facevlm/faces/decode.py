"""Any picture a user may hand over, made upright 8-bit sRGB: a path, bytes, a Pillow image or an array of pixels.

Whatever is wrong with it ends in one InputError that names the source and the remedy; the decoder's own words stay
behind. Nothing global of Pillow is changed, and its limit on pixels is not relied upon: ours is read from the header.
"""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import BytesIO
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, features

from facevlm.config import Settings
from facevlm.errors import InputError
from facevlm.faces.silence import silent
from facevlm.types import Picture

MIN_SIDE = 16  # pixels; nothing smaller can hold a face

UNNAMED = "the picture"  # what bytes are called that came without the name of a file


class Named(bytes):
    """The bytes of a file that is not at hand as one, such as an upload, with its name: messages and reports use it."""

    name: str

    def __new__(cls, data: bytes, name: str = UNNAMED) -> Named:
        made = super().__new__(cls, data)
        made.name = name
        return made


Source = str | PathLike[str] | bytes | bytearray | memoryview | Image.Image | NDArray[np.uint8]

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")  # JPEG reads MPO as well
# How the names of such files end, in small letters: what is taken up from a folder. Bytes are judged by their content.
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})
_FOREIGN = {  # first bytes → format; named to the user, who can convert it
    b"\xff\x0a": "JPEG XL",
    b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
    b"8BPS": "PSD",
    b"%PDF": "PDF",
    b"\x00\x00\x01\x00": "ICO",
    b"\x1aE\xdf\xa3": "video",
}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}

# Pillow warns, and logs where nobody configured logging, on stderr of odd tags: decoder's text, not for users.
logging.getLogger("PIL").addHandler(logging.NullHandler())
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(source: Source, settings: Settings | None = None) -> Picture:
    """The picture in a file, bytes, Pillow image or (h, w), (h, w, 3) or (h, w, 4) uint8 array, upright, in RGB.

    Of a moving picture the first frame, of a file of pages the first, which `notes` then says. Transparency is laid on
    white: that is what pages and viewers show a cut-out on. The sha256 is that of the file's bytes; of the upright
    pixels where there is no file. Bytes are called by their file's name where they are `Named`, else «the picture».
    Raises InputError, in one line, for anything that cannot be read.
    """
    settings = settings or Settings()
    if isinstance(source, np.ndarray):
        return _of_image(_of_array(source), "array", settings)
    if isinstance(source, Image.Image):
        return _of_image(source, str(getattr(source, "filename", "")) or "image", settings)
    if isinstance(source, bytes):
        return _of_file(source, _on_one_line(source.name if isinstance(source, Named) else UNNAMED), settings)
    if isinstance(source, bytearray | memoryview):
        return _of_file(bytes(source), UNNAMED, settings)
    if not isinstance(source, str | PathLike):  # such as None, of a camera that gave no frame
        raise InputError(f"{type(source).__name__}: not a picture; give a path, bytes, a Pillow image or an array")
    name = _on_one_line(str(source))
    return _of_file(_read(source, name, settings), name, settings)


def _on_one_line(name: str) -> str:
    return name if name.isprintable() else repr(name)


def _read(source: str | PathLike[str], name: str, settings: Settings) -> bytes:
    """The bytes of a file, one more than the limit at most."""
    if not name:
        raise InputError("a path without a letter: name the picture")
    if name.startswith(("http://", "https://")):
        raise InputError(f"{name}: pictures are not fetched from the web; save it to a file first")
    path = Path(source)
    try:
        if path.is_dir():
            raise InputError(f"{name}: this is a directory; name the pictures in it")
        if path.exists() and not path.is_file():
            raise InputError(f"{name}: this is not a regular file; save the picture to a file first")
        with path.open("rb") as file:
            return file.read(settings.max_bytes + 1)
    except FileNotFoundError as error:
        raise InputError(f"{name}: there is no such file; check the path") from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise InputError(f"{name}: cannot be read ({reason}); check the path and its permissions") from error


def _of_array(pixels: NDArray[np.uint8]) -> Image.Image:
    shaped = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not shaped or not pixels.size:
        given = f"shape {pixels.shape} of {pixels.dtype}"
        raise InputError(f"array: {given} is not a picture; give (h, w), (h, w, 3) or (h, w, 4) of uint8")
    return Image.fromarray(pixels)


def _of_file(data: bytes, name: str, settings: Settings) -> Picture:
    if len(data) > settings.max_bytes:
        raise InputError(f"{name}: more than {settings.max_bytes:,} bytes; scale the picture down")
    image = _opened(data, name)
    rgb = _pixels(image, name, settings)
    with _decoding(name):
        notes = _frames(image)
    return Picture(image=rgb, source=name, sha256=hashlib.sha256(data).hexdigest(), notes=notes)


def _of_image(image: Image.Image, name: str, settings: Settings) -> Picture:
    rgb = _pixels(image, name, settings)
    return Picture(image=rgb, source=name, sha256=hashlib.sha256(rgb.tobytes()).hexdigest())


def _opened(data: bytes, name: str) -> Image.Image:
    """The picture with its header read and no pixel decoded."""
    if not data:
        raise InputError(f"{name}: the file is empty; fetch or export it again")
    if kind := _foreign(data):
        raise InputError(f"{name}: {kind} is not supported; convert it to PNG or JPEG")
    Image.init()
    with _decoding(name):
        # Not Image.open: its limit on pixels is a setting of the whole process, and hides the size we want to name.
        for factory, accept in (Image.OPEN[each] for each in _FORMATS):
            if accept is None or accept(data[:16]) is True:
                return factory(BytesIO(data), "")
    raise InputError(f"{name}: this is not a picture FaceVLM can read; give a JPEG, PNG, WebP, GIF, BMP or TIFF")


def _foreign(data: bytes) -> str | None:
    """The name of a picture format Pillow does not read; None where it may."""
    if data[4:8] == b"ftyp":
        brands = {data[at : at + 4] for at in range(8, min(int.from_bytes(data[:4], "big"), 128), 4)}
        if brands & {b"avif", b"avis"}:
            return None if features.check("avif") else "AVIF"
        return "HEIC" if brands & (_HEIC_BRANDS | {b"mif1", b"msf1"}) else "video"
    if b"<svg" in data[:4096].lower() and data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "SVG"
    return next((kind for start, kind in _FOREIGN.items() if data.startswith(start)), None)


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises into our error: on damaged files its plugins raise nearly every built-in one."""
    try:
        yield
    except InputError:
        raise
    except (Image.DecompressionBombError, MemoryError) as error:
        raise InputError(f"{name}: the picture has too many pixels; scale it down") from error
    except Exception as error:
        raise InputError(f"{name}: the file is damaged or cut short; fetch or export it again") from error


def _pixels(image: Image.Image, name: str, settings: Settings) -> Image.Image:
    """The picture upright, in 8-bit sRGB."""
    _check_size(image, name, settings)
    with _decoding(name):
        with silent() if image.format == "TIFF" else nullcontext():  # libtiff prints what it thinks of the file
            image.load()
        upright = _eight_bit(_upright(image), name)
        return _on_white(_srgb(_unpacked(upright, name)))


def _check_size(image: Image.Image, name: str, settings: Settings) -> None:
    width, height = image.size
    if width * height > settings.max_pixels:
        raise InputError(f"{name}: {width}×{height} is more than {settings.max_pixels:,} pixels; scale it down")
    if min(width, height) < MIN_SIDE:
        raise InputError(f"{name}: {width}×{height} is too small for a face; give {MIN_SIDE}×{MIN_SIDE} or more")


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # metadata that cannot be read is no reason to refuse the pixels
        return image
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _eight_bit(image: Image.Image, name: str) -> Image.Image:
    """The picture with 16-bit grey scaled to eight: Pillow's own conversion would clip all above 255 to white."""
    if not image.mode.startswith("I"):
        return image
    levels = np.asarray(image)
    if levels.min() < 0 or levels.max() > 65535:
        raise InputError(f"{name}: 32-bit pixels are not supported; convert it to 8 or 16 bits")
    return Image.fromarray((levels // 257).astype(np.uint8))


def _unpacked(image: Image.Image, name: str) -> Image.Image:
    """The picture without a palette, so that a colour profile can be applied to what it holds."""
    if image.mode in ("F", "LAB"):
        raise InputError(f"{name}: {image.mode} pixels are not supported; convert it to 8-bit RGB")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in ("L", "CMYK") else image.convert("RGB")


def _srgb(image: Image.Image) -> Image.Image:
    """The picture with its embedded colour profile applied; as it is where there is none, or none that fits."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        embedded = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(embedded):
            return image
        return ImageCms.profileToProfile(image, embedded, ImageCms.createProfile("sRGB"), outputMode=mode) or image
    except (ImageCms.PyCMSError, OSError):
        return image


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB")
    page = Image.new("RGB", image.size, "white")
    page.paste(image, mask=image.getchannel("A"))
    return page


def _frames(image: Image.Image) -> tuple[str, ...]:
    count = getattr(image, "n_frames", 1)
    if count == 1 or image.format == "MPO":  # a photograph's second MPO picture is its preview or depth map
        return ()
    return (f"first of {count} {'pages' if image.format == 'TIFF' else 'frames'}",)
