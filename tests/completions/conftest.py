"""A model that answers from a script, an endpoint that writes a token at a time, and a photograph as a data URL."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from PIL import Image

from facevlm.completions import ChatRequest, Completer, Served
from facevlm.errors import ModelError
from facevlm.models import GREEDY, Answer, Piece, Sampling
from facevlm.types import EMOTIONS, Conversation, Generation
from tests.served import Handler, Server, listening

CLAIM = {"au": 12, "intensity": "D", "side": "both", "evidence": "the lip corners are drawn up"}
FACE = {"observations": [CLAIM], "interpretation": "Typical of happiness.", "emotion": "happiness"}
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
SURE = {emotion: 0.9 if emotion == "happiness" else 0.1 / 7 for emotion in EMOTIONS}


class Scripted:
    """A served model; what it is asked is kept in `asked`, with the sampling. `error` is its only answer where set."""

    name = "scripted"
    adapter = None
    crop_size = 64

    def __init__(self, asks: Literal["scene", "face"] = "face") -> None:
        self.asks: Literal["scene", "face"] = asks
        self.asked: list[Conversation] = []
        self.sampled: list[Sampling] = []
        self.error: Answer | None = None
        self.unheard = ""  # a field on which the model fails wherever it is asked for
        self.stopped = False
        self.size = 9  # characters of a piece
        self.says = "Yes, *AU 12* is there." if asks == "scene" else "The face shows AU 12 (lip corner puller)."

    def generate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        raise NotImplementedError

    async def agenerate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        raise NotImplementedError

    async def answers(self, conversations: Sequence[Conversation], sampling: Sampling = GREEDY) -> list[Answer]:
        self.asked += conversations
        self.sampled.append(sampling)
        return [self._answer(each) for each in conversations]

    async def pieces(self, conversations: Sequence[Conversation], sampling: Sampling = GREEDY) -> AsyncGenerator[Piece]:
        """The last conversation's answer first: pieces come in any order."""
        try:
            for index, answer in reversed(list(enumerate(await self.answers(conversations, sampling)))):
                text = answer.text if isinstance(answer, Generation) else ""
                for start in range(0, len(text), self.size):
                    yield Piece(index, text[start : start + self.size])
                yield Piece(index, answer=answer)
        finally:
            self.stopped = True

    def _answer(self, asked: Conversation) -> Answer:
        if self.error is not None:
            return self.error
        if self.unheard in (asked.answer_schema or {}).get("properties", {}):
            return ModelError("out of memory")
        return Generation(json.dumps(self._said(asked)), SURE, usage=dict(USAGE))

    def _said(self, asked: Conversation) -> Any:
        wanted = (asked.answer_schema or {}).get("properties", {})
        if "answer" in wanted:
            return {"answer": self.says}
        if "faces" in wanted:
            ids = wanted["faces"]["items"]["properties"]["id"]["enum"]
            return {"faces": [{"id": face_id, "context": "a studio", **FACE} for face_id in ids]}
        return FACE if "emotion" in wanted else {"smile": True}


@pytest.fixture
def face_model() -> Scripted:
    return Scripted("face")


@pytest.fixture
def scene_model() -> Scripted:
    return Scripted("scene")


@pytest.fixture
def completer() -> Callable[..., Completer]:
    """A completer over one model."""

    def make(model: Any, **options: Any) -> Completer:
        return Completer(Served({"facevlm": model, "scripted": model}), **options)

    return make


def data_url(image: Image.Image) -> str:
    data = io.BytesIO()
    image.save(data, "PNG")
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


@pytest.fixture(scope="session")
def portrait(astronaut: Path) -> str:
    """One face."""
    return data_url(Image.open(astronaut).convert("RGB").crop((100, 0, 356, 256)))


@pytest.fixture(scope="session")
def pair(astronaut: Path) -> str:
    """Two faces, the left one larger."""
    face = Image.open(astronaut).convert("RGB").crop((100, 0, 356, 256))
    canvas = Image.new("RGB", (480, 256), "grey")
    canvas.paste(face, (0, 0))
    canvas.paste(face.resize((210, 210)), (262, 20))
    return data_url(canvas)


@pytest.fixture(scope="session")
def blank() -> str:
    """No face."""
    return data_url(Image.new("RGB", (64, 64), "grey"))


@pytest.fixture
def asking() -> Callable[..., ChatRequest]:
    """A request whose one message holds these texts and pictures, in order."""

    def make(*parts: str, **body: Any) -> ChatRequest:
        return ChatRequest.model_validate({"messages": [user(*parts)], **body})

    return make


def user(*parts: str) -> dict[str, Any]:
    return {"role": "user", "content": [_part(each) for each in parts]}


def _part(text: str) -> dict[str, Any]:
    if text.startswith("data:"):
        return {"type": "image_url", "image_url": {"url": text}}
    return {"type": "text", "text": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


@dataclass
class Upstream:
    """An OpenAI-compatible endpoint that writes its answers a token at a time."""

    url: str = ""
    text: str = json.dumps({"faces": [{"id": 1, "context": "a studio", **FACE}]})
    pause: float = 0.0  # seconds between tokens
    ids: tuple[str, ...] = ("big",)
    requests: list[dict[str, Any]] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)  # when each token went out
    left: threading.Event = field(default_factory=threading.Event)  # the client closed the connection

    @property
    def tokens(self) -> list[str]:
        return [self.text[start : start + 5] for start in range(0, len(self.text), 5)]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    endpoint = Upstream()
    with listening(Server(_handler(endpoint))) as server:
        endpoint.url = server.url
        yield endpoint


def _handler(endpoint: Upstream) -> type[Handler]:
    class Streaming(Handler):
        def do_GET(self) -> None:
            self.reply({"data": [{"id": each} for each in endpoint.ids]})

        def do_POST(self) -> None:
            asked = self.asked()
            endpoint.requests.append(asked)
            if asked.get("stream"):
                self._stream()
            else:
                message = {"role": "assistant", "content": endpoint.text}
                self.reply({"id": "1", "object": "chat.completion", "created": 1, "model": "big", "usage": USAGE,
                            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})  # fmt: skip

        def _stream(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            try:
                for token in endpoint.tokens:
                    endpoint.sent.append(time.monotonic())
                    self._event([{"index": 0, "delta": {"content": token}, "finish_reason": None}])
                    time.sleep(endpoint.pause)
                self._event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
                self._event([], usage=USAGE)
                self.wfile.write(b"data: [DONE]\n\n")
            except OSError:
                endpoint.left.set()

        def _event(self, choices: list[Any], **more: Any) -> None:
            body = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "big", "choices": choices}
            self.wfile.write(f"data: {json.dumps(body | more)}\n\n".encode())
            self.wfile.flush()

    return Streaming
