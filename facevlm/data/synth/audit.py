"""The made faces of the fairness audit: one factor at a time is varied, and all else about the picture is held.

What varies, and what is shown, is in `audit.yaml`. A folder gets `images/`, `samples.jsonl` and `audit.json`; every
sample tells its `factor` and the `level` of it; the same person, its `group`, shows each expression at each level.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache, lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml
from PIL import Image

from facevlm import facs, files
from facevlm.data.sample import Sample, UnitLabel, write_samples
from facevlm.data.synth import body
from facevlm.data.synth import rig as rigs
from facevlm.data.synth.expression import Move
from facevlm.data.synth.look import Look, draw_look
from facevlm.data.synth.produce import SAMPLES
from facevlm.data.synth.rig import Rig
from facevlm.data.synth.scene import CENTRE, FACE_HEIGHT
from facevlm.data.synth.stage import Lens, Light, Shot, Stage
from facevlm.data.synth.workers import obey, one_thread_each, save
from facevlm.errors import InputError, PrerequisiteError
from facevlm.types import AU_CODES, Emotion, Value

AUDIT = "audit.json"
TABLE = Path(__file__).with_suffix(".yaml")
FACTORS = ("skin tone", "face shape", "light", "pose")
EXPRESSION = "expression"  # the factor of the pictures on which all others are held
HELD = "held"  # the level at which a factor is what the person, or the audit, has by itself
BACKDROP = (128, 128, 128)
ROUGE = (0.62, 0.16, 0.20)

Tick = Callable[[], None]


class Lit(Value):
    """A key light with its direction and strength, a fill beside the camera, and what comes from everywhere."""

    towards: tuple[float, float, float]
    strength: float
    fill: float
    ambient: float


class Table(Value):
    """What `audit.yaml` says."""

    size: int
    pool: int
    face_height: float
    angle: float
    strength: float
    expressions: dict[Emotion, tuple[int, ...]]
    held: dict[str, str]
    skin: dict[str, tuple[float, float, float]]
    shape: dict[str, int]
    light: dict[str, Lit]
    pose: dict[str, tuple[float, float]]

    def levels(self, factor: str) -> list[str]:
        """The levels of a factor; one that is held has one."""
        return {
            "skin tone": list(self.skin),
            "face shape": list(self.shape),
            "light": list(self.light),
            "pose": list(self.pose),
        }[factor]


class Shown(NamedTuple):
    """One picture of the audit."""

    person: int
    emotion: Emotion
    factor: str
    level: str

    @property
    def name(self) -> str:
        words = f"{self.factor} {self.level} p{self.person:03d} {self.emotion}"
        return "-".join(words.replace("°", "").split())


class _Job(NamedTuple):
    """What every process needs to know."""

    rig: Path
    out: Path


def make(rig: Path, out: Path, people: int, workers: int = 2, tick: Tick = lambda: None) -> Path:
    """Render the faces of the audit, or what is missing of them, and return their `samples.jsonl`.

    Args:
        rig: the archive of `facevlm data rig`.
        people: how many persons show each expression at each level of each factor; intervals are over persons.
        tick: called after each picture, those that were there already included.

    Raises:
        InputError: the rig is none, or `out` holds another audit or cannot be written.
        PrerequisiteError: pyvista, EGL or a driver is missing, or a process died, as for want of memory.
    """
    rigs.load(rig)  # a wrong one is told before processes start
    try:
        _claim(rig, out)
        samples = []
        for sample in drawn(rig, out, list(pictures(people)), workers):
            samples.append(sample)
            tick()
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); free space or give another folder") from None
    except BrokenProcessPool:
        raise PrerequisiteError(f"{out}: a process that renders was ended; give fewer --workers: it goes on") from None
    write_samples(out / SAMPLES, samples)
    return out / SAMPLES


def pictures(people: int) -> Iterator[Shown]:
    """Every picture of the audit, person by person: at `held` only the expression varies."""
    for person in range(people):
        for factor, levels in ((EXPRESSION, [HELD]), *((each, table().levels(each)) for each in FACTORS)):
            for level in levels:
                if level != table().held.get(factor):  # those are the pictures at `held`
                    yield from (Shown(person, emotion, factor, level) for emotion in table().expressions)


def drawn(rig: Path, out: Path, shown: list[Shown], workers: int = 1) -> Iterator[Sample]:
    """Each picture drawn and saved in `out/images`, where it is not there yet, and its sample, in order.

    Raises:
        BrokenProcessPool: a process ended by itself.
    """
    with one_thread_each():
        # Fresh processes: a graphics library does not survive a fork, nor goes with torch.
        pool = ProcessPoolExecutor(workers, get_context("spawn"), obey)
        try:
            yield from pool.map(_draw, [_Job(rig, out)] * len(shown), shown, chunksize=8)
        finally:
            pool.shutdown(cancel_futures=True)


@cache
def table() -> Table:
    """What the audit varies and holds."""
    content = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    factors = content.pop("factors")
    levels = {"skin": "skin tone", "shape": "face shape", "light": "light", "pose": "pose"}
    return Table(**content, **{field: factors[name] for field, name in levels.items()})


def _claim(rig: Path, out: Path) -> None:
    """Make the folder that of this audit, with this rig."""
    (out / "images").mkdir(parents=True, exist_ok=True)
    digests = {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in (TABLE, rig)}
    facts = json.dumps({"table": digests[TABLE.name], "rig": digests[rig.name]}, indent=1) + "\n"
    file = out / AUDIT
    if file.is_file() and file.read_text(encoding="utf-8") != facts:
        raise InputError(f"{out}: holds the faces of another rig or of other factors; give an empty folder")
    files.write(file, facts)


def _draw(job: _Job, shown: Shown) -> Sample:
    rig = rigs.load(job.rig)
    points, moves = _acted(rig, shown)
    file = job.out / "images" / f"{shown.name}.jpg"
    if not file.is_file():
        save(_picture(_shot(rig, shown, points)), file)
    return Sample(
        id=shown.name,
        source="synth/fairness",
        image=f"images/{file.name}",
        emotion=shown.emotion,
        aus={code: _label(moves.get(code)) for code in AU_CODES},
        group=f"person {shown.person:03d}",
        details={"factor": shown.factor, "level": shown.level},
    )


def _acted(rig: Rig, shown: Shown) -> tuple[body.Points, dict[int, Move]]:
    """The face once it has moved, and the action units that it then shows."""
    number = table().shape[shown.level] if shown.factor == "face shape" else shown.person
    side = 0.0 if shown.emotion == "contempt" else table().strength
    moves = {code: Move(left=table().strength, right=side) for code in table().expressions[shown.emotion]}
    return body.move(rig, body.identity(rig, _of_pool(number)), moves, gaze=(0, 0))


def _shot(rig: Rig, shown: Shown, points: body.Points) -> Shot:
    at = table()
    yaw, pitch = at.pose[_level(shown, "pose")]
    lit = at.light[_level(shown, "light")]
    high = FACE_HEIGHT / at.face_height
    lens = Lens(angle=at.angle, distance=high / 2 / float(np.tan(np.radians(at.angle) / 2)))
    lights = [
        Light(towards=lit.towards, strength=lit.strength, colour=(1, 1, 1)),
        Light(towards=(0.1, 0.2, 1.0), strength=lit.fill, colour=(1, 1, 1)),
    ]
    mesh = body.dress(rig, body.turned(points - CENTRE, yaw, pitch, 0), _look(shown))
    return _stage(at.size).shoot([mesh], lens, lights, lit.ambient)


def _level(shown: Shown, factor: str) -> str:
    return shown.level if shown.factor == factor else table().held[factor]


def _look(shown: Shown) -> Look:
    """The person's own look, in hair and no cap; with another skin, lips are of that skin too, and hair stays."""
    look = draw_look(_of_pool(shown.person))
    if look.hair_kind == "cap":  # stubble has its colour, whatever that is
        look = look.model_copy(update={"hair_kind": "short", "hair": look.brow})
    if shown.factor != "skin tone":
        return look
    skin = table().skin[shown.level]
    red, green, blue = (0.5 * 0.75 * own + 0.5 * rouge for own, rouge in zip(skin, ROUGE, strict=True))
    return look.model_copy(update={"skin": skin, "lips": (red, green, blue)})


def _of_pool(number: int) -> int:
    return table().pool * 1_000_000 + number


def _label(move: Move | None) -> UnitLabel:
    grade = facs.grade(move.strongest) if move else None
    return UnitLabel(present=grade is not None, intensity=grade)


def _picture(shot: Shot) -> Image.Image:
    height, width = shot.pixels.shape[:2]
    picture = Image.new("RGB", (width, height), BACKDROP)
    picture.paste(Image.fromarray(shot.pixels[..., :3]), mask=Image.fromarray(shot.pixels[..., 3]))
    return picture


@lru_cache(maxsize=1)
def _stage(size: int) -> Stage:
    return Stage(size, size)
