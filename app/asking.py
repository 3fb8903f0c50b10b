"""A question being answered. It goes on while the page is drawn or loaded again, and is followed from its start."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence

from facevlm.agent import Agent, Answer, Event
from facevlm.errors import FaceVLMError

_LOG = logging.getLogger(__name__)
_BROKEN = "Something went wrong inside FaceVLM, and this question was not answered. Ask it again, or start anew."


class Asking:
    """Asks in a thread of its own and keeps what comes, for any number of followers.

    `before` is the question asked before it in the same conversation: it is answered first, so that this one finds the
    picture which that one brought. `looking_at` are the pictures that both are about while they are not answered.
    """

    def __init__(
        self, agent: Agent, conversation: str, text: str, images: Sequence[bytes] = (), before: Asking | None = None
    ) -> None:
        self.text, self.images = text, tuple(images)
        self._before = None if before is None or before.over else before
        self.looking_at: tuple[bytes, ...] = self.images or (self._before.looking_at if self._before else ())
        self._events: list[Event] = []
        self._news = threading.Condition()
        self._over = self._stopped = False
        asked = (agent, conversation, self._before)
        threading.Thread(target=self._work, args=asked, name=f"ask {conversation}", daemon=True).start()

    @property
    def over(self) -> bool:
        return self._over

    @property
    def answer(self) -> Answer | None:
        """The whole answer, None while it is being written or where it was stopped."""
        return next((event for event in reversed(self._events) if isinstance(event, Answer)), None)

    def stop(self) -> None:
        """Ends the answer at its next piece, and those that were asked before and are not over."""
        self._stopped = True
        before = self._before
        if before is not None:
            before.stop()

    def wait(self) -> None:
        """Returns when the answer is over."""
        with self._news:
            self._news.wait_for(lambda: self._over)

    def follow(self) -> Iterator[Event]:
        """What has come, from the first event, and what comes, until the answer is over."""
        seen = 0
        while True:
            with self._news:
                self._news.wait_for(lambda: self._over or len(self._events) > seen)  # noqa: B023 -- waits here
                fresh, over = self._events[seen:], self._over
            yield from fresh
            seen += len(fresh)
            if over and seen == len(self._events):
                return

    def _work(self, agent: Agent, conversation: str, before: Asking | None) -> None:
        if before is not None:
            before.wait()
            self._before = None  # or a long conversation would hold all of its answers and pictures
        try:
            for event in agent.ask(conversation, self.text, self.images):
                self._tell(event)
                if self._stopped:
                    break
        except FaceVLMError as error:
            self._tell(_failure(str(error)))
        except Exception:
            _LOG.exception("a question failed")
            self._tell(_failure(_BROKEN))
        finally:
            with self._news:
                self._over = True
                self._news.notify_all()

    def _tell(self, event: Event) -> None:
        with self._news:
            self._events.append(event)
            self._news.notify_all()


def _failure(words: str) -> Event:
    return Answer(text=words, sentences=(), intent="beyond", failed=True)
