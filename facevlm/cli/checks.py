"""What `facevlm doctor` looks at: each check returns what it found and, where something lacks, what fixes it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Literal

State = Literal["ok", "missing", "optional"]

_CORE = (
    "torch", "transformers", "peft", "safetensors", "tokenizers", "xgrammar", "mediapipe", "cv2", "numpy", "PIL",
    "skimage", "pydantic", "pydantic_settings", "jinja2", "jsonschema_rs", "yaml", "openai", "typer", "rich",
)  # fmt: skip
_HEADLESS = "opencv-contrib-python-headless"
_DISTRIBUTIONS = {
    "cv2": _HEADLESS, "PIL": "pillow", "skimage": "scikit-image", "yaml": "pyyaml",
    "pydantic_settings": "pydantic-settings", "jsonschema_rs": "jsonschema-rs",
}  # fmt: skip
_EXTRAS = {
    "clip": ("open_clip", "faiss"),
    "train": ("trl", "accelerate", "bitsandbytes", "datasets", "matplotlib", "torchvision"),
    "agent": ("langchain", "langgraph", "langgraph.checkpoint.sqlite", "langchain_openai"),
    "app": ("streamlit",),
    "eval": ("openpyxl", "plotly", "scipy"),
    "ray": ("ray",),
    "serve": ("fastapi", "httpx", "prometheus_client", "python_multipart", "uvicorn"),
}
_DEMO_MEMORY = 2.5  # GB: what `facevlm demo` may take


@dataclass(frozen=True)
class Finding:
    """One check: `missing` is needed, `optional` is not."""

    name: str
    state: State
    found: str
    fix: str = ""


def examine(base_url: str | None, api_key_env: str) -> list[Finding]:
    """Every check in turn; takes a few seconds, because libraries are really imported and a face is really found."""
    checks: list[Callable[[], Finding]] = [
        _python,
        *(partial(_package, name) for name in _CORE),
        _faces,
        _embedded,
        *([partial(_endpoint, base_url, api_key_env)] if base_url else []),
        _processors,
        _memory,
        *(partial(_extra, name) for name in _EXTRAS),
        _rendering,
    ]
    return [check() for check in checks]


def lacking(modules: Iterable[str]) -> list[str]:
    """Those of the modules that are not installed. None is imported, but packages around one are."""
    return [module for module in modules if not _installed(module)]


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a dotted name, whose package is not there either
        return False


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info < (3, 13):
        return Finding("Python", "ok", version)
    return Finding("Python", "missing", version, "make clean demo PYTHON=python3.11")


def _package(name: str) -> Finding:
    distribution = _DISTRIBUTIONS.get(name, name)
    try:
        module = import_module(name)
    except ModuleNotFoundError:
        return Finding(name, "missing", "not installed", f"pip install {distribution}")
    except Exception as error:  # a library may raise anything while it loads its shared objects
        return Finding(name, "missing", _first_line(error), _fix(str(error), distribution))
    return Finding(name, "ok", str(vars(module).get("__version__") or metadata.version(distribution)))


def _fix(error: str, distribution: str) -> str:
    if any(library in error for library in ("libGL.so", "libgthread", "libglib")):
        return f"apt-get install libgl1 libglib2.0-0, or pip install --force-reinstall --no-deps {_HEADLESS}"
    return f"pip install --force-reinstall {distribution}"


def _faces() -> Finding:
    """Whether MediaPipe runs here with the models in its wheel: the demo's face is found or not."""
    reinstalled = "mediapipe==0.10.21"
    try:
        from facevlm import faces
        from facevlm.config import demo_picture

        found = faces.find(faces.decode(demo_picture()))
    except Exception as error:  # an installation can be broken in any way; the check names it
        return Finding("finding faces", "missing", _first_line(error), _fix(str(error), reinstalled))
    if not found:
        return Finding("finding faces", "missing", "no face in the demo's picture", _fix("", reinstalled))
    return Finding("finding faces", "ok", "the demo's face, with MediaPipe's own models")


def _embedded() -> Finding:
    from facevlm.models import available

    models = [model for model in available() if model.kind == "shipped"]
    usable = [model.name for model in models if model.usable]
    if usable:
        return Finding("embedded model", "ok", ", ".join(usable))
    why = "; ".join(model.why for model in models) or "none ships here"
    return Finding("embedded model", "missing", why, "pip install --force-reinstall --no-deps facevlm")


def _endpoint(base_url: str, api_key_env: str) -> Finding:
    from facevlm.models import available

    models = [model for model in available(base_url, api_key_env) if model.kind == "endpoint"]
    usable = [model.name for model in models if model.usable]
    if usable:
        return Finding("endpoint", "ok", f"{base_url} serves {', '.join(usable)}")
    why = "; ".join(model.why for model in models) or f"{base_url} serves no model"
    return Finding("endpoint", "missing", why, "start the server, or unset FACEVLM_BASE_URL")


def _processors() -> Finding:
    return Finding("CPU threads", "ok", str(len(os.sched_getaffinity(0))))


def _memory() -> Finding:
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    found = f"{total:.1f} GB, {free:.1f} GB unused"
    if total < _DEMO_MEMORY:
        return Finding("memory", "missing", found, f"use a machine with {_DEMO_MEMORY} GB")
    return Finding("memory", "ok", found)


def _extra(name: str) -> Finding:
    missing = lacking(_EXTRAS[name])
    if not missing:
        return Finding(f"extra {name}", "ok", ", ".join(_EXTRAS[name]))
    return Finding(f"extra {name}", "optional", f"without {', '.join(missing)}", f"pip install 'facevlm[{name}]'")


def _rendering() -> Finding:
    from facevlm.data.synth import graphics

    lack = graphics.lacking()
    if lack is None:
        return Finding("synthetic faces", "ok", "pyvista, libEGL")
    return Finding("synthetic faces", "optional", lack.what, lack.fix)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
