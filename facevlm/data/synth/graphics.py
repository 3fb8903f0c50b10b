"""What rendering without a screen needs here: pyvista, EGL and a driver for it.

VTK does not raise where it finds none, it ends the process. So EGL is asked before VTK is, and in a process of its own,
which is this file: Mesa's driver brings an LLVM, and a process that has loaded it does not survive importing triton.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from ctypes import CFUNCTYPE, byref, c_int, c_uint, c_void_p
from importlib.util import find_spec
from typing import NamedTuple

LIBRARY = "libEGL.so.1"
PACKAGES = "apt-get install libegl1 libgl1-mesa-dri"
_DEVICE = 0x313F  # EGL_PLATFORM_DEVICE_EXT, of EGL_EXT_platform_device
_MOST = 16


class Lack(NamedTuple):
    """What is missing, and the command that fixes it."""

    what: str
    fix: str


def lacking() -> Lack | None:
    """What rendering lacks here; None where it lacks nothing. Takes a tenth of a second, and imports no library."""
    if find_spec("pyvista") is None:
        return Lack("pyvista, which renders faces, is not installed", "pip install 'facevlm[synth]'")
    try:
        ctypes.CDLL(LIBRARY)
    except OSError as error:
        return Lack(f"faces are rendered through EGL, which cannot be loaded ({error})", PACKAGES)
    asked = subprocess.run([sys.executable, "-I", __file__], capture_output=True, check=False)
    return Lack("EGL finds no driver to render faces with", PACKAGES) if asked.returncode else None


def _driven() -> bool:
    """Whether a device of EGL starts."""
    egl = ctypes.CDLL(LIBRARY)
    egl.eglGetProcAddress.restype = c_void_p
    query = CFUNCTYPE(c_uint, c_int, c_void_p, c_void_p)(egl.eglGetProcAddress(b"eglQueryDevicesEXT"))
    display = CFUNCTYPE(c_void_p, c_uint, c_void_p, c_void_p)(egl.eglGetProcAddress(b"eglGetPlatformDisplayEXT"))
    start = CFUNCTYPE(c_uint, c_void_p, c_void_p, c_void_p)(("eglInitialize", egl))
    devices, count = (c_void_p * _MOST)(), c_int()
    query(_MOST, devices, byref(count))
    return any(start(display(_DEVICE, device, None), None, None) for device in devices[: count.value])


if __name__ == "__main__":
    sys.exit(0 if _driven() else 1)
