from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from facevlm.errors import ModelError
from facevlm.models.gathering import GatheringModel
from facevlm.models.protocol import GREEDY, Answer, Sampling, ServedModel
from facevlm.types import Conversation, Generation, Turn


class Echo:
    """A model that says back what it is asked, and remembers what came together; «bad» spoils its whole batch."""

    name, adapter, asks, crop_size = "echo", None, "face", 64

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.stopped = 0

    async def answers(self, conversations: Sequence[Conversation], sampling: Sampling = GREEDY) -> list[Answer]:
        words = [each.turns[0].text for each in conversations]
        self.batches.append(words)
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        if "crash" in words:
            raise RuntimeError("crashed")
        if "bad" in words:
            return [ModelError("spoiled")] * len(words)
        return [Generation(each) for each in words]


def asked(words: str, **fields: Any) -> Conversation:
    return Conversation(turns=(Turn(role="user", text=words),), **fields)


async def together(model: GatheringModel, *calls: Sequence[Conversation], sampling: Sampling = GREEDY) -> list[Any]:
    found = await asyncio.gather(*(model.answers(each, sampling) for each in calls), return_exceptions=True)
    return [[getattr(one, "text", one) for one in each] if isinstance(each, list) else each for each in found]


def gathering(echo: Echo, faces: int = 32) -> GatheringModel:
    return GatheringModel(cast(ServedModel, echo), faces)


async def test_what_is_asked_at_the_same_time_is_answered_together_each_caller_its_own() -> None:
    echo = Echo()
    found = await together(gathering(echo), [asked("a"), asked("b")], [asked("c")], [])
    assert found == [["a", "b"], ["c"], []]
    assert echo.batches == [["a", "b", "c"]]


async def test_while_one_batch_is_answered_the_next_one_gathers() -> None:
    echo = Echo()
    model = gathering(echo)

    async def later(words: str) -> list[Answer]:
        await asyncio.sleep(0.003)
        return await model.answers([asked(words)])

    await asyncio.gather(model.answers([asked("a")]), later("b"), later("c"))
    assert echo.batches == [["a"], ["b", "c"]]


async def test_a_batch_has_no_more_faces_than_allowed() -> None:
    echo = Echo()
    await together(gathering(echo, faces=2), *([asked(str(number))] for number in range(5)))
    assert [len(batch) for batch in echo.batches] == [2, 2, 1]


async def test_answers_bound_to_a_schema_and_free_ones_do_not_share_a_batch() -> None:
    echo = Echo()
    bound = asked("b", answer_schema={"type": "object"})
    found = await together(gathering(echo), [asked("a")], [bound], [asked("c")])
    assert found == [["a"], ["b"], ["c"]]
    assert echo.batches == [["a", "c"], ["b"]]


async def test_answers_of_different_limits_do_not_share_a_batch() -> None:
    echo = Echo()
    model = gathering(echo)
    await asyncio.gather(*(model.answers([asked(str(most))], Sampling(max_tokens=most)) for most in (9, 99)))
    assert echo.batches == [["9"], ["99"]]


async def test_sampled_answers_are_written_by_themselves() -> None:
    echo = Echo()
    await together(gathering(echo), [asked("a")], [asked("b")], sampling=Sampling(0.7, seed=1))
    assert echo.batches == [["a"], ["b"]]


async def test_one_that_spoils_its_batch_fails_alone() -> None:
    a, bad, b = await together(gathering(Echo()), [asked("a")], [asked("bad")], [asked("b")])
    assert (a, b) == (["a"], ["b"])
    assert isinstance(bad[0], ModelError)


async def test_a_crash_reaches_its_callers_and_the_next_are_answered() -> None:
    model = gathering(Echo())
    (crashed,) = await together(model, [asked("crash")])
    assert isinstance(crashed, RuntimeError)
    assert await together(model, [asked("a")]) == [["a"]]


async def test_a_caller_that_gives_up_does_not_hold_up_the_others() -> None:
    echo = Echo()
    model = gathering(echo)
    first = asyncio.create_task(model.answers([asked("a")]))
    gone = asyncio.create_task(model.answers([asked("b")]))
    await asyncio.sleep(0.001)
    gone.cancel()
    assert await together(model, [asked("c")]) == [["c"]]
    assert [one.text for one in await first if isinstance(one, Generation)] == ["a"]
    assert echo.stopped == 0


async def test_a_batch_that_all_its_callers_have_left_is_stopped_and_the_next_is_answered() -> None:
    echo = Echo()
    model = gathering(echo)
    gone = [asyncio.create_task(model.answers([asked(words)])) for words in "ab"]
    await asyncio.sleep(0.001)
    for each in gone:
        each.cancel()
    assert await together(model, [asked("c")]) == [["c"]]
    assert (echo.batches, echo.stopped) == ([["a", "b"], ["c"]], 1)
