from __future__ import annotations

import json
from pathlib import Path

import pytest

from facevlm import config, models
from facevlm.errors import InputError, PrerequisiteError
from facevlm.models import registry
from facevlm.models.openai import OpenAIModel


def folder(path: Path, **files: dict[str, object]) -> Path:
    path.mkdir(parents=True)
    for name, content in files.items():
        (path / f"{name}.json").write_text(json.dumps(content))
    return path


@pytest.fixture
def adapters(tmp_path, monkeypatch) -> Path:
    """A folder of shipped models: `tiny` with its adapter, and an adapter of another base."""
    shipped = tmp_path / "adapters"
    about = {"asks": "face", "description": "a very small model"}
    folder(shipped / "tiny-base", config={"model_type": "idefics3", "vision_config": {}}, facevlm=about)
    folder(shipped / "tiny-facs", adapter_config={"base_model_name_or_path": "somewhere/tiny-base"})
    folder(shipped / "other-facs", adapter_config={"base_model_name_or_path": "other-base"})
    monkeypatch.setattr(config, "PACKAGE", tmp_path / "facevlm")
    return shipped


def test_any_id_is_a_model_of_a_given_endpoint(endpoint):
    model = models.load("some/model", adapter="faces", base_url=endpoint.url)
    assert isinstance(model, OpenAIModel)
    assert (model.name, model.adapter, model.asks) == ("some/model", "faces", "scene")


def test_no_adapter_can_be_asked_of_an_endpoint(endpoint):
    assert models.load("some/model", adapter="none", base_url=endpoint.url).adapter is None


@pytest.mark.parametrize(
    ("name", "adapter"),
    [("tiny-base", None), ("tiny", None), ("tiny-facs", None), ("x", "tiny-facs"), ("tiny-base", "y")],
)
def test_a_shipped_model_behind_an_endpoint_is_asked_as_it_is_here(adapters, endpoint, name, adapter):
    (adapters / "tiny-base" / "facevlm.json").write_text(json.dumps({"asks": "face", "crop_size": 48}))
    model = models.load(name, adapter=adapter, base_url=endpoint.url)
    assert (model.asks, model.crop_size) == ("face", 48)


def test_how_an_endpoints_model_is_asked_can_be_told(endpoint):
    model = models.load("some/model", base_url=endpoint.url, asks="face", crop_size=224)
    assert (model.asks, model.crop_size) == ("face", 224)


@pytest.mark.parametrize("name", ["../adapters/tiny-base", "/etc", "..", "org/tiny-base"])
def test_an_endpoints_id_is_no_path_into_what_ships(adapters, endpoint, name):
    assert models.load(name, base_url=endpoint.url).asks == "scene"


def test_the_adapters_of_a_model_are_listed(adapters):
    assert registry.adapters_of("tiny") == ["tiny-facs"]
    assert registry.adapters_of("unknown") == []


def test_an_unknown_name_is_refused_with_those_that_exist(adapters):
    with pytest.raises(InputError, match=r"nonsense: unknown model; use tiny, .*--base-url"):
        models.load("nonsense")


def test_a_folder_without_a_model_is_refused(adapters, tmp_path):
    with pytest.raises(InputError, match=r"no config\.json"):
        models.load(str(folder(tmp_path / "empty")))


def test_a_text_model_is_refused(adapters, tmp_path):
    with pytest.raises(InputError, match="'llama' sees no pictures"):
        models.load(str(folder(tmp_path / "text", config={"model_type": "llama"})))


def test_a_broken_config_is_refused_in_one_line(adapters, tmp_path):
    (folder(tmp_path / "broken") / "config.json").write_text("{\n")
    with pytest.raises(InputError, match=r"config\.json: cannot be read") as caught:
        models.load(str(tmp_path / "broken"))
    assert "\n" not in str(caught.value)


def test_an_adapter_of_another_base_is_refused(adapters):
    with pytest.raises(InputError, match="other-facs: made for other-base, not for tiny-base"):
        models.load("tiny", adapter="other-facs")


def test_an_unknown_adapter_is_refused_with_those_that_exist(adapters):
    with pytest.raises(InputError, match="use other-facs, tiny-facs, none"):
        models.load("tiny", adapter="nonsense")


def test_nothing_shipped_is_a_missing_prerequisite(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "PACKAGE", tmp_path / "facevlm")
    with pytest.raises(PrerequisiteError, match="install FaceVLM again"):
        models.load("nano")


def test_shipped_models_are_listed_with_what_they_are(adapters):
    tiny, endpoint = models.available()
    assert (tiny.name, tiny.kind, tiny.usable, tiny.description) == ("tiny", "shipped", True, "a very small model")
    assert not endpoint.usable
    assert "--base-url" in endpoint.why


def test_a_shipped_model_without_its_files_is_listed_with_the_reason(adapters):
    (adapters / "tiny-base" / "config.json").unlink()
    tiny = models.available()[0]
    assert not tiny.usable
    assert "install FaceVLM again" in tiny.why


def test_the_models_of_an_endpoint_are_listed(adapters, endpoint, replies):
    endpoint.will(replies["reply"](body={"data": [{"id": "a"}, {"id": "b"}]}))
    assert [info.name for info in models.available(endpoint.url) if info.usable] == ["tiny", "a", "b"]


def test_an_endpoint_that_does_not_answer_is_listed_with_the_reason(adapters, endpoint, replies):
    endpoint.will(replies["refusal"](500, "no"))
    assert "the server failed" in models.available(endpoint.url)[-1].why
