"""Models that can call tools, played by LangChain's scripted one."""

from __future__ import annotations

import json

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from openai import OpenAIError

from facevlm.agent import Agent, Step
from tests.agent.conftest import ScriptedModel


class Planner(GenericFakeChatModel):
    """Says what it is given in turn; takes any tools."""

    def bind_tools(self, tools, **given):
        return self


def call(name: str, **arguments: object) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": json.dumps([name, arguments])}])


def asked(text, picture, *said):
    agent = Agent(ScriptedModel(), chat=Planner(messages=iter(said)))
    events = list(agent.ask(agent.start(), text, [picture]))
    return events[-1], [each for each in events if isinstance(each, Step)]


def test_a_model_that_calls_tools_plans_its_answer(two):
    answer, steps = asked(
        "Who smiles?", two, call("find", what="who smiles"), AIMessage("Face 1 smiles: AU 12 is seen.")
    )
    assert answer.text == "Face 1 smiles: AU 12 is seen." and answer.intent == "planned"
    assert [(each.face, each.au) for each in answer.sentences[0].evidence] == [(1, 12)]
    assert "find" in [each.name for each in steps]


def test_a_sentence_that_is_not_borne_out_is_left_out(two):
    answer, _ = asked("Who smiles?", two, AIMessage("Face 1 shows AU 12. Face 1 shows AU 9. Face 5 shows AU 12."))
    assert answer.text == "Face 1 shows AU 12." and answer.stepped_in


def test_where_nothing_it_says_holds_the_fixed_path_answers(two):
    answer, _ = asked("Who smiles?", two, AIMessage("Face 5 shows AU 12."))
    assert answer.faces == (1,) and "AU 12" in answer.text


def test_a_planner_that_fails_gives_way_to_the_fixed_path(two):
    answer, steps = asked("Who smiles?", two)
    assert answer.faces == (1,)
    assert any("cannot plan" in each.found for each in steps)


def test_a_planner_that_breaks_is_logged_and_one_that_is_gone_is_not(two, caplog):
    class Failing(Planner):
        error: Exception

        def _generate(self, *_, **given):
            raise self.error

    for error in (OpenAIError("no connection"), KeyError("a slip of ours")):
        agent = Agent(ScriptedModel(), chat=Failing(messages=iter(()), error=error))
        list(agent.ask(agent.start(), "Who smiles?", [two]))
    (logged,) = caplog.records
    assert "a slip of ours" in logged.exc_text and "no connection" not in caplog.text


def test_a_tool_that_is_asked_for_a_face_that_is_not_there_says_so(two):
    _, steps = asked("What of face 9?", two, call("measure", face=9), AIMessage("There is no face 9."))
    assert any("no face 9" in each.found for each in steps)


def test_calls_are_limited(two):
    answer, steps = asked("Who smiles?", two, *(call("measure", face=1) for _ in range(50)))
    assert sum(each.name == "measure" for each in steps) <= 12
    assert answer.faces == (1,)


def test_what_must_be_declined_never_reaches_the_planner(two):
    answer, _ = asked("Who is this?", two, AIMessage("Face 1 is Ann."))
    assert answer.declined == "identity" and "Ann" not in answer.text


def test_every_tool_answers(two):
    calls = [
        call("look", face=1, question="What is seen?"),
        call("measure", face=1),
        call("explain", face=1),
        call("compare", first=1, second=2),
        call("find", what="leftmost"),
        call("facs", what="AU 12"),
        call("facs", what="fear"),
    ]
    _, steps = asked("Tell me all.", two, *calls, AIMessage("Face 1 shows AU 12."))
    used = [each.name for each in steps if each.name not in ("think", "write", "check")]
    assert set(used) >= {"look", "measure", "explain", "compare", "find", "facs"}
    assert not any(each.found.startswith("error") for each in steps if each.name != "look")
