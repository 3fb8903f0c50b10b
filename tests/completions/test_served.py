from __future__ import annotations

import asyncio

import pytest

from facevlm.completions import NotServed, Served, served
from facevlm.errors import InputError, ModelError
from facevlm.models.wire import Listed
from facevlm.types import Conversation, Turn


class Endpoint:
    """What is asked of an endpoint's listing."""

    url = "http://upstream/v1"


def named(*listed: Listed, name: str | None = None, adapter: str | None = None):
    found = served._named(Endpoint(), listed, name, adapter)
    return {alias: model.served_as for alias, model in found.items()}


BASE, LORA = Listed(id="nano-base"), Listed(id="nano-facs", parent="nano-base")


@pytest.fixture(autouse=True)
def no_connection(monkeypatch):
    def model(endpoint, name, adapter=None):
        return type("Model", (), {"served_as": adapter or name, "asks": "face"})()

    monkeypatch.setattr(served.models, "of_endpoint", model)


def test_an_adapter_has_its_id_and_the_names_of_its_base_before_it():
    found = named(BASE, LORA)
    assert {found[name] for name in ("nano-facs", "nano-base:nano-facs", "nano:nano-facs", "nano")} == {"nano-facs"}
    assert found["nano-base"] == "nano-base"


def test_the_default_is_the_first_adapter_or_else_the_first_model():
    assert named(BASE, LORA)["facevlm"] == "nano-facs"
    assert named(Listed(id="a"), Listed(id="b"))["facevlm"] == "a"
    assert named(BASE, LORA, adapter="none")["facevlm"] == "nano-base"


@pytest.mark.parametrize(
    ("name", "adapter", "served_as"),
    [("b", None, "b"), ("nano", None, "nano-facs"), ("x", None, "x"), ("x", "y", "y"), (None, "nano-facs", "nano-facs"),
     ("nano-base", "none", "nano-base")],
)  # fmt: skip
def test_the_default_may_be_named_whether_or_not_it_is_listed(name, adapter, served_as):
    assert named(Listed(id="b"), BASE, LORA, name=name, adapter=adapter)["facevlm"] == served_as


def test_an_endpoint_that_serves_nothing_is_told():
    with pytest.raises(InputError, match="serves no model"):
        named()


async def test_what_many_ask_of_the_model_in_this_process_is_answered_together(monkeypatch, face_model):
    monkeypatch.setattr(served.models, "load", lambda *_, **__: face_model)
    model = await Served.local().model("facevlm")
    asked = [Conversation(turns=(Turn(role="user", text=words),)) for words in "ab"]
    assert [len(each) for each in await asyncio.gather(*(model.answers([each]) for each in asked))] == [1, 1]
    assert (face_model.asked, len(face_model.sampled)) == (asked, 1)


async def test_a_model_that_comes_later_is_found_by_asking_again(monkeypatch):
    monkeypatch.setattr(served, "PATIENCE", 0.0)
    listings = iter([{"facevlm": 1, "new": 2}])

    async def again():
        return next(listings)

    models = Served({"facevlm": 1}, again=again)
    assert await models.model("new") == 2


async def test_a_server_is_not_asked_again_for_every_unknown_name():
    asked = []

    async def again():
        asked.append(1)
        return {"facevlm": 1}

    models = Served({"facevlm": 1}, again=again)
    for _ in range(3):
        with pytest.raises(NotServed):
            await models.model("new")
    assert asked == []


async def test_what_is_loaded_later_is_loaded_once():
    loaded = []
    models = Served({"facevlm": 1}, later={"nano:none": lambda: loaded.append(1) or 7})
    assert await asyncio.gather(*(models.model("nano:none") for _ in range(3))) == [7, 7, 7]
    assert len(loaded) == 1
    assert models.names == ("facevlm", "nano:none")


def test_an_endpoint_that_is_down_is_told():
    with pytest.raises(ModelError, match="start the server"):
        Served.upstream("http://127.0.0.1:9/v1")
