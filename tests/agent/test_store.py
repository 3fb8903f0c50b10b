from __future__ import annotations

import pytest

from facevlm.agent import Agent
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


def test_a_store_that_is_no_database_is_an_error(tmp_path):
    (tmp_path / "talks.sqlite").write_text("not a database, but long enough to be looked at as one" * 20)
    with pytest.raises(InputError, match="another file"):
        Agent(ScriptedModel(), store=tmp_path / "talks.sqlite")
