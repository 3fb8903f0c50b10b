from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

from facevlm.cli import main
from tests.served import Handler, Server, listening

Mood = Literal["well", "failing", "web page", "slow", "inventing"]


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        return self.err.splitlines()


@pytest.fixture
def facevlm(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs one command in this process, as the shell would."""

    def run(*words: str | Path) -> Outcome:
        capsys.readouterr()
        status = main([str(word) for word in words])
        said = capsys.readouterr()
        return Outcome(status, said.out, said.err)

    return run


class Endpoint(Server):
    """An OpenAI-compatible server of a vision-language model that sees a smile everywhere."""

    mood: Mood = "well"
    asked: int = 0

    @property
    def options(self) -> tuple[str, ...]:
        return "--model", "smiler", "--base-url", self.url


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening(Endpoint(_Handler)) as server:
        yield server


class _Handler(Handler):
    server: Endpoint

    def do_GET(self) -> None:
        self.reply({"object": "list", "data": [{"id": "smiler", "object": "model"}]})

    def do_POST(self) -> None:
        request = self.asked()
        self.server.asked += 1
        match self.server.mood:
            case "failing":
                self.reply_text('{"error": {"message": "out of memory"}}', 500)
            case "web page":
                self.reply_text("<html><body>Welcome</body></html>", kind="text/html")
            case "slow":
                time.sleep(3)
            case _:
                self.reply(_completion(request, self.server.mood))


def _completion(request: dict[str, Any], mood: Mood) -> dict[str, Any]:
    schema = request["response_format"]["json_schema"]["schema"]
    drawn = schema["properties"]["faces"]["items"]["properties"]["id"]["enum"]
    ids = [99] if mood == "inventing" else drawn
    message = {"role": "assistant", "content": json.dumps({"faces": [_smile(face) for face in ids]})}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": request["model"], "choices": [choice]}


def _smile(face: int) -> dict[str, Any]:
    evidence = "the lip corners are drawn up"
    return {
        "id": face,
        "observations": [{"au": 12, "intensity": "D", "side": "both", "evidence": evidence}],
        "context": "a portrait",
        "interpretation": "A broad smile.",
        "emotion": "happiness",
    }


@pytest.fixture
def empty_wall(tmp_path: Path) -> Path:
    """A photograph without a face."""
    file = tmp_path / "wall.png"
    grain = np.random.default_rng(0).integers(90, 110, (240, 320, 3), dtype=np.uint8)
    Image.fromarray(grain).save(file)
    return file
