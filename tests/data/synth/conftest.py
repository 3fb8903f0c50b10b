"""A made face model, and a process that renders: what a graphics driver loads does not go with torch in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import pytest
from PIL import Image

from facevlm.data.sample import Sample
from facevlm.data.synth import graphics, scene
from facevlm.data.synth import rig as rigs
from facevlm.data.synth.body import Mesh
from facevlm.data.synth.recipe import Recipe
from facevlm.data.synth.rig import Rig
from facevlm.data.synth.stage import Lens, Light, Shot, Stage
from tests.data.synth import made_rig

Shoot = Callable[[Sequence[Mesh], Lens, Sequence[Light], float], Shot]
Draw = Callable[..., tuple[Image.Image, tuple[Sample, ...]]]

SIZE = (320, 240)


@pytest.fixture(scope="session")
def rig_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_rig.write(tmp_path_factory.mktemp("rig") / "rig.npz")


@pytest.fixture(scope="session")
def rig(rig_file: Path) -> Rig:
    return rigs.load(rig_file)


@pytest.fixture(scope="session")
def renders() -> None:
    """Skips what needs a picture where none can be rendered."""
    if lack := graphics.lacking():
        pytest.skip(f"{lack.what}; {lack.fix}")


@pytest.fixture(scope="session")
def studio(renders: None) -> Iterator[Executor]:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="session")
def shoot(studio: Executor) -> Shoot:
    """`Stage.shoot` at a size of 320×240."""
    return lambda *given: studio.submit(_shoot, *given).result()


@pytest.fixture(scope="session")
def draw(studio: Executor, rig_file: Path) -> Draw:
    """`scene.picture` of a recipe and an index; with another rig, or on a stage that nothing was drawn on."""
    return lambda recipe, index, file=rig_file, fresh=False: studio.submit(_draw, file, recipe, index, fresh).result()


@pytest.fixture
def recipe() -> Recipe:
    return Recipe(name="made", count=5, size=128, kinds={"random": 0.6, "prototype": 0.4}, damaged=0)


@lru_cache
def _stage(width: int, height: int) -> Stage:
    return Stage(width, height)


def _shoot(meshes: Sequence[Mesh], lens: Lens, lights: Sequence[Light], ambient: float) -> Shot:
    return _stage(*SIZE).shoot(meshes, lens, lights, ambient)


def _draw(file: Path, recipe: Recipe, index: int, fresh: bool) -> tuple[Image.Image, tuple[Sample, ...]]:
    size = scene.canvas(recipe)
    return scene.picture(rigs.load(file), recipe, index, Stage(*size) if fresh else _stage(*size))
