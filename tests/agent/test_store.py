from __future__ import annotations

import sqlite3

import pytest

from facevlm.agent import Agent, Answer
from facevlm.errors import InputError, ModelError
from tests.agent.conftest import ScriptedModel


def test_nothing_is_written_before_a_conversation_is_kept(tmp_path, glad):
    file = tmp_path / "talks.sqlite"
    agent = Agent(ScriptedModel(), store=file)
    talk = agent.start()
    list(agent.ask(talk, "Is my secret visible?", [glad]))
    agent.close()
    assert all(b"secret" not in each.read_bytes() for each in tmp_path.iterdir())
    assert Agent(ScriptedModel(), store=file).conversations() == []


def test_a_kept_conversation_is_there_for_the_next_agent_and_goes_on(tmp_path, two):
    file = tmp_path / "talks.sqlite"
    agent = Agent(ScriptedModel(), store=file)
    talk = agent.start()
    list(agent.ask(talk, "Which face is smiling?", [two]))
    agent.keep(talk)
    agent.close()
    later = Agent(ScriptedModel(), store=file)
    (kept,) = later.conversations()
    assert (kept.id, kept.title, kept.kept) == (talk, "Which face is smiling?", True)
    assert later.picture(kept.pictures[0]) == two.read_bytes()
    *_, answer = later.ask(talk, "How strong is it?")
    assert answer.faces == (1,)
    assert len(later.history(talk)) == 4


def test_what_was_explained_stays_as_it_was_said(tmp_path, glad):
    file = tmp_path / "talks.sqlite"
    agent = Agent(ScriptedModel(), store=file)
    talk = agent.start(keep=True)
    *_, answer = agent.ask(talk, "What emotion is this?", [glad])
    explained = agent.analysis(answer.picture)
    agent.close()
    later = Agent(ScriptedModel(error=ModelError("gone")), store=file).analysis(answer.picture)
    assert later.model_dump() == explained.model_dump()


def test_a_conversation_is_renamed(glad):
    agent = Agent(ScriptedModel())
    talk = agent.start("first")
    agent.rename(talk, "second")
    assert [each.title for each in agent.conversations()] == ["second"]


def test_a_deleted_conversation_leaves_nothing_behind(tmp_path, glad):
    agent = Agent(ScriptedModel(), store=tmp_path / "talks.sqlite")
    talk = agent.start(keep=True)
    *_, answer = agent.ask(talk, "Is my secret visible?", [glad])
    agent.delete(talk)
    assert agent.conversations() == []
    with pytest.raises(InputError, match="no such picture"):
        agent.picture(answer.picture)
    agent.close()
    assert all(b"secret" not in each.read_bytes() for each in tmp_path.iterdir())


def test_a_conversation_that_is_deleted_while_it_is_answered_leaves_nothing_behind(tmp_path, glad, capfd):
    agent = Agent(ScriptedModel("Yes, AU 12 is there."), store=tmp_path / "talks.sqlite")
    talk = agent.start(keep=True)
    events = agent.ask(talk, "Is my secret visible?", [glad])
    next(events)
    agent.delete(talk)
    assert isinstance(list(events)[-1], Answer)
    assert agent.conversations() == [] and not agent._album._views
    assert [rows(agent, table) for table in ("pictures", "checkpoints", "writes")] == [0, 0, 0]
    agent.close()
    assert all(b"secret" not in each.read_bytes() for each in tmp_path.iterdir())
    assert "Traceback" not in capfd.readouterr().err


def test_a_conversation_that_is_kept_while_it_is_answered_keeps_the_answer(tmp_path, glad):
    agent = Agent(ScriptedModel("Yes, AU 12 is there."), store=tmp_path / "talks.sqlite")
    talk = agent.start()
    first, second = agent.ask(talk, "Is AU 12 there?", [glad]), agent.ask(talk, "And AU 4?")
    list(first)
    next(second)
    agent.keep(talk)
    *_, answer = second
    agent.close()
    again = Agent(ScriptedModel(), store=tmp_path / "talks.sqlite")
    assert [each.role for each in again.history(talk)] == ["user", "assistant"] * 2
    assert again.history(talk)[-1].text == answer.text


def test_deleting_a_conversation_leaves_the_pictures_of_others(glad):
    agent = Agent(ScriptedModel())
    gone, stays = agent.start(), agent.start()
    for talk in (gone, stays):
        list(agent.ask(talk, "Is AU 12 there?", [glad]))
    agent.delete(gone)
    (left,) = agent.conversations()
    assert list(agent._album._views) == list(left.pictures)


def test_a_store_that_breaks_ends_the_answer_with_a_reason(glad, monkeypatch, caplog):
    agent = Agent(ScriptedModel())
    talk = agent.start()
    monkeypatch.setattr(agent.store, "add_picture", broken)
    *_, answer = agent.ask(talk, "Is she smiling?", [glad])
    assert answer.failed and "OperationalError" in answer.text
    assert "disk is full" in caplog.text
    assert [each.text for each in agent.history(talk)] == ["Is she smiling?", answer.text]


def test_an_answer_that_cannot_be_kept_is_sent_all_the_same(glad, monkeypatch, caplog):
    agent = Agent(ScriptedModel())
    talk = agent.start()
    monkeypatch.setattr(agent.store, "touch", broken)
    *_, answer = agent.ask(talk, "Is AU 12 there?", [glad])
    assert answer.text.startswith("Yes")
    assert "disk is full" in caplog.text


def broken(*_: object) -> None:
    raise sqlite3.OperationalError("disk is full")


def rows(agent: Agent, table: str) -> int:
    """How many a table has, on both shelves."""
    counted = [shelf.execute(f"select count(*) from {table}").fetchone() for shelf in agent.store._shelves]
    return sum(count for (count,) in counted)


def test_states_of_a_conversation_do_not_pile_up(tmp_path, glad):
    agent = Agent(ScriptedModel(), store=tmp_path / "talks.sqlite")
    talk = agent.start(keep=True)
    for _ in range(3):
        list(agent.ask(talk, "Hello"))
    (count,) = agent.store._shelves[1].execute("select count(*) from checkpoints").fetchone()
    assert count == 1


def test_a_conversation_is_not_kept_where_there_is_no_store():
    agent = Agent(ScriptedModel())
    with pytest.raises(InputError, match="--store"):
        agent.keep(agent.start())
    with pytest.raises(InputError, match="--store"):
        agent.start(keep=True)


def test_a_store_that_is_no_database_is_an_error(tmp_path):
    (tmp_path / "talks.sqlite").write_text("not a database, but long enough to be looked at as one" * 20)
    with pytest.raises(InputError, match="another file"):
        Agent(ScriptedModel(), store=tmp_path / "talks.sqlite")
