"""The shape of the embedded model: a small Idefics3, the SmolVLM architecture, built from nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from facevlm.faces.cues import cue_table
from facevlm.prompting.cues import AT_REST, HALVES, LEVELS, STRENGTHS, cue_token, unit_token
from facevlm.types import AU_CODES, EMOTIONS

if TYPE_CHECKING:
    from transformers import (
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3Processor,
        Idefics3VisionConfig,
        PreTrainedTokenizerFast,
    )
    from transformers.models.idefics3.modeling_idefics3 import Idefics3VisionTransformer

IMAGE_SIZE = 64
PATCH = 8
SHUFFLE = 2
IMAGE_TOKENS = (IMAGE_SIZE // PATCH // SHUFFLE) ** 2
VISION_WIDTH = 192
TEXT_WIDTH = 256


TEXT_LAYERS = 4
PIECES = 2048  # of text, beside the tokens that are whole already
CONTEXT = 768

END, PAD, IMAGE, AROUND, WHOLE = "<end_of_utterance>", "<pad>", "<image>", "<fake_token_around_image>", "<global-img>"

# What JSON repeats in every answer is one token each, so that an answer is short.
FRAGMENTS = (
    '{"observations":[', '{"au":', ',"intensity":"', '","side":"', '","evidence":"', '"},', '"}',
    '],"interpretation":"', '","emotion":"', '{"emotion":"', '","observations":[', '{"answer":"', "]}",
)  # fmt: skip

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] if part['type'] != 'text' %}<image>{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
    "{% endif %}<end_of_utterance>{% endfor %}"
)


def vision_config() -> Idefics3VisionConfig:
    """The tower's: 64 patches of 8 × 8 pixels."""
    from transformers import Idefics3VisionConfig

    return Idefics3VisionConfig(
        hidden_size=VISION_WIDTH, intermediate_size=3 * VISION_WIDTH, num_hidden_layers=6, num_attention_heads=3,
        image_size=IMAGE_SIZE, patch_size=PATCH, attention_dropout=0.0, initializer_range=0.02,
    )  # fmt: skip


def config(tokenizer: PreTrainedTokenizerFast) -> Idefics3Config:
    """The whole model's configuration, its vocabulary that of `tokenizer`."""
    from transformers import Idefics3Config, LlamaConfig

    end, pad = tokenizer.convert_tokens_to_ids([END, PAD])
    # Tied here and in the whole: with the second missing vLLM serves a random head.
    text = LlamaConfig(
        hidden_size=TEXT_WIDTH, intermediate_size=704, num_hidden_layers=TEXT_LAYERS, num_attention_heads=4,
        num_key_value_heads=4, vocab_size=_rounded(len(tokenizer)), max_position_embeddings=CONTEXT, rms_norm_eps=1e-5,
        tie_word_embeddings=True, bos_token_id=None, eos_token_id=end, pad_token_id=pad,
    )  # fmt: skip
    return Idefics3Config(
        vision_config=vision_config(), text_config=text, scale_factor=SHUFFLE, tie_word_embeddings=True,
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE), eos_token_id=end, pad_token_id=pad,
    )  # fmt: skip


def model(tokenizer: PreTrainedTokenizerFast) -> Idefics3ForConditionalGeneration:
    """The embedded model with fresh weights; the tokens of a cue or unit start out along a line, as its values are."""
    import torch
    from transformers import Idefics3ForConditionalGeneration

    fresh = Idefics3ForConditionalGeneration(config(tokenizer))
    embeddings = fresh.get_input_embeddings().weight
    with torch.no_grad():
        for line in _scales():
            base, along = torch.randn(2, TEXT_WIDTH) * 0.02
            for place, token in line.items():
                embeddings[tokenizer.convert_tokens_to_ids(token)] = base + along * place
    fresh.model.vision_model = tower()
    fresh.set_attn_implementation("eager")  # faster than the fused kernel at this size on a CPU
    return fresh


def tower() -> Idefics3VisionTransformer:
    """The vision tower with fresh weights; its places start out as sines and cosines of where they are.

    Learned places start a tower this small much better that way (Beyer et al., Better plain ViT baselines, 2022).
    """
    import torch
    from transformers.models.idefics3.modeling_idefics3 import Idefics3VisionTransformer

    fresh = Idefics3VisionTransformer(vision_config())
    fresh.set_attn_implementation("eager")
    side, quarter = IMAGE_SIZE // PATCH, VISION_WIDTH // 4
    rows, columns = torch.meshgrid(torch.arange(side).float(), torch.arange(side).float(), indexing="ij")
    waves = 1 / 100 ** (torch.arange(quarter) / quarter)
    angles = [place.flatten()[:, None] * waves[None] for place in (rows, columns)]
    with torch.no_grad():
        places = torch.cat([wave for angle in angles for wave in (angle.sin(), angle.cos())], 1)
        fresh.embeddings.position_embedding.weight.copy_(0.5 * places)
    return fresh


def tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer learned from answers; emotions, cues and JSON fragments are one token each.

    Pieces may span several words (Liu et al., SuperBPE, COLM 2025), so that an answer is short; numbers stand alone.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    fast = Tokenizer(models.BPE())
    fast.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\d+"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    fast.decoder = decoders.ByteLevel()
    special = [END, PAD, IMAGE, AROUND, WHOLE]
    pieces = (piece for text in texts for piece in _between_fragments(text))
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    fast.train_from_iterator(pieces, trainer)
    fast.add_tokens([AddedToken(text, normalized=False) for text in (*FRAGMENTS, *EMOTIONS)])
    # A cue takes the space before it along: a prompt of forty cues is forty tokens.
    steps = [AT_REST, *(token for line in _scales() for token in line.values())]
    fast.add_tokens([AddedToken(text, normalized=False, lstrip=True) for text in steps])
    return PreTrainedTokenizerFast(
        tokenizer_object=fast, eos_token=END, pad_token=PAD, chat_template=CHAT_TEMPLATE, model_max_length=CONTEXT,
        padding_side="left", additional_special_tokens=[IMAGE, AROUND, WHOLE], clean_up_tokenization_spaces=False,
    )  # fmt: skip


def processor(tokenizer: PreTrainedTokenizerFast) -> Idefics3Processor:
    """Image and text processing as transformers and vLLM load it: one crop, not split, 16 image tokens."""
    from transformers import Idefics3Processor
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    images = Idefics3ImageProcessorPil(
        size={"longest_edge": IMAGE_SIZE}, max_image_size={"longest_edge": IMAGE_SIZE}, do_image_splitting=False,
        image_mean=[0.5] * 3, image_std=[0.5] * 3,
    )  # fmt: skip
    return Idefics3Processor(images, tokenizer, image_seq_len=IMAGE_TOKENS, chat_template=CHAT_TEMPLATE)


def _scales() -> Iterator[dict[float, str]]:
    """Of each cue, and of each action unit by side, its tokens by where they stand on its scale."""
    for cue in cue_table():
        yield {level / 2: cue_token(cue.name, level) for level in LEVELS}
    for code in AU_CODES:
        for half in HALVES:
            yield {4 * strength: unit_token(code, half, strength) for strength in STRENGTHS}


def _between_fragments(text: str) -> list[str]:
    """What the BPE itself has to cover: the text between the tokens that are whole already."""
    whole = "|".join(re.escape(each) for each in sorted((*FRAGMENTS, *EMOTIONS), key=len, reverse=True))
    return [piece for piece in re.split(whole, text) if piece]


def _rounded(size: int) -> int:
    """Up to the next multiple of 64, which kernels and vLLM's padding like."""
    return -(-size // 64) * 64
