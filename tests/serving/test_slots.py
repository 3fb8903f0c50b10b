"""So many at work, so many waiting, and no more."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from facevlm.serving.errors import Refusal
from facevlm.serving.slots import Slots
from tests.serving.conftest import Ask
from tests.serving.stub import StubCompleter, picture, question

CHAT = "/v1/chat/completions"


async def test_no_more_than_the_concurrency_are_at_work(ask: Ask) -> None:
    completer = StubCompleter(seconds=0.02)
    client = ask(completer, concurrency=2, queue=8)
    replies = await asyncio.gather(*(client.post(CHAT, json=question(stream=n % 2 == 0)) for n in range(10)))
    assert [reply.status_code for reply in replies] == [200] * 10
    assert completer.most_at_work == 2


async def test_one_more_than_fit_is_told_when_to_come_again(ask: Ask) -> None:
    client = ask(StubCompleter(seconds=0.05), concurrency=1, queue=2)
    uploads = (client.post("/v1/analyze", files={"image": picture()}) for _ in range(4))
    *replies, refused = sorted(await asyncio.gather(*uploads), key=lambda reply: reply.status_code)
    assert [reply.status_code for reply in replies] == [200] * 3
    assert refused.status_code == 429
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert int(refused.headers["retry-after"]) >= 1


async def test_other_routes_are_answered_while_the_queue_is_full(ask: Ask) -> None:
    client = ask(StubCompleter(seconds=0.2), concurrency=1, queue=0)
    work = asyncio.ensure_future(client.post(CHAT, json=question()))
    await asyncio.sleep(0.05)
    assert (await client.post(CHAT, json=question())).status_code == 429
    assert (await client.get("/healthz")).status_code == 200
    assert "facevlm_requests_in_flight 1.0" in (await client.get("/metrics")).text
    assert (await work).status_code == 200


async def test_those_who_came_first_are_first(ask: Ask) -> None:
    slots = Slots(1, 3)
    served: list[int] = []

    async def come(number: int) -> None:
        with slots.place():
            async with slots.turn():
                await asyncio.sleep(0)
                served.append(number)

    await asyncio.gather(*map(come, range(4)))
    assert served == [0, 1, 2, 3]
    assert slots.inside == slots.working == 0


async def test_the_wait_is_measured() -> None:
    waits: list[float] = []
    slots = Slots(1, 1, waits.append)

    async def work() -> None:
        async with slots.turn():
            await asyncio.sleep(0.05)

    await asyncio.gather(work(), work())
    assert waits[0] < 0.04 < waits[1]


def test_a_longer_queue_means_a_longer_time_away() -> None:
    def asked_to_wait(queue: int) -> int:
        slots = Slots(1, queue)
        places = [slots.place() for _ in range(queue + 1)]
        for place in places:
            place.__enter__()
        with pytest.raises(Refusal) as refused, slots.place():
            pass
        return int(refused.value.headers["Retry-After"])

    assert asked_to_wait(2) < asked_to_wait(64) <= 60


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_that_takes_too_long_is_cancelled(ask: Ask, stream: bool) -> None:
    completer = StubCompleter(seconds=5, chunks=1)
    reply: httpx.Response = await ask(completer, request_seconds=0.05).post(CHAT, json=question(stream=stream))
    assert reply.status_code == 504
    assert reply.json()["error"]["code"] == "timeout"
    assert (completer.at_work, completer.cancelled) == (0, 1)


async def test_a_stream_that_takes_too_long_ends_with_an_error(ask: Ask) -> None:
    completer = StubCompleter(seconds=0.4, chunks=8)
    reply = await ask(completer, request_seconds=0.12).post(CHAT, json=question(stream=True))
    assert reply.status_code == 200
    assert '"code":"timeout"' in reply.text
    assert reply.text.endswith("data: [DONE]\n\n")
    assert (completer.at_work, completer.cancelled) == (0, 1)


async def test_time_in_the_queue_counts(ask: Ask) -> None:
    client = ask(StubCompleter(seconds=0.15), concurrency=1, request_seconds=0.2)
    replies = await asyncio.gather(*(client.post(CHAT, json=question()) for _ in range(2)))
    assert [reply.status_code for reply in replies] == [200, 504]
