"""The page itself: what is where. `facevlm app` runs it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import browser, giving, sidebar, sides, stage, talk
from app.desk import desk, why_not
from app.session import Session, session
from facevlm.errors import FaceVLMError

_STYLE = Path(__file__).parent / "style.css"


def main() -> None:
    """Draws the page once."""
    st.set_page_config(page_title="FaceVLM", page_icon="🙂", layout="wide", menu_items={})
    st.html(_STYLE)
    state = session()
    for part in (sidebar.draw, _body):
        try:
            part(state)
        except FaceVLMError as error:
            st.warning(why_not(error))
    st.html(browser.remember(state.browser, state.preferences), unsafe_allow_javascript=True)


def _body(state: Session) -> None:
    state.address()
    giving.write(state)  # first, so that it is there while an answer is being written
    welcome, shown = st.empty(), st.empty()  # two places, so that the one that is left empty is cleared at once
    if state.talk is None:
        with welcome.container():
            _welcome(state)
    else:
        with shown.container():
            _conversation(state, state.talk)


def _welcome(state: Session) -> None:
    with st.container(key="welcome", width=860):
        st.html("<h1 class='fv-hero'>What does a face show, and how can one tell?</h1>")
        st.write(
            "Give a photograph. Every face in it is found and numbered; the action units it shows are measured and "
            "explained, and the explanation is checked against the measurement. Then ask what you like about it."
        )
        if state.said:
            st.warning(state.said)
        giving.pictures(state)


def _conversation(state: Session, conversation: str) -> None:
    choice, agent = desk().holder(conversation, state.choice)
    wanted = "Conversation"
    if state.turn_back or "view" not in st.session_state:
        st.session_state["view"], state.turn_back = wanted, False
    if stage.spoken_of(agent, conversation):
        views = [wanted, "Side by side"]
        wanted = st.segmented_control("View", views, required=True, key="view", label_visibility="collapsed")
    if wanted == "Side by side":
        sides.draw(state, choice, agent, conversation)
        return
    pending = talk.pending(agent, conversation)  # once for both sides: it may be over while the first is drawn
    left, right = st.columns([1, 1], gap="large")
    with left, st.container(key="stage"):
        stage.draw(state, agent, conversation, pending)
    with right, st.container(key="talk"):
        talk.draw(state, choice, agent, conversation, pending)


main()
