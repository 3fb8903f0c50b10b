from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from PIL import Image

from facevlm.types import Conversation, Turn


@dataclass
class Reply:
    status: int = 200
    body: Any = None  # a dict is sent as JSON, a text as a web page
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass
class Endpoint:
    """A real HTTP server on this machine that answers from a script; its last reply is repeated."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def will(self, *replies: Reply) -> None:
        self.replies = list(replies)

    def next_reply(self) -> Reply:
        with self.lock:
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def completion(text: str | None, logprobs: Any = None, **message: Any) -> Reply:
    """A chat completion as OpenAI-compatible servers send it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
    usage = {
        "prompt_tokens": 7,
        "completion_tokens": 3,
        "total_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    return Reply(
        body={"id": "1", "object": "chat.completion", "choices": [choice | {"logprobs": logprobs}], "usage": usage}
    )


def refusal(status: int, message: str, **headers: str) -> Reply:
    return Reply(status, {"error": {"message": message, "type": "error"}}, headers)


def _handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with endpoint.lock:
                endpoint.requests.append(content)
                endpoint.keys.append(self.headers["Authorization"])
                endpoint.in_flight += 1
                endpoint.most_in_flight = max(endpoint.most_in_flight, endpoint.in_flight)
            self.answer(endpoint.next_reply())

        def do_GET(self) -> None:
            with endpoint.lock:
                endpoint.in_flight += 1
            self.answer(endpoint.next_reply())

        def answer(self, reply: Reply) -> None:
            time.sleep(reply.delay)
            page = "text/event-stream" if str(reply.body).startswith("data:") else "text/html"
            kind = page if isinstance(reply.body, str) else "application/json"
            data = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
            with endpoint.lock:
                endpoint.in_flight -= 1
            self.send_response(reply.status)
            headers = {"Content-Type": kind, "Content-Length": str(len(data))} | reply.headers
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(endpoint))
    server.daemon_threads = True
    endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield endpoint
    server.shutdown()
    server.server_close()


@pytest.fixture
def replies() -> dict[str, Callable[..., Reply]]:
    return {"completion": completion, "refusal": refusal, "reply": Reply}


@pytest.fixture
def conversation() -> Conversation:
    picture = Image.new("RGB", (40, 30), "orange")
    turns = (Turn(role="system", text="You read faces."), Turn(role="user", text="Explain.", images=(picture,)))
    schema = {"type": "object", "properties": {"emotion": {"type": "string"}}, "required": ["emotion"]}
    return Conversation(turns=turns, answer_schema=schema, max_tokens=99)
