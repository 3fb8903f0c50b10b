from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevlm.errors import InputError, ModelError
from facevlm.models.local import LocalModel
from facevlm.models.openai import OpenAIModel
from facevlm.models.parity import Compared, Parity, compared
from facevlm.types import Conversation, Generation, Turn
from tests.models.served import Served, random_model, served

TOKENS = 12


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    made = tmp_path_factory.mktemp("parity")
    random_model(made / "dice", made / "dice-facs")
    return made / "dice", made / "dice-facs"


@pytest.fixture(scope="module")
def local(folders: tuple[Path, Path]) -> LocalModel:
    base, adapter = folders
    return LocalModel(base, adapter, name="dice", threads=1)


@pytest.fixture
def endpoint(local: LocalModel) -> Iterator[Served]:
    with served(local) as server:
        yield server


@pytest.fixture
def both(local: LocalModel, endpoint: Served) -> Compared:
    return Compared(local, OpenAIModel("dice-facs", endpoint.url, timeout=30), TOKENS)


def asked(size: int = 64) -> Conversation:
    pixels = np.random.default_rng(size).integers(0, 255, (size, size, 3), dtype=np.uint8)
    turn = Turn(role="user", text="explain\n", images=(Image.fromarray(pixels),))
    return Conversation(turns=(turn,), answer_schema={"type": "object"}, max_tokens=500)


def only(both: Compared, conversation: Conversation | None = None) -> Parity:
    both.generate([conversation or asked()])
    (found,) = both.found
    return found


def test_a_model_equals_itself_behind_an_endpoint(both: Compared) -> None:
    assert only(both) == Parity(tokens=TOKENS)


def test_it_answers_what_the_local_model_writes(both: Compared, endpoint: Served) -> None:
    def other(body: dict) -> None:
        body["choices"][0]["message"]["content"] = "something else"

    endpoint.spoil = other
    (answer,) = both.generate([asked()])
    assert isinstance(answer, Generation)
    assert answer.text not in ("", "something else")


def test_a_difference_is_told_with_its_place_and_how_both_sides_go_on(both: Compared, endpoint: Served) -> None:
    word = both._here.tokenizer.convert_tokens_to_ids("happiness")

    def slip(body: dict) -> None:
        body["choices"][0]["token_ids"][5:] = [word, word]

    endpoint.spoil = slip
    found = only(both)
    assert (found.part, found.by, found.place, found.there) == ("answer", "token", 5, "happinesshappiness")
    assert found.here != found.there


def test_an_answer_that_ends_early_differs_where_it_ends(both: Compared, endpoint: Served) -> None:
    endpoint.spoil = lambda body: body["choices"][0]["token_ids"].pop()
    found = only(both)
    assert (found.part, found.place, found.there) == ("answer", TOKENS - 1, "")


def test_a_prompt_of_other_tokens_is_told_before_the_answer(both: Compared, endpoint: Served) -> None:
    def slip(body: dict) -> None:
        body["prompt_token_ids"].insert(2, 0)
        body["choices"][0]["token_ids"] = []

    endpoint.spoil = slip
    found = only(both)
    assert (found.part, found.place) == ("prompt", 2)


def test_without_token_ids_the_texts_are_compared(both: Compared, endpoint: Served) -> None:
    def wordless(body: dict) -> None:
        body["choices"][0]["token_ids"] = body["prompt_token_ids"] = None

    endpoint.spoil = wordless
    assert only(both) == Parity(tokens=TOKENS, by="character")


def test_texts_that_differ_are_told_by_the_character(both: Compared, endpoint: Served) -> None:
    def slip(body: dict) -> None:
        choice = body["choices"][0]
        choice["token_ids"] = None
        choice["message"]["content"] = choice["message"]["content"][:3]

    endpoint.spoil = slip
    found = only(both)
    assert (found.part, found.by, found.place, found.there) == ("answer", "character", 3, "")


def test_the_endpoint_is_asked_greedily_and_unbound(both: Compared, endpoint: Served) -> None:
    only(both)
    (request,) = endpoint.requests
    assert (request["temperature"], request["max_tokens"], request["return_token_ids"]) == (0.0, TOKENS, True)
    assert "response_format" not in request


def test_large_pictures_are_made_small_enough_to_travel_without_loss(both: Compared, endpoint: Served) -> None:
    assert only(both, asked(size=1000)).part is None
    picture = endpoint.requests[0]["messages"][0]["content"][0]["image_url"]["url"]
    assert picture.startswith("data:image/png")


def test_a_reply_that_is_no_completion_is_the_servers_failure(both: Compared, endpoint: Served) -> None:
    endpoint.spoil = lambda body: body.clear()
    with pytest.raises(ModelError, match="not the OpenAI API"):
        both.generate([asked()])


async def test_it_can_be_awaited(both: Compared) -> None:
    await both.agenerate([asked()])
    assert both.found == [Parity(tokens=TOKENS)]


def test_an_adapter_is_compared_under_its_name(folders: tuple[Path, Path], endpoint: Served) -> None:
    base, adapter = folders
    both = compared(str(adapter), str(base), endpoint.url, threads=1, tokens=2)
    assert only(both) == Parity(tokens=2)
    assert endpoint.requests[0]["model"] == "dice-facs"


def test_an_adapter_of_another_base_is_refused(folders: tuple[Path, Path], endpoint: Served, tmp_path: Path) -> None:
    _, adapter = folders
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text('{"vision_config": {}}')
    with pytest.raises(InputError, match="dice-facs: made for dice, not for other"):
        compared(str(adapter), str(other), endpoint.url)


def test_an_id_that_is_not_served_is_told_with_those_that_are(endpoint: Served) -> None:
    with pytest.raises(ModelError, match=r"serves dice-facs, not 'mine'.*--served-as.*--lora-modules mine=FOLDER"):
        compared("none", "nano", endpoint.url, served_as="mine")


def test_an_endpoint_that_is_not_there_is_one_line() -> None:
    with pytest.raises(ModelError, match="no connection") as caught:
        compared("nano-facs", "nano", "http://127.0.0.1:9/v1", timeout=5)
    assert "\n" not in str(caught.value)
