"""The agents of the process, one for each choice of model and prompt, and where each conversation is held."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from app.asking import Asking
from app.browser import Choice
from app.visitors import GRACE, Visitors
from facevlm import models, prompting
from facevlm.agent import Agent, Conversation
from facevlm.agent.store import Store
from facevlm.config import Settings, demo_picture
from facevlm.errors import FaceVLMError, InputError, PrerequisiteError
from facevlm.models import ModelInfo

_LOG = logging.getLogger(__name__)


@cache
def desk() -> Desk:
    """The one of this process, as the environment describes it; its model begins to load."""
    store = os.environ.get("FACEVLM_STORE")
    made = Desk(
        Settings(),
        Path(store) if store else None,
        local=os.environ.get("FACEVLM_APP_HOST", "127.0.0.1") in ("127.0.0.1", "::1", "localhost"),
        grace=float(os.environ.get("FACEVLM_APP_GRACE", GRACE)),
    )
    made.warm()
    return made


class Desk:
    """All that the sessions of the page share. Any thread may use it.

    Args:
        settings: the environment's; its model, prompt and endpoint are what a new browser begins with.
        store: the file of conversations that are kept; None where none can be.
        local: whether the page is reached from this machine only.
        grace: seconds a browser may be away before what it did not keep is forgotten.

    Raises:
        InputError: the store cannot be opened.
    """

    def __init__(self, settings: Settings, store: Path | None, *, local: bool, grace: float = GRACE) -> None:
        self.settings, self.store, self.local = settings, store, local
        self.first = Choice(model=settings.model, base_url=settings.base_url, prompt=settings.prompt or "sov-cot")
        self.visitors = Visitors(store and store.with_suffix(".owners.json"), self._forget, grace)
        self._kept = Store(store)  # what is kept is listed before any model is loaded
        self._agents: dict[Choice, Agent] = {}
        self._askings: dict[str, Asking] = {}
        self._making = threading.Lock()

    def warm(self) -> None:
        """Loads the first choice and lets it look at a picture, so that the first visitor does not wait for that."""
        threading.Thread(target=self._warm, name="warm", daemon=True).start()

    def agent(self, choice: Choice) -> Agent:
        """The agent of a choice, its model loaded. Raises InputError or PrerequisiteError where it cannot be had."""
        with self._making:
            if choice not in self._agents:
                self._agents[choice] = self._made(choice)
            return self._agents[choice]

    def ready(self, choice: Choice) -> bool:
        """Whether the agent of a choice is there already."""
        return choice in self._agents

    def holder(self, conversation: str, choice: Choice) -> tuple[Choice, Agent]:
        """Who goes on with a conversation: whoever has it, the chosen agent before others.

        Loads the chosen one for what was kept before. Raises InputError where nobody has it.
        """
        if not self._agents and any(talk.id == conversation for talk in self._kept.conversations()):
            self.agent(choice)
        chosen = [(choice, self._agents[choice])] if choice in self._agents else []
        for each, agent in [*chosen, *list(self._agents.items())]:
            if any(talk.id == conversation for talk in agent.conversations()):
                return each, agent
        raise InputError("this conversation is not there any more; start a new one")

    def conversations(self, browser: str) -> list[Conversation]:
        """What a browser may see, the one last spoken in first."""
        held = [agent.conversations() for agent in list(self._agents.values())]
        seen = {
            talk.id: talk
            for talks in (self._kept.conversations(), *held)
            for talk in talks
            if self.visitors.sees(browser, talk.id, local=self.local)
        }
        return sorted(seen.values(), key=lambda talk: -talk.updated)

    def start(self, browser: str, choice: Choice, *, listed: bool = True) -> str:
        """A new conversation of this browser; one that is not listed is found by its id alone."""
        conversation = self.agent(choice).start()
        self.visitors.own(browser, conversation, listed=listed)
        return conversation

    def ask(self, agent: Agent, conversation: str, text: str, images: Iterable[bytes] = ()) -> Asking:
        """Asks, after what was asked before; the answer goes on whether or not the page is looked at."""
        before = self._askings.get(conversation)
        self._askings[conversation] = Asking(agent, conversation, text, list(images), before)
        return self._askings[conversation]

    def asking(self, conversation: str) -> Asking | None:
        """The question last asked in a conversation, while this process runs."""
        return self._askings.get(conversation)

    def keep(self, agent: Agent, conversation: str) -> None:
        """Writes a conversation to the store. Raises InputError where there is none."""
        agent.keep(conversation)
        self.visitors.keep(conversation)

    def delete(self, conversation: str) -> None:
        """Forgets a conversation everywhere."""
        self._forget([conversation])
        self.visitors.forgotten(conversation)

    def _forget(self, conversations: Iterable[str]) -> None:
        for conversation in conversations:
            asking = self._askings.pop(conversation, None)
            if asking is not None:
                asking.stop()
            for agent in list(self._agents.values()):
                if any(talk.id == conversation for talk in agent.conversations()):
                    agent.delete(conversation)

    def _warm(self) -> None:
        try:
            self.agent(self.first).reasoner.analyze(demo_picture())
        except FaceVLMError as error:
            _LOG.warning("%s", error)

    def _made(self, choice: Choice) -> Agent:
        return Agent(
            choice.model,
            adapter=self.settings.adapter if choice.model == self.settings.model else None,
            base_url=choice.base_url,
            api_key_env=self.settings.api_key_env,
            prompt=choice.prompt,
            marks=self.settings.marks,
            store=self.store,
            settings=self.settings,
        )


def models_here(desk: Desk, endpoint: str) -> list[ModelInfo]:
    """What may be chosen and what may not, with the reason: what ships, and what the endpoint serves."""
    return models.available(endpoint or None, desk.settings.api_key_env)


def prompts() -> list[str]:
    """The prompts that explain faces, whether a model is asked about the whole picture or about each face."""
    both = set(prompting.names("scene")) & set(prompting.names("face"))
    return sorted(name for name in both if prompting.load(name, "scene").per_face)


def why_not(error: FaceVLMError) -> str:
    """An error as a sentence for the chat."""
    kind = "This needs something that is not here" if isinstance(error, PrerequisiteError) else "That did not work"
    return f"{kind}: {error}."
