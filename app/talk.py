"""What was said, what each sentence of it rests on, and the answer that is being written."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import export, giving, overlay, stage
from app.asking import Asking
from app.browser import Choice
from app.desk import desk
from app.overlay import Look, Spot
from app.session import Session
from facevlm import faces
from facevlm.agent import Agent, Answer, Evidence, Message, Piece, Step
from facevlm.errors import FaceVLMError
from facevlm.reasoning import text

_FEW = 10  # buttons that stand under an answer; more are folded, so that what was answered is not pushed out of sight
_ORIGINS = {
    "model": "written by the model, let stand by the check",
    "template": "written by FaceVLM from what was measured",
    "tables": "from the tables of FACS, or from what you said",
}


def pending(agent: Agent, conversation: str) -> Asking | None:
    """The question that is being answered, or whose failure is not part of the history."""
    asking = desk().asking(conversation)
    return asking if asking is not None and not _told(asking, agent.history(conversation)) else None


def draw(state: Session, choice: Choice, agent: Agent, conversation: str, pending: Asking | None) -> None:
    """The whole conversation, oldest first."""
    messages = agent.history(conversation)
    if pending is not None and messages and messages[-1].role == "user":
        messages = messages[:-1]  # the question that is being answered is drawn with its answer
    for place, message in enumerate(messages):
        last = place == len(messages) - 1 and pending is None
        _message(state, agent, message, f"{conversation}-{place}", last=last)
    if pending is not None:
        _answering(state, pending)
    if state.said:
        with st.chat_message("assistant"):
            st.warning(state.said)
    st.caption(f"Answered by {choice.title}.")
    if pending is None and messages:
        _from_its_question(f"{conversation}-{len(messages)}")


def _from_its_question(key: str) -> None:
    """Scrolls to the last question, once for each: the page follows an answer to its end, and a long one is read from
    its beginning, beside the picture."""
    script = (Path(__file__).parent / "scroll.js").read_text(encoding="utf-8")
    st.html(f"<script>{script} // {key}</script>", unsafe_allow_javascript=True)


def _told(asking: Asking, messages: list[Message]) -> bool:
    """Whether what was asked is over and part of the history."""
    answer = asking.answer
    if not asking.over:
        return False
    return answer is None or any(message.text == answer.text for message in messages[-1:])


def _message(state: Session, agent: Agent, message: Message, key: str, *, last: bool) -> None:
    with st.chat_message(message.role):
        for picture in message.pictures:
            _thumbnail(agent, picture)
        st.markdown(escaped(message.text))
        if message.answer is not None:
            _grounds(state, message.answer, key)
            if last:
                _suggestions(state, message.answer, key)


def _grounds(state: Session, answer: Answer, key: str) -> None:
    """What the answer rests on: as buttons that light it, and sentence by sentence."""
    if not any(sentence.evidence for sentence in answer.sentences):
        return
    spots = _spots([each for sentence in answer.sentences for each in sentence.evidence])
    if 0 < len(spots) <= _FEW and answer.picture:
        stage.pills(state, "Rests on", spots, f"lit-{key}", answer.picture)
    with st.expander("What each sentence rests on"):
        if len(spots) > _FEW and answer.picture:
            stage.pills(state, "Rests on", spots, f"lit-{key}", answer.picture)
        for sentence in answer.sentences:
            lines = [f"- {text.plain(export.ground(each))}" for each in sentence.evidence]
            st.markdown("\n".join([f"{escaped(sentence.text)} *({_ORIGINS[sentence.origin]})*", "", *lines]))


def _spots(evidence: list[Evidence]) -> dict[str, Spot]:
    """What can be lit, each once: of an action unit that several sentences rest on, the one that was checked."""
    lit = {(each.face, each.au): each for each in sorted(evidence, key=lambda each: each.verdict is not None)}
    order = dict.fromkeys((each.face, each.au) for each in evidence if each.au is not None)
    return {_name(lit[key]): Spot(key[0], key[1], lit[key].side or "both") for key in order if key[1]}


def _name(evidence: Evidence) -> str:
    sign = text.SIGNS[evidence.verdict] if evidence.verdict else "·"
    return f"{sign} Face {evidence.face}: AU{evidence.au} {evidence.name}"


def _suggestions(state: Session, answer: Answer, key: str) -> None:
    with st.container(horizontal=True, key="suggestions"):
        for place, question in enumerate(answer.suggestions):
            if st.button(question, key=f"suggestion-{key}-{place}"):
                giving.ask(state, question)
                st.rerun()


def _answering(state: Session, asking: Asking) -> None:
    """The question, the steps on the way to its answer, and the answer as it is written."""
    with st.chat_message("user"):
        for data in asking.images:
            _given(data)
        st.markdown(escaped(asking.text))
    with st.chat_message("assistant"):
        status, place, written = st.status("Looking at it …"), st.empty(), ""
        for event in asking.follow():
            match event:
                case Step():
                    status.update(label=f"{event.name}: {event.found}")
                    status.write(text.plain(f"{event.name}: {event.found}"))
                case Piece():
                    written += event.text
                    place.markdown(escaped(written))
                case Answer():
                    place.markdown(escaped(event.text))
        status.update(state="complete")
    if state.redrawn != id(asking):  # once: what failed inside is in no history
        state.redrawn = id(asking)
        st.rerun()


def escaped(words: str) -> str:
    """Words of a model or a person as Markdown that shows them as they are, paragraph by paragraph."""
    return "\n\n".join(text.plain(line).replace("$", "\\$").replace(":", "\\:") for line in words.splitlines())


def _thumbnail(agent: Agent, picture: str) -> None:
    try:
        _given(agent.picture(picture))
    except FaceVLMError:
        st.caption("A picture that could not be read.")


@st.cache_data(show_spinner=False, max_entries=64, ttl=900)
def _small(data: bytes) -> str | None:
    try:
        image = faces.decode(data, desk().settings).image
    except FaceVLMError:
        return None
    image.thumbnail((320, 320))
    return overlay.data_url(overlay.picture(image, [], Look("plain")))


def _given(data: bytes) -> None:
    url = _small(data)
    if url is None:
        st.caption("A file that could not be read as a picture.")
    else:
        st.html(f"<img class='fv-thumbnail' src='{url}' alt='The photograph that was given.'>")
