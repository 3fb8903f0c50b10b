"""`facevlm serve`: the OpenAI-compatible gateway over the embedded model, another endpoint, or a vLLM of its own."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facevlm.cli import demo, options
from facevlm.cli.ending import say
from facevlm.errors import InputError, ModelError, PrerequisiteError

if TYPE_CHECKING:
    from facevlm.completions import Served
    from facevlm.serving import ServeSettings
    from facevlm.serving.vllm import VLLMServer
    from facevlm.serving.vllm_process import VLLMProcess

Backend = tuple["Served", Callable[[], bool]]  # what is served, and whether it can be asked now

EXAMPLES = options.examples(
    "facevlm serve                                                         # the embedded model, on this machine",
    "facevlm serve --upstream http://localhost:8001/v1 --model Qwen/Qwen3-VL-8B-Instruct",
    "facevlm serve --vllm Qwen/Qwen2.5-VL-7B-Instruct --adapter my-facs=adapters/my-facs",
    "facevlm serve --vllm nano --dry-run                                   # prints how vLLM would be started",
    "FACEVLM_API_KEYS=$KEY facevlm serve --host 0.0.0.0 --allow-domain images.example.org",
)
_LIBRARIES = ("fastapi", "uvicorn", "httpx", "prometheus_client", "python_multipart")
_LINES = 15  # of vLLM's log that are shown when it fails


def serve(
    host: Annotated[str, typer.Option("--host", envvar="FACEVLM_HOST", help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", envvar="FACEVLM_PORT", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = 8000,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            envvar="FACEVLM_MODEL",
            show_default="nano, or the first of the upstream",
            help="Model that answers where a request names none.",
        ),
    ] = None,
    adapter: Annotated[
        list[str] | None,
        typer.Option(
            "--adapter",
            envvar="FACEVLM_ADAPTER",
            metavar="NAME or NAME=PATH",
            show_default="the one that ships",
            help="LoRA adapter; with --vllm as often as there are adapters. «none» for the bare base.",
        ),
    ] = None,
    upstream: Annotated[
        str | None,
        typer.Option("--upstream", envvar="FACEVLM_UPSTREAM", help="OpenAI-compatible endpoint that answers instead."),
    ] = None,
    api_key_env: options.ApiKeyOption = "OPENAI_API_KEY",
    vllm: Annotated[
        str | None,
        typer.Option(
            "--vllm",
            envvar="FACEVLM_VLLM",
            metavar="BASE",
            help="Start vLLM with this base: a model that ships, a folder, or an id of the hub downloaded here.",
        ),
    ] = None,
    vllm_python: Annotated[
        Path,
        typer.Option("--vllm-python", envvar="FACEVLM_VLLM_PYTHON", help="Interpreter of the environment with vLLM."),
    ] = Path(".venv-vllm/bin/python"),
    vllm_config: Annotated[
        Path | None,
        typer.Option("--vllm-config", envvar="FACEVLM_VLLM_CONFIG", help="Further options of vLLM, a YAML file."),
    ] = None,
    vllm_log: Annotated[
        Path | None,
        typer.Option(
            "--vllm-log",
            envvar="FACEVLM_VLLM_LOG",
            show_default="a file in the folder for temporary ones",
            help="What vLLM writes is added to this file.",
        ),
    ] = None,
    pixels: Annotated[
        int | None,
        typer.Option(
            "--pixels",
            envvar="FACEVLM_PIXELS",
            min=1024,
            show_default="as the adapters were trained",
            help="Most pixels of a picture that vLLM shows the model.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", envvar="FACEVLM_DRY_RUN", help="Print the command of --vllm and end.")
    ] = False,
    allow_domain: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-domain",
            envvar="FACEVLM_ALLOW_DOMAINS",
            metavar="DOMAIN",
            help="Domain whose pictures may be fetched over https; .example.org means all below it too. Repeatable.",
        ),
    ] = None,
    concurrency: Annotated[
        int, typer.Option("--concurrency", envvar="FACEVLM_CONCURRENCY", min=1, help="Requests answered together.")
    ] = 8,
    queue: Annotated[
        int, typer.Option("--queue", envvar="FACEVLM_QUEUE", min=0, help="Requests that may wait; more are told 429.")
    ] = 64,
    timeout: options.TimeoutOption = 120.0,
    threads: options.ThreadsOption = None,
) -> None:
    """Serve the OpenAI API: any program that speaks it gets faces explained by changing its base URL.

    Without keys in FACEVLM_API_KEYS only programs of this machine may ask. Ctrl-C or SIGTERM ends it, vLLM with it.
    """
    _require_libraries()
    _check(upstream, vllm, model, adapter or [], dry_run)
    server = None if vllm is None else _described(vllm, adapter or [], vllm_python, pixels, vllm_config)
    if dry_run and server is not None:
        _show(server)
        return
    settings = _settings(
        host=host, port=port, allow_domains=",".join(allow_domain or ()), concurrency=concurrency, queue=queue
    )
    backend: AbstractContextManager[Backend]
    with _ending_well():
        if server is not None:
            backend = _started(server, vllm_log, timeout)
        elif upstream is not None:
            backend = _upstream(upstream, model, adapter or [], api_key_env, timeout)
        else:
            backend = _embedded(model, adapter or [], threads)
        _run(settings, backend)


def _run(settings: ServeSettings, backend: AbstractContextManager[Backend]) -> None:
    """Serve until a signal ends it. The address is taken first: that it is taken is not to be learnt after loading."""
    import uvicorn

    from facevlm.serving import configuration, gateway, listen

    with closing(listen(settings)) as listener, backend as (served, ready):
        app = gateway(served, settings, ready=ready)
        _announce(listener.getsockname(), settings, served)
        uvicorn.Server(configuration(app, settings)).run([listener])


@contextmanager
def _embedded(model: str | None, adapter: list[str], threads: int | None) -> Iterator[Backend]:
    from facevlm.completions import Served

    yield Served.local(model or "nano", next(iter(adapter), None), threads=threads), _always


@contextmanager
def _upstream(url: str, model: str | None, adapter: list[str], api_key_env: str, timeout: float) -> Iterator[Backend]:
    from facevlm.completions import Served

    yield Served.upstream(url, model, next(iter(adapter), None), api_key_env=api_key_env, timeout=timeout), _always


@contextmanager
def _started(server: VLLMServer, log: Path | None, timeout: float) -> Iterator[Backend]:
    """A vLLM that runs until this ends."""
    from facevlm.completions import Served
    from facevlm.serving.vllm_process import VLLMProcess
    from facevlm.serving.vllm_warming import warm

    log = log or Path(tempfile.gettempdir()) / f"facevlm-vllm-{server.port}.log"
    process = VLLMProcess(server, log, partial(warm, server, demo.picture()))
    try:
        _await(process)
        adapter = server.adapters[0].name if server.adapters else None
        yield Served.upstream(server.url, server.base.name, adapter, timeout=timeout), lambda: process.ready
    finally:
        process.stop()


def _await(process: VLLMProcess) -> None:
    """Start vLLM, with the last line of its log on the terminal, and the last few of them where it fails."""
    from rich.console import Console
    from rich.text import Text

    from facevlm.serving.vllm import shown
    from facevlm.serving.vllm_process import last_lines

    say(f"starting vLLM, its log is {process.log}: {shown(process.server)}")
    try:
        with Console(stderr=True).status("vLLM starts") as status:
            process.start(lambda seconds, line: status.update(Text(f"vLLM starts, {seconds:.0f} s  {line}")))
    except ModelError:
        for line in last_lines(process.log, _LINES):
            typer.echo(f"vllm: {line}", err=True)
        raise


def _described(base: str, adapters: list[str], python: Path, pixels: int | None, config: Path | None) -> VLLMServer:
    from facevlm.serving.vllm import describe

    return describe(base, tuple(adapters), python=python, pixels=pixels, config=config)


def _show(server: VLLMServer) -> None:
    from facevlm.serving.vllm import shown

    typer.echo(shown(server))


def _announce(address: tuple[Any, ...], settings: ServeSettings, served: Served) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{address[1]}"
    say(f"{url}/v1 serves {', '.join(served.names)}; {url}/openapi.json describes it")
    keys = len(settings.api_keys)
    say(
        f"{keys} keys may ask" if keys else "no keys: only programs of this machine may ask; FACEVLM_API_KEYS sets keys"
    )


def _check(upstream: str | None, vllm: str | None, model: str | None, adapter: list[str], dry_run: bool) -> None:
    if vllm is None:
        if dry_run:
            raise InputError("--dry-run: prints the command of vLLM; give --vllm BASE with it")
        if len(adapter) > 1:
            raise InputError(f"--adapter: {', '.join(adapter)}: several are served with --vllm; give one")
    elif upstream is not None:
        raise InputError("--upstream and --vllm: either another server answers or one of our own; give one of them")
    elif model is not None:
        raise InputError(f"--model {model}: with --vllm its base is the model; leave it out")


def _settings(**given: Any) -> ServeSettings:
    from pydantic import ValidationError

    from facevlm.serving import ServeSettings

    try:
        return ServeSettings(**given)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]  # the input may be a key
        name = "_".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise InputError(f"FACEVLM_{name.upper()}: {said}; give another value or unset it") from None


def _require_libraries() -> None:
    missing = [library for library in _LIBRARIES if find_spec(library) is None]
    if missing:
        raise PrerequisiteError(f"{', '.join(missing)} not installed; pip install 'facevlm[serve]'")


@contextmanager
def _ending_well() -> Iterator[None]:
    """An interrupt, SIGTERM or a closed terminal is how a server is meant to end, whatever it is doing."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except KeyboardInterrupt:
        say("stopped")
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _always() -> bool:
    return True
