"""The agent as its users see it: conversations that are asked, listed, renamed, kept and deleted."""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import threading
import time
from collections.abc import AsyncIterator, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from facevlm.agent.album import Album
from facevlm.agent.store import Store
from facevlm.agent.values import Answer, Conversation, Event, Message, Sentence
from facevlm.agent.wording import reply_plain
from facevlm.config import Settings
from facevlm.errors import FaceVLMError, InputError
from facevlm.faces.decode import UNNAMED, Named
from facevlm.models import Model
from facevlm.reasoning import FaceReasoner
from facevlm.types import Analysis

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

Image = bytes | Path

_LOG = logging.getLogger(__name__)
TITLE = 60  # characters of the first question that make a title
LIMIT = 120.0  # seconds that an answer may take


class Agent:
    """Answers questions about the faces of pictures, and remembers what was said.

    One for a process: it holds the loaded model. Several threads may use it, each with its own conversation.

    Args:
        model, adapter, base_url, api_key_env, prompt, marks, settings: as `FaceReasoner` takes them.
        store: the SQLite file of conversations that are kept; without one none can be. Nothing of a conversation is
            written there before `keep`.
        limit: seconds after which an answer is stopped.
        chat: a chat model of LangChain that can call tools, which then plans its answers. By default that of
            `base_url`, where its model is shown whole pictures; the embedded model follows a fixed path.

    Raises:
        InputError: no such model, adapter or prompt; the store cannot be opened.
        PrerequisiteError: something the model needs is not installed or not set.
    """

    def __init__(
        self,
        model: str | Model = "nano",
        *,
        adapter: str | None = None,
        base_url: str | None = None,
        api_key_env: str | None = None,
        prompt: str = "sov-cot",
        marks: str = "landmarks",
        store: Path | None = None,
        settings: Settings | None = None,
        limit: float = LIMIT,
        chat: BaseChatModel | None = None,
    ) -> None:
        from facevlm.agent.graph import build

        self.reasoner = FaceReasoner(model, adapter, prompt, base_url, api_key_env, marks, settings)
        self.store = Store(store)
        self._limit = limit
        self._album = Album(self.reasoner, self.store.picture)
        if chat is None and base_url is not None and self.reasoner.model.asks == "scene":
            chat = _of_endpoint(self.reasoner.model.name, base_url, api_key_env, settings or Settings())
        self._graphs = [build(self.reasoner, self._album, saver, chat) for saver in self.store.savers]

    def start(self, title: str = "", *, keep: bool = False) -> str:
        """The id of a new conversation. `title` is made of the first question where none is given.

        Raises:
            InputError: it shall be kept, and there is no store.
        """
        return self.store.start(title, keep=keep)

    def ask(self, conversation: str, text: str, images: Sequence[Image] = ()) -> Generator[Event, None, None]:
        """The answer as it comes: steps, pieces of text, and last the Answer. Closing it stops the answer.

        Never raises for what the user said or gave (no picture, a broken file, a model that is gone): the answer then
        says so. Raises InputError for a conversation that does not exist.
        """
        graph, config = self._graph(conversation)
        events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        stop = threading.Event()
        worker = threading.Thread(
            target=self._work, args=(graph, config, conversation, text, tuple(images), stop, events.put), daemon=True
        )
        worker.start()
        try:
            while (event := events.get()) is not None:
                yield event
        finally:
            stop.set()
            worker.join(timeout=5)

    async def aask(self, conversation: str, text: str, images: Sequence[Image] = ()) -> AsyncIterator[Event]:
        """`ask`, without blocking the caller's event loop."""
        events = self.ask(conversation, text, images)
        try:
            while (event := await asyncio.to_thread(next, events, None)) is not None:
                yield event
        finally:
            await asyncio.to_thread(events.close)

    def conversations(self) -> list[Conversation]:
        """All there are, the one last spoken in first."""
        return self.store.conversations()

    def history(self, conversation: str) -> list[Message]:
        """All that was said, in order."""
        graph, config = self._graph(conversation)
        said = graph.get_state(config).values.get("messages", [])
        return [Message.model_validate(each) for each in said]

    def rename(self, conversation: str, title: str) -> None:
        """Gives a conversation another title."""
        self.store.rename(conversation, title)

    def keep(self, conversation: str) -> None:
        """Writes a conversation and its pictures to the store, where what follows is written too."""
        self.store.keep(conversation)

    def delete(self, conversation: str) -> None:
        """Forgets a conversation and its pictures, in the store too. An answer in progress is sent and not kept."""
        self.store.delete(conversation)
        self._hold_only_stored()

    def picture(self, picture: str) -> bytes:
        """The file of a picture, as it was given, with its name. Raises InputError where there is none."""
        return self.store.picture(picture)[0]

    def analysis(self, picture: str) -> Analysis:
        """What was measured on a picture and what the model explains; `marked` has its faces with their landmarks.

        Raises:
            InputError: there is no such picture.
            ModelError: the model failed on it.
        """
        analysis = self._album.view(picture).analysis()
        self.store.explain(picture, analysis)
        return analysis

    def close(self) -> None:
        """Closes the store."""
        self.store.close()

    def _graph(self, conversation: str) -> tuple[Any, dict[str, Any]]:
        place = self.store.place(conversation)
        return self._graphs[place], {"configurable": {"thread_id": conversation}}

    def _work(
        self, graph: Any, config: dict[str, Any], conversation: str, text: str, images: Sequence[Image],
        stop: threading.Event, put: Any,
    ) -> None:  # fmt: skip
        """Answers in a thread of its own, so that whoever listens may go at any time."""
        from facevlm.agent.turn import Turn

        turn = Turn(stop)
        timer = threading.Timer(self._limit, stop.set)
        timer.start()
        try:
            self._answer(graph, config, conversation, text, images, turn, put)
        except Exception:
            _LOG.exception("an answer was not kept")
        finally:
            timer.cancel()
            put(None)  # whatever happened: the listener waits for it

    def _answer(
        self, graph: Any, config: dict[str, Any], conversation: str, text: str, images: Sequence[Image],
        turn: Any, put: Any,
    ) -> None:  # fmt: skip
        """Sends the answer, or why there is none, and keeps what was said."""
        given: list[str] = []
        try:
            given, problems = self._added(conversation, images)
            asked = {"text": text, "pictures": given, "problems": problems}
            for event in graph.stream(asked, config, context=turn, stream_mode="custom", durability="exit"):
                put(event)
        except Exception as error:
            answer = self._broken(given, turn, error)
            put(answer)  # first, as the store itself may be what is broken
            self._record(graph, config, text, given, answer)
        finally:
            self._remember(conversation, text, turn)

    def _broken(self, given: list[str], turn: Any, error: Exception) -> Answer:
        """The answer that says why there is none."""
        from facevlm.agent.turn import finished
        from facevlm.agent.writing import Stopped

        late = time.monotonic() - turn.began >= self._limit
        if isinstance(error, Stopped):
            words = reply_plain("slow", seconds=self._limit) if late else reply_plain("stopped")
        else:
            if not isinstance(error, FaceVLMError):
                _LOG.error("an answer failed", exc_info=error)
            reason = str(error) if isinstance(error, FaceVLMError) else type(error).__name__
            words = reply_plain("failed", reason=reason.rstrip("."))
        turn.sentences.append(Sentence(text=words, origin="tables"))
        turn.failed, turn.intent = True, "stopped" if isinstance(error, Stopped) else "failed"
        return finished(turn, given[-1] if given else None, None)

    def _record(self, graph: Any, config: dict[str, Any], text: str, given: list[str], answer: Answer) -> None:
        """Makes a failed answer part of the conversation, which goes on from it."""
        before = graph.get_state(config).values.get("messages", [])
        said = [Message(role="assistant", text=answer.text, answer=answer)]
        if not before or before[-1]["role"] != "user":  # it did not come as far as the checkpoint
            said.insert(0, Message(role="user", text=text, pictures=tuple(given)))
        update = {"messages": [each.model_dump(mode="json") for each in said]}
        graph.update_state(config, update | ({"current": given[-1]} if given else {}), as_node="tell")

    def _added(self, conversation: str, images: Sequence[Image]) -> tuple[list[str], list[str]]:
        """Pictures that can be read, by id, and what is wrong with the others."""
        given, problems = [], []
        for image in images:
            name = image.name if isinstance(image, Path | Named) else UNNAMED
            picture = ""
            try:
                data = image if isinstance(image, bytes) else image.read_bytes()
                picture = self.store.add_picture(conversation, name, data)
                self._album.view(picture)
                given.append(picture)
            except (InputError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error).removeprefix(f"{name}: ")
                problems.append(reply_plain("unreadable", name=name, reason=(reason or "").rstrip(".")))
                self.store.drop_picture(picture)
        return given, problems

    def _remember(self, conversation: str, text: str, turn: Any) -> None:
        """The conversation's title and time, and what was explained of its pictures; nothing where it was deleted."""
        try:
            self.store.touch(conversation, " ".join(text.split())[:TITLE] or "A picture")
            for picture in {each.picture for sentence in turn.sentences for each in sentence.evidence}:
                analysis = self._album.view(picture).explanation
                if analysis is not None:
                    self.store.explain(picture, analysis)
            self.store.gather(conversation)
            self.store.prune(conversation)
        except InputError:  # deleted while it was answered
            self.store.sweep(conversation)
            self._hold_only_stored()

    def _hold_only_stored(self) -> None:
        """Lets go of pictures whose conversation was deleted."""
        self._album.hold_only({picture for each in self.conversations() for picture in each.pictures})


def _of_endpoint(model: str, base_url: str, api_key_env: str | None, settings: Settings) -> BaseChatModel:
    from langchain_openai import ChatOpenAI

    key = os.environ.get(api_key_env or settings.api_key_env, "none")
    return ChatOpenAI(model=model, base_url=base_url, api_key=SecretStr(key), timeout=settings.timeout, temperature=0)
