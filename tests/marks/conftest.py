from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from facevlm.types import Box, Face, Landmarks, Pose, Quality

FIVE = {468: (0.3, 0.4), 473: (0.7, 0.4), 1: (0.5, 0.6), 61: (0.35, 0.8), 291: (0.65, 0.8)}


@pytest.fixture(scope="session")
def face_at() -> Callable[..., Face]:
    """Makes a face that fills a box given as x, y, width, height."""

    def make(x: float, y: float, width: float, height: float, id: int = 0) -> Face:
        points = np.tile(np.float32([x + width / 2, y + height / 2, 0]), (478, 1))
        for index, (across, down) in FIVE.items():
            points[index, :2] = x + across * width, y + down * height
        return Face(
            id=id,
            box=Box(x=x, y=y, width=width, height=height),
            score=0.9,
            landmarks=Landmarks(points=points),
            pose=Pose(yaw=0, pitch=0, roll=0),
            quality=Quality(score=1),
        )

    return make
