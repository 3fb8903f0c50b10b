"""Starts a vLLM server, waits until it answers, starts it again when it dies or hangs, and stops it.

The server is the leader of a process group of its own: an interrupt from the terminal does not reach it, so requests
are finished first, and its engine, which outlives a server that was killed, is ended with it. On Linux it is told to
end when the thread that started it does, so that it does not outlive a gateway that was killed.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

from facevlm.errors import InputError, ModelError, quoted
from facevlm.serving.vllm import HOST, VLLMServer, command, environment

PATIENCE = 3600.0  # seconds a server may take to start: large weights come from slow disks
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds before a server that died is started again
_HEALTHY_AFTER = 300.0  # seconds of service after which the pauses begin anew
HUNG_AFTER = 60.0  # seconds without an answer after which a server is ended as one that hangs
_GRACE = 15.0  # seconds to end by itself
_LOOK_EVERY = 0.5
_PROBE_EVERY, _PROBE_SECONDS = 5.0, 5.0
_TAIL = 4096  # bytes of the log that are looked at for its last lines

# vLLM takes the place of the process that runs this. 1 is PR_SET_PDEATHSIG; the parent may have ended before it is set.
_TIED = """
import ctypes, os, signal, sys
parent, *words = sys.argv[1:]
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() == int(parent):
    os.execv(words[0], words)
"""

Tell = Callable[[float, str], object]  # seconds since the start, the last line of the log

_log = logging.getLogger(__name__)


class VLLMProcess:
    """A running server of vLLM, watched by a thread.

    Args:
        server: what it serves.
        log: the file its output is added to.
        warm: called when it answers and before it counts as ready; raises ModelError where it does not answer well.
        patience: seconds it may take to start.
        hung_after: seconds without an answer after which it is ended and started again.
    """

    def __init__(
        self,
        server: VLLMServer,
        log: Path,
        warm: Callable[[], object] = lambda: None,
        patience: float = PATIENCE,
        hung_after: float = HUNG_AFTER,
    ) -> None:
        self.server = server
        self.log = log
        self.restarts = 0
        self._warm = warm
        self._patience = patience
        self._hung_after = hung_after
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()  # a server is not started while all is being stopped
        self._ready = threading.Event()
        self._stopping = threading.Event()

    @property
    def ready(self) -> bool:
        """Whether it answers now; not while it is starting again."""
        return self._ready.is_set()

    @property
    def pid(self) -> int | None:
        """The process id of the server, which is that of its group too."""
        return None if self._process is None else self._process.pid

    def start(self, tell: Tell = lambda seconds, line: None) -> None:
        """Start it and return when it is ready; from then on it is watched. Call it from a thread that lasts.

        Raises:
            InputError: the log cannot be written.
            ModelError: it ended, or was not ready in time; `last_lines` of its log say why.
        """
        try:
            self._launch()
            self._await_ready(tell)
        except BaseException:
            self.stop()
            raise
        threading.Thread(target=self._watch, name="facevlm-vllm", daemon=True).start()

    def stop(self) -> None:
        """End the server and all it started. It is not started again."""
        self._stopping.set()
        self._ready.clear()
        with self._lock:
            if self._process is not None:
                _end(self._process)

    def _launch(self) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            try:
                with self.log.open("ab") as output:
                    self._process = subprocess.Popen(
                        [sys.executable, "-ISc", _TIED, str(os.getpid()), *command(self.server)],
                        stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                        env=os.environ | environment(self.server), start_new_session=True,
                    )  # fmt: skip
            except OSError as error:
                raise InputError(f"{error.filename}: {error.strerror}; give another --vllm-log") from None

    def _await_ready(self, tell: Tell) -> None:
        started = time.monotonic()
        while not _answers(self.server.port):
            seconds = time.monotonic() - started
            self._check_alive(seconds)
            tell(seconds, "".join(last_lines(self.log, 1)))
            if self._stopping.wait(_LOOK_EVERY):
                return
        self._warm()
        self._ready.set()

    def _check_alive(self, seconds: float) -> None:
        status = self._process.poll() if self._process is not None else None
        if status is not None:
            raise ModelError(f"vLLM ended with status {status} before it was ready; see {self.log}")
        if seconds > self._patience:
            raise ModelError(f"vLLM was not ready within {self._patience:g} s; see {self.log}")

    def _watch(self) -> None:
        pause = FIRST_PAUSE
        while self._process is not None:
            started = time.monotonic()
            status = self._await_end(self._process)
            if self._stopping.is_set():
                return
            self._ready.clear()
            _end(self._process)
            pause = FIRST_PAUSE if time.monotonic() - started > _HEALTHY_AFTER else pause
            _log.warning("vLLM ended with status %s; it is started again in %g s; see %s", status, pause, self.log)
            if self._stopping.wait(pause):
                return
            pause = min(2 * pause, LONGEST_PAUSE)
            self._again()

    def _await_end(self, process: subprocess.Popen[bytes]) -> int:
        """The status a server ends with, by itself or because it hangs."""
        answered = time.monotonic()
        while True:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(_PROBE_EVERY)
            if _answers(self.server.port):
                answered = time.monotonic()
            elif time.monotonic() - answered > self._hung_after:
                _log.warning("vLLM has not answered for %g s; it is ended", self._hung_after)
                _signal(process, signal.SIGKILL)

    def _again(self) -> None:
        """Start it anew; where that fails, leave an ended process for the watch to find."""
        self.restarts += 1
        try:
            self._launch()
            self._await_ready(lambda seconds, line: None)
        except (InputError, ModelError) as error:
            _log.warning("%s", error)
            if self._process is not None:
                _end(self._process)
        else:
            _log.warning("vLLM is ready again")


def last_lines(log: Path, count: int) -> list[str]:
    """The last lines of a log that say anything, as a terminal may show them."""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
        text = file.read().decode("utf-8", "replace")
    return [quoted(line) for line in text.splitlines() if line.strip()][-count:]


def _answers(port: int) -> bool:
    url = f"http://{HOST}:{port}/health"
    with suppress(OSError, HTTPException), urllib.request.urlopen(url, timeout=_PROBE_SECONDS) as reply:
        return bool(reply.status == 200)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process group: politely, then at once what is left of it."""
    _signal(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], which: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, which)
