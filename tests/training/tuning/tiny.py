"""Tiny random models of each architecture, with real tokenizers and processors, saved as folders."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
    "<|video_pad|>", "<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>", "<IMG_CONTEXT>",
    "<img>", "</img>", "<video>", "<start_of_image>", "<end_of_image>", "<image_soft_token>", "<bos>",
]  # fmt: skip
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}PICTURE{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SIDE = 32
LANGUAGE = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 512,
}  # fmt: skip
SIGHT = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "image_size": SIDE, "patch_size": 8,
}  # fmt: skip
QWEN_SIGHT = {"depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 32}


def tokenizer(**named: str) -> Any:
    """A byte-level BPE tokenizer of bytes alone, with the special tokens of every architecture."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    fast = Tokenizer(models.BPE())
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    fast.train_from_iterator(
        [], trainers.BpeTrainer(special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=fast, eos_token="<|im_end|>", pad_token="<|endoftext|>", bos_token="<bos>",
        extra_special_tokens=named,
    )  # fmt: skip


def qwen2_5_vl(words: Any) -> tuple[Any, Any]:
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLProcessor, Qwen2VLVideoProcessor
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    config = Qwen2_5_VLConfig(
        text_config=_sized(words, rope_parameters=_mrope([2, 3, 3])), **_qwen_tokens(words),
        vision_config=QWEN_SIGHT | {"patch_size": 14, "fullatt_block_indexes": [1]},
    )  # fmt: skip
    images = Qwen2VLImageProcessorPil(size={"shortest_edge": 28 * 28, "longest_edge": 56 * 56})
    return config, Qwen2_5_VLProcessor(images, words, Qwen2VLVideoProcessor(), chat_template=_qwen_template())


def qwen3_vl(words: Any) -> tuple[Any, Any]:
    from transformers import Qwen3VLConfig, Qwen3VLProcessor, Qwen3VLVideoProcessor
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    config = Qwen3VLConfig(
        text_config=_sized(words, rope_parameters=_mrope([4, 2, 2]) | {"mrope_interleaved": True}),
        vision_config=QWEN_SIGHT | {"num_position_embeddings": 16, "deepstack_visual_indexes": [0]},
        **_qwen_tokens(words),
    )  # fmt: skip
    images = Qwen2VLImageProcessorPil(size={"shortest_edge": 32 * 32, "longest_edge": 64 * 64}, patch_size=16)
    return config, Qwen3VLProcessor(images, words, Qwen3VLVideoProcessor(), chat_template=_qwen_template())


def idefics3(words: Any) -> tuple[Any, Any]:
    from transformers import Idefics3Config, Idefics3Processor
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    config = Idefics3Config(
        text_config={"model_type": "llama"} | _sized(words), vision_config=SIGHT, scale_factor=2,
        image_token_id=words.convert_tokens_to_ids("<image>"), pad_token_id=words.pad_token_id,
    )  # fmt: skip
    edge = {"longest_edge": SIDE}
    images = Idefics3ImageProcessorPil(size=edge, max_image_size=edge)
    template = _template("<image>")
    return config, Idefics3Processor(images, words, image_seq_len=4, chat_template=template)


def llava(words: Any) -> tuple[Any, Any]:
    from transformers import LlavaConfig, LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    config = LlavaConfig(
        text_config={"model_type": "llama"} | _sized(words), vision_config={"model_type": "clip_vision_model"} | SIGHT,
        image_token_index=words.convert_tokens_to_ids("<image>"), vision_feature_layer=-1,
    )  # fmt: skip
    images = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    return config, LlavaProcessor(
        images, words, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=_template("<image>"),
    )  # fmt: skip


def llava_next(words: Any) -> tuple[Any, Any]:
    from transformers import LlavaNextConfig, LlavaNextProcessor
    from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

    grid = [[SIDE, 2 * SIDE], [2 * SIDE, SIDE]]
    config = LlavaNextConfig(
        text_config={"model_type": "llama"} | _sized(words), vision_config={"model_type": "clip_vision_model"} | SIGHT,
        image_token_index=words.convert_tokens_to_ids("<image>"), vision_feature_layer=-1, image_grid_pinpoints=grid,
    )  # fmt: skip
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}, image_grid_pinpoints=grid
    )
    return config, LlavaNextProcessor(
        images, words, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=_template("<image>"),
    )  # fmt: skip


def internvl(words: Any) -> tuple[Any, Any]:
    from transformers import InternVLConfig, InternVLProcessor, InternVLVideoProcessor
    from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

    config = InternVLConfig(
        text_config={"model_type": "qwen2"} | _sized(words), vision_config=SIGHT,
        image_token_id=words.convert_tokens_to_ids("<IMG_CONTEXT>"), image_seq_length=4, vision_feature_layer=-1,
    )  # fmt: skip
    images = GotOcr2ImageProcessorPil(size={"height": SIDE, "width": SIDE}, crop_to_patches=False)
    template = _template("<IMG_CONTEXT>")
    return config, InternVLProcessor(
        images, words, InternVLVideoProcessor(), image_seq_length=4, chat_template=template
    )


def paligemma(words: Any) -> tuple[Any, Any]:
    from transformers import PaliGemmaConfig, PaliGemmaProcessor
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    images = SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE})
    images.image_seq_length = 16
    reader = PaliGemmaProcessor(images, words)
    config = PaliGemmaConfig(
        text_config={"model_type": "gemma"} | _sized(words),
        vision_config={"model_type": "siglip_vision_model"} | SIGHT,
        image_token_index=words.convert_tokens_to_ids("<image>"), projection_dim=32,
        bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
    )  # fmt: skip
    return config, reader


def gemma3(words: Any) -> tuple[Any, Any]:
    from transformers import Gemma3Config, Gemma3Processor
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    config = Gemma3Config(
        text_config=_sized(words) | {"sliding_window": 64}, vision_config={"model_type": "siglip_vision_model"} | SIGHT,
        mm_tokens_per_image=4, image_token_index=words.convert_tokens_to_ids("<image_soft_token>"),
        boi_token_index=words.convert_tokens_to_ids("<start_of_image>"),
        eoi_token_index=words.convert_tokens_to_ids("<end_of_image>"),
    )  # fmt: skip
    images = Gemma3ImageProcessorPil(size={"height": SIDE, "width": SIDE})
    return config, Gemma3Processor(images, words, chat_template=_template("<start_of_image>"), image_seq_length=4)


Maker = Callable[[Any], tuple[Any, Any]]
MAKERS: dict[str, tuple[Maker, dict[str, str]]] = {
    "Qwen2_5_VLForConditionalGeneration": (qwen2_5_vl, {}),
    "Qwen3VLForConditionalGeneration": (qwen3_vl, {}),
    "Idefics3ForConditionalGeneration": (idefics3, {}),
    "LlavaForConditionalGeneration": (llava, {}),
    "LlavaNextForConditionalGeneration": (llava_next, {}),
    "InternVLForConditionalGeneration": (
        internvl,
        {
            "start_image_token": "<img>",
            "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>",
        },
    ),
    "PaliGemmaForConditionalGeneration": (paligemma, {}),
    "Gemma3ForConditionalGeneration": (
        gemma3,
        {"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>"},
    ),
}
NEED_TORCHVISION = ("Qwen", "InternVL")  # for their processors of videos


def make(architecture: str, folder: Path) -> Path:
    """The folder of a tiny model of an architecture; a test that needs torchvision where there is none is skipped."""
    import torch
    import transformers

    if architecture.startswith(NEED_TORCHVISION) and importlib.util.find_spec("torchvision") is None:
        pytest.skip(f"torchvision is not installed; {architecture} needs it")
    maker, named = MAKERS[architecture]
    config, reader = maker(tokenizer(**named))
    torch.manual_seed(0)
    model = getattr(transformers, architecture)(config)
    with torch.no_grad():
        model.get_output_embeddings().weight.mul_(20)  # so that frozen, it leaves room for the loss to fall
    model.generation_config.eos_token_id = reader.tokenizer.eos_token_id
    model.generation_config.pad_token_id = reader.tokenizer.pad_token_id
    model.save_pretrained(folder)
    reader.save_pretrained(folder)
    return folder


def rows(folder: Path, answers: list[str]) -> Path:
    """A file of rows with these answers, each about a picture of its own colour."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    lines = []
    for index, answer in enumerate(answers):
        shade = np.full((40, 40, 3), (index * 53) % 256, np.uint8)
        Image.fromarray(shade).save(folder / "images" / f"{index}.png")
        content = [{"type": "image"}, {"type": "text", "text": "Which emotion?"}]
        row = {
            "prompt": [{"role": "user", "content": content}],
            "completion": [{"role": "assistant", "content": [{"type": "text", "text": answer}]}],
            "images": [f"images/{index}.png"],
        }
        lines.append(json.dumps(row))
    file = folder / "train.jsonl"
    file.write_text("\n".join(lines) + "\n")
    return file


def _sized(words: Any, **more: Any) -> dict[str, Any]:
    ends = {"bos_token_id": words.bos_token_id, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}
    return LANGUAGE | {"vocab_size": -(-len(words) // 64) * 64 + 64} | ends | more


def _mrope(section: list[int]) -> dict[str, Any]:
    return {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": section}


def _qwen_tokens(words: Any) -> dict[str, int]:
    named = {"image": "<|image_pad|>", "video": "<|video_pad|>", "vision_start": "<|vision_start|>"}
    ids = {f"{name}_token_id": words.convert_tokens_to_ids(token) for name, token in named.items()}
    return ids | {"vision_end_token_id": words.convert_tokens_to_ids("<|vision_end|>")}


def _qwen_template() -> str:
    return _template("<|vision_start|><|image_pad|><|vision_end|>")


def _template(token: str) -> str:
    return TEMPLATE.replace("PICTURE", token)
