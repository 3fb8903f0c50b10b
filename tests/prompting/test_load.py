from __future__ import annotations

import hashlib

import pytest
from jinja2 import Environment, meta

from facevlm import prompting
from facevlm.config import asset_dir
from facevlm.errors import InputError
from facevlm.prompting.load import Asks

ALL = pytest.mark.parametrize(
    ("name", "asks"), [(name, asks) for asks in ("scene", "face") for name in prompting.names(asks)]
)


@pytest.mark.parametrize("asks", ["scene", "face"])
def test_the_four_prompts_exist_for_scenes_and_faces(asks: Asks) -> None:
    assert set(prompting.names(asks)) >= {"sov-cot", "sov-label", "sov-label-first", "sov-question"}


@ALL
def test_a_prompt_is_called_like_its_file(name: str, asks: Asks) -> None:
    prompt = prompting.load(name, asks)
    assert (prompt.name, prompt.asks) == (name, asks)


@ALL
def test_a_reference_is_the_name_and_the_start_of_the_files_hash(name: str, asks: Asks) -> None:
    content = (asset_dir("prompts") / asks / f"{name}.md").read_bytes()
    assert prompting.load(name, asks).reference == f"{name}@{hashlib.sha256(content).hexdigest()[:12]}"


@ALL
def test_the_front_matter_declares_the_variables_of_the_template(name: str, asks: Asks) -> None:
    prompt = prompting.load(name, asks)
    used = meta.find_undeclared_variables(Environment().parse(prompt.system + prompt.user))
    assert set(prompt.variables) == used


@pytest.mark.parametrize("asks", ["scene", "face"])
def test_chain_of_thought_comes_before_the_label_and_label_first_after(asks: Asks) -> None:
    thought = prompting.load("sov-cot", asks).answer
    label = prompting.load("sov-label-first", asks).answer
    assert thought.index("observations") < thought.index("interpretation") < thought.index("emotion")
    assert label.index("emotion") < label.index("observations") < label.index("interpretation")


def test_an_unknown_prompt_is_refused_with_those_that_exist() -> None:
    with pytest.raises(InputError, match=r"no scene prompt is called .nonsense.; use one of sov-cot, .*sov-label"):
        prompting.load("nonsense", "scene")


def test_a_path_is_not_a_prompt() -> None:
    with pytest.raises(InputError, match="no face prompt is called"):
        prompting.load("../scene/sov-cot", "face")
