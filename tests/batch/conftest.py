from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facevlm.completions import ChatCompletion, ChatRequest
from facevlm.completions.reply import Choice, ReplyMessage
from facevlm.errors import FaceVLMError

Lines = list[dict[str, Any]]


class Talker:
    """Stands for a Completer: says back what it is told, after the seconds or with the error that were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.seconds: dict[str, float] = {}
        self.errors: dict[str, list[FaceVLMError]] = {}
        self.broken: FaceVLMError | None = None

    async def complete(self, request: ChatRequest) -> ChatCompletion:
        words = str(request.messages[-1].content)
        self.asked.append(words)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(self.seconds.get(words, 0))
        self.in_flight -= 1
        if error := self.broken or next(iter(self.errors.get(words, ())), None):
            self.errors[words] = self.errors.get(words, [])[1:]
            raise error
        choice = Choice(message=ReplyMessage(content=words))
        return ChatCompletion(id="chatcmpl-1", created=1, model=request.model, choices=[choice])


def asking(custom_id: str, words: str | None = None) -> dict[str, Any]:
    """A line in OpenAI's form that says its own id, or other words."""
    body = {"messages": [{"role": "user", "content": words or custom_id}]}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}


@pytest.fixture
def talker() -> Talker:
    return Talker()


@pytest.fixture
def requests(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of requests; a text is a line as it is."""

    def write(*lines: dict[str, Any] | str) -> Path:
        file = tmp_path / "in.jsonl"
        text = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        file.write_text("\n".join(text) + "\n")
        return file

    return write


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def written(out: Path) -> dict[str, dict[str, Any]]:
    """The results in a file by their ids, each there once and whole."""
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    found = {line["custom_id"]: line for line in lines}
    assert len(found) == len(lines)
    return found
