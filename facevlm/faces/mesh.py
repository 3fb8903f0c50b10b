"""MediaPipe's face detector and face mesh, run from the models its wheel carries.

The stock `FaceMesh` solution hides the mesh's presence score and detects a second time. Here the landmark subgraph is
run on regions we choose, and its score comes back with the points. Knows nothing of pictures, tiles or quality.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facevlm.errors import PrerequisiteError
from facevlm.faces.silence import silent

RGB = NDArray[np.uint8]
Points = NDArray[np.float32]

_LANDMARK_GRAPH = """
input_stream: "image" input_stream: "roi" input_side_packet: "with_attention" output_stream: "landmarks"
node { calculator: "FaceLandmarkCpu" input_stream: "IMAGE:image" input_stream: "ROI:roi"
       input_side_packet: "WITH_ATTENTION:with_attention" output_stream: "LANDMARKS:landmarks" }
"""
_PRESENCE = "facelandmarkcpu__face_presence_score"  # an inner stream of that subgraph
ROI_SCALE = 1.5  # what the mesh was trained on: the face and half as much again


@dataclass(frozen=True)
class Detection:
    """A candidate face: box as x, y, width, height and the two eyes (right, left of the person), in pixels."""

    box: tuple[float, float, float, float]
    eyes: NDArray[np.float32]  # (2, 2)
    score: float


@dataclass(frozen=True)
class Region:
    """A turned square of the picture: centre and side in pixels, rotation in radians, clockwise."""

    x: float
    y: float
    side: float
    rotation: float

    @classmethod
    def of_detection(cls, found: Detection) -> Region:
        x, y, width, height = found.box
        return cls(x + width / 2, y + height / 2, ROI_SCALE * max(width, height), _tilt(found.eyes))

    @classmethod
    def of_landmarks(cls, points: Points) -> Region:
        """The region the mesh would be given next were this a video: around the points, eyes level."""
        rotation = _tilt(points[[33, 263], :2])
        cos, sin = np.cos(rotation), np.sin(rotation)
        turned = points[:, :2] @ np.array([[cos, -sin], [sin, cos]], np.float32)
        low, high = turned.min(0), turned.max(0)
        centre = np.array([[cos, -sin], [sin, cos]]) @ ((low + high) / 2)
        return cls(float(centre[0]), float(centre[1]), ROI_SCALE * float((high - low).max()), rotation)


def _tilt(eyes: NDArray[np.float32]) -> float:
    (x0, y0), (x1, y1) = eyes
    return float(np.arctan2(y1 - y0, x1 - x0))


class FaceMesh:
    """Both detectors and the mesh, loaded once and safe to share between threads."""

    def __init__(self, min_score: float = 0.5) -> None:
        os.environ.setdefault("GLOG_minloglevel", "2")
        self._lock = threading.Lock()
        with silent():  # the graphs print while they are built, and once more when they first run
            self._far, self._near = _load_detector(1, min_score), _load_detector(0, min_score)
            self._landmarker = _load_landmarker()
            self._run_once()

    def _run_once(self) -> None:
        nothing = np.zeros((192, 192, 3), np.uint8)
        self.detect(nothing)
        self.detect(nothing, near=True)
        self.landmarks(nothing, Region(96, 96, 192, 0.1))

    def detect(self, image: RGB, *, near: bool = False) -> list[Detection]:
        """Candidate faces in an (h, w, 3) picture, in one pass; `near` for a face that fills most of it."""
        with self._lock:
            found = (self._near if near else self._far).process(image).detections or []
        height, width = image.shape[:2]
        return [_detection(each, width, height) for each in found]

    def landmarks(self, image: RGB, region: Region) -> tuple[Points, float]:
        """The mesh in one region: (478, 3) float32 in pixels of `image`, and how surely a face is there, 0–1."""
        from mediapipe.framework.formats.rect_pb2 import NormalizedRect

        height, width = image.shape[:2]
        rect = NormalizedRect(
            x_center=region.x / width, y_center=region.y / height,
            width=region.side / width, height=region.side / height, rotation=region.rotation,
        )  # fmt: skip
        with self._lock:
            result = self._landmarker.process({"image": image, "roi": rect})
        flat = [value for p in result.landmarks.landmark for value in (p.x, p.y, p.z)]
        points = np.array(flat, np.float32).reshape(478, 3) * np.array([width, height, width], np.float32)
        return points, float(getattr(result, _PRESENCE))


@lru_cache(maxsize=1)
def shared_mesh() -> FaceMesh:
    """The process's one FaceMesh."""
    return FaceMesh()


def _detection(found: Any, width: int, height: int) -> Detection:
    box = found.location_data.relative_bounding_box
    eyes = [(point.x * width, point.y * height) for point in found.location_data.relative_keypoints[:2]]
    return Detection(
        (box.xmin * width, box.ymin * height, box.width * width, box.height * height),
        np.array(eyes, np.float32),
        float(found.score[0]),
    )


def _load_detector(selection: int, min_score: float) -> Any:
    detection = _mediapipe().solutions.face_detection
    return detection.FaceDetection(model_selection=selection, min_detection_confidence=min_score)


def _load_landmarker() -> Any:
    _mediapipe()
    from google.protobuf import text_format
    from mediapipe.framework.calculator_pb2 import CalculatorGraphConfig
    from mediapipe.python.solution_base import PacketDataType, SolutionBase

    return SolutionBase(
        graph_config=text_format.Parse(_LANDMARK_GRAPH, CalculatorGraphConfig()),
        side_inputs={"with_attention": True},
        outputs=["landmarks", _PRESENCE],
        # Points come back at any score: the caller decides what to make of it.
        calculator_params={"facelandmarkcpu__ThresholdingCalculator.threshold": 0.0},
        stream_type_hints={_PRESENCE: PacketDataType.FLOAT},
    )


def _mediapipe() -> Any:
    try:
        # Imported for their side effect as well: they register the option types the graph refers to.
        import mediapipe
        import mediapipe.python.solutions.face_detection
        import mediapipe.python.solutions.face_mesh
    except ImportError as error:
        raise PrerequisiteError(f"MediaPipe cannot be loaded ({error}); run `facevlm doctor` for the remedy") from error
    return mediapipe
