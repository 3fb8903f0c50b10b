"""The scripts of `evals/` import each other by name, as they do when they are run; made data for them to score."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facevlm.config import asset_dir
from facevlm.types import (
    AU_CODES,
    EMOTIONS,
    Box,
    Check,
    Emotion,
    Explanation,
    FaceAnalysis,
    Intensity,
    Observation,
    Pose,
    Quality,
    Verdict,
)

sys.path.insert(0, str(asset_dir("evals")))

FACE = (165, 50, 285, 170)  # of scikit-image's astronaut
LABELS: tuple[Emotion, ...] = ("happiness", "neutral", "surprise")


@pytest.fixture(scope="session")
def data_folder(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FER+ validation of six faces made from one photograph, two of each of three labels; the last has no face."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "ferplus").mkdir()
    face = Image.open(astronaut).convert("L").crop(FACE)
    images = [np.asarray(face.rotate(angle).resize((48, 48), Image.Resampling.BOX)) for angle in range(-10, 10, 4)]
    votes = np.zeros((6, 10), np.uint8)
    votes[np.arange(6), [EMOTIONS.index(label) for label in LABELS * 2]] = 10
    names = np.array([f"fer{index:07}.png" for index in range(6)])
    images.append(np.zeros((48, 48), np.uint8))
    np.savez(folder / "ferplus" / "valid.npz", image=np.stack(images), name=names, votes=votes)
    return folder


@pytest.fixture(scope="session")
def work_folder(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder with a suite of two pictures that are said to show AU 6 and 12 at E."""
    folder = tmp_path_factory.mktemp("work")
    suite = folder / "synthetic-aus"
    suite.mkdir()
    face = Image.open(astronaut).convert("RGB").crop(FACE)
    moves = {"6": [0.9, 0.9], "12": [0.9, 0.9]}
    rows = []
    for name, angle in (("000000", -4), ("000001", 4)):
        face.rotate(angle).save(suite / f"{name}.jpg")
        rows.append({"id": name, "source": "made", "image": f"{name}.jpg", "details": {"moves": moves}})
    (suite / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (suite / "sheet.jpg").touch()
    return folder


@pytest.fixture(scope="session")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Measured units of 80 made FER+ training faces: those labelled happy smile, those labelled angry frown."""
    units = np.full((80, len(AU_CODES), 3), 0.05, np.float32)
    majority = np.repeat([EMOTIONS.index("happiness"), EMOTIONS.index("anger")], 40)
    units[:40, [AU_CODES.index(6), AU_CODES.index(12)]] = 0.7
    units[40:, [AU_CODES.index(4), AU_CODES.index(7)]] = 0.7
    file = tmp_path_factory.mktemp("arrays") / "ferplus-train-64.npz"
    np.savez(file, units=units, majority=majority, names=np.array([f"fer{index}.png" for index in range(80)]))
    return file


Told = Callable[..., FaceAnalysis]


@pytest.fixture(scope="session")
def face() -> Told:
    """Makes the analysis of a face."""

    def make(
        emotion: Emotion = "happiness",
        verdicts: Sequence[tuple[int, Verdict]] = (),
        observed: Sequence[tuple[int, Intensity]] = (),
        interpretation: str = "",
        sure: float = 0.9,
        **fields: Any,
    ) -> FaceAnalysis:
        claims = tuple(
            Observation(au=au, name="", intensity=grade, evidence=f"how {au} shows") for au, grade in observed
        )
        explanation = Explanation(
            observations=claims,
            interpretation=interpretation,
            emotion=emotion,
            probabilities=dict.fromkeys(EMOTIONS, (1 - sure) / 7) | {emotion: sure},
        )
        checks = tuple(Check(au=au, claimed="C", side="both", measured=None, verdict=each) for au, each in verdicts)
        whole: dict[str, Any] = {
            "id": 1,
            "box": Box(x=0, y=0, width=10, height=10),
            "score": 1.0,
            "pose": Pose(yaw=0, pitch=0, roll=0),
            "quality": Quality(score=1.0),
            "action_units": dict.fromkeys(AU_CODES, 0.0),
            "action_unit_sides": {},
            "explanation": explanation,
            "checks": checks,
            "faithfulness": None,
            "coverage": None,
        }
        return FaceAnalysis(**(whole | fields))

    return make
