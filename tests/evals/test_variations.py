"""What a model sees once it is told something else, and that forced beginnings stand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import variations
from PIL import Image

from facevlm import models, prompting
from facevlm.types import ActionUnit, Conversation, Generation, Turn

PROMPT = prompting.load("sov-cot", "face")


class Listener:
    """A model that keeps what it was told."""

    name, adapter, asks, crop_size = "listener", None, "face", 64

    def __init__(self) -> None:
        self.heard: list[str] = []

    def generate(self, conversations: Sequence[Conversation], **_: object) -> list[Generation]:
        self.heard += [each.turns[-1].text for each in conversations]
        return [Generation(str(each.turns[-1].images[0].getpixel((0, 0)))) for each in conversations]


@pytest.fixture
def conversations() -> list[Conversation]:
    """Of three faces, whose crops are as many shades of grey and whose mouths are as differently wide."""
    return [_about(shade) for shade in (1, 2, 3)]


def _about(shade: int) -> Conversation:
    units = {12: ActionUnit(code=12, value=shade / 5)}
    text = prompting.face_text(PROMPT, {"mouth": float(shade)}, units)
    return Conversation(turns=(Turn(role="user", text=text, images=(Image.new("L", (64, 64), shade),)),))


def test_withheld_cues_leave_the_prompt_as_it_is_of_nothing_measured(conversations: list[Conversation]) -> None:
    listener = Listener()
    answers = variations.Retold(listener, variations.withheld(PROMPT)).generate(conversations)
    assert set(listener.heard) == {prompting.face_text(PROMPT, {}, {})}
    assert "mouth" in conversations[0].turns[-1].text
    assert [answer.text for answer in answers] == ["1", "2", "3"]  # the crops are their own


def test_another_faces_cues_come_with_the_faces_own_crop(conversations: list[Conversation]) -> None:
    listener, own = Listener(), [each.turns[-1].text for each in conversations]
    answers = variations.Retold(listener, variations.exchanged()).generate(conversations)
    assert listener.heard == [own[2], own[0], own[1]]
    assert [answer.text for answer in answers] == ["1", "2", "3"]


def test_a_face_alone_in_its_batch_is_told_of_the_one_before(conversations: list[Conversation]) -> None:
    listener, own = Listener(), [each.turns[-1].text for each in conversations]
    model = variations.Retold(listener, variations.exchanged())
    model.generate(conversations[:2])
    model.generate(conversations[2:])
    assert listener.heard[2] == own[1]


def test_a_forced_answer_begins_as_it_is_told_and_goes_on(nano: Path) -> None:
    begun = '{"observations":[{"au":12,"intensity":"E","side":"both","evidence":"the lip corners are pulled up"}'
    begun += '],"interpretation":"'
    model = variations.Forced(models.load("nano"), iter([begun, begun.replace("12", "26")]))
    units: dict[int, ActionUnit] = {}
    text = prompting.face_text(PROMPT, {}, units)
    turn = Turn(role="user", text=text, images=(Image.new("RGB", (64, 64), "grey"),))
    short = Conversation(turns=(turn,), max_tokens=40)
    first, second = model.generate([short, short])
    assert first.text.startswith(begun)
    assert len(first.text) > len(begun)
    assert second.text.startswith(begun.replace("12", "26"))
