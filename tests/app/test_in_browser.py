"""The page as a person meets it: headless Chromium over `facevlm app` and the embedded model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.app.chromium import Visitor, chromium, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

pytestmark = pytest.mark.slow

LARGEST = 2_000_000  # bytes of a picture that the page under test takes


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def url(browser: Browser, nano: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("app")
    store = str(folder / "talks.sqlite")
    with serving(folder, "app", "--no-browser", "--store", store, FACEVLM_MAX_BYTES=str(LARGEST)) as address:
        yield address


@pytest.fixture
def ann(browser: Browser, url: str) -> Iterator[Visitor]:
    visitor = Visitor(browser, url)
    yield visitor
    visitor.close()


@pytest.fixture
def bob(browser: Browser, url: str) -> Iterator[Visitor]:
    visitor = Visitor(browser, url)
    yield visitor
    visitor.close()


def test_an_uploaded_picture_is_numbered_explained_and_asked_about(ann: Visitor, astronaut: Path) -> None:
    ann.upload(astronaut)
    assert "happi" in ann.answered(1).lower()
    ann.picture("one face found")
    assert "AU12 lip corner puller" in ann.card().inner_text()
    ann.ask("Is AU 12 there?")
    assert "12" in ann.answered(2) or "lip corner" in ann.answered(2)


def test_a_picture_dropped_into_the_chat_is_asked_about_with_its_question(ann: Visitor, astronaut: Path) -> None:
    ann.drop_into_chat(astronaut, "How many faces are there?")
    assert ann.answered(1)
    ann.picture("one face found")


def test_choosing_an_observation_lights_it_by_keyboard_too(ann: Visitor, astronaut: Path) -> None:
    ann.upload(astronaut)
    ann.card()
    first = ann.page.get_by_role("radiogroup", name="Show on the picture").get_by_role("radio").first
    first.focus()
    ann.page.keyboard.press("Space")
    ann.picture("Lit on face 1: AU")
    assert ann.page.locator(".fv-chosen").count() == 1


def test_the_picture_stays_in_view_while_answers_are_added(ann: Visitor, astronaut: Path) -> None:
    ann.upload(astronaut)
    ann.answered(1)
    assert in_view(ann, ann.picture("one face found")) and in_view(ann, ann.page.get_by_test_id("stChatMessage").nth(1))
    for count, question in enumerate(("Why?", "How strong is it?", "Is AU 4 there?", "What is AU 6?"), start=2):
        ann.ask(question)
        ann.answered(count)
    assert ann.scrolled() > 300  # far enough for a picture that does not stay
    assert in_view(ann, ann.picture("one face found")) and in_view(ann, ann.page.get_by_test_id("stChatMessage").last)


def test_a_long_answer_is_shown_from_its_question_beside_the_picture(ann: Visitor, astronaut: Path) -> None:
    ann.page.set_viewport_size({"width": 1360, "height": 640})  # so that the answer about one face is long
    ann.upload(astronaut)
    ann.answered(1)
    question, answer = (ann.page.get_by_test_id("stChatMessage").nth(each) for each in (0, 1))
    for _ in range(20):  # scrolling ends when it ends, later on a busy machine
        ann.page.wait_for_timeout(500)
        if in_view(ann, ann.picture("one face found")) and in_view(ann, question) and top(answer) < 400:
            return
    pytest.fail(f"question at {top(question)}, answer at {top(answer)}")


def test_on_a_phone_what_the_keyboard_comes_to_is_clear_of_the_picture(ann: Visitor, astronaut: Path) -> None:
    ann.page.set_viewport_size({"width": 390, "height": 844})
    ann.upload(astronaut)
    ann.answered(1)
    ann.ask("Why?")
    ann.answered(2)
    for message in (1, 3):
        chip = ann.page.get_by_test_id("stChatMessage").nth(message).get_by_role("radio").first
        ann.page.keyboard.press("Tab")
        chip.focus()
        ann.page.wait_for_timeout(500)
        picture, line = (
            ann.picture("one face found").bounding_box(),
            ann.page.get_by_test_id("stChatInput").bounding_box(),
        )
        assert picture is not None and line is not None
        assert picture["y"] + picture["height"] <= top(chip) <= line["y"]


def in_view(visitor: Visitor, shown: Locator) -> bool:
    """Whether the upper edge of it is in the window, above the line that is written in, and its left edge too."""
    box, size = shown.bounding_box(), visitor.page.viewport_size
    assert box is not None and size is not None
    return box["y"] >= 0 and box["x"] >= 0 and box["y"] + min(box["height"], 100) <= size["height"] - 90


def top(shown: Locator) -> float:
    box = shown.bounding_box()
    assert box is not None
    return box["y"]


def test_what_is_given_while_the_model_loads_is_not_lost(
    browser: Browser, nano: Path, astronaut: Path, tmp_path: Path
) -> None:
    with serving(tmp_path, "app", "--no-browser") as address:
        early = Visitor(browser, address)
        early.upload(astronaut)
        early.page.wait_for_timeout(500)
        early.ask("Who is happy?")
        early.picture("one face found")
        said = early.page.get_by_test_id("stChatMessage")
        said.get_by_text("Who is happy?").wait_for()
        early.settled()
        assert early.page.get_by_text("no picture in this conversation").count() == 0
        early.close()


def test_a_conversation_is_there_again_after_a_reload(ann: Visitor, astronaut: Path) -> None:
    ann.upload(astronaut)
    said = ann.answered(1)
    ann.page.reload()
    assert ann.answered(1)[:40] == said[:40]
    ann.picture("one face found")


def test_two_users_are_kept_apart(ann: Visitor, bob: Visitor, astronaut: Path) -> None:
    ann.upload(astronaut)
    bob.page.get_by_role("radio", name="Samples").click()
    bob.page.get_by_role("button", name="Three synthetic faces").click()
    ann.picture("one face found")
    bob.picture("3 faces found")
    assert bob.page.locator("[class*=st-key-open-]").count() == 1
    bob.open(ann.page.url)
    bob.page.get_by_text("not here any more").wait_for()


def test_a_conversation_is_taken_away_in_three_formats(ann: Visitor, astronaut: Path) -> None:
    ann.upload(astronaut)
    ann.card()
    ann.page.get_by_role("button", name="This conversation").click()
    for name, check in (("JSON", _json), ("HTML", _html), ("Markdown", _markdown)):
        with ann.page.expect_download() as coming:
            ann.page.get_by_role("button", name=name, exact=True).click()
        check(coming.value.path().read_text(encoding="utf-8"))


def _json(content: str) -> None:
    kept = json.loads(content)
    assert [message["role"] for message in kept["messages"]] == ["user", "assistant"]
    assert next(iter(kept["analyses"].values()))["faces"][0]["checks"]


def _html(content: str) -> None:
    assert "data:image/jpeg;base64" in content and "What do the faces show?" in content and "AU12" in content


def _markdown(content: str) -> None:
    assert "**You**" in content and "AU12" in content


def test_a_file_too_large_is_refused_with_a_sentence(ann: Visitor, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(bytes(LARGEST + 1_000_000))
    ann.upload(large)
    ann.page.get_by_text("must be 2").first.wait_for()


def test_a_broken_file_is_a_sentence_and_the_conversation_goes_on(
    ann: Visitor, tmp_path: Path, astronaut: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    ann.upload(broken)
    said = ann.answered(1)
    assert "Traceback" not in said and "«broken.png» could not be read: the file is damaged" in said
    ann.drop_into_chat(astronaut, "What does the face show?")
    ann.answered(2)
    ann.picture("one face found")


def test_a_gateway_answers_once_it_is_chosen(ann: Visitor, astronaut: Path, tmp_path: Path) -> None:
    with serving(tmp_path, "serve") as gateway:
        ann.upload(astronaut)
        ann.card()
        ann.page.get_by_text("Who answers").click()
        endpoint = ann.page.get_by_role("textbox", name="Endpoint")
        endpoint.fill(f"{gateway}/v1")
        endpoint.press("Enter")
        ann.settled()  # a list that is opened before the gateway was asked stays as it was
        ann.page.get_by_role("combobox", name="Model").first.click()
        ann.page.get_by_role("option", name=f"nano:nano-facs ({gateway}/v1)").click()
        ann.page.get_by_text(f"Answered by nano:nano-facs at {gateway}/v1").wait_for()
        ann.picture("one face found")
        assert gateway in ann.page.locator(".fv-privacy").inner_text()


def test_what_is_saved_and_how_the_page_was_set_is_there_again(
    browser: Browser, nano: Path, astronaut: Path, tmp_path: Path
) -> None:
    command = ("app", "--no-browser", "--store", str(tmp_path / "talks.sqlite"))
    with serving(tmp_path, *command) as address:
        before = Visitor(browser, address)
        before.upload(astronaut)
        before.card()
        before.page.get_by_role("radio", name="Box").click()
        before.settled()
        before.page.get_by_role("button", name="This conversation").click()
        before.page.get_by_role("button", name="Save on this machine").click()
        before.page.get_by_text("Saved on this machine.").wait_for()
    with serving(tmp_path, *command) as address:
        before.open(address)
        before.page.get_by_role("button", name="What do the faces show?").first.click()
        before.picture("one face found")
        before.settled()
        assert before.page.get_by_role("radio", name="Box").get_attribute("aria-checked") == "true"
        before.close()
