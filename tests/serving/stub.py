"""A completer that finds one face in everything after a fixed time, and says the same of it in so many chunks."""

from __future__ import annotations

import asyncio
import base64
import io
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from PIL import Image

from facevlm.completions import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatRequest,
    Completer,
    FaceOptions,
    ModelCard,
    NotServed,
)
from facevlm.completions.reply import Choice, ChunkChoice, DeltaMessage, ReplyMessage, Usage, head
from facevlm.serving import ServeSettings, configuration, create_app, listen
from facevlm.types import Analysis, Box, Explanation, FaceAnalysis, ImageInfo, Pose, Provenance, Quality

MODELS = ("facevlm", "nano", "Qwen/Qwen2.5-VL-7B-Instruct")


_PLAIN = FaceOptions()


class StubCompleter(Completer):
    """`failure` is raised instead of the first piece of an answer, `late_failure` after it."""

    def __init__(self, seconds: float = 0.0, chunks: int = 3, piece: str = "neutral ") -> None:
        self.seconds = seconds
        self.chunks = chunks
        self.piece = piece
        self.failure: Exception | None = None
        self.late_failure: Exception | None = None
        self.steps = 0
        self.uploads: list[tuple[bytes, FaceOptions]] = []
        self.at_work = 0
        self.most_at_work = 0
        self.cancelled = 0

    def cards(self) -> list[ModelCard]:
        return [ModelCard(id=name) for name in MODELS]

    async def complete(self, request: ChatRequest) -> ChatCompletion:
        await self._work(self.seconds, request)
        message = ReplyMessage(content=self.piece * self.chunks)
        return ChatCompletion(
            **head(request.model).model_dump(), choices=[Choice(message=message)], usage=Usage(), facevlm=analysis()
        )

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatCompletionChunk]:
        start = head(request.model).model_dump()
        for _ in range(self.chunks):
            await self._work(self.seconds / self.chunks, request)
            yield ChatCompletionChunk(**start, choices=[ChunkChoice(delta=DeltaMessage(content=self.piece))])
            if self.late_failure:
                raise self.late_failure
        yield ChatCompletionChunk(**start, choices=[ChunkChoice(finish_reason="stop")], facevlm=analysis())

    async def analyze(self, data: bytes, options: FaceOptions = _PLAIN) -> Analysis:
        await self._work(self.seconds)
        self.uploads.append((data, options))
        return analysis()

    async def _work(self, seconds: float, request: ChatRequest | None = None) -> None:
        if self.failure:
            raise self.failure
        if request and request.model not in MODELS:
            raise NotServed(f"{request.model}: no such model here; use {', '.join(MODELS)}")
        self.steps += 1
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.at_work -= 1


def analysis() -> Analysis:
    """One face at rest."""
    face = FaceAnalysis(
        id=1,
        box=Box(x=10, y=20, width=90, height=110),
        score=0.97,
        pose=Pose(yaw=0, pitch=0, roll=0),
        quality=Quality(score=0.8),
        action_units={12: 0.1, 14: None},
        action_unit_sides={12: {"left": 0.1, "right": None}},
        explanation=Explanation(observations=(), interpretation="nothing moves: neutral.", emotion="neutral"),
        checks=(),
        faithfulness=None,
        coverage=None,
    )
    return Analysis(
        image=ImageInfo(source="image", width=200, height=200, sha256="0" * 64),
        faces=(face,),
        provenance=Provenance(facevlm="0", model="stub", adapter=None, prompt="sov-cot@0", seconds=0.0),
    )


def picture(side: int = 32) -> bytes:
    """A grey PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (127, 127, 127)).save(buffer, "PNG")
    return buffer.getvalue()


def data_url(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def question(url: str | None = None, **more: object) -> dict[str, object]:
    """A request about one picture."""
    image = {"type": "image_url", "image_url": {"url": data_url(picture()) if url is None else url}}
    parts = [{"type": "text", "text": "What does the face show?"}, image]
    return {"model": "facevlm", "messages": [{"role": "user", "content": parts}], **more}


@contextmanager
def running(app: FastAPI, settings: ServeSettings) -> Iterator[str]:
    """The URL of the gateway on a real socket, while it runs."""
    listener = listen(settings)
    server = uvicorn.Server(configuration(app, settings))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield "http://{}:{}".format(*listener.getsockname()[:2])
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def serving(completer: Completer, **given: object) -> Iterator[str]:
    """As `running`, over a completer and on a free port."""
    settings = ServeSettings(**{"port": 0, **given})  # type: ignore[arg-type]
    with running(create_app(completer, settings), settings) as url:
        yield url
