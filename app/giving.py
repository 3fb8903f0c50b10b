"""How a picture or a question is given: upload, camera, samples, and the line at the foot of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import overlay
from app.desk import desk, why_not
from app.samples import Sample, samples
from app.session import Session
from facevlm.errors import FaceVLMError
from facevlm.faces.decode import Named

FIRST_QUESTION = "What do the faces show?"
LONGEST = 50_000  # signs of a question; more are refused as they are typed
_WAYS = ("Upload", "Camera", "Samples")


def ask(state: Session, text: str = "", images: Sequence[bytes] = ()) -> None:
    """Asks in the conversation that is shown, in a new one where there is none, and shows the answer as it comes.

    Pictures without words are asked FIRST_QUESTION about.
    """
    state.park(text, images)
    state.said = None
    state.failed.clear()
    if images:
        state.chosen = None
        state.pictures_given += 1
    state.turn_back = True
    _ask_parked(state)


def _ask_parked(state: Session) -> None:
    """Asks what is parked for the conversation that is shown, all of it in one message.

    Whatever a person does while the model loads begins another run of the page beside this one, which ends at its next
    call of Streamlit. So nothing is taken from where it is parked before the model is there, and then without a call.
    """
    try:
        _await_model(state)
        with state.parking:
            _ask_now(state)
    except FaceVLMError as error:
        state.said = why_not(error)


def _await_model(state: Session) -> None:
    if state.talk is None and not desk().ready(state.choice):
        with st.spinner("The model is loading; what you gave is kept and comes first …"):
            desk().agent(state.choice)


def _ask_now(state: Session) -> None:
    shared = desk()
    if state.talk is None and None in state.parked:
        state.show(shared.start(state.browser, state.choice))
        state.parked[state.talk] = state.parked.pop(None)
    if state.talk not in state.parked:
        return  # another run of the page has asked it
    assert state.talk is not None
    _, agent = shared.holder(state.talk, state.choice)
    parked = state.parked.pop(state.talk)
    shared.ask(agent, state.talk, " ".join(parked.words) or FIRST_QUESTION, parked.images)


def write(state: Session) -> None:
    """The line at the foot of the page, which takes pictures too; what is parked is asked here if no line is sent."""
    given = st.chat_input(
        "Ask about the faces, or drop a picture here",
        key="question",
        accept_file="multiple",
        file_type="image/*",
        max_chars=LONGEST,
        max_upload_size=most_megabytes(),
        submit_mode="stop",
    )
    if given:
        ask(state, given.text.strip(), [_named(file) for file in given.files])
        st.rerun()
    if state.talk in state.parked and state.said is None:  # with something said, it failed and waits for an action
        _ask_parked(state)
        st.rerun()


def _named(file: UploadedFile) -> Named:
    return Named(file.getvalue(), file.name)


def pictures(state: Session) -> None:
    """Three ways to give a picture."""
    way = st.segmented_control(
        "How to give a picture", _WAYS, default="Upload", required=True, key=f"way-{state.pictures_given}",
        label_visibility="collapsed",
    )  # fmt: skip
    if way == "Samples":
        _samples(state)
        return
    if way == "Camera":
        given = st.camera_input("Take a picture", key=f"camera-{state.pictures_given}")
    else:
        given = st.file_uploader(
            "Choose a photograph, or drop it here",
            type="image/*",
            max_upload_size=most_megabytes(),
            key=f"upload-{state.pictures_given}",
        )
    if given is not None:
        ask(state, images=[_named(given)])
        st.rerun()


def most_megabytes() -> int:
    """The largest file that is taken, in whole megabytes as the browser counts them."""
    return max(math.ceil(desk().settings.max_bytes / 1_000_000), 1)


def _samples(state: Session) -> None:
    found = samples()
    with st.container(horizontal=True, key="samples"):
        for place, sample in enumerate(found):
            with st.container(width=190):
                st.html(f"<img class='fv-sample' src='{_thumbnail(sample)}' alt='{sample.title}'>")
                if st.button(sample.title, key=f"sample-{place}", width="stretch"):
                    ask(state, images=[Named(sample.file.read_bytes(), sample.file.name)])
                    st.rerun()


@st.cache_data(show_spinner=False, max_entries=32)
def _thumbnail(sample: Sample) -> str:
    from PIL import Image

    with Image.open(sample.file) as image:
        small = image.convert("RGB")
        small.thumbnail((360, 360))
    return overlay.data_url(small)
