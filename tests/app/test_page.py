"""The page without a browser: what is drawn, and what follows a click."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.runtime.scriptrunner import StopException
from streamlit.testing.v1 import AppTest

from app.desk import Desk
from app.giving import FIRST_QUESTION
from facevlm.agent import Piece
from facevlm.config import asset_dir
from facevlm.errors import InputError, PrerequisiteError
from tests.app.conftest import Talker


@pytest.fixture
def page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", {})  # AppTest has none
    return AppTest.from_file(str(asset_dir("app") / "page.py"), default_timeout=60).run()


def give(page: AppTest, file: Path) -> AppTest:
    page.file_uploader[0].upload(file.name, file.read_bytes())
    page.run()
    return page


def words(page: AppTest) -> str:
    return "\n".join(each.value for each in [*page.markdown, *page.caption, *page.warning, *page.info])


def html(page: AppTest) -> str:
    return "\n".join(each.proto.body for each in page.get("html"))


def test_it_begins_with_ways_to_give_a_picture_and_says_what_becomes_of_it(page: AppTest) -> None:
    assert not page.exception
    assert page.file_uploader
    assert "processed on this machine" in html(page) and "only if you save" in html(page)


def test_a_picture_is_shown_with_its_card_and_what_the_answer_rests_on(page: AppTest, astronaut: Path) -> None:
    give(page, astronaut)
    assert not page.exception
    assert "one face found" in html(page) and "happiness" in html(page)
    assert "You asked" in words(page)
    assert any("AU12" in option for pills in page.pills for option in pills.options)


def test_choosing_an_observation_lights_it_and_unchooses_others(page: AppTest, astronaut: Path) -> None:
    give(page, astronaut)
    card, answer = page.pills
    card.select(card.options[0]).run()
    assert "Lit on face 1: AU12" in html(page)
    answer.select(answer.options[0]).run()
    assert "Lit on face 1: AU12" in html(page)
    assert [pills.value for pills in page.pills].count(None) == 1


def test_a_suggested_question_is_asked_by_a_click(page: AppTest, astronaut: Path) -> None:
    give(page, astronaut)
    next(button for button in page.button if button.label == "How strong is it?").click().run()
    assert "You asked\\: How strong is it?" in words(page)


def test_a_file_that_is_no_picture_is_a_sentence_in_the_chat(page: AppTest, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    give(page, broken)
    assert not page.exception
    assert any("broken.png" in each.value for message in page.chat_message for each in message.markdown)


def test_a_failure_inside_is_a_sentence_and_no_trace(page: AppTest, astronaut: Path, talker: Talker) -> None:
    give(page, astronaut)
    talker.mood = "broken"
    page.chat_input[0].set_value("Why?").run()
    assert not page.exception
    assert "went wrong" in words(page) and "secret" not in words(page)
    talker.mood = "well"
    page.chat_input[0].set_value("And now?").run()
    assert "And now?" in words(page)


def test_what_is_given_while_the_model_loads_is_asked_once_it_is_there(
    page: AppTest, desk: Desk, astronaut: Path, talker: Talker
) -> None:
    loaded = desk.agent
    desk.agent = given_up  # type: ignore[method-assign]
    give(page, astronaut)
    assert not talker.conversations()
    desk.agent = loaded  # type: ignore[method-assign]
    page.chat_input[0].set_value("Who is angry?").run()
    (said,) = [each for each in talker.history(talker.conversations()[0].id) if each.role == "user"]
    assert said.text == "Who is angry?" and len(said.pictures) == 1
    assert "one face found" in html(page)
    assert page.query_params["talk"] == [talker.conversations()[0].id]


def test_a_picture_given_while_the_model_loads_is_asked_about_whatever_is_clicked(
    page: AppTest, desk: Desk, astronaut: Path, talker: Talker
) -> None:
    loaded = desk.agent
    desk.agent = given_up  # type: ignore[method-assign]
    give(page, astronaut)
    desk.agent = loaded  # type: ignore[method-assign]
    page.button(key="new").click().run()
    (talk,) = talker.conversations()
    assert [each.text for each in talker.history(talk.id) if each.pictures] == [FIRST_QUESTION]


def test_a_picture_that_is_gone_is_said_to_be(page: AppTest, astronaut: Path, talker: Talker) -> None:
    give(page, astronaut)
    give(page, astronaut)
    _, lost = [each for said in talker.history(talker.conversations()[0].id) for each in said.pictures]
    talker.lose(lost)
    page.run()
    assert "A picture that could not be read." in words(page)
    assert "You asked" in words(page)


def test_another_model_for_a_conversation_that_is_gone_begins_a_new_one(
    page: AppTest, astronaut: Path, talker: Talker
) -> None:
    give(page, astronaut)
    talker.delete(talker.conversations()[0].id)
    other = next(each for each in page.selectbox(key="prompt-main").options if each != "sov-cot")
    page.selectbox(key="prompt-main").set_value(other).run()
    assert not page.exception
    assert "not there any more" in words(page)
    assert page.session_state["facevlm"].talk is None


def test_a_bar_at_the_side_that_fails_is_a_sentence_and_the_page_is_there(
    page: AppTest, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(_: str) -> None:
        raise InputError("the store is locked; end the other program")

    monkeypatch.setattr(desk, "conversations", locked)
    page.run()
    assert not page.exception
    assert "the store is locked" in words(page) and page.file_uploader


@pytest.mark.parametrize("opened", [True, False], ids=["shown", "by its address"])
def test_a_kept_conversation_whose_model_lacks_something_says_so(
    opened: bool, page: AppTest, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = desk._kept.start("Smile", keep=True)
    monkeypatch.setattr(desk, "_agents", {})
    monkeypatch.setattr(desk, "agent", unprepared)
    if opened:
        page.run().button(key=f"open-{kept}").click()
    else:
        page = AppTest.from_file(str(asset_dir("app") / "page.py"), default_timeout=60)
        page.query_params["talk"] = kept
    page.run()
    assert not page.exception
    assert "peft not installed" in words(page)


def test_an_answer_to_a_conversation_that_is_deleted_is_stopped(desk: Desk, talker: Talker) -> None:
    talk = desk.start("a browser", desk.first)
    ended = threading.Event()

    def endless(*_: object) -> Iterator[Piece]:
        try:
            while True:
                yield Piece(text=".")
        finally:
            ended.set()

    talker.ask = endless  # type: ignore[method-assign,assignment]
    asking = desk.ask(desk.agent(desk.first), talk, "Why?")
    next(asking.follow())
    desk.delete(talk)
    asking.wait()
    assert ended.is_set() and asking.answer is None


def unprepared(_: object) -> None:
    """A model that cannot be loaded here."""
    raise PrerequisiteError("peft not installed; pip install peft")


def given_up(_: object) -> None:
    """What a run of the page that waits for the model does when another begins."""
    raise StopException


def test_a_conversation_is_renamed_saved_and_deleted(page: AppTest, astronaut: Path, talker: Talker) -> None:
    give(page, astronaut)
    page.text_input(key=f"title-{page.session_state['facevlm'].talk}").set_value("Smile").run()
    assert talker.conversations()[0].title == "Smile"
    page.button(key="save").click().run()
    assert talker.conversations()[0].kept
    page.button(key="delete").click().run()
    assert not talker.conversations()
    assert page.file_uploader


def test_two_browsers_see_their_own_conversations(page: AppTest, desk: Desk, astronaut: Path) -> None:
    give(page, astronaut)
    other = AppTest.from_file(str(asset_dir("app") / "page.py"), default_timeout=60).run()
    assert [button.key for button in page.button if str(button.key).startswith("open-")]
    assert not [button.key for button in other.button if str(button.key).startswith("open-")]
    other.query_params["talk"] = page.session_state["facevlm"].talk
    again = AppTest.from_file(str(asset_dir("app") / "page.py"), default_timeout=60)
    again.query_params["talk"] = page.session_state["facevlm"].talk
    again.run()
    assert "one face found" not in html(again)


def test_marks_and_regions_are_switched(page: AppTest, astronaut: Path) -> None:
    give(page, astronaut)
    before = html(page)
    page.toggle(key="regions").set_value(True).run()
    assert html(page) != before
    page.segmented_control(key="marks").set_value("plain").run()
    assert page.session_state["facevlm"].preferences.marks == "plain"


def test_side_by_side_asks_the_question_of_two(page: AppTest, astronaut: Path) -> None:
    give(page, astronaut)
    page.segmented_control(key="view").set_value("Side by side").run()
    assert not page.exception
    assert words(page).count("You asked") == 2
    assert html(page).count("fv-card") >= 2
