"""`facevlm serve`: the OpenAI-compatible gateway over the embedded model, another endpoint, or a vLLM of its own."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facevlm.cli import options
from facevlm.cli.ending import say
from facevlm.cli.options import option
from facevlm.errors import InputError, PrerequisiteError, quoted

if TYPE_CHECKING:
    from facevlm.cli.backends import Backend
    from facevlm.completions import Served
    from facevlm.serving import ServeSettings

EXAMPLES = options.examples(
    "facevlm serve                                                         # the embedded model, on this machine",
    "facevlm serve --upstream http://localhost:8001/v1 --model Qwen/Qwen3-VL-8B-Instruct",
    "facevlm serve --vllm Qwen/Qwen2.5-VL-7B-Instruct --adapter my-facs=adapters/my-facs",
    "facevlm serve --vllm nano --dry-run                                   # prints how vLLM would be started",
    "FACEVLM_API_KEYS=$KEY facevlm serve --host 0.0.0.0 --allow-domain images.example.org",
)
DEFAULT_PORT = 8000
_LIBRARIES = ("fastapi", "uvicorn", "httpx", "prometheus_client", "python_multipart")


def _port(given: str | int) -> int:
    """A port. Kubernetes sets FACEVLM_PORT to `tcp://…` beside a Service called facevlm, and does not mean ours."""
    text = str(given)
    if text.startswith("tcp://"):
        return DEFAULT_PORT
    if not text.isdecimal() or int(text) > 65_535:
        raise ValueError(f"«{quoted(text, 60)}» is no port; give 0 to 65535, or unset FACEVLM_PORT")
    return int(text)


HostOption = Annotated[str, option("--host", "Address to listen at.")]
PortOption = Annotated[int, option("--port", "Port, 0 to 65535; 0 takes a free one.", parser=_port, metavar="PORT")]
DefaultOption = Annotated[
    str | None,
    option(
        "--model -m", "Model that answers where a request names none.", show_default="nano, or the upstream's first"
    ),
]
AdaptersOption = Annotated[
    list[str] | None,
    option(
        "--adapter",
        "LoRA adapter; with --vllm as often as there are adapters. «none» for the bare base.",
        metavar="NAME or NAME=PATH",
        show_default="the one that ships",
    ),
]
UpstreamOption = Annotated[str | None, option("--upstream", "OpenAI-compatible endpoint that answers instead.")]
VllmOption = Annotated[
    str | None,
    option(
        "--vllm",
        "Start vLLM with this base: a model that ships, a folder, or an id of the hub downloaded here.",
        metavar="BASE",
    ),
]
PythonOption = Annotated[Path, option("--vllm-python", "Interpreter of the environment with vLLM.")]
ConfigOption = Annotated[Path | None, option("--vllm-config", "Further options of vLLM, a YAML file.")]
LogOption = Annotated[
    Path | None, option("--vllm-log", "What vLLM writes is added to this file.", show_default="a temporary file")
]
PixelsOption = Annotated[
    int | None,
    option(
        "--pixels",
        "Most pixels of a picture that vLLM shows the model.",
        min=1024,
        show_default="as the adapters were trained",
    ),
]
DryOption = Annotated[bool, option("--dry-run", "Print the command of --vllm and end.")]
DomainsOption = Annotated[
    list[str] | None,
    option(
        "--allow-domain",
        "Domain whose pictures may be fetched over https; .example.org means all below it too. Repeatable.",
        variable="FACEVLM_ALLOW_DOMAINS",
        metavar="DOMAIN",
    ),
]
ConcurrencyOption = Annotated[int, option("--concurrency", "Requests answered together.", min=1)]
QueueOption = Annotated[int, option("--queue", "Requests that may wait; more are told 429.", min=0)]


def serve(
    host: HostOption = "127.0.0.1",
    port: PortOption = DEFAULT_PORT,
    model: DefaultOption = None,
    adapter: AdaptersOption = None,
    upstream: UpstreamOption = None,
    api_key_env: options.ApiKeyOption = "OPENAI_API_KEY",
    vllm: VllmOption = None,
    vllm_python: PythonOption = Path(".venv-vllm/bin/python"),
    vllm_config: ConfigOption = None,
    vllm_log: LogOption = None,
    pixels: PixelsOption = None,
    dry_run: DryOption = False,
    allow_domain: DomainsOption = None,
    concurrency: ConcurrencyOption = 8,
    queue: QueueOption = 64,
    timeout: options.TimeoutOption = 120.0,
    threads: options.ThreadsOption = None,
) -> None:
    """Serve the OpenAI API: any program that speaks it gets faces explained by changing its base URL.

    Without keys in FACEVLM_API_KEYS only programs of this machine may ask. Ctrl-C or SIGTERM ends it, vLLM with it.
    """
    _require_libraries()
    from facevlm.cli import backends
    from facevlm.serving import ServeSettings
    from facevlm.serving.vllm import describe, shown

    adapters = tuple(adapter or ())
    _check(upstream, vllm, model, adapters, dry_run)
    server = None
    if vllm is not None:
        server = describe(vllm, adapters, python=vllm_python, pixels=pixels, config=vllm_config)
    if server is not None and dry_run:
        typer.echo(shown(server))
        return
    given = {"host": host, "port": port, "concurrency": concurrency, "queue": queue}
    settings = options.checked(ServeSettings, given | {"allow_domains": ",".join(allow_domain or ())})
    with _ending_well():
        if server is not None:
            _run(settings, backends.started(server, vllm_log, timeout))
        elif upstream is not None:
            _run(settings, backends.upstream(upstream, model, adapters, api_key_env, timeout))
        else:
            _run(settings, backends.embedded(model, adapters, threads))


def _run(settings: ServeSettings, backend: AbstractContextManager[Backend]) -> None:
    """Serve until a signal ends it. The address is taken first: that it is taken is not to be learnt after loading."""
    import uvicorn

    from facevlm.serving import configuration, gateway, listen

    with closing(listen(settings)) as listener, backend as (served, ready):
        app = gateway(served, settings, ready=ready)
        _announce(listener.getsockname(), settings, served)
        uvicorn.Server(configuration(app, settings)).run([listener])


def _announce(address: tuple[Any, ...], settings: ServeSettings, served: Served) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{address[1]}"
    say(f"{url}/v1 serves {', '.join(served.names)}; {url}/openapi.json describes it")
    keys = len(settings.api_keys)
    say(
        f"{keys} keys may ask" if keys else "no keys: only programs of this machine may ask; FACEVLM_API_KEYS sets keys"
    )


def _check(upstream: str | None, vllm: str | None, model: str | None, adapters: tuple[str, ...], dry_run: bool) -> None:
    if vllm is None:
        if dry_run:
            raise InputError("--dry-run: prints the command of vLLM; give --vllm BASE with it")
        if len(adapters) > 1:
            raise InputError(f"--adapter: {', '.join(adapters)}: several are served with --vllm; give one")
    elif upstream is not None:
        raise InputError("--upstream and --vllm: either another server answers or one of our own; give one of them")
    elif model is not None:
        raise InputError(f"--model {model}: with --vllm its base is the model; leave it out")


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
