"""What `facevlm serve` stands in front of: the embedded model, another endpoint, or a vLLM of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from facevlm.cli.ending import say
from facevlm.completions import Served
from facevlm.config import demo_picture
from facevlm.errors import ModelError
from facevlm.serving.vllm import VLLMServer, shown
from facevlm.serving.vllm_process import VLLMProcess, last_lines
from facevlm.serving.vllm_warming import warm

Backend = tuple[Served, Callable[[], bool]]  # what is served, and whether it can be asked now

_LINES = 15  # of vLLM's log that are shown when it fails


@contextmanager
def embedded(model: str | None, adapters: tuple[str, ...], threads: int | None) -> Iterator[Backend]:
    """A model in this process."""
    yield Served.local(model or "nano", next(iter(adapters), None), threads=threads), lambda: True


@contextmanager
def upstream(
    url: str, model: str | None, adapters: tuple[str, ...], api_key_env: str, timeout: float
) -> Iterator[Backend]:
    """Another server."""
    adapter = next(iter(adapters), None)
    yield Served.upstream(url, model, adapter, api_key_env=api_key_env, timeout=timeout), lambda: True


@contextmanager
def started(server: VLLMServer, log: Path | None, timeout: float) -> Iterator[Backend]:
    """A vLLM that runs until this ends."""
    log = log or Path(tempfile.gettempdir()) / f"facevlm-vllm-{server.port}.log"
    process = VLLMProcess(server, log, partial(warm, server, demo_picture()))
    try:
        _await(process)
        adapter = server.adapters[0].name if server.adapters else None
        yield Served.upstream(server.url, server.base.name, adapter, timeout=timeout), lambda: process.ready
    finally:
        process.stop()


def _await(process: VLLMProcess) -> None:
    """Start vLLM, with the last line of its log on the terminal, and the last few of them where it fails."""
    say(f"starting vLLM, its log is {process.log}: {shown(process.server)}")
    try:
        with Console(stderr=True).status("vLLM starts") as status:
            process.start(lambda seconds, line: status.update(Text(f"vLLM starts, {seconds:.0f} s  {line}")))
    except ModelError:
        for line in last_lines(process.log, _LINES):
            typer.echo(f"vllm: {line}", err=True)
        raise
