"""The steps from a message to its answer: take it apart, decline or answer each question of it, send the whole."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from typing import Any

from langgraph.config import get_stream_writer
from langgraph.runtime import Runtime

from facevlm.agent import comparing, declining, emotions, finding, inspecting, knowing, labelling, units
from facevlm.agent.album import Album, View
from facevlm.agent.case import Case, Written, each_face
from facevlm.agent.focus import Focus, after, completed, meant
from facevlm.agent.language import LONGEST, parts
from facevlm.agent.referring import resolve
from facevlm.agent.turn import State, Turn, finished, fixed, say, step
from facevlm.agent.understanding import Question, asserts, understand
from facevlm.agent.values import Message, Sentence, Step
from facevlm.agent.wording import joined, reply
from facevlm.agent.writing import Stopped, passage
from facevlm.reasoning import FaceReasoner

_LOG = logging.getLogger(__name__)

MOST_QUESTIONS = 3  # of one message that are answered
WORDLESS = "What does this face show?"  # for a picture without words

About = Callable[[Case, Any], Iterator[Sentence | Written]]
Whole = Callable[[Case], Iterator[Sentence | Written]]

OF_A_FACE: dict[str, About] = {
    "describe": emotions.describe, "emotion": emotions.emotion, "looks": emotions.looks,
    "presence": units.presence, "strength": units.strength, "side": units.side, "why": emotions.why,
    "why_not": emotions.why_not, "missing": emotions.missing, "certainty": inspecting.certainty,
    "checks": inspecting.checks, "pose": inspecting.pose, "quality": inspecting.quality, "where": inspecting.where,
    "match": labelling.match,
}  # fmt: skip
OF_A_PICTURE: dict[str, Whole] = {
    "which": finding.which, "count": finding.count, "more": finding.more, "compare": comparing.compare,
}  # fmt: skip
OF_NONE: dict[str, Whole] = {
    "definition": knowing.definition, "prototype": knowing.prototype, "grades": knowing.grades, "facs": knowing.system,
    "recall": knowing.recall, "forget": knowing.plainly("forgotten"),
} | {
    each: knowing.plainly(each)
    for each in ("help", "thanks", "beyond", "not_understood", "privacy", "faithfulness", "method")
}  # fmt: skip
IN_CONTEXT = ("why", "emotion", "looks", "describe")  # what answers name the situation in


class Nodes:
    """The steps of the graph, over the album and the model."""

    def __init__(self, reasoner: FaceReasoner, album: Album, chat: Any = None) -> None:
        self._reasoner = reasoner
        self._album = album
        self._chat = chat

    def hear(self, state: State, runtime: Runtime[Turn]) -> State:
        """Takes the message apart, and tells what went wrong with its pictures."""
        text, given = state["text"], state["pictures"]
        heard, turn = parts(text), runtime.context
        for problem in state["problems"]:
            say(turn, Sentence(text=problem, origin="tables"))
            turn.failed, turn.intent = True, "unreadable"
        if len(text) > LONGEST:
            say(turn, fixed("long", most=LONGEST))
        claimed = [each for each in heard.told if asserts(each)]
        questions = claimed + [each for each in heard.questions if each.strip()]
        topic = next((found for each in heard.questions if (found := declining.topic(each))), None)
        if not questions and given:
            questions = [WORDLESS]
            self._note(heard.told, turn)
        return {
            "messages": [Message(role="user", text=text, pictures=tuple(given)).model_dump(mode="json")],
            "told": [each for each in heard.told if each not in claimed],
            "declined": topic,
            "questions": [] if state["problems"] and not given else questions[:MOST_QUESTIONS],
            "current": given[-1] if given else state.get("current"),
        }

    def decline(self, state: State, runtime: Runtime[Turn]) -> State:
        """Says why that is not spoken of, and what is seen instead."""
        turn, topic = runtime.context, state["declined"] or ""
        turn.declined, turn.intent = topic, "declined"
        step(Step(name="think", found=f"a question of {topic}, which is not answered"))
        rng = random.Random(state["text"])
        say(turn, Sentence(text=rng.choice(declining.reasons(topic)), origin="tables"))
        view = self._view(state)
        if view is None or not view.faces:
            say(turn, fixed("help"))
            return {}
        asked = next((each for each in state["questions"] if declining.topic(each)), state["text"])
        question = Question(text=state["text"], intent="describe", about=understand(asked).about)
        case, missing = self._case(state, question, view, turn), resolve(question.about, view.faces)[1]
        if missing:
            say(turn, _not_there(missing, view))
        for face in case.faces[:2]:
            turn.faces += (face.id,)
            say(turn, next(_templates(emotions.describe(case, face))))
        return {"focus": after(question, view, turn.sentences, case.focus).model_dump(mode="json")}

    def answer(self, state: State, runtime: Runtime[Turn]) -> State:
        """Answers each question in turn."""
        turn = runtime.context
        focus = Focus.model_validate(state.get("focus") or {})
        turn.named = min(state.get("named", 0), len(state.get("told") or ()))
        if not state["questions"]:
            self._without_question(state, turn)
        for asked in state["questions"]:
            focus = self._one(state, asked, focus, turn)
        if not turn.sentences:
            turn.intent = "not_understood"
            say(turn, fixed("not_understood"))
        heard: State = {"focus": focus.model_dump(mode="json"), "named": turn.named}
        if turn.intent == "forget":
            heard |= {"told": None, "named": 0}
        return heard

    def plan(self, state: State, runtime: Runtime[Turn]) -> State:
        """Lets a model that calls tools answer; takes the fixed path where it fails or nothing it says holds."""
        from facevlm.agent.planning import EXPECTED, planned, supported
        from facevlm.agent.tools import Toolbox

        turn, view = runtime.context, self._view(state)
        focus = Focus.model_validate(state.get("focus") or {})
        messages = [Message.model_validate(each) for each in state["messages"]]
        box = Toolbox(view, self._reasoner, get_stream_writer())  # tools run in a graph of their own
        try:
            text = planned(self._chat, box, messages, (state.get("told") or ()), turn.stop)
        except Stopped:
            raise
        except Exception as error:
            if not isinstance(error, EXPECTED):
                _LOG.exception("a plan failed")
            step(Step(name="think", found=f"it cannot plan ({type(error).__name__}), so the fixed path is taken"))
            return self.answer(state, runtime)
        one = (view.faces[0].id,) if view and len(view.faces) == 1 else ()
        kept, refused = supported(text, view, focus.faces or one)
        turn.asked, turn.stepped_in, turn.intent = True, bool(refused), "planned"
        step(Step(name="check", found="; ".join(refused) or "the words hold"))
        if not kept:
            return self.answer(state, runtime)
        for sentence in kept:
            say(turn, sentence)
        question = Question(text=state["text"], intent="describe")
        return {"focus": (after(question, view, turn.sentences, focus) if view else focus).model_dump(mode="json")}

    def tell(self, state: State, runtime: Runtime[Turn]) -> State:
        """The whole answer, remembered and sent."""
        answer = finished(runtime.context, state.get("current"), self._view(state))
        get_stream_writer()(answer)
        said = Message(role="assistant", text=answer.text, answer=answer)
        return {"messages": [said.model_dump(mode="json")]}

    def _one(self, state: State, asked: str, focus: Focus, turn: Turn) -> Focus:
        """Answers one question; returns what was spoken of."""
        question = completed(understand(asked, remembered=bool(focus.units)), focus, OF_A_FACE)
        turn.intent = question.intent
        step(Step(name="think", found=f"a question of the kind «{question.intent}»"))
        view = self._view(state)
        if question.intent in OF_NONE:
            case = self._case(state, question, view, turn, focus)
            self._say_all(OF_NONE[question.intent](case), case, turn)
            defined = question.units if question.intent == "definition" else ()
            return focus.model_copy(update={"units": defined or focus.units})
        if view is None:
            turn.failed, turn.intent = True, "no picture"
            say(turn, fixed("no_picture"))
            return focus
        step(Step(name="look", found=view.found))
        if not view.faces:
            turn.intent = "no face"
            say(turn, fixed("no_face") if question.intent != "count" else fixed("counted.none"))
            return focus
        return self._of_picture(state, question, view, focus, turn)

    def _of_picture(self, state: State, question: Question, view: View, focus: Focus, turn: Turn) -> Focus:
        _, missing = resolve(question.about, view.faces)
        before = len(turn.sentences)
        for code in question.unknown:
            say(turn, knowing.no_unit(code))
        if question.unknown and not question.units:
            return focus
        case = self._case(state, question, view, turn, focus)
        if missing:
            say(turn, _not_there(missing, view))
            if not case.faces or len(missing) >= len(question.about.numbers + question.about.places):
                turn.intent = "not there"
                return focus
        if question.about.gendered and len(view.faces) > 1 and question.intent not in OF_A_PICTURE:
            say(turn, fixed("no_sex"))
        if question.intent in OF_A_PICTURE:
            self._say_all(OF_A_PICTURE[question.intent](case), case, turn)
        else:
            self._say_all(each_face(case, OF_A_FACE[question.intent]), case, turn)
        if case.told[turn.named :] and not turn.noted and question.intent in IN_CONTEXT:
            told = knowing.quoted(case.told[turn.named :])
            say(turn, Sentence(text=reply("in_context", case.rng, told=told), origin="tables"))
            turn.named = len(case.told)
        if case.failures:
            turn.failed = True
            say(turn, fixed("unreachable", reason=case.failures[0].rstrip(".")))
        return after(question, view, turn.sentences[before:], focus)

    def _say_all(self, said: Iterator[Sentence | Written], case: Case, turn: Turn) -> None:
        for each in said:
            if turn.stop.is_set():
                raise Stopped
            if isinstance(each, Sentence):
                say(turn, each)
                continue
            turn.asked = True
            step(Step(name="write", found=f"the model is asked about face {each.face.id}"))
            made = passage(self._reasoner, case, each, turn.stop)
            turn.stepped_in = turn.stepped_in or made.stepped_in
            step(Step(name="check", found=f"a template steps in: {made.reason}" if made.reason else "the words hold"))
            for sentence in made.sentences:
                say(turn, sentence)

    def _without_question(self, state: State, turn: Turn) -> None:
        """A message that only told something, or nothing."""
        told = parts(state["text"]).told
        if told:
            self._note(told, turn)
        elif not turn.sentences:
            turn.intent = "empty"
            say(turn, fixed("empty"))

    def _note(self, told: tuple[str, ...], turn: Turn) -> None:
        if told:
            turn.noted = True
            say(turn, fixed("noted", told=knowing.quoted(told)))

    def _view(self, state: State) -> View | None:
        current = state.get("current")
        return self._album.view(current) if current else None

    def _case(
        self, state: State, question: Question, view: View | None, turn: Turn, focus: Focus | None = None
    ) -> Case:
        focus = focus or Focus.model_validate(state.get("focus") or {})
        every_one = question.intent in OF_A_PICTURE
        numbers = meant(question, view, focus, every_one=every_one) if view else ()
        faces = tuple(face for face in (view.faces if view else ()) if face.id in numbers)
        turn.faces = tuple(face.id for face in faces)
        return Case(question, view, faces, tuple(state.get("told") or ()), focus, step)


def _not_there(missing: tuple[str, ...], view: View) -> Sentence:
    numbers = [str(face.id) for face in view.faces]
    there = (
        "the picture has only one face, number 1" if len(numbers) == 1 else f"the picture has faces {joined(numbers)}"
    )
    return fixed("not_there", missing=joined(list(missing), "or"), there=there)


def _templates(said: Iterator[Sentence | Written]) -> Iterator[Sentence]:
    for each in said:
        yield from (each,) if isinstance(each, Sentence) else each.template
