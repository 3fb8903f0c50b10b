from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from facevlm.batch import Answerer, Results, answering, run
from facevlm.batch.run import IN_A_ROW
from facevlm.completions import Completer, NotServed
from facevlm.errors import InputError, ModelError, PrerequisiteError
from tests.batch.conftest import Talker, asking, written

Requests = Callable[..., Path]


def answer(talker: Talker, source: Path, out: Path, in_flight: int = 8, patience: float = 0) -> Results:
    """One run to its end, and the results it leaves, closed."""
    results = Results(out)
    try:
        run(Answerer(cast(Completer, talker), patience), source, results, lambda size: None, in_flight)
    finally:
        results.close()
    return results


def test_every_line_gets_its_answer(talker: Talker, requests: Requests, out: Path) -> None:
    source = requests(*(asking(f"id{number}") for number in range(20)))
    answer(talker, source, out)
    found = written(out)
    assert len(found) == 20
    for custom_id, line in found.items():
        assert line["response"]["body"]["choices"][0]["message"]["content"] == custom_id
        assert (line["response"]["status_code"], line["error"]) == (200, None)


def test_no_more_requests_are_in_flight_than_asked_for(talker: Talker, requests: Requests, out: Path) -> None:
    ids = [f"id{number}" for number in range(20)]
    talker.seconds = dict.fromkeys(ids, 0.001)
    answer(talker, requests(*map(asking, ids)), out, in_flight=3)
    assert talker.most_in_flight == 3


def test_a_slow_request_does_not_hold_up_the_others(talker: Talker, requests: Requests, out: Path) -> None:
    ids = ["slow", *(f"id{number}" for number in range(30))]
    talker.seconds = {"slow": 0.5}
    answer(talker, requests(*map(asking, ids)), out, in_flight=2)
    assert list(written(out))[-1] == "slow"


def test_a_result_is_in_the_file_while_others_are_awaited(talker: Talker, requests: Requests, out: Path) -> None:
    seen: list[int] = []
    results = Results(out)
    talker.seconds = {"slow": 0.2}
    run(
        Answerer(cast(Completer, talker)), requests(asking("slow"), asking("fast")), results,
        lambda size: seen.append(len(out.read_text().splitlines())),
    )  # fmt: skip
    assert seen == [1, 2]


def test_a_second_run_does_only_what_is_missing(talker: Talker, requests: Requests, out: Path) -> None:
    answer(talker, requests(asking("a"), asking("b")), out)
    counts = answer(talker, requests(asking("c"), asking("b"), asking("a")), out).counts
    assert sorted(talker.asked) == ["a", "b", "c"]
    assert (counts.answered, counts.there) == (3, 2)


def test_bad_lines_are_answered_with_an_error_and_lose_nothing_else(
    talker: Talker, requests: Requests, out: Path
) -> None:
    source = requests(asking("a"), "{broken", asking("b") | {"url": "/v1/nothing"}, asking("c"))
    counts = answer(talker, source, out).counts
    found = written(out)
    assert {name: line["response"]["status_code"] for name, line in found.items()} == {
        "a": 200, "line-2": 400, "b": 400, "c": 200,
    }  # fmt: skip
    assert found["line-2"]["error"]["message"] == found["line-2"]["response"]["body"]["error"]["message"]
    assert (counts.answered, counts.at_fault, counts.exit_status) == (2, 2, 2)


def test_the_second_line_of_an_id_is_left_out(talker: Talker, requests: Requests, out: Path) -> None:
    source = requests(asking("a"), asking("a", "other words"))
    for _ in range(2):
        counts = answer(talker, source, out).counts
        assert (counts.answered, counts.twice, counts.exit_status) == (1, 1, 2)
    assert talker.asked == ["a"]
    assert len(written(out)) == 1


@pytest.mark.parametrize(
    ("error", "status", "exit_status"),
    [
        (InputError("no picture"), 400, 2),
        (NotServed("no such model"), 404, 2),
        (ModelError("out of memory"), 502, 4),
    ],
)
def test_a_request_that_cannot_be_answered_carries_the_reason(
    talker: Talker, requests: Requests, out: Path, error: Any, status: int, exit_status: int
) -> None:
    talker.errors = {"a": [error]}
    counts = answer(talker, requests(asking("a"), asking("b")), out).counts
    line = written(out)["a"]
    assert (line["response"]["status_code"], line["error"]["message"]) == (status, str(error))
    assert (counts.answered, counts.exit_status) == (1, exit_status)


def test_a_model_that_comes_back_is_waited_for(
    talker: Talker, requests: Requests, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "PAUSE", 0.01)
    talker.errors = {"b": [ModelError("gone"), ModelError("gone"), ModelError("gone")]}
    counts = answer(talker, requests(asking("a"), asking("b")), out, in_flight=1, patience=10).counts
    assert (counts.answered, counts.failed) == (2, 0)
    assert talker.asked == ["a", "b", "b", "b", "b"]


def test_a_model_that_never_answered_is_not_waited_for(talker: Talker, requests: Requests, out: Path) -> None:
    talker.broken = ModelError("no connection")
    started = time.monotonic()
    counts = answer(talker, requests(asking("a")), out, patience=60).counts
    assert counts.failed == 1
    assert time.monotonic() - started < 5


def test_what_the_model_refuses_for_good_is_not_asked_again(talker: Talker, requests: Requests, out: Path) -> None:
    talker.errors = {"b": [ModelError("the request was refused", retry=False)]}
    counts = answer(talker, requests(asking("a"), asking("b")), out, in_flight=1, patience=60).counts
    assert (counts.answered, counts.failed) == (1, 1)
    assert talker.asked == ["a", "b"]


def test_a_model_that_only_fails_ends_the_run_and_its_failures_are_no_results(
    talker: Talker, requests: Requests, out: Path
) -> None:
    talker.broken = ModelError("no connection")
    source = requests(*(asking(f"id{number}") for number in range(IN_A_ROW + 20)))
    with pytest.raises(ModelError, match="no connection; 16 requests in a row"):
        answer(talker, source, out)
    assert written(out) == {}
    talker.broken = None
    assert answer(talker, source, out).counts.answered == IN_A_ROW + 20


def test_what_no_line_can_do_without_ends_the_run(talker: Talker, requests: Requests, out: Path) -> None:
    talker.errors = {"b": [PrerequisiteError("mediapipe is not installed")]}
    with pytest.raises(PrerequisiteError, match="mediapipe"):
        answer(talker, requests(asking("a"), asking("b")), out, in_flight=1)
    assert set(written(out)) == {"a"}
