"""The bar at the side: conversations, what can be done with the one shown, who answers, where pictures go."""

from __future__ import annotations

import streamlit as st

from app import export
from app.browser import Choice
from app.desk import desk, models_here, prompts, why_not
from app.session import Session
from facevlm.agent import Agent, Conversation
from facevlm.errors import FaceVLMError
from facevlm.models import ModelInfo


def draw(state: Session) -> None:
    """All of it."""
    with st.sidebar:
        st.html("<p class='fv-brand'>FaceVLM</p>")
        if st.button("New conversation", icon=":material/add:", width="stretch", key="new"):
            state.show(None)
            st.rerun()
        _current(state)
        _history(state)
        st.divider()
        _who_answers(state)
        st.divider()
        st.html(f"<p class='fv-privacy'>{privacy(state)}</p>")


def privacy(state: Session) -> str:
    """What becomes of a picture, for the choice that is made."""
    url = state.choice.base_url
    where = f"sent to {url}" if url else "processed on this machine"
    return (
        f"🔒 Pictures are {where}, and kept only if you save the conversation. FaceVLM describes expressions: it "
        "identifies no one and does not know what a person feels."
    )


def choose(state: Session, key: str, other_than: Choice | None = None) -> Choice:
    """A model and a prompt, picked; `other_than` is not what is offered first."""
    found = models_here(desk(), state.preferences.endpoint)
    usable = {_title(each): each for each in found if each.usable}
    current = state.choice
    names = list(usable)
    first = next((name for name in names if usable[name].name == current.model), None)
    picked = st.selectbox("Model", names, index=names.index(first) if first else 0, key=f"model-{key}")
    offered = prompts()
    wanted = offered.index(current.prompt) if current.prompt in offered else 0
    if other_than is not None:
        wanted = (wanted + 1) % len(offered)
    prompt = st.selectbox("Prompt", offered, index=wanted, key=f"prompt-{key}", help=_PROMPTS)
    chosen = usable[picked] if picked else None
    if chosen is None:
        return current
    url = state.preferences.endpoint if chosen.kind == "endpoint" else None
    return Choice(model=chosen.name, base_url=url, prompt=prompt or current.prompt)


_PROMPTS = "sov-cot observes first and names the emotion last, sov-label-first names it first, sov-label only names it."


def _title(model: ModelInfo) -> str:
    return f"{model.name} ({'ships with FaceVLM' if model.kind == 'shipped' else model.description})"


def _current(state: Session) -> None:
    """Rename, save, take away and delete the conversation that is shown."""
    if state.talk is None:
        return
    try:
        _, agent = desk().holder(state.talk, state.choice)
    except FaceVLMError:
        return  # the conversation itself says why
    talk = next(each for each in agent.conversations() if each.id == state.talk)
    with st.popover("This conversation", icon=":material/more_horiz:", width="stretch"):
        title = st.text_input("Title", value=talk.title, key=f"title-{talk.id}", max_chars=120)
        if title.strip() and title != talk.title:
            agent.rename(talk.id, title.strip())
            st.rerun()
        _saving(state, agent, talk)
        _exports(agent, talk.id)
        if st.button("Delete", icon=":material/delete:", width="stretch", key="delete"):
            desk().delete(talk.id)
            state.show(None)
            st.rerun()


def _saving(state: Session, agent: Agent, talk: Conversation) -> None:
    if talk.kept:
        st.caption("Saved on this machine.")
    elif st.button("Save on this machine", icon=":material/save:", width="stretch", key="save"):
        try:
            desk().keep(agent, talk.id)
        except FaceVLMError as error:
            state.said = why_not(error)
        st.rerun()


def _exports(agent: Agent, talk: str) -> None:
    kinds = (
        ("JSON", "json", "application/json", export.to_json),
        ("HTML", "html", "text/html", export.to_html),
        ("Markdown", "md", "text/markdown", export.to_markdown),
    )
    with st.container(horizontal=True):
        for name, ending, mime, made in kinds:
            st.download_button(
                name,
                lambda made=made: made(export.record(agent, talk)),
                f"facevlm-{talk}.{ending}",
                mime,
                key=f"export-{ending}",
                on_click="ignore",
            )


def _history(state: Session) -> None:
    talks = desk().conversations(state.browser)
    if not talks:
        return
    st.caption("Conversations")
    for talk in talks:
        shown = talk.id == state.talk
        icon = ":material/bookmark:" if talk.kept else None
        kind = "primary" if shown else "tertiary"
        if st.button(_short(talk.title), key=f"open-{talk.id}", icon=icon, type=kind, width="stretch"):
            state.show(talk.id)
            st.rerun()


def _short(title: str) -> str:
    words = " ".join(title.split()) or "New conversation"
    return words if len(words) < 40 else f"{words[:38]}…"


def _who_answers(state: Session) -> None:
    with st.expander("Who answers", icon=":material/tune:"):
        chosen = choose(state, "main")
        if chosen != state.choice:
            state.prefer(choice=chosen)
            _turn_to(state)
            st.rerun()
        if desk().local:
            url = st.text_input(
                "Endpoint", value=state.preferences.endpoint, placeholder="http://localhost:8000/v1", key="endpoint",
                help="Any server that speaks the OpenAI API: `facevlm serve`, vLLM, … Pictures are then sent there.",
            ).strip()  # fmt: skip
            if url != state.preferences.endpoint:
                state.prefer(endpoint=url)
                st.rerun()
        for model in models_here(desk(), state.preferences.endpoint):
            if not model.usable and (model.kind == "shipped" or state.preferences.endpoint):
                st.caption(f"{'The endpoint' if model.kind == 'endpoint' else model.name} cannot be used: {model.why}")


def _turn_to(state: Session) -> None:
    """Another choice answers from here on: in a new conversation, which begins with the picture of the last."""
    images, problem = [], None
    try:
        images = _last_picture(state)
    except FaceVLMError as error:
        problem = why_not(error)
    state.show(None)
    state.said = problem
    if images:
        from app import giving

        giving.ask(state, images=images)


def _last_picture(state: Session) -> list[bytes]:
    """The picture that was given last in the conversation that is shown, where there is one."""
    if state.talk is None:
        return []
    _, agent = desk().holder(state.talk, state.choice)
    given = [picture for message in agent.history(state.talk) for picture in message.pictures]
    return [agent.picture(given[-1])] if given else []
