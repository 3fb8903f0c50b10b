"""How a picture or a question is given: upload, camera, samples, and the line at the foot of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext

import streamlit as st

from app import overlay
from app.desk import desk, why_not
from app.samples import Sample, samples
from app.session import Session
from facevlm.errors import FaceVLMError

FIRST_QUESTION = "What do the faces show?"
LONGEST = 50_000  # signs of a question; more are refused as they are typed
_WAYS = ("Upload", "Camera", "Samples")


def ask(state: Session, text: str, images: Sequence[bytes] = ()) -> None:
    """Asks in the conversation that is shown, in a new one where there is none, and shows the answer as it comes."""
    shared = desk()
    state.said = None
    state.failed.clear()
    try:
        if state.talk is None:
            with nullcontext() if shared.ready(state.choice) else st.spinner("The model is loading …"):
                state.show(shared.start(state.browser, state.choice))
        assert state.talk is not None
        _, agent = shared.holder(state.talk, state.choice)
        shared.ask(agent, state.talk, text, images)
    except FaceVLMError as error:
        state.said = why_not(error)
    if images:
        state.chosen = None
        state.pictures_given += 1
    state.turn_back = True


def write(state: Session) -> None:
    """The line at the foot of the page, which takes pictures too."""
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
        ask(state, given.text.strip() or FIRST_QUESTION, [file.getvalue() for file in given.files])
        st.rerun()


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
        ask(state, FIRST_QUESTION, [given.getvalue()])
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
                    ask(state, FIRST_QUESTION, [sample.file.read_bytes()])
                    st.rerun()


@st.cache_data(show_spinner=False, max_entries=32)
def _thumbnail(sample: Sample) -> str:
    from PIL import Image

    with Image.open(sample.file) as image:
        small = image.convert("RGB")
        small.thumbnail((360, 360))
    return overlay.data_url(small)
