from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

from facevlm.cli import main

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


class Endpoint(ThreadingHTTPServer):
    """An OpenAI-compatible server of a vision-language model that sees a smile everywhere."""

    daemon_threads = True
    mood: Mood = "well"
    asked: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def options(self) -> tuple[str, ...]:
        return "--model", "smiler", "--base-url", self.url


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_GET(self) -> None:
        self._reply(200, json.dumps({"object": "list", "data": [{"id": "smiler", "object": "model"}]}))

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked += 1
        match self.server.mood:
            case "failing":
                self._reply(500, '{"error": {"message": "out of memory"}}')
            case "web page":
                self._reply(200, "<html><body>Welcome</body></html>", "text/html")
            case "slow":
                time.sleep(3)
            case _:
                self._reply(200, json.dumps(_completion(request, self.server.mood)))

    def _reply(self, status: int, body: str, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


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
