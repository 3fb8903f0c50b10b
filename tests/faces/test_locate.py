"""Where faces are found, however large, turned or cut off, and where none are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from facevlm.faces.decode import decode
from facevlm.faces.locate import Located, locate
from facevlm.faces.mesh import FaceMesh
from facevlm.types import Box

FACE = Box(x=179, y=68, width=92, height=110)  # the astronaut's, brow to chin
OVERLAP = 0.35


def astronaut() -> Image.Image:
    return Image.fromarray(skimage.data.astronaut())


def face_with_margin(share: float) -> Image.Image:
    """The astronaut's face and this share of its size all round; negative cuts into it."""
    x, y = share * FACE.width, share * FACE.height
    return astronaut().crop((round(FACE.x - x), round(FACE.y - y), round(FACE.right + x), round(FACE.bottom + y)))


def group(size: tuple[int, int], heights: Sequence[int]) -> tuple[Image.Image, list[Box]]:
    """A plain wall with the astronaut's head before it in several sizes, and where the faces then are."""
    wall = Image.linear_gradient("L").resize(size).convert("RGB")
    head = face_with_margin(0.45)
    faces, x, y, row = [], 0, 0, 0
    for height in heights:
        scale = height / FACE.height
        shown = head.resize((round(head.width * scale), round(head.height * scale)), Image.Resampling.LANCZOS)
        if x + shown.width > size[0]:
            x, y, row = 0, y + row, 0
        wall.paste(shown, (x, y))
        faces.append(Box(x=x + 0.45 * FACE.width * scale, y=y + 0.45 * height, width=FACE.width * scale, height=height))
        x, row = x + shown.width + 20, max(row, shown.height + 20)
    return wall, faces


def matched(found: Sequence[Located], truth: Sequence[Box]) -> int:
    """How many true faces have a found one of their own."""
    left = [each.box for each in found]
    count = 0
    for box in truth:
        best = max(left, key=box.iou, default=None)
        if best is not None and box.iou(best) >= OVERLAP:
            left.remove(best)
            count += 1
    return count


def passes(monkeypatch: pytest.MonkeyPatch, image: Image.Image) -> int:
    """How often the detector looks at a picture."""
    calls = []
    detect = FaceMesh.detect

    def counted(self: FaceMesh, pixels: np.ndarray, *, near: bool = False) -> list:
        calls.append(near)
        return detect(self, pixels, near=near)

    monkeypatch.setattr(FaceMesh, "detect", counted)
    locate(image)
    return len(calls)


def test_the_face_of_a_portrait_is_found_where_it_is() -> None:
    (found,) = locate(astronaut())
    assert found.points.shape == (478, 3) and found.points.dtype == np.float32
    assert found.presence > 0.99
    assert found.box.iou(FACE) > 0.9


def test_a_portrait_takes_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    assert passes(monkeypatch, astronaut()) == 1


def test_a_group_takes_no_more_passes_than_its_time_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    image, _ = group((1024, 768), [90, 80, 70, 60, 50, 45])
    assert 1 < passes(monkeypatch, image) <= 17


def test_faces_of_many_sizes_are_found_largest_first() -> None:
    image, faces = group((1600, 1200), [320, 200, 130, 90, 64, 50])
    found = locate(image)
    assert len(found) == matched(found, faces) == 6
    assert [round(each.box.height, -1) for each in found] == sorted((round(f.height, -1) for f in faces), reverse=True)


def test_small_faces_are_found_where_one_pass_would_miss_them() -> None:
    image, faces = group((1600, 1200), [60, 60, 60])  # 4 % of the longer side
    found = locate(image)
    assert len(found) == matched(found, faces) == 3


def test_landmarks_of_a_large_picture_are_in_its_own_pixels() -> None:
    (found,) = locate(astronaut().resize((3072, 3072), Image.Resampling.BICUBIC))
    assert found.box.iou(Box(x=FACE.x * 6, y=FACE.y * 6, width=FACE.width * 6, height=FACE.height * 6)) > 0.9


@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270])
def test_a_picture_on_its_side_or_head_is_read_the_right_way_round(turn: Image.Transpose) -> None:
    upright = locate(astronaut())[0].points[:, :2] - 256
    x, y = upright.T
    turned = {
        Image.Transpose.ROTATE_90: np.stack((y, -x), 1),
        Image.Transpose.ROTATE_180: np.stack((-x, -y), 1),
        Image.Transpose.ROTATE_270: np.stack((-y, x), 1),
    }[turn]
    (found,) = locate(astronaut().transpose(turn))
    assert np.abs(found.points[:, :2] - 256 - turned).mean() < 4


def test_a_mirrored_face_is_found() -> None:
    (found,) = locate(astronaut().transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    assert found.box.iou(Box(x=512 - FACE.right, y=FACE.y, width=FACE.width, height=FACE.height)) > 0.9


@pytest.mark.parametrize("margin", [0.3, 0.1, 0.0, -0.1])
def test_a_face_that_fills_or_overflows_the_frame_is_found(margin: float) -> None:
    assert len(locate(face_with_margin(margin).resize((400, 480), Image.Resampling.BICUBIC))) == 1


@pytest.mark.parametrize("box", [(202, 0, 512, 512), (0, 0, 248, 512), (0, 95, 512, 512), (0, 0, 512, 150)])
def test_a_face_cut_off_by_a_quarter_is_found_beyond_the_frame(box: tuple[int, int, int, int]) -> None:
    (found,) = locate(astronaut().crop(box))
    assert found.box.iou(Box(x=FACE.x - box[0], y=FACE.y - box[1], width=FACE.width, height=FACE.height)) > 0.8


@pytest.mark.parametrize("side", [48, 64, 96, 128])
def test_a_bare_crop_is_found_as_given(side: int) -> None:
    found = locate(face_with_margin(0.05).resize((side, side), Image.Resampling.LANCZOS).convert("L").convert("RGB"))
    assert len(found) == 1
    assert 0.7 * side < found[0].box.height < 1.1 * side


@pytest.mark.parametrize("name", ["brick", "chelsea", "coffee", "coins", "colorwheel", "gravel", "moon", "rocket"])
def test_nothing_is_found_where_no_face_is(name: str) -> None:
    assert locate(decode(getattr(skimage.data, name)()).image) == []


def test_a_picture_gives_the_same_faces_every_time() -> None:
    image, _ = group((1024, 768), [90, 60, 45])
    first, second = locate(image), locate(image)
    assert all(np.array_equal(a.points, b.points) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("name", ["single_face.jpg", "five_faces.jpg", "no_face.jpg"])
def test_counts_of_real_photographs_are_exact(name: str, shared_data: Path) -> None:
    pictures = shared_data / "pictures"
    truth = json.loads((pictures / "truth.json").read_text())
    assert len(locate(decode(pictures / name).image)) == truth[name]["count"]


def test_nine_tenths_of_the_faces_in_real_groups_are_found_with_at_most_four_false_alarms(shared_data: Path) -> None:
    pictures = shared_data / "pictures"
    truth = json.loads((pictures / "truth.json").read_text())
    total = hits = alarms = 0
    for name in (name for name in truth if name.startswith("group_")):
        boxes = [Box(x=x, y=y, width=w, height=h) for x, y, w, h in truth[name]["boxes_xywh"]]
        found = locate(decode(pictures / name).image)
        hit = matched(found, boxes)
        total, hits, alarms = total + len(boxes), hits + hit, alarms + len(found) - hit
    assert hits >= 0.9 * total
    assert alarms <= 4
