from __future__ import annotations

from types import SimpleNamespace

import pytest

from facevlm.errors import InputError
from facevlm.training.tuning import architectures

IDEFICS = architectures.table().served["Idefics3ForConditionalGeneration"]
QWEN = architectures.table().served["Qwen2_5_VLForConditionalGeneration"]
IN_IDEFICS = (
    "model.vision_model.encoder.layers.0.self_attn.q_proj",
    "model.vision_model.encoder.layers.0.mlp.fc1",
    "model.connector.modality_projection.proj",
    "model.text_model.embed_tokens",
    "model.text_model.layers.0.self_attn.q_proj",
    "model.text_model.layers.0.self_attn.o_proj",
    "model.text_model.layers.11.mlp.down_proj",
    "lm_head",
)


@pytest.mark.parametrize("name", architectures.table().served)
def test_auto_is_every_linear_layer_of_the_language_part_and_nothing_else(name: str) -> None:
    import transformers

    architecture, config = architectures.table().served[name], getattr(transformers, name).config_class()
    names = architectures.modules(config)
    expected = {each for each in names if each.startswith(architecture.layers + ".")}
    assert expected
    assert set(architectures.targets(architecture, "auto", names)) == expected
    assert all(
        each.startswith((*architecture.sees, architecture.layers, "lm_head")) or "embed" in each for each in names
    )


def test_names_of_the_language_part_can_be_chosen() -> None:
    names = ("model.visual.blocks.0.attn.qkv", "model.language_model.layers.0.self_attn.q_proj")
    assert architectures.targets(QWEN, ("q_proj",), names) == names[1:]


def test_a_pattern_within_the_language_part_can_be_chosen() -> None:
    chosen = architectures.targets(IDEFICS, r"model\.text_model\.layers\.0\..*", IN_IDEFICS)
    assert chosen == IN_IDEFICS[4:6]


@pytest.mark.parametrize(
    ("chosen", "weights", "part"),
    [
        (("q_proj",), IN_IDEFICS[0], "the vision tower or its connector"),
        (r".*connector.*", IN_IDEFICS[2], "the vision tower or its connector"),
        (("o_proj", "lm_head"), "lm_head", "the embeddings or the output layer"),
        (("embed_tokens",), IN_IDEFICS[3], "the embeddings or the output layer"),
    ],
)
def test_weights_that_vllm_would_not_serve_are_refused_by_name(
    chosen: str | tuple[str, ...], weights: str, part: str
) -> None:
    with pytest.raises(InputError) as refused:
        architectures.targets(IDEFICS, chosen, IN_IDEFICS)
    assert f"would tune {weights}, of {part}, which vLLM leaves out" in str(refused.value)
    assert "use auto" in str(refused.value)


@pytest.mark.parametrize(("chosen", "why"), [(("c_attn",), "matches no layer"), ("(", "is not a pattern")])
def test_targets_that_mean_nothing_here_are_refused(chosen: str | tuple[str, ...], why: str) -> None:
    with pytest.raises(InputError, match=rf"lora\.targets: .*{why}.*; use auto"):
        architectures.targets(IDEFICS, chosen, IN_IDEFICS)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("LlavaOnevisionForConditionalGeneration", "vLLM serves it without LoRA"),
        ("InternVLChatModel", "take the repository whose name ends in -hf"),
        ("SomethingNewForConditionalGeneration", "has not been checked"),
    ],
)
def test_an_architecture_that_cannot_be_served_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(InputError, match=rf"{name} cannot be tuned: .*{why}.*; use one of .*Qwen2_5_VL"):
        architectures.of(SimpleNamespace(architectures=[name]))


def test_paligemma_gets_the_template_it_has_not() -> None:
    from jinja2 import Template

    template = architectures.chat_template(architectures.table().served["PaliGemmaForConditionalGeneration"])
    assert template is not None
    parts = [{"type": "image"}, {"type": "text", "text": "Which emotion?"}]
    assert Template(template).render(messages=[{"role": "user", "content": parts}]) == "Which emotion?"
