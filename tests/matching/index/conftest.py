"""A small index, and what it is built of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from facevlm.matching.index import Description, Given, Index, Plan, build
from facevlm.matching.matcher import Matcher

LABELLED = (Given("glad/a.png", "happiness"), Given("glad/b.png", "happiness"), Given("plain/c.png", "neutral"))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory, astronaut: Path) -> Path:
    """One face as it is, mirrored and in other tones, a wall, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "glad").mkdir()
    (folder / "plain").mkdir()
    face = Image.open(astronaut).convert("RGB").crop((128, 0, 352, 224))
    face.save(folder / "glad" / "a.png")
    ImageOps.mirror(face).save(folder / "glad" / "b.png")
    ImageOps.solarize(face, 160).save(folder / "plain" / "c.png")
    Image.new("RGB", (224, 224), "grey").save(folder / "plain" / "wall.png")
    (folder / "plain" / "broken.png").write_bytes(b"no picture")
    return folder


def planned(matcher: Matcher, pictures: Path, labels: str = "folder") -> Plan:
    return Plan(matcher=matcher.name, fingerprint=matcher.fingerprint, source=str(pictures), labels=labels)


def built(
    matcher: Matcher, pictures: Path, out: Path, given: Sequence[Given], told: list[str] | None = None
) -> Description:
    tell = (lambda line: None) if told is None else told.append
    return build(matcher, planned(matcher, pictures), given, pictures.joinpath, out, tell=tell)


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory, matcher: Matcher, pictures: Path) -> Index:
    folder = tmp_path_factory.mktemp("built") / "faces.index"
    built(matcher, pictures, folder, LABELLED)
    return Index(folder)


def vector(matcher: Matcher, picture: Path) -> np.ndarray:
    from facevlm.reasoning.seeing import find

    found = find(picture)
    return matcher.faces([matcher.crop(found.picture.image, found.faces[0])])[0]
