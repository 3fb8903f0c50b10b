from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from facevlm.types import ActionUnit, Box, Face, Landmarks, MarkedImage, Pose, Quality


@pytest.fixture
def face() -> Face:
    return Face(
        id=1,
        box=Box(x=64, y=48, width=128, height=96),
        score=0.9,
        landmarks=Landmarks(points=np.zeros((478, 3), np.float32)),
        pose=Pose(yaw=0, pitch=0, roll=0),
        quality=Quality(score=1),
        cues={"mouth_open": 1.6, "brow_height": -9.0, "eye_open": 0.2},
        action_units={
            4: ActionUnit(code=4, value=0.1),
            6: ActionUnit(code=6, value=None),
            12: ActionUnit(code=12, value=0.7),
        },
    )


@pytest.fixture
def marked(face: Face) -> Callable[..., MarkedImage]:
    """Makes a marked picture with so many numbered faces."""

    def make(count: int = 1, variant: str = "landmarks") -> MarkedImage:
        faces = tuple(face.model_copy(update={"id": number}) for number in range(1, count + 1))
        return MarkedImage(image=Image.new("RGB", (640, 480)), faces=faces, variant=variant)

    return make
