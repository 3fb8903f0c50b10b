"""What decode takes, what it makes of it, and what it says when it cannot."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from facevlm.config import Settings
from facevlm.errors import InputError
from facevlm.faces.decode import MIN_SIDE, SUFFIXES, Named, decode

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")  # pytest undoes the filter that decode sets

RED, GREEN, BLUE, GREY = (200, 30, 40), (30, 180, 60), (40, 60, 210), (128, 128, 128)


def quarters() -> Image.Image:
    """48×32, each quarter its own colour, so that a wrong turn or a wrong channel shows."""
    image = Image.new("RGB", (48, 32), RED)
    for x, y, colour in ((24, 0, GREEN), (0, 16, BLUE), (24, 16, GREY)):
        image.paste(colour, (x, y, x + 24, y + 16))
    return image


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG by hand, for what Pillow does not write."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def refusal(source: Any, limits: Settings | None = None) -> str:
    with pytest.raises(InputError) as caught:
        decode(source, limits)
    message = str(caught.value)
    assert "\n" not in message
    assert ";" in message  # problem; remedy
    return message


def corners(image: Image.Image) -> list[Any]:
    width, height = image.size
    return [image.getpixel(at) for at in ((4, 4), (width - 5, 4), (4, height - 5), (width - 5, height - 5))]


def assert_colours(image: Image.Image, tolerance: int, expected: tuple[Any, ...] = (RED, GREEN, BLUE, GREY)) -> None:
    assert image.mode == "RGB"
    np.testing.assert_allclose(corners(image), expected, atol=tolerance)


# What is taken


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_a_lossless_file_keeps_its_pixels(kind: str) -> None:
    assert np.array_equal(np.asarray(decode(saved(quarters(), kind)).image), np.asarray(quarters()))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "MPO"])
def test_a_lossy_file_keeps_its_colours(kind: str) -> None:
    assert_colours(decode(saved(quarters(), kind, quality=95)).image, 12)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_files_of_every_suffix_are_read(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"photo{suffix}"
    quarters().save(file)
    assert decode(file).image.size == (48, 32)


def test_a_path_and_its_bytes_give_the_same_picture_and_hash(tmp_path: Path) -> None:
    data = saved(quarters(), "PNG")
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    picture = decode(path)
    assert picture.source == str(path)
    assert picture.sha256 == decode(str(path)).sha256 == decode(data).sha256 == hashlib.sha256(data).hexdigest()
    assert picture.notes == ()


def test_bytes_are_called_by_their_file_s_name_where_it_is_known() -> None:
    data = saved(quarters(), "PNG")
    named = decode(Named(data, "photo.png"))
    assert (named.source, decode(data).source) == ("photo.png", "the picture")
    assert named.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("shape", [(32, 48), (32, 48, 3), (32, 48, 4)])
def test_an_array_is_a_picture(shape: tuple[int, ...]) -> None:
    pixels = np.full(shape, 255, np.uint8)
    picture = decode(pixels)
    assert (picture.width, picture.height, picture.source) == (48, 32, "array")
    assert picture.sha256 == hashlib.sha256(np.full((32, 48, 3), 255, np.uint8).tobytes()).hexdigest()


def test_a_pillow_image_is_a_picture_and_stays_as_it_was() -> None:
    image = quarters().convert("P")
    assert_colours(decode(image).image, 40)
    assert image.mode == "P"


# What becomes of it


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_a_moving_picture_gives_its_first_frame_and_says_so(kind: str) -> None:
    others = [Image.new("RGB", (48, 32), colour) for colour in (GREEN, BLUE)]
    data = saved(quarters(), kind, save_all=True, append_images=others)
    picture = decode(data)
    assert picture.notes == ("first of 3 frames",)
    assert_colours(picture.image, 60 if kind == "WEBP" else 2)


def test_a_file_of_pages_gives_the_first_and_says_so() -> None:
    data = saved(quarters(), "TIFF", save_all=True, append_images=[Image.new("RGB", (48, 32), BLUE)])
    assert decode(data).notes == ("first of 2 pages",)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(kind: str, orientation: int) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that a camera so held amounts to
    stored = quarters().transpose(Image.Transpose(undo[orientation])) if orientation > 1 else quarters()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    picture = decode(saved(stored, kind, exif=exif, quality=95))
    assert picture.image.size == (48, 32)
    assert_colours(picture.image, 14)


def test_exif_that_cannot_be_read_leaves_the_picture_as_it_is() -> None:
    with warnings.catch_warnings(record=True):
        picture = decode(saved(quarters(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff", quality=95))
    assert_colours(picture.image, 12)


def test_cmyk_keeps_its_colours() -> None:
    assert_colours(decode(saved(quarters().convert("CMYK"), "JPEG", quality=95)).image, 14)


def test_cmyk_with_a_profile_of_another_kind_keeps_its_colours() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = saved(quarters().convert("CMYK"), "JPEG", quality=95, icc_profile=profile)
    assert_colours(decode(data).image, 14)


def test_an_embedded_profile_is_applied() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    swapped = _with_red_and_green_swapped(srgb.tobytes())
    picture = decode(saved(quarters(), "PNG", icc_profile=swapped))
    red, green = corners(picture.image)[:2]
    assert red[1] > red[0] and green[0] > green[1]
    assert_colours(decode(saved(quarters(), "PNG", icc_profile=lab.tobytes())).image, 0)  # does not fit: left alone


def _with_red_and_green_swapped(profile: bytes) -> bytes:
    described = profile.replace(b"s\x00R\x00G\x00B", b"o\x00t\x00h\x00e").replace(b"sRGB built-in", b"other built-i")
    described = described.replace(b"\x00s\x00R\x00G\x00B", b"\x00o\x00t\x00h\x00e")
    return described.replace(b"rXYZ", b"\x00tmp").replace(b"gXYZ", b"rXYZ").replace(b"\x00tmp", b"gXYZ")


def test_sixteen_bit_grey_keeps_its_brightness() -> None:
    ramp = (np.linspace(0, 65535, 48)[None].repeat(32, 0)).astype(np.uint16)
    grey = np.asarray(decode(saved(Image.fromarray(ramp), "PNG")).image)[0, :, 0]
    np.testing.assert_allclose(grey, np.linspace(0, 255, 48), atol=1.5)


def test_sixteen_bit_colour_keeps_its_brightness() -> None:
    row = b"\x00" + struct.pack(">HHH", *(channel * 257 for channel in RED)) * 48
    assert_colours(decode(png(48, 32, 16, 2, row * 32)).image, 1, (RED,) * 4)


def test_grey_and_one_bit_become_rgb() -> None:
    for mode in ("L", "1"):
        assert_colours(decode(saved(Image.new(mode, (48, 32), 255), "PNG")).image, 0, ((255, 255, 255),) * 4)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(mode: str) -> None:
    clear = quarters().convert(mode)
    clear.putalpha(0)
    assert_colours(decode(saved(clear, "PNG")).image, 0, ((255, 255, 255),) * 4)


def test_half_transparency_is_half_white() -> None:
    half = Image.new("RGBA", (48, 32), (0, 0, 0, 128))
    assert_colours(decode(saved(half, "PNG")).image, 1, ((127, 127, 127),) * 4)


def test_a_palette_keeps_its_colours_and_its_transparent_entry_is_white() -> None:
    palette = quarters().quantize(4)
    assert_colours(decode(saved(palette, "PNG")).image, 2)
    transparent = palette.getpixel((4, 4))
    picture = decode(saved(palette, "PNG", transparency=transparent))
    assert_colours(picture.image, 2, ((255, 255, 255), GREEN, BLUE, GREY))


# What is refused


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.touch()
    assert refusal(path) == f"{path}: the file is empty; fetch or export it again"


def test_text_under_a_picture_s_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("Not a picture at all.\n" * 20)
    assert "not a picture FaceVLM can read" in refusal(path)


def test_a_refusal_of_bytes_begins_with_their_file_s_name() -> None:
    assert refusal(Named(b"", "photo.png")) == "photo.png: the file is empty; fetch or export it again"
    assert refusal(Named(b"no", "line\nbreak.png")).startswith("'line\\nbreak.png': this is not a picture")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
def test_a_truncated_file_is_refused(kind: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    data = saved(noise, kind)
    assert refusal(data[: len(data) // 2]) == "the picture: the file is damaged or cut short; fetch or export it again"


def test_one_pixel_is_refused_and_the_minimum_named() -> None:
    message = refusal(saved(Image.new("RGB", (1, 1)), "PNG"))
    assert "1×1" in message and f"{MIN_SIDE}×{MIN_SIDE}" in message


def test_a_huge_picture_is_refused_from_its_header() -> None:
    data = png(20_000, 20_000, 8, 2, b"\x00" * 10_000_000)
    tracemalloc.start()
    message = refusal(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "20000×20000" in message and "120,000,000 pixels" in message
    assert peak < 5_000_000


def test_pillow_s_own_limit_on_pixels_neither_interferes_nor_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert decode(saved(quarters(), "PNG")).width == 48
    assert Image.MAX_IMAGE_PIXELS == 100


def test_a_file_of_too_many_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "big.png"
    path.write_bytes(b"x" * 2000)
    assert "more than 1,000 bytes" in refusal(path, Settings(max_bytes=1000))


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "this is a directory" in refusal(tmp_path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(tmp_path / "gone.jpg")


def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be read (Not a directory)" in refusal(tmp_path / "file" / "photo.jpg")


@pytest.mark.parametrize("path", ["a" * 5000, "null\x00byte.jpg", "line\nbreak.jpg", "/dev/null"])
def test_an_odd_path_is_refused_in_one_line(path: str) -> None:
    refusal(path)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIC"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", "HEIC"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"%PDF-1.7 and so on", "PDF"),
        (b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a", "JPEG XL"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2", "video"),
    ],
)
def test_a_format_that_cannot_be_read_is_named_with_the_remedy(data: bytes, kind: str) -> None:
    assert refusal(data) == f"the picture: {kind} is not supported; convert it to PNG or JPEG"


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((32, 48, 3), np.float32),
        np.zeros((32, 48, 2), np.uint8),
        np.zeros(9, np.uint8),
        np.zeros((0, 9), np.uint8),
    ],
)
def test_an_array_that_is_no_picture_is_refused_with_its_shape(array: Any) -> None:
    assert str(array.shape) in refusal(array)


def test_floating_point_pixels_are_refused() -> None:
    assert "F pixels" in refusal(saved(Image.new("F", (48, 32), 0.5), "TIFF"))


def test_nothing_the_decoder_prints_is_echoed(tmp_path: Path) -> None:
    data = bytearray(saved(quarters(), "TIFF", compression="tiff_lzw"))
    data[8:40] = bytes(range(200, 232))
    path = tmp_path / "damaged.tif"
    path.write_bytes(data)
    script = "import sys; from facevlm.faces.decode import decode; decode(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert last.endswith(f"{path}: the file is damaged or cut short; fetch or export it again")
    assert "LZW" not in done.stderr and "table" not in done.stderr


# Nothing but a picture or an InputError


def _decodes_or_refuses(data: bytes) -> None:
    try:
        assert decode(data, Settings(max_pixels=1_000_000)).image.mode == "RGB"
    except InputError as error:
        assert "\n" not in str(error)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_decode_or_are_refused(data: bytes) -> None:
    _decodes_or_refuses(data)


VALID = [saved(quarters(), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "MPO")]
VALID += [
    saved(quarters(), kind, save_all=True, append_images=[quarters().rotate(180)]) for kind in ("GIF", "PNG", "TIFF")
]
VALID += [saved(quarters(), "TIFF", compression=each) for each in ("tiff_lzw", "jpeg", "packbits")]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
@given(st.sampled_from(VALID), st.data())
def test_damaged_files_decode_or_are_refused(valid: bytes, data: st.DataObject) -> None:
    changed = bytearray(valid)
    places = st.integers(0, len(valid) - 1)
    for at in data.draw(st.lists(places, max_size=8)):
        changed[at] = data.draw(st.integers(0, 255))
    _decodes_or_refuses(bytes(changed[: data.draw(st.one_of(st.just(len(valid)), places))]))


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (None, "NoneType: not a picture; give a path, bytes"),
        ([1, 2], "list: not a picture"),
        ("", "a path without a letter"),
        ("https://example.org/a.jpg", "https://example.org/a.jpg: pictures are not fetched from the web"),
    ],
)
def test_what_is_no_source_of_a_picture_is_told(source: object, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        decode(source)  # type: ignore[arg-type]


def test_any_kind_of_bytes_is_read() -> None:
    file = BytesIO()
    Image.new("RGB", (32, 32), "grey").save(file, "PNG")
    read = [decode(kind(file.getvalue())).sha256 for kind in (bytes, bytearray, memoryview)]
    assert len(set(read)) == 1
