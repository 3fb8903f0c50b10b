"""One picture of a data set: who is in it, what each shows, the light, the place and the damage; drawn, then told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from facevlm import facs
from facevlm.data.sample import Sample, UnitLabel
from facevlm.data.synth import body, cast
from facevlm.data.synth.damage import damaged
from facevlm.data.synth.expression import Move
from facevlm.data.synth.look import draw_look
from facevlm.data.synth.recipe import Recipe
from facevlm.data.synth.rig import Rig
from facevlm.data.synth.stage import Lens, Light, Shot, Stage, project
from facevlm.types import AU_CODES, Box, Pose, Side

FACE_HEIGHT = 19.0  # cm, chin to hairline
CENTRE = np.array([0, 0.5, 4.0], np.float32)  # of a head; what it turns about
TRIES = 50
HIDDEN_BEHIND = 8.0  # cm that something must be nearer than a landmark to be somebody else, who covers it
# Above brows and around the outline, as shares of the landmarks' own extent: a face box holds the forehead too.
FOREHEAD = 0.25


class Placed(NamedTuple):
    """One person in the picture."""

    identity: int
    look: int
    part: cast.Part
    shown: dict[int, Move]  # the action units once the face has moved
    pose: Pose
    gaze: tuple[float, float]
    points: NDArray[np.float32]  # (v, 3) cm, where the person stands


def picture(rig: Rig, recipe: Recipe, index: int, stage: Stage) -> tuple[Image.Image, tuple[Sample, ...]]:
    """Picture `index` of the data set and the truth of its faces, largest first; the same whoever draws it."""
    rng = np.random.default_rng([recipe.seed, recipe.pool, index])
    people = [_person(rig, recipe, rng) for _ in range(int(rng.integers(recipe.people[0], recipe.people[1] + 1)))]
    people, lens = _arranged(people, recipe, rng)
    light = int(rng.integers(recipe.identities))
    place = int(rng.integers(recipe.identities))
    meshes = [body.dress(rig, each.points, draw_look(_of_pool(recipe, each.look))) for each in people]
    shot = stage.shoot(meshes, lens, *_lights(_of_pool(recipe, light)))
    image = _before(shot, _of_pool(recipe, place))
    image, damages = damaged(image, rng) if rng.random() < recipe.damaged else (image, [])
    facts = {"light": light, "place": place, "lens": round(lens.angle, 1), "damage": damages}
    faces = [_truth(rig, recipe, index, each, shot, lens, facts) for each in people]
    faces.sort(key=lambda sample: -sample.box.area if sample.box else 0)
    return image, tuple(each.model_copy(update={"id": f"{each.id}-{n}"}) for n, each in enumerate(faces, 1))


def canvas(recipe: Recipe) -> tuple[int, int]:
    """Width and height of the pictures: square for one face, 4 : 3 for groups."""
    return (recipe.size, recipe.size) if recipe.people[1] == 1 else (recipe.size * 4 // 3, recipe.size)


def _of_pool(recipe: Recipe, number: int) -> int:
    return recipe.pool * 1_000_000 + number


def _person(rig: Rig, recipe: Recipe, rng: np.random.Generator) -> Placed:
    who, look = int(rng.integers(recipe.identities)), int(rng.integers(recipe.identities))
    resting = body.identity(rig, _of_pool(recipe, who))
    gaze = (float(rng.normal(0, 8)), float(rng.normal(0, 4)))
    part, points, shown = _possible(rig, recipe, resting, gaze, rng)
    yaw, pitch, roll = (round(float(rng.uniform(*extent)), 1) for extent in (recipe.yaw, recipe.pitch, recipe.roll))
    return Placed(who, look, part, shown, Pose(yaw=yaw, pitch=pitch, roll=roll), gaze, points - CENTRE)


def _possible(
    rig: Rig, recipe: Recipe, resting: NDArray[np.float32], gaze: tuple[float, float], rng: np.random.Generator
) -> tuple[cast.Part, NDArray[np.float32], dict[int, Move]]:
    """A part that, acted, shows no contradiction either: parted lips are seen only then."""
    for _ in range(TRIES):
        part = cast.draw(recipe, rng)
        points, shown = body.move(rig, resting, part.moves, gaze)
        if not facs.contradictions(shown):
            return part, points, shown
    raise AssertionError(f"no possible expression in {TRIES} tries")


def _arranged(people: list[Placed], recipe: Recipe, rng: np.random.Generator) -> tuple[list[Placed], Lens]:
    """Everyone turned and put in a place, and a lens that takes them all in."""
    width, height = canvas(recipe)
    angle = float(np.exp(rng.uniform(np.log(10), np.log(45))))
    spread = rng.uniform(9, 24)  # cm from one to the next; heads are 20 wide
    places = [np.zeros(3)] if len(people) == 1 else [
        np.array([(slot - (len(people) - 1) / 2) * spread, rng.uniform(-9, 9), rng.uniform(-20, 20)])
        for slot in range(len(people))
    ]  # fmt: skip
    high = FACE_HEIGHT / rng.uniform(*recipe.face_height) if len(people) == 1 else _extent(places, width / height)
    lens = Lens(angle=angle, distance=high / 2 / float(np.tan(np.radians(angle) / 2)))
    if len(people) == 1:
        places = [np.array([rng.uniform(-0.12, 0.12) * high, rng.uniform(-0.1, 0.1) * high, 0])]
    moved = [_turned(each, place) for each, place in zip(people, places, strict=True)]
    return moved, lens


def _extent(places: list[NDArray[np.float64]], aspect: float) -> float:
    """Height in cm of a view that holds everyone, with room around them."""
    across = max(abs(place[0]) for place in places) * 2 + 28
    up = max(abs(place[1]) for place in places) * 2 + 32
    return float(max(up, across / aspect)) * 1.1


def _turned(person: Placed, place: NDArray[np.float64]) -> Placed:
    pose = person.pose
    points = body.turned(person.points, pose.yaw, pose.pitch, pose.roll) + place.astype(np.float32)
    return person._replace(points=points)


def _lights(number: int) -> tuple[list[Light], float]:
    """A key light from above or beside, a fill near the camera, and what comes from everywhere."""
    rng = np.random.default_rng([17, number])
    side, up = np.radians(rng.uniform(-75, 75)), np.radians(rng.uniform(-15, 65))
    key = (float(np.sin(side) * np.cos(up)), float(np.sin(up)), float(np.cos(side) * np.cos(up)))
    warmth = rng.normal(0, 0.06)
    colour = tuple(float(np.clip(part, 0, 1)) for part in (0.97 + warmth, 0.95, 0.95 - warmth))
    red, green, blue = colour
    strong = rng.uniform(0.55, 1.05)
    return [
        Light(towards=key, strength=strong, colour=(red, green, blue)),
        Light(towards=(0.1, 0.2, 1.0), strength=rng.uniform(0.3, 0.65), colour=(1, 1, 1)),
    ], float(rng.uniform(0.15, 0.4))


def _before(shot: Shot, number: int) -> Image.Image:
    """The heads before a place: two colours, a few shapes, all out of focus."""
    rng = np.random.default_rng([19, number])
    height, width = shot.pixels.shape[:2]
    tone = rng.uniform(20, 235) + rng.normal(0, 25, (1, 1, 3))
    coarse = tone + rng.normal(0, rng.uniform(4, 40), (int(rng.integers(2, 9)), 8, 1)) + rng.normal(0, 8, (1, 8, 3))
    place = Image.fromarray(coarse.clip(0, 255).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    if rng.random() < 0.5:
        place = place.filter(ImageFilter.GaussianBlur(3))
    place.paste(Image.fromarray(shot.pixels[..., :3]), mask=Image.fromarray(shot.pixels[..., 3]))
    return place


def _truth(
    rig: Rig, recipe: Recipe, index: int, person: Placed, shot: Shot, lens: Lens, facts: Mapping[str, Any]
) -> Sample:
    height, width = shot.pixels.shape[:2]
    seen = project(person.points[rig.landmarks], lens, width, height)
    details = {
        "kind": person.part.kind,
        "moves": {str(code): [move.left, move.right] for code, move in sorted(person.shown.items())},
        "pose": person.pose.model_dump(),
        "gaze": [round(each, 1) for each in person.gaze],
        "landmarks": [[round(float(x), 1), round(float(y), 1)] for x, y, _ in seen],
        "visible": _visible(seen, shot),
        "look": person.look,
        **facts,
    }
    return Sample(
        id=f"{recipe.name}-{index:06d}",
        source=f"synth/{recipe.name}",
        image=f"images/{index:06d}.jpg",
        box=_box(seen),
        emotion=person.part.emotion,
        compound=person.part.compound,
        aus={code: _label(person.shown.get(code)) for code in AU_CODES},
        group=f"{recipe.pool}-{person.identity}",
        details=details,
    )


def _label(move: Move | None) -> UnitLabel:
    grade = facs.grade(move.strongest) if move else None
    if move is None or grade is None:
        return UnitLabel(present=False)
    side: Side = "both" if facs.grade(min(move.left, move.right)) else "left" if move.left > move.right else "right"
    return UnitLabel(present=True, intensity=grade, side=side)


def _box(seen: NDArray[np.float32]) -> Box:
    (left, top), (right, bottom) = seen[:, :2].min(0), seen[:, :2].max(0)
    rise = FOREHEAD * (bottom - top)
    x, y, width, height = left, top - rise, right - left, bottom - top + rise
    return Box(
        **{
            name: round(float(v), 1)
            for name, v in zip(("x", "y", "width", "height"), (x, y, width, height), strict=True)
        }
    )


def _visible(seen: NDArray[np.float32], shot: Shot) -> float:
    """Share of the landmarks that the picture holds and nobody covers."""
    height, width = shot.pixels.shape[:2]
    inside = (seen[:, 0] >= 0) & (seen[:, 0] < width) & (seen[:, 1] >= 0) & (seen[:, 1] < height)
    if shot.depth is None:
        return round(float(inside.mean()), 2)
    columns, rows = (seen[inside, axis].astype(int) for axis in (0, 1))
    open_to_view = shot.depth[rows, columns] > seen[inside, 2] - HIDDEN_BEHIND
    return round(float(open_to_view.sum()) / len(seen), 2)
