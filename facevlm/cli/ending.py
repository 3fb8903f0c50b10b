"""How a command ends: its exit status, and on failure one line that says what to do."""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
import warnings

import typer

from facevlm.errors import FaceVLMError

INTERRUPTED = 130
BROKEN_PIPE = 141  # 128 + SIGPIPE, as other programs end when their reader went away
_DEBUG = "--debug"
# The libraries below FaceVLM write to stderr, and look models up on a hub, unless told not to before they are imported.
_QUIET = {
    "GLOG_minloglevel": "2",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_WAIT_POLICY": "PASSIVE",  # see models/loading.py
}


def end(app: typer.Typer, arguments: list[str] | None = None) -> int:
    """Run the command `arguments` ask for and return its exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    debug = _DEBUG in given or os.environ.get("FACEVLM_DEBUG", "0").lower() not in ("", "0", "false")
    _quieten()
    if not debug and arguments is None:
        _mute_native_code()
    try:
        status = app([word for word in given if word != _DEBUG], prog_name="facevlm", standalone_mode=False)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):  # typer turns a broken pipe into SystemExit
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that the interpreter's own flush at exit stays quiet
        return BROKEN_PIPE
    except Exception as error:
        if debug:
            traceback.print_exc()
        return _explain(error, given)
    if status == INTERRUPTED:
        say("interrupted")
    return status or 0


def say(message: object) -> None:
    """One line on stderr."""
    typer.echo(f"facevlm: {' '.join(str(message).split())}", err=True)


def _explain(error: Exception, given: list[str]) -> int:
    if isinstance(error, FaceVLMError):
        say(error)
        return error.exit_status
    if isinstance(error, typer.TyperException):
        _explain_usage(error.format_message(), given)
        return error.exit_code
    say(f"internal error, {type(error).__name__}: {error}; run again with {_DEBUG} and report what it prints")
    return 1


def _explain_usage(message: str, given: list[str]) -> None:
    """A wrong option or argument; an empty message means that the help was shown instead."""
    if message:
        known = not message.startswith("No such command") and not given[0].startswith("-")
        text = message.replace("Value error, ", "").rstrip(".")
        say(f"{text}; see facevlm {given[0]} --help" if known else f"{text}; see facevlm --help")


def _quieten() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file name or a terminal need not be UTF-8
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    # Of a home that cannot be written (MediaPipe has it), and of a kernel that no run on a CPU needs (peft does).
    for library in ("matplotlib", "bitsandbytes"):
        logging.getLogger(library).setLevel(logging.ERROR)


def _mute_native_code() -> None:
    """Keep stderr for Python alone: MediaPipe's C++ writes warnings to it that no setting turns off."""
    warnings.simplefilter("ignore")
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
