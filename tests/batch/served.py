"""An endpoint that answers at once, and without a model."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import AbstractContextManager

from tests.served import Handler, Server, listening


class TalkingServer(Server):
    """An OpenAI-compatible server that takes a moment and says back what it is told; it counts how often."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.asked: Counter[str] = Counter()
        self.lock = threading.Lock()


class _Handler(Handler):
    server: TalkingServer

    def do_POST(self) -> None:
        words = self.asked()["messages"][-1]["content"]
        with self.server.lock:
            self.server.asked[words] += 1
        time.sleep(0.02)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": words}}
        self.reply({"id": "1", "object": "chat.completion", "created": 1, "model": "talker", "choices": [choice]})

    def do_GET(self) -> None:
        self.reply({"object": "list", "data": [{"id": "talker", "object": "model"}]})


def talking() -> AbstractContextManager[TalkingServer]:
    """The endpoint, while it runs."""
    return listening(TalkingServer())
