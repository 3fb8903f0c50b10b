"""A `facevlm serve` in a process of its own, and what can be told of it from outside."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SAID = re.compile(r"(http://\S+/v1) serves")
_VLLM = re.compile(r"--host 127.0.0.1 --port (\d+)")


@dataclass
class Gateway:
    """A running `facevlm serve`."""

    process: subprocess.Popen[bytes]
    said: Path

    @property
    def url(self) -> str:
        return self._found(_SAID)

    @property
    def vllm_url(self) -> str:
        return f"http://127.0.0.1:{self._found(_VLLM)}/v1"

    @property
    def cpu_seconds(self) -> float:
        """Of the gateway alone: vLLM's are its own until it ends."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def megabytes(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(self.url.removesuffix("/v1") + "/readyz") as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    @property
    def vllm_pid(self) -> int | None:
        """The gateway's only child, of whichever of its threads; None while it is being started again."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return next((int(thread.read_text()) for thread in threads if thread.read_text()), None)

    def _found(self, pattern: re.Pattern[str]) -> str:
        found = pattern.search(self.said.read_text())
        if not found:
            sys.exit(f"the gateway did not start: {self.said.read_text()}")
        return found[1]


@contextmanager
def gateway(*words: str, concurrency: int, queue: int) -> Iterator[Gateway]:
    """`facevlm serve` in a process of its own, once it serves.

    Args:
        words: of its command line.
        concurrency: requests it answers at once.
        queue: requests that may wait.
    """
    limits = ["--port", "0", "--queue", str(queue), "--concurrency", str(concurrency)]
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        with said.open("wb") as output:
            command = [sys.executable, "-m", "facevlm", "serve", *words, *limits]
            process = subprocess.Popen(command, stderr=output, stdout=output)
        try:
            while process.poll() is None and not _SAID.search(said.read_text()):
                time.sleep(0.2)
            yield Gateway(process, said)
        finally:
            process.terminate()
            process.wait()
