"""What one open page knows: its browser, its settings, the conversation it shows and what is chosen in it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from app import browser
from app.browser import Choice, Preferences
from app.desk import Desk, desk, why_not
from app.overlay import Look, Spot
from facevlm.errors import InputError, PrerequisiteError

_KEY, _TALK = "facevlm", "talk"


@dataclass
class Parked:
    """What was given and not yet asked, because the model is loading: words and pictures, in their order."""

    words: list[str] = field(default_factory=list)
    images: list[bytes] = field(default_factory=list)


@dataclass
class Session:
    """The state of an open page."""

    browser: str
    preferences: Preferences
    talk: str | None = None
    chosen: Spot | None = None
    said: str | None = None  # a sentence about something that went wrong, shown until the next action
    failed: dict[str, str] = field(default_factory=dict)  # picture → why the model could not explain it
    redrawn: int = 0  # the question after whose answer the page was drawn again
    turn_back: bool = False  # to the conversation, from what is beside it
    pictures_given: int = 0  # makes the inputs for pictures new after each
    parked: dict[str | None, Parked] = field(default_factory=dict)  # by conversation; None for one that is to begin
    parking: threading.Lock = field(default_factory=threading.Lock)  # runs of the page may go on side by side
    twins: dict[str, str] = field(default_factory=dict)  # what is asked beside a conversation → conversation beside it

    @property
    def choice(self) -> Choice:
        return self.preferences.choice or desk().first

    @property
    def look(self) -> Look:
        return Look(self.preferences.marks, self.preferences.regions, self.chosen)

    def prefer(self, **changes: object) -> None:
        self.preferences = self.preferences.model_copy(update=changes)

    def park(self, text: str, images: Sequence[bytes]) -> None:
        """Keeps what was given until it is asked in the conversation that is shown now."""
        with self.parking:
            parked = self.parked.setdefault(self.talk, Parked())
            parked.words += [text] if text and text not in parked.words else []
            parked.images += images

    def show(self, talk: str | None) -> None:
        """Turns to a conversation; None to the beginning."""
        self.talk, self.chosen, self.said = talk, None, None

    def address(self) -> None:
        """Puts what is shown into the page's address, by which a reload finds it again."""
        if self.talk is None:
            st.query_params.pop(_TALK, None)
        elif st.query_params.get(_TALK) != self.talk:
            st.query_params[_TALK] = self.talk


def session() -> Session:
    """The state of this page, made when it is opened."""
    if _KEY not in st.session_state:
        cookies = st.context.cookies
        opened = Session(browser.word(cookies), browser.preferences(cookies))
        _resume(opened, desk())
        st.session_state[_KEY] = opened
    _here(st.session_state[_KEY].browser)
    state: Session = st.session_state[_KEY]
    return state


def _resume(opened: Session, shared: Desk) -> None:
    talk = st.query_params.get(_TALK)
    if talk is None:
        return
    try:
        shared.holder(talk, opened.choice)
        if not shared.visitors.sees(opened.browser, talk, local=shared.local):
            raise InputError("this conversation belongs to another browser; start a new one")
        opened.talk = talk
    except InputError:
        opened.said = "That conversation is not here any more: what is not saved is forgotten. Start a new one."
        st.query_params.pop(_TALK, None)
    except PrerequisiteError as error:
        opened.said = why_not(error)


@st.cache_resource(scope="session", show_spinner=False, on_release=lambda word: desk().visitors.leave(word))
def _here(word: str) -> str:
    """Counts this page among those that are open, until it is closed."""
    return desk().visitors.come(word)
