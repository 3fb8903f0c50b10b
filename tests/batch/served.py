"""An endpoint that answers at once, and without a model."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class TalkingServer(ThreadingHTTPServer):
    """An OpenAI-compatible server that takes a moment and says back what it is told; it counts how often."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: Counter[str] = Counter()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: TalkingServer

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        words = request["messages"][-1]["content"]
        with self.server.lock:
            self.server.asked[words] += 1
        time.sleep(0.02)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": words}}
        self._reply({"id": "1", "object": "chat.completion", "created": 1, "model": "talker", "choices": [choice]})

    def do_GET(self) -> None:
        self._reply({"object": "list", "data": [{"id": "talker", "object": "model"}]})

    def _reply(self, reply: dict[str, Any]) -> None:
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def talking() -> Iterator[TalkingServer]:
    """The endpoint, while it runs."""
    server = TalkingServer()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()
