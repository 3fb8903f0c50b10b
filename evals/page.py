"""A web page in a process of its own, with an empty store, for a browser to look at."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from facevlm.serving.vllm import free_port

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 180_000  # milliseconds that a browser waits; a busy machine takes long to load a model


@contextmanager
def serving(**environment: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The page at a free port, once it answers: its address and its process."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    with tempfile.TemporaryDirectory() as folder:
        command = ["app", "--no-browser", "--port", str(port), "--store", f"{folder}/talks.sqlite"]
        process = subprocess.Popen([sys.executable, "-m", "facevlm", *command], env=os.environ | environment)
        try:
            _await(f"{url}/_stcore/health")
            yield url, process
        finally:
            process.terminate()
            process.wait()


def browser_settings() -> dict[str, Any]:
    """What Playwright starts a Chromium of this machine with."""
    found = next(path for name in BROWSERS if (path := shutil.which(name)))
    return {"executable_path": found, "args": ["--no-sandbox"]}


def _await(url: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=5)
            return
        except urllib.error.URLError:
            time.sleep(0.5)
