"""`facevlm chat`: a conversation about the faces of pictures, in the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facevlm.cli import options
from facevlm.cli.ending import say
from facevlm.errors import InputError, PrerequisiteError

if TYPE_CHECKING:
    from facevlm.agent import Agent, Answer

EXAMPLES = options.examples(
    "facevlm chat photo.jpg",
    'facevlm chat photo.jpg --ask "Why does she look happy?" --ask "Is AU 6 there?"',
    "facevlm chat --store talks.sqlite --resume last     # goes on where the last conversation ended",
)
_WIDTH = 78  # of what is found, on one line
_HELP = "Ask in your own words. /add FILE adds a picture, /faces lists the faces, /quit ends."


def chat(
    image: Annotated[Path | None, typer.Argument(metavar="[IMAGE]", help="The picture to talk about.")] = None,
    ask: Annotated[
        list[str] | None,
        typer.Option("--ask", help="Print the answer to this question, and end; may be given several times."),
    ] = None,
    model: options.ModelOption = "nano",
    adapter: options.AdapterOption = None,
    base_url: options.BaseUrlOption = None,
    api_key_env: options.ApiKeyOption = "OPENAI_API_KEY",
    prompt: options.PromptOption = "sov-cot",
    marks: options.MarksOption = "landmarks",
    store: Annotated[
        Path | None, typer.Option("--store", envvar="FACEVLM_STORE", help="SQLite file to keep the conversation in.")
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option("--resume", envvar="FACEVLM_RESUME", help="Go on with a kept conversation: id, or last."),
    ] = None,
    timeout: options.TimeoutOption = 120.0,
    threads: options.ThreadsOption = None,
) -> None:
    """Talk about the faces of a picture: every sentence rests on evidence, and claims are checked.

    Ctrl-C stops an answer; twice, or at the prompt, it ends the conversation. Nothing is kept without --store.
    """
    agent = _agent()(
        model, adapter=adapter, base_url=base_url, api_key_env=api_key_env, prompt=prompt, marks=marks, store=store,
        settings=options.settings(timeout=timeout, threads=threads),
    )  # fmt: skip
    talk = _talk(agent, store, resume)
    given = [] if image is None else [image]
    if ask:
        pictures = [given, *([] for _ in ask[1:])]
        raise typer.Exit(max(_once(agent, talk, *turn) for turn in zip(ask, pictures, strict=True)))
    _converse(agent, talk, given)


def _agent() -> type[Agent]:
    """Raises PrerequisiteError where LangGraph, or what keeps its conversations in SQLite, is not installed."""
    try:
        import langgraph.checkpoint.sqlite  # noqa: F401

        from facevlm.agent import Agent
        from facevlm.agent import graph as _  # noqa: F401
    except ModuleNotFoundError as error:
        raise PrerequisiteError(f"{error.name} is not installed; pip install 'facevlm[agent]'") from None
    return Agent


def _talk(agent: Agent, store: Path | None, resume: str | None) -> str:
    """The id of the conversation. Raises InputError where there is none to go on with."""
    if resume is None:
        return agent.start(keep=store is not None)
    kept = [each.id for each in agent.conversations()]
    if resume == "last" and kept:
        return kept[0]
    if resume not in kept:
        raise InputError(
            f"--resume {resume}: no such conversation in {store or 'memory'}; there are {', '.join(kept) or 'none'}"
        )
    return resume


def _once(agent: Agent, talk: str, text: str, images: Sequence[Path]) -> int:
    """Prints one answer; the exit status tells whether a picture or a model failed."""
    from facevlm.agent import Piece, Step

    answer: Answer | None = None
    for event in agent.ask(talk, text, images):
        if isinstance(event, Piece):
            typer.echo(event.text, nl=False)
        elif isinstance(event, Step):
            _step(event.name, event.found)
        else:
            answer = event
    typer.echo()
    if answer is None or not answer.failed:
        return 0
    return 2 if answer.intent in ("unreadable", "no picture") else 4


def _converse(agent: Agent, talk: str, images: list[Path]) -> None:
    from rich.console import Console

    console = Console()
    console.print(_HELP, style="dim")
    for said in agent.history(talk):
        console.print(f"{'you' if said.role == 'user' else 'facevlm'}: ", said.text, markup=False)
    if images:
        _turn(agent, talk, "", images)
    while (text := _heard()) is not None:
        match text.split(maxsplit=1):
            case ["/quit" | "/exit"]:
                return
            case ["/help"]:
                console.print(_HELP, style="dim")
            case ["/faces"]:
                _turn(agent, talk, "How many faces are there?", [])
            case ["/add", file]:
                _turn(agent, talk, "", [Path(file.strip("'\""))])
            case []:
                continue
            case _:
                _turn(agent, talk, text, [])


def _heard() -> str | None:
    """A line from the user; None at the end."""
    try:
        return input("\n> ") if sys.stdin.isatty() else input()
    except (EOFError, KeyboardInterrupt):
        return None


def _turn(agent: Agent, talk: str, text: str, images: Sequence[Path]) -> None:
    """One answer as it comes; Ctrl-C stops it and not the program."""
    from rich.console import Console

    from facevlm.agent import Answer, Piece, Step

    console = Console()
    events = agent.ask(talk, text, images)
    try:
        for event in events:
            if isinstance(event, Step):
                _step(event.name, event.found)
            elif isinstance(event, Piece):
                console.print(event.text, end="", markup=False, highlight=False)
            elif isinstance(event, Answer):
                _close(console, event)
    except KeyboardInterrupt:
        say("stopped")
    finally:
        events.close()


def _close(console: object, answer: Answer) -> None:
    """What follows an answer: words that were not streamed, and questions that may follow."""
    from rich.console import Console

    assert isinstance(console, Console)
    if answer.intent in ("stopped", "failed"):
        console.print(answer.text, markup=False, highlight=False)
    console.print()
    if answer.suggestions:
        console.print("Ask on: " + " · ".join(answer.suggestions), style="dim", markup=False, highlight=False)


def _step(name: str, found: str) -> None:
    if sys.stderr.isatty():
        typer.secho(f"  {name}: {found}"[:_WIDTH], err=True, dim=True)
