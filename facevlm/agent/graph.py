"""The fixed path from a message to its answer, for models that cannot call tools: a graph of LangGraph.

hear → decline, or understand → answer → tell

The state holds plain JSON, so that SQLite keeps it; pictures stay in the album, and steps exchange their ids.
"""

from __future__ import annotations

import operator
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from facevlm.agent import answering, declining, finding, inspecting, knowing
from facevlm.agent.album import Album, View
from facevlm.agent.case import Case, Focus, Written, each_face
from facevlm.agent.language import LONGEST, parts
from facevlm.agent.referring import resolve
from facevlm.agent.understanding import Question, understand
from facevlm.agent.values import Answer, Message, Piece, Sentence, Step
from facevlm.agent.wording import joined, reply, suggestions
from facevlm.agent.writing import Stopped, passage
from facevlm.reasoning import FaceReasoner

MOST_QUESTIONS = 3  # of one message that are answered
WORDLESS = "What does this face show?"  # for a picture without words

About = Callable[[Case, Any], Iterator[Sentence | Written]]
Whole = Callable[[Case], Iterator[Sentence | Written]]

OF_A_FACE: dict[str, About] = {
    "describe": answering.describe, "emotion": answering.emotion, "looks": answering.looks,
    "presence": answering.presence, "strength": answering.strength, "side": answering.side, "why": answering.why,
    "why_not": answering.why_not, "missing": answering.missing, "certainty": inspecting.certainty,
    "checks": inspecting.checks, "pose": inspecting.pose, "quality": inspecting.quality, "where": inspecting.where,
}  # fmt: skip
OF_A_PICTURE: dict[str, Whole] = {
    "which": finding.which, "count": finding.count, "more": finding.more, "compare": finding.compare,
}  # fmt: skip
OF_NONE: dict[str, Whole] = {
    "definition": knowing.definition, "prototype": knowing.prototype, "grades": knowing.grades, "facs": knowing.system,
    "recall": knowing.recall, "help": knowing.assistance, "thanks": knowing.thanks, "beyond": knowing.beyond,
}  # fmt: skip
IN_CONTEXT = ("why", "emotion", "looks", "describe")  # what answers name the situation in


class State(TypedDict, total=False):
    """A conversation, and the message that is being answered."""

    messages: Annotated[list[dict[str, Any]], operator.add]
    told: Annotated[list[str], operator.add]
    focus: dict[str, Any]
    text: str
    pictures: list[str]
    problems: list[str]
    current: str | None
    declined: str | None
    questions: list[str]


@dataclass
class Turn:
    """One message being answered: what was said so far, and whether anyone still listens."""

    stop: threading.Event
    began: float = field(default_factory=time.monotonic)
    sentences: list[Sentence] = field(default_factory=list)
    intent: str = "note"
    faces: tuple[int, ...] = ()
    asked: bool = False
    stepped_in: bool = False
    failed: bool = False
    declined: str | None = None


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
            _say(turn, Sentence(text=problem, origin="tables"))
            turn.failed, turn.intent = True, "unreadable"
        if len(text) > LONGEST:
            _say(turn, _fixed("long", most=LONGEST))
        questions = [each for each in heard.questions if each.strip()]
        topic = next((found for each in questions if (found := declining.topic(each))), None)
        if not questions and given:
            questions = [WORDLESS]
        return {
            "messages": [Message(role="user", text=text, pictures=tuple(given)).model_dump(mode="json")],
            "told": list(heard.told),
            "declined": topic,
            "questions": [] if state["problems"] and not given else questions[:MOST_QUESTIONS],
            "current": given[-1] if given else state.get("current"),
        }

    def decline(self, state: State, runtime: Runtime[Turn]) -> State:
        """Says why that is not spoken of, and what is seen instead."""
        turn, topic = runtime.context, state["declined"] or ""
        turn.declined, turn.intent = topic, "declined"
        _step(Step(name="think", found=f"a question of {topic}, which is not answered"))
        rng = random.Random(state["text"])
        _say(turn, Sentence(text=rng.choice(declining.reasons(topic)), origin="tables"))
        view = self._view(state)
        if view is None or not view.faces:
            _say(turn, _fixed("help"))
            return {}
        case = self._case(state, Question(text=state["text"], intent="describe"), view, turn)
        for face in case.faces[:2]:
            turn.faces += (face.id,)
            _say(turn, next(_templates(answering.describe(case, face))), new=True)
        return {}

    def answer(self, state: State, runtime: Runtime[Turn]) -> State:
        """Answers each question in turn."""
        turn = runtime.context
        focus = Focus.model_validate(state.get("focus") or {})
        if not state["questions"]:
            self._without_question(state, turn)
        for asked in state["questions"]:
            focus = self._one(state, asked, focus, turn)
        return {"focus": focus.model_dump(mode="json")}

    def plan(self, state: State, runtime: Runtime[Turn]) -> State:
        """Lets a model that calls tools answer; takes the fixed path where it fails or nothing it says holds."""
        from facevlm.agent.planning import planned, supported
        from facevlm.agent.tools import Toolbox

        turn, view = runtime.context, self._view(state)
        focus = Focus.model_validate(state.get("focus") or {})
        messages = [Message.model_validate(each) for each in state["messages"]]
        box = Toolbox(view, self._reasoner, get_stream_writer())  # tools run in a graph of their own
        try:
            text = planned(self._chat, box, messages, state.get("told", ()), turn.stop)
        except Stopped:
            raise
        except Exception as error:
            _step(Step(name="think", found=f"it cannot plan ({type(error).__name__}), so the fixed path is taken"))
            return self.answer(state, runtime)
        one = (view.faces[0].id,) if view and len(view.faces) == 1 else ()
        kept, refused = supported(text, view, focus.faces or one)
        turn.asked, turn.stepped_in, turn.intent = True, bool(refused), "planned"
        _step(Step(name="check", found="; ".join(refused) or "the words hold"))
        if not kept:
            return self.answer(state, runtime)
        for sentence in kept:
            _say(turn, sentence)
        question = Question(text=state["text"], intent="describe")
        return {"focus": (_spoken_of(question, view, turn, focus) if view else focus).model_dump(mode="json")}

    def tell(self, state: State, runtime: Runtime[Turn]) -> State:
        """The whole answer, remembered and sent."""
        answer = finished(runtime.context, state.get("current"), self._view(state))
        get_stream_writer()(answer)
        said = Message(role="assistant", text=answer.text, answer=answer)
        return {"messages": [said.model_dump(mode="json")]}

    def _one(self, state: State, asked: str, focus: Focus, turn: Turn) -> Focus:
        """Answers one question; returns what was spoken of."""
        question = _completed(understand(asked, remembered=bool(focus.units)), focus)
        turn.intent = question.intent
        _step(Step(name="think", found=f"a question of the kind «{question.intent}»"))
        view = self._view(state)
        if question.intent in OF_NONE:
            case = self._case(state, question, view, turn, focus)
            self._say_all(OF_NONE[question.intent](case), case, turn)
            kept = (
                focus
                if question.intent != "definition"
                else focus.model_copy(update={"units": question.units or focus.units})
            )
            return kept
        if view is None:
            turn.failed, turn.intent = True, "no picture"
            _say(turn, _fixed("no_picture"))
            return focus
        _step(Step(name="look", found=view.found))
        if not view.faces:
            turn.intent = "no face"
            _say(turn, _fixed("no_face") if question.intent != "count" else _fixed("counted.none"))
            return focus
        return self._of_picture(state, question, view, focus, turn)

    def _of_picture(self, state: State, question: Question, view: View, focus: Focus, turn: Turn) -> Focus:
        _, missing = resolve(question.about, view.faces)
        case = self._case(state, question, view, turn, focus)
        if missing:
            _say(turn, _not_there(missing, view))
            if not case.faces or len(missing) >= len(question.about.numbers + question.about.places):
                turn.intent = "not there"
                return focus
        if question.intent in OF_A_PICTURE:
            self._say_all(OF_A_PICTURE[question.intent](case), case, turn)
        else:
            self._say_all(each_face(case, OF_A_FACE[question.intent]), case, turn)
        if case.told and question.intent in IN_CONTEXT:
            _say(
                turn,
                Sentence(text=reply("in_context", case.rng, told=knowing.quoted(case.told)), origin="tables"),
                new=True,
            )
        if case.failures:
            turn.failed = True
            _say(turn, _fixed("unreachable", reason=case.failures[0].rstrip(".")), new=True)
        return _spoken_of(question, view, turn, focus)

    def _say_all(self, said: Iterator[Sentence | Written], case: Case, turn: Turn) -> None:
        for each in said:
            if turn.stop.is_set():
                raise Stopped
            if isinstance(each, Sentence):
                _say(turn, each)
                continue
            turn.asked = True
            _step(Step(name="write", found=f"the model is asked about face {each.face.id}"))
            made = passage(self._reasoner, case, each, turn.stop)
            turn.stepped_in = turn.stepped_in or made.stepped_in
            _step(Step(name="check", found=f"a template steps in: {made.reason}" if made.reason else "the words hold"))
            for sentence in made.sentences:
                _say(turn, sentence)

    def _without_question(self, state: State, turn: Turn) -> None:
        """A message that only told something, or nothing."""
        told = parts(state["text"]).told
        if told:
            _say(turn, Sentence(text=reply("noted", random.Random(0), told=knowing.quoted(told)), origin="tables"))
        elif not turn.sentences:
            turn.intent = "empty"
            _say(turn, _fixed("empty"))

    def _view(self, state: State) -> View | None:
        current = state.get("current")
        return self._album.view(current) if current else None

    def _case(
        self, state: State, question: Question, view: View | None, turn: Turn, focus: Focus | None = None
    ) -> Case:
        focus = focus or Focus.model_validate(state.get("focus") or {})
        meant = _meant(question, view, focus) if view else ()
        faces = tuple(face for face in (view.faces if view else ()) if face.id in meant)
        turn.faces = tuple(face.id for face in faces)
        return Case(question, view, faces, tuple(state.get("told", ())), focus, _step)


def build(reasoner: FaceReasoner, album: Album, checkpointer: Any, chat: Any = None) -> Any:
    """The graph, compiled. `chat` is a chat model that can call tools, where there is one."""
    nodes, plan = Nodes(reasoner, album, chat), StateGraph(State, context_schema=Turn)
    for name in ("hear", "decline", "plan", "answer", "tell"):
        plan.add_node(name, getattr(nodes, name))
    free = "plan" if chat is not None else "answer"

    def onwards(state: State) -> str:
        return "decline" if state["declined"] else free if state["questions"] else "answer"

    plan.add_edge(START, "hear")
    plan.add_conditional_edges("hear", onwards, ["decline", "plan", "answer"])
    for name in ("decline", "plan", "answer"):
        plan.add_edge(name, "tell")
    plan.add_edge("tell", END)
    return plan.compile(checkpointer=checkpointer)


def finished(turn: Turn, picture: str | None, view: View | None) -> Answer:
    """All that was said in a turn, as one answer."""
    faces = tuple(sorted({number for sentence in turn.sentences for number in sentence.about}))
    return Answer(
        text="".join(each.text for each in _pieces(turn.sentences)),
        sentences=tuple(turn.sentences),
        intent=turn.intent,
        declined=turn.declined,
        picture=picture,
        faces=faces,
        suggestions=_suggested(view, faces),
        asked=turn.asked,
        stepped_in=turn.stepped_in,
        failed=turn.failed,
        seconds=round(time.monotonic() - turn.began, 3),
    )


def _completed(question: Question, focus: Focus) -> Question:
    """A question that repeats the last one about something else, with what it leaves out."""
    if question.intent != "again":
        return question
    repeatable = focus.intent in OF_A_FACE
    return question.model_copy(
        update={
            "intent": focus.intent if repeatable else "describe",
            "units": question.units or (focus.units if repeatable else ()),
            "emotions": question.emotions or (focus.emotions if repeatable else ()),
        }
    )


def _meant(question: Question, view: View, focus: Focus) -> tuple[int, ...]:
    """The numbers of the faces a question is about."""
    every = tuple(face.id for face in view.faces)
    found, _ = resolve(question.about, view.faces)
    spoken_of = focus.faces if focus.picture == view.id else ()
    if found:
        return found
    if question.about.numbers or question.about.places:
        return ()
    if question.about.other and spoken_of:
        return tuple(number for number in every if number not in spoken_of)
    if question.about.every or question.intent in OF_A_PICTURE:
        return every
    return spoken_of or every


def _spoken_of(question: Question, view: View, turn: Turn, focus: Focus) -> Focus:
    named = {number: None for sentence in turn.sentences for number in sentence.about}
    units = [each.au for sentence in turn.sentences for each in sentence.evidence if each.au and each.present]
    read = [each.emotion for sentence in turn.sentences for each in sentence.evidence if each.emotion]
    return Focus(
        picture=view.id,
        faces=tuple(named),
        units=question.units or tuple(dict.fromkeys(units))[:2] or focus.units,
        emotions=question.emotions or tuple(dict.fromkeys(read))[:1],
        intent=question.intent,
    )


def _not_there(missing: tuple[str, ...], view: View) -> Sentence:
    numbers = [str(face.id) for face in view.faces]
    there = (
        "the picture has only one face, number 1" if len(numbers) == 1 else f"the picture has faces {joined(numbers)}"
    )
    return _fixed("not_there", missing=joined(list(missing), "or"), there=there)


def _templates(said: Iterator[Sentence | Written]) -> Iterator[Sentence]:
    for each in said:
        yield from (each,) if isinstance(each, Sentence) else each.template


def _fixed(key: str, **slots: Any) -> Sentence:
    return Sentence(text=reply(key, random.Random(0), **slots), origin="tables")


def _say(turn: Turn, sentence: Sentence, *, new: bool = False) -> None:
    turn.sentences.append(sentence)
    get_stream_writer()(_pieces(turn.sentences)[-1])


def _pieces(sentences: list[Sentence]) -> list[Piece]:
    """The sentences as pieces of one text: a new line where another face is spoken of."""
    made: list[Piece] = []
    for place, sentence in enumerate(sentences):
        before = sentences[place - 1] if place else None
        gap = "" if before is None else " " if before.about == sentence.about else "\n"
        made.append(Piece(text=gap + sentence.text))
    return made


def _step(step: Step) -> None:
    get_stream_writer()(step)


def _suggested(view: View | None, faces: tuple[int, ...]) -> tuple[str, ...]:
    if view is None or not view.faces:
        return tuple(suggestions("start"))
    if len(view.faces) == 1 or len(faces) == 1:
        return tuple(suggestions("one")[:4])
    return tuple(each.replace("{other}", "2") for each in suggestions("several"))
