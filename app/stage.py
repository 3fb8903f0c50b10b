"""The picture that is spoken of, with its switches, and the card of one face."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st
from PIL import Image

from app import cards, giving, measures, overlay
from app.asking import Asking
from app.desk import desk, why_not
from app.overlay import Look, Spot
from app.session import Session
from facevlm import faces
from facevlm.agent import Agent
from facevlm.errors import FaceVLMError, ModelError
from facevlm.marks import VARIANTS
from facevlm.reasoning.seeing import find
from facevlm.types import Analysis, Face, FaceAnalysis

_REMEMBERED = 600  # seconds that drawn pictures are remembered


def draw(state: Session, agent: Agent, conversation: str, pending: Asking | None) -> None:
    """The picture that was last spoken of, or that is being looked at; a place for one where there is none."""
    shown = spoken_of(agent, conversation)
    coming, there = st.empty(), st.empty()  # two places, so that the one that is left empty is cleared at once
    if pending is not None and pending.looking_at:
        with coming.container():
            _raw(pending.looking_at[-1])
        return
    with there.container():
        if shown is None:
            giving.pictures(state)
        else:
            _picture(state, agent, _chosen_picture(agent, conversation, shown))


def spoken_of(agent: Agent, conversation: str) -> str | None:
    """The picture of the last answer that has one."""
    answers = [message.answer for message in agent.history(conversation) if message.answer]
    return next((answer.picture for answer in reversed(answers) if answer.picture), None)


def _chosen_picture(agent: Agent, conversation: str, last: str) -> str:
    """Which of several pictures is shown: the last, unless another is chosen."""
    names = list(dict.fromkeys(each for message in agent.history(conversation) for each in message.pictures))
    if len(names) < 2:
        return last
    chosen = st.segmented_control(
        "Picture", names, default=last, required=True, format_func=lambda each: f"Picture {names.index(each) + 1}",
        key=f"picture-{conversation}-{last}",
    )  # fmt: skip
    return chosen or last


def _raw(data: bytes) -> None:
    try:
        image = faces.decode(data, desk().settings).image
    except FaceVLMError:
        return
    source = overlay.data_url(overlay.picture(image, [], Look("plain")))
    st.html(f"<img class='fv-picture' src='{source}' alt='The photograph, which is being looked at.'>")


def _picture(state: Session, agent: Agent, picture: str) -> None:
    analysis = explained(state, agent, picture)
    found = analysis.marked.faces if analysis and analysis.marked else find(agent.picture(picture)).faces
    look = _known(state.look, found)
    words = html.escape(overlay.alt(found, look), quote=True)
    st.html(f"<img class='fv-picture' src='{url(agent, picture, look)}' alt='{words}'>")
    _switches(state)
    if analysis is None:
        st.warning(state.failed[picture])
    elif not analysis.faces:
        st.info("No face was found in this picture. Try one where a face is larger, sharper, or turned to the camera.")
    else:
        told = _face(analysis, picture)
        _observations(state, told, picture)
        with st.expander(cards.heading(told), expanded=not _on_phone(), key=f"card-{picture}-{told.id}"):
            st.html(card(agent, picture, told.id, look))
    for note in analysis.image.notes if analysis else ():
        st.caption(note)


def _on_phone() -> bool:
    """Whether there is little room: what the picture shows then comes before the card."""
    return "Mobi" in str(st.context.headers.get("User-Agent", ""))


def explained(state: Session, agent: Agent, picture: str) -> Analysis | None:
    """The analysis of a picture; None where the model failed on it, which is tried again after the next question."""
    if picture in state.failed:
        return None
    try:
        return agent.analysis(picture)
    except ModelError as error:
        state.failed[picture] = why_not(error)
        return None


def _switches(state: Session) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="switches"):
        marks = st.segmented_control(
            "Marks", VARIANTS, default=state.preferences.marks, required=True, format_func=_mark_name, key="marks",
            label_visibility="collapsed",
        )  # fmt: skip
        regions = st.toggle(
            "Regions",
            value=state.preferences.regions,
            key="regions",
            help="Tints where the action units that measure as present show.",
        )
        with st.popover("Add a picture", icon=":material/add_photo_alternate:"):
            giving.pictures(state)
    if (marks, regions) != (state.preferences.marks, state.preferences.regions):
        state.prefer(marks=marks, regions=regions)
        st.rerun()


def _mark_name(variant: str) -> str:
    return {"plain": "No marks", "box": "Box", "number": "Number", "landmarks": "Landmarks"}[variant]


def _face(analysis: Analysis, picture: str) -> FaceAnalysis:
    """The face whose card is shown: that of the chosen observation, else the one picked, else the largest."""
    told = {face.id: face for face in analysis.faces}
    if len(told) == 1:
        return analysis.faces[0]
    st.session_state.setdefault(_face_key(picture), 1)
    picked = st.segmented_control(
        "Face", list(told), required=True, key=_face_key(picture), format_func=lambda each: cards.heading(told[each])
    )
    return told.get(picked or 1, analysis.faces[0])


def _observations(state: Session, told: FaceAnalysis, picture: str) -> None:
    spots = {cards.label(bar): cards.spot(told, bar) for bar in measures.bars(told)}
    if spots:
        pills(state, "Show on the picture", spots, f"lit-card-{picture}-{told.id}", picture)


def pills(state: Session, label: str, spots: dict[str, Spot], key: str, picture: str) -> None:
    """Buttons that light a spot of a picture each; only one of the page's is chosen at a time."""
    st.pills(label, list(spots), key=key, on_change=_light, args=(state, key, spots, picture))


def _light(state: Session, key: str, spots: dict[str, Spot], picture: str) -> None:
    label = st.session_state[key]
    state.chosen = None if label is None else spots[label]
    for other in list(st.session_state):
        if str(other).startswith("lit-") and other != key:
            st.session_state[other] = None
    if state.chosen:
        st.session_state[_face_key(picture)] = state.chosen.face


def _face_key(picture: str) -> str:
    return f"face-{picture}"


def _known(look: Look, found: Sequence[Face]) -> Look:
    """The look without a spot on a face that this picture does not have."""
    there = {face.id for face in found}
    return look if look.chosen is None or look.chosen.face in there else Look(look.marks, look.regions)


def decoded(agent: Agent, picture: str) -> Image.Image:
    """The pixels of a picture, without marks."""
    return faces.decode(agent.picture(picture), desk().settings).image


def url(agent: Agent, picture: str, look: Look) -> str:
    """The picture as it is shown, inside a URL."""
    return _url(agent.picture(picture), look)


def card(agent: Agent, picture: str, face: int, look: Look) -> str:
    """The card of a face, by its number."""
    return _card(id(agent), agent, picture, face, look)


@st.cache_data(show_spinner=False, max_entries=64, ttl=_REMEMBERED)
def _url(data: bytes, look: Look) -> str:
    found = find(data, desk().settings)
    return overlay.data_url(overlay.picture(found.picture.image, found.faces, look))


@st.cache_data(show_spinner=False, max_entries=128, ttl=_REMEMBERED)
def _card(holder: int, _agent: Agent, picture: str, face: int, look: Look) -> str:
    analysis = _agent.analysis(picture)
    assert analysis.marked is not None
    told = next(each for each in analysis.faces if each.id == face)
    found = next(each for each in analysis.marked.faces if each.id == face)
    return cards.html(told, found, decoded(_agent, picture), look)
