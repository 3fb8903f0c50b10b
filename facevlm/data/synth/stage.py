"""A camera, lights and heads, rendered off screen on the CPU by VTK through pyvista."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facevlm.data.synth import graphics
from facevlm.data.synth.body import Mesh
from facevlm.errors import PrerequisiteError
from facevlm.types import Value


class Light(Value):
    """One lamp: the direction it stands in, seen from the heads, its strength and colour."""

    towards: tuple[float, float, float]
    strength: float
    colour: tuple[float, float, float]


class Lens(Value):
    """The camera stands on the z axis and looks at the origin; `angle` is the height of its view in degrees."""

    angle: float
    distance: float  # cm

    def focal(self, height: int) -> float:
        """Focal length in pixels of a picture of that height."""
        return height / 2 / float(np.tan(np.radians(self.angle) / 2))


@dataclass(frozen=True)
class Shot:
    """A rendered picture."""

    pixels: NDArray[np.uint8]  # (h, w, 4), transparent where there is no head
    depth: NDArray[np.float32] | None  # (h, w) distance from the camera plane in cm, inf where there is no head


def project(points: NDArray[np.float32], lens: Lens, width: int, height: int) -> NDArray[np.float32]:
    """Where points (n, 3) in cm appear: (n, 3), pixels x and y, and distance from the camera plane in cm."""
    away = lens.distance - points[:, 2]
    scale = lens.focal(height) / away
    x, y = width / 2 + points[:, 0] * scale, height / 2 - points[:, 1] * scale
    seen: NDArray[np.float32] = np.stack([x, y, away], 1).astype(np.float32)
    return seen


class Stage:
    """Renders heads at one picture size. Holds a window of the graphics library; not to be shared between threads.

    Raises:
        PrerequisiteError: pyvista, EGL or a driver is missing.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._plotter = _plotter(width, height)

    def shoot(self, meshes: Sequence[Mesh], lens: Lens, lights: Sequence[Light], ambient: float) -> Shot:
        """A picture of the meshes where they stand; its depth, which costs as much again, where there are several."""
        import pyvista

        plotter = self._plotter
        plotter.clear_actors()
        plotter.remove_all_lights()
        for light in lights:
            lamp = pyvista.Light(position=[100 * each for each in light.towards], color=light.colour)
            lamp.intensity = light.strength
            plotter.add_light(lamp)
        for mesh in meshes:
            actor = plotter.add_mesh(_polydata(mesh), scalars="colour", rgb=True, ambient=ambient, diffuse=1 - ambient,
                                     specular=0.08, specular_power=12, render=False)  # fmt: skip
            actor.prop.interpolation = "gouraud"  # by the normals given: smooth_shading would work them out again
        plotter.camera.position, plotter.camera.focal_point = (0, 0, lens.distance), (0, 0, 0)
        plotter.camera.up, plotter.camera.view_angle = (0, 1, 0), lens.angle
        plotter.reset_camera_clipping_range()
        plotter.render()
        pixels = plotter.screenshot(return_img=True, transparent_background=True)
        return Shot(np.asarray(pixels), _depth(plotter) if len(meshes) > 1 else None)

    def close(self) -> None:
        self._plotter.close()


def _plotter(width: int, height: int) -> Any:
    if lack := graphics.lacking():
        raise PrerequisiteError(f"{lack.what}; {lack.fix}")
    os.environ["VTK_DEFAULT_OPENGL_WINDOW"] = "vtkEGLRenderWindow"  # where there is a screen, too: one way, one result
    import pyvista

    return pyvista.Plotter(off_screen=True, window_size=[width, height])


def _polydata(mesh: Mesh) -> Any:
    import pyvista

    heads = np.full((len(mesh.triangles), 1), 3, np.int32)
    data = pyvista.PolyData(mesh.points, np.hstack([heads, mesh.triangles]).ravel())
    data.point_data["colour"] = mesh.colours
    data.point_data["Normals"] = mesh.normals
    data.point_data.active_normals_name = "Normals"
    return data


def _depth(plotter: Any) -> NDArray[np.float32]:
    away = -np.asarray(plotter.get_image_depth(fill_value=-np.inf), np.float32)
    return away
