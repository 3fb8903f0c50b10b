"""The same picture and question answered twice, by two models or with two prompts."""

from __future__ import annotations

import streamlit as st

from app import cards, sidebar, stage, talk
from app.asking import Asking
from app.browser import Choice
from app.desk import desk, why_not
from app.session import Session
from facevlm.agent import Agent, Answer, Message, Piece
from facevlm.errors import FaceVLMError


def draw(state: Session, choice: Choice, agent: Agent, conversation: str) -> None:
    """The last question, its answer here, and that of another choice beside it."""
    st.caption(
        "The last question and the picture it was about, asked again beside. Nothing is added to the conversation."
    )
    question = _last(agent.history(conversation), "user")
    answer = _last(agent.history(conversation), "assistant")
    picture = stage.spoken_of(agent, conversation)
    if question is None or answer is None or picture is None:
        st.info("Ask about a picture first.")
        return
    left, right = st.columns(2, gap="large")
    with left, st.container(key="side-left"):
        st.subheader(choice.title, anchor=False)
        st.markdown(talk.escaped(answer.text))
        _cards(state, agent, picture)
    with right, st.container(key="side-right"):
        other = sidebar.choose(state, "beside", choice)
        try:
            _beside(state, other, agent.picture(picture), question, f"{conversation}·{picture}")
        except FaceVLMError as error:
            st.warning(why_not(error))


def _beside(state: Session, other: Choice, image: bytes, question: Message, place: str) -> None:
    shared = desk()
    key = f"{place}·{other.title}·{question.text}"
    agent = shared.agent(other)
    if key not in state.twins:
        state.twins[key] = shared.start(state.browser, other, listed=False)
        shared.ask(agent, state.twins[key], question.text, [image])
    twin = state.twins[key]
    asking = shared.asking(twin)
    if asking is not None:
        _answer(asking)
    picture = stage.spoken_of(agent, twin)
    if picture is not None:
        _cards(state, agent, picture)


def _answer(asking: Asking) -> None:
    place, written = st.empty(), ""
    for event in asking.follow():
        match event:
            case Piece():
                written += event.text
                place.markdown(talk.escaped(written))
            case Answer():
                place.markdown(talk.escaped(event.text))


def _cards(state: Session, agent: Agent, picture: str) -> None:
    analysis = stage.explained(state, agent, picture)
    if analysis is None:
        st.warning(state.failed[picture])
    for face in analysis.faces if analysis else ():
        with st.expander(cards.heading(face), expanded=face.id == 1):
            st.html(stage.card(agent, picture, face.id, state.look))


def _last(messages: list[Message], role: str) -> Message | None:
    return next((message for message in reversed(messages) if message.role == role), None)
