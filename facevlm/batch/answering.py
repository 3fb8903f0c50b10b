"""From a line to its result: the backend that answers, its pictures, and patience with a server that is away."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from facevlm.batch.lines import Line
from facevlm.batch.results import Result, answered, refused
from facevlm.completions import (
    ChatCompletion,
    ChatRequest,
    Completer,
    FaceOptions,
    Limits,
    Opener,
    Served,
    data_url,
    fault,
)
from facevlm.completions.request import DEFAULT_MODEL, Marks
from facevlm.config import Settings
from facevlm.errors import FaceVLMError, InputError, ModelError, PrerequisiteError, quoted
from facevlm.faces.decode import Named
from facevlm.reasoning import FaceReasoner

PAUSE = 1.0  # seconds before the second attempt; each further one waits twice as long
LONGEST_PAUSE = 30.0
MOST_FACES = 1000  # of a picture; a user's own pictures need no guard against a stranger's
KEPT_BYTES = 100_000_000  # for pictures that several lines ask about


@dataclass(frozen=True)
class Backend:
    """Which model answers, as the command line names it; a value, so that each worker of a cluster can open it.

    `in_flight` is how many requests are under way at once, and `patience` for how many seconds a request is tried again
    whose model fails after having answered others.
    """

    model: str = "nano"
    adapter: str | None = None
    base_url: str | None = None
    api_key_env: str = "OPENAI_API_KEY"
    prompt: str = "sov-cot"
    marks: Marks = "landmarks"
    timeout: float = 120.0
    threads: int | None = None
    in_flight: int = 64
    patience: float = 120.0

    def answerer(self, folder: Path) -> Answerer:
        """The backend ready to answer lines whose paths begin at a folder. Call it where no event loop runs.

        Raises:
            InputError: no such model, adapter or prompt.
            PrerequisiteError: something the model needs is missing.
            ModelError: the endpoint does not answer.
        """
        served = self._served()
        # Here, rather than on every line, is told what is wrong with the prompt.
        FaceReasoner(asyncio.run(served.model(DEFAULT_MODEL)), prompt=self.prompt, marks=self.marks)
        settings = Settings()
        limits = Limits(
            largest_bytes=settings.max_bytes, pixels=settings.max_pixels, faces=MOST_FACES, kept_bytes=KEPT_BYTES
        )
        options = FaceOptions(prompt=self.prompt, marks=self.marks)
        completer = Completer(served, open=opener(folder, limits.largest_bytes), limits=limits, options=options)
        return Answerer(completer, self.patience)

    def _served(self) -> Served:
        if self.base_url is not None:
            return Served.upstream(
                self.base_url, self.model, self.adapter,
                api_key_env=self.api_key_env, timeout=self.timeout, in_flight=self.in_flight,
            )  # fmt: skip
        return Served.local(self.model, self.adapter, threads=self.threads)


class Answerer:
    """Answers lines with one model. Use it from one event loop.

    Args:
        completer: what answers.
        patience: seconds a request is tried again whose model fails after having answered others.
    """

    def __init__(self, completer: Completer, patience: float = 120.0) -> None:
        self._completer = completer
        self._patience = patience
        self._works = False  # a server that has never answered is not waited for

    async def answer(self, line: Line) -> Result:
        """The line's result, whatever comes. Raises PrerequisiteError, as no line could then be answered."""
        if isinstance(line.request, InputError):
            return faulty(line.custom_id, line.request)
        try:
            return answered(line.custom_id, await self._complete(line.request))
        except PrerequisiteError:
            raise
        except FaceVLMError as error:
            return faulty(line.custom_id, error)

    async def _complete(self, request: ChatRequest) -> ChatCompletion:
        """The reply. A model that fails is asked again, ever more slowly, for as long as there is hope."""
        pause, until = PAUSE, time.monotonic() + self._patience
        while True:
            try:
                completion = await self._completer.complete(request)
            except ModelError as error:
                if not (self._works and error.retry) or time.monotonic() + pause > until:
                    raise
            else:
                self._works = True
                return completion
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def faulty(custom_id: str, error: FaceVLMError) -> Result:
    """The result of a line that cannot be answered, with the status that `facevlm serve` would give."""
    kind = fault(error)
    return refused(custom_id, kind.status, kind.code, str(error))


def opener(folder: Path, largest: int) -> Opener:
    """What reads the picture that a request names: a path from `folder`, or a data URL. Nothing is fetched."""

    async def open(url: str) -> bytes:
        if url.startswith("data:"):
            return await data_url(url)
        if "://" in url:
            raise InputError(f"{quoted(url)}: a batch fetches no pictures; give a path or a data URL")
        return Named(await asyncio.to_thread(_read, folder / url, quoted(url), largest), url)

    return open


def _read(path: Path, name: str, largest: int) -> bytes:
    """A picture's file. Raises InputError where it cannot be read, or is too large or no file."""
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{name}: this is no regular file; give a picture's path")
        with path.open("rb") as file:
            data = file.read(largest + 1)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise InputError(f"{name}: cannot be read ({reason}); paths begin at the folder of the input") from None
    if len(data) > largest:
        raise InputError(f"{name}: more than {largest:,} bytes; scale the picture down")
    return data
