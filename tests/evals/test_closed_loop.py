"""The client and the stub that the gateway is measured with."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from closed_loop import ANSWER, closed_loop, stub


def test_every_body_is_posted_once() -> None:
    bodies = [json.dumps({"number": number}).encode() for number in range(20)]
    with stub() as model:
        run = asyncio.run(closed_loop(f"{model.url}/chat/completions", bodies, in_flight=4))
    assert sorted(model.bodies) == sorted(bodies)
    assert run.statuses == {200: 20}
    assert run.rate == pytest.approx(20 / run.seconds)


def test_so_many_requests_are_in_flight_and_no_more() -> None:
    with stub(delay=0.2) as model:
        started = time.perf_counter()
        asyncio.run(closed_loop(f"{model.url}/chat/completions", [b"{}"] * 8, in_flight=4))
    assert time.perf_counter() - started >= 0.4  # two rounds of four; one of eight would take half of it
    assert len(model.bodies) == 8


def test_the_stub_is_a_server_of_the_embedded_model() -> None:
    from facevlm import FaceReasoner
    from facevlm.cli.demo import picture

    with stub() as model:
        face = FaceReasoner("nano-base", "nano-facs", base_url=model.url).analyze(picture()).faces[0]
    assert face.explanation is not None
    assert face.explanation.emotion == json.loads(ANSWER)["emotion"]
