from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facevlm.batch import lines
from facevlm.batch.lines import Line, Place, parse, read, read_at
from facevlm.completions import ChatRequest
from facevlm.errors import InputError
from tests.batch.conftest import asking


def parsed(line: dict[str, Any] | str) -> Line:
    data = (line if isinstance(line, str) else json.dumps(line)).encode()
    return parse(data, Place(7, 0, len(data)))


def request(line: dict[str, Any]) -> ChatRequest:
    found = parsed(line).request
    assert isinstance(found, ChatRequest)
    return found


def test_a_line_in_openais_form_is_its_body() -> None:
    url = f"data:image/png;base64,{base64.b64encode(b'picture').decode()}"
    line = asking("a")
    line["body"]["messages"][0]["content"] = [{"type": "image_url", "image_url": {"url": url}}]
    found = parsed(line)
    assert found.custom_id == "a"
    assert isinstance(found.request, ChatRequest)
    assert found.request == ChatRequest.model_validate(line["body"])


def test_the_short_form_is_a_picture_and_perhaps_a_question() -> None:
    alone, asked = ({"custom_id": "a", "image": "b.png"} | more for more in ({}, {"question": "Why?"}))
    assert [part.type for part in request(alone).messages[0].content] == ["image_url"]  # type: ignore[union-attr]
    assert [part.type for part in request(asked).messages[0].content] == ["image_url", "text"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("line", "custom_id", "says"),
    [
        ("{broken", "line-7", "no JSON"),
        ("[1]", "line-7", "no JSON object"),
        ('{"custom_id": "\\ud800", "image": "a.png"}', "line-7", "no JSON"),
        ({"image": "a.png"}, "line-7", "custom_id"),
        ({"custom_id": "", "image": "a.png"}, "line-7", "custom_id"),
        ({"custom_id": 3, "image": "a.png"}, "line-7", "custom_id"),
        ({"custom_id": "a"}, "a", "url"),
        ({"custom_id": "a", "image": "a.png", "qestion": "?"}, "a", "qestion"),
        (asking("a") | {"url": "/v1/embeddings"}, "a", "/v1/chat/completions"),
        (asking("a") | {"method": "GET"}, "a", "POST"),
        (asking("a") | {"body": {"messages": []}}, "a", "messages"),
        (asking("a") | {"body": asking("a")["body"] | {"stream": True}}, "a", "stream"),
    ],
)
def test_a_bad_line_says_what_is_wrong_under_its_id_or_its_number(
    line: dict[str, Any] | str, custom_id: str, says: str
) -> None:
    found = parsed(line)
    assert found.custom_id == custom_id
    assert isinstance(found.request, InputError)
    assert says in str(found.request) and "\n" not in str(found.request)


def test_each_line_can_be_read_again_at_its_place(requests: Callable[..., Path]) -> None:
    file = requests(asking("a"), "", asking("b"), "{broken")
    found = list(read(file))
    assert [(line.custom_id, line.place.number) for line in found] == [("a", 1), ("b", 3), ("line-4", 4)]
    assert [read_at(file, line.place).custom_id for line in found] == ["a", "b", "line-4"]


def test_a_line_that_is_too_long_is_at_fault_and_the_next_is_read(
    requests: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "LONGEST", 500)
    first, second = read(requests(asking("a", "word" * 1000), asking("b")))
    assert "longer than 500 bytes" in str(first.request)
    assert second.custom_id == "b"


def test_a_field_that_is_wrong_is_named_as_the_line_has_it() -> None:
    body = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": 3}}]}]}
    found = parsed(asking("a") | {"body": body})
    assert str(found.request).startswith("body.messages.0.content.0.image_url.url: input should be")


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl: cannot be read"):
        list(read(tmp_path / "none.jsonl"))
