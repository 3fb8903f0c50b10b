"""`facevlm app`: the page in the browser."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from facevlm.cli import options
from facevlm.cli.ending import say
from facevlm.errors import InputError, PrerequisiteError

EXAMPLES = options.examples(
    "facevlm app                                          # http://localhost:8501, pictures stay on this machine",
    "facevlm app --port 9000 --no-browser",
    "facevlm app --model nano-facs --base-url http://localhost:8000/v1",
)
_LIBRARIES = ("streamlit", "langgraph", "langgraph.checkpoint.sqlite", "langchain")


def app(
    host: Annotated[str, options.option("--host", "Address to listen at.", variable="FACEVLM_APP_HOST")] = "127.0.0.1",
    port: Annotated[int, options.option("--port", "Port.", variable="FACEVLM_APP_PORT", min=1, max=65535)] = 8501,
    model: options.ModelOption = "nano",
    adapter: options.AdapterOption = None,
    base_url: options.BaseUrlOption = None,
    api_key_env: options.ApiKeyOption = "OPENAI_API_KEY",
    prompt: options.PromptOption = "sov-cot",
    marks: options.MarksOption = "landmarks",
    timeout: options.TimeoutOption = 120.0,
    threads: options.ThreadsOption = None,
    store: Annotated[
        Path | None,
        options.option(
            "--store",
            "File of the conversations that are saved.",
            show_default="a file of yours, ~/.local/share/facevlm/conversations.sqlite",
        ),
    ] = None,
    browser: Annotated[
        bool, options.option("--browser/--no-browser", "Open a browser.", variable="FACEVLM_APP_BROWSER")
    ] = True,
) -> None:
    """Chat about the faces of a picture in the browser, with the evidence lit on the face.

    Pictures are processed on this machine, unless --base-url names another that answers, and kept only if saved.
    """
    _require_libraries()
    given = {
        "model": model,
        "adapter": adapter,
        "base_url": base_url,
        "api_key_env": api_key_env,
        "prompt": prompt,
        "marks": marks,
        "timeout": timeout,
        "threads": threads,
    }
    options.settings(**given)
    _set(given | {"store": _store(store), "app_host": host})
    _run(host, port, browser)


def _require_libraries() -> None:
    from facevlm.cli.checks import lacking

    missing = lacking(_LIBRARIES)
    if missing:
        raise PrerequisiteError(f"{', '.join(missing)} not installed; pip install 'facevlm[app]'")


def _store(given: Path | None) -> Path:
    """The file of saved conversations, in a folder that is there."""
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    file = given or home / "facevlm" / "conversations.sqlite"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{file}: its folder cannot be made ({error.strerror}); give another --store") from None
    return file


def _set(values: dict[str, object]) -> None:
    """The page reads its settings where every command does, in the environment."""
    for name, value in values.items():
        if value is None:
            os.environ.pop(f"FACEVLM_{name.upper()}", None)
        else:
            os.environ[f"FACEVLM_{name.upper()}"] = str(value)


def _run(host: str, port: int, browser: bool) -> None:
    """Serve the page until a signal ends it."""
    from streamlit.web import bootstrap
    from streamlit.web.server.starlette import starlette_gzip_middleware

    from facevlm.config import asset_dir

    folder = asset_dir("app")
    sys.path.insert(0, str(folder.parent))
    _check_free(host, port)
    flags = {
        "server.address": host,
        "server.port": port,
        "server.headless": not browser,
        "server.fileWatcherType": "none",
        "server.showEmailPrompt": False,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "theme.light.primaryColor": "#2b6d92",
        "theme.light.backgroundColor": "#ffffff",  # these two are in style.css too
        "theme.dark.primaryColor": "#5aa6cc",
        "theme.dark.backgroundColor": "#0e1117",
        "logger.level": "warning",
        "logger.hideWelcomeMessage": True,
    }
    # Streamlit 1.60 never begins what Starlette 1.6 and later leave uncompressed, so the page's icon would be a 500.
    vars(starlette_gzip_middleware)["_EXCLUDED_CONTENT_TYPES"] = ()
    bootstrap.load_config_options({name.replace(".", "_"): value for name, value in flags.items()})
    say(f"http://{host}:{port} is the page; Ctrl-C ends it")

    from app.desk import desk

    desk()  # its model loads while the browser opens
    bootstrap.run(str(folder / "page.py"), False, [], {})


def _check_free(host: str, port: int) -> None:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(f"{host}:{port}: cannot be listened at ({error.strerror}); give another --port") from None
