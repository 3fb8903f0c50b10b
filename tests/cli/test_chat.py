from __future__ import annotations

import sys

import pytest

from facevlm.agent import Agent
from facevlm.cli import chat, main
from facevlm.config import asset_dir
from tests.agent.conftest import ScriptedModel

PICTURES = asset_dir("evals") / "suites" / "conversation"


@pytest.fixture
def scripted(monkeypatch):
    """A model that costs nothing in the place of the embedded one."""

    def agent(model, *, store, **given):
        return Agent(ScriptedModel(), store=store)

    monkeypatch.setattr(chat, "_agent", lambda: agent)


def test_what_keeps_conversations_is_named_where_it_is_not_installed(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "langgraph.checkpoint.sqlite", None)
    assert main(["chat", str(PICTURES / "glad.jpg"), "--ask", "Is AU 12 there?"]) == 3
    assert "langgraph.checkpoint.sqlite is not installed; pip install 'facevlm[agent]'" in capsys.readouterr().err


def test_one_question_is_answered_on_stdout(nano, capsys):
    assert main(["chat", str(PICTURES / "glad.jpg"), "--ask", "Is AU 12 there?"]) == 0
    assert capsys.readouterr().out.startswith("Yes")


def test_several_questions_are_answered_in_turn(nano, capsys):
    asked = ["--ask", "Is AU 12 there?", "--ask", "How many faces are there?"]
    assert main(["chat", str(PICTURES / "glad.jpg"), *asked]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "AU 12" in first and " face " in second


def test_a_picture_that_cannot_be_read_ends_with_2(scripted, tmp_path, capsys):
    (tmp_path / "no.jpg").write_text("no picture")
    assert main(["chat", str(tmp_path / "no.jpg"), "--ask", "Is she smiling?"]) == 2
    assert "could not be read" in capsys.readouterr().out


def test_a_conversation_goes_on_in_another_run(scripted, tmp_path, capsys, monkeypatch):
    store = str(tmp_path / "talks.sqlite")
    assert main(["chat", str(PICTURES / "two-glad.jpg"), "--store", store, "--ask", "Who smiles?"]) == 0
    lines = iter(["How strong is it?", "/faces", "/quit"])
    monkeypatch.setattr("builtins.input", lambda *_: next(lines))
    assert main(["chat", "--store", store, "--resume", "last"]) == 0
    said = capsys.readouterr().out
    assert "AU 12" in said and "2 faces" in said


def test_a_conversation_that_is_not_there_is_refused(scripted, tmp_path, capsys):
    assert main(["chat", "--store", str(tmp_path / "talks.sqlite"), "--resume", "nowhere"]) == 2
    assert "no such conversation" in capsys.readouterr().err


@pytest.mark.parametrize("ending", [EOFError, KeyboardInterrupt])
def test_the_end_of_input_ends_the_conversation(ending, scripted, monkeypatch):
    def ended(*_: object) -> str:
        raise ending

    monkeypatch.setattr("builtins.input", ended)
    assert main(["chat"]) == 0


def test_ctrl_c_stops_an_answer_and_not_the_program(scripted, monkeypatch, capsys):
    answering = Agent.ask

    def interrupted(self, *given):
        if not interrupted.done:
            interrupted.done = True
            yield next(events := answering(self, *given))
            events.close()
            raise KeyboardInterrupt
        yield from answering(self, *given)

    interrupted.done = False
    monkeypatch.setattr(Agent, "ask", interrupted)
    lines = iter(["What can you do?", "What is AU 12?", "/quit"])
    monkeypatch.setattr("builtins.input", lambda *_: next(lines))
    assert main(["chat"]) == 0
    assert "lip corner puller" in capsys.readouterr().out
