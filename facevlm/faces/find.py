"""From a photograph to its faces, each with everything that is measured of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facevlm.faces.action_units import measure_action_units
from facevlm.faces.cues import measure_cues
from facevlm.faces.locate import Located, locate
from facevlm.faces.pose import frontalise
from facevlm.faces.quality import assess
from facevlm.types import Face, Landmarks, Picture


def find(picture: Picture) -> tuple[Face, ...]:
    """The faces of a picture, largest first, not yet numbered.

    A bare face crop down to 48 px is found as given: small pictures are padded and enlarged on the way.
    """
    grey = np.asarray(picture.image.convert("L"))
    return tuple(_measured(picture, grey, located) for located in locate(picture.image))


def _measured(picture: Picture, grey: NDArray[np.uint8], located: Located) -> Face:
    frontal, pose = frontalise(located.points)
    cues = measure_cues(frontal, pose)
    return Face(
        box=located.box,
        score=round(located.presence, 3),
        landmarks=Landmarks(points=located.points),
        pose=pose,
        quality=assess(picture.image, located.points, pose, located.presence),
        cues=cues,
        action_units=measure_action_units(grey, located.points, frontal, pose),
    )
