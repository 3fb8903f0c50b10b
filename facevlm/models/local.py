"""A vision-language model in this process: transformers and peft, decoding bound to the answer's schema by xgrammar.

Serves the embedded model, and any other image-text-to-text model of transformers from a local folder.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from facevlm.errors import ModelError, PrerequisiteError
from facevlm.models import loading
from facevlm.models.protocol import GREEDY, Answer, Piece, Sampling
from facevlm.models.relay import Tell, relayed
from facevlm.types import EMOTIONS, Conversation, Emotion, Generation

if TYPE_CHECKING:
    import xgrammar
    from torch import Tensor

    from facevlm.models.streamer import Streamer

LARGEST_BATCH = 64
GRAMMARS = 32  # compiled schemas that are kept; whoever may name one's own can make any number


class LocalModel:
    """A model loaded from folders, ready to answer; safe to share between threads, which take turns.

    Args:
        base: folder of a transformers image-text-to-text model. A `facevlm.json` in it says how the model is asked
            (`asks`: scene or face; `crop_size`); without one it is asked about scenes.
        adapter: folder of a LoRA adapter for it, or None. A `facevlm.json` in it may hold the `temperature` that its
            emotions' probabilities were calibrated at.
        name: what provenance calls the model.
        threads: CPU threads; by default those of OMP_NUM_THREADS, or the cores that this process may use.

    Raises:
        PrerequisiteError: the folders do not hold what is needed, or Python runs with -O.
    """

    def __init__(self, base: Path | str, adapter: Path | str | None, *, name: str, threads: int | None = None) -> None:
        if not __debug__:  # xgrammar takes note of an answer's tokens in an assert
            raise PrerequisiteError("Python runs with -O or PYTHONOPTIMIZE, and answers would not end; run it without")
        facts = loading.facts(Path(base))
        self.name = name
        self.adapter = Path(adapter).name if adapter else None
        self.asks: Literal["scene", "face"] = facts.get("asks", "scene")
        self.crop_size: int = facts.get("crop_size", 64)
        self._temperature: float = {**facts, **(loading.facts(Path(adapter)) if adapter else {})}.get(
            "temperature", 1.0
        )
        self._turn = threading.Lock()
        # What ships is shown pictures by Pillow, alike wherever it runs; others as their makers mean it.
        backend = {"backend": "pil"} if facts else {}
        self.processor, self.network = loading.load(Path(base), Path(adapter) if adapter else None, threads, backend)
        self._grammars: OrderedDict[str, xgrammar.CompiledGrammar] = OrderedDict()

    def generate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """One answer per conversation, in order; a batch that fails gives its error in the place of each answer."""
        sampling = Sampling(temperature, seed=seed)
        batches = (conversations[start : start + LARGEST_BATCH] for start in _starts(conversations))
        return [answer for batch in batches for answer in self._answers(batch, sampling)]

    async def agenerate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """`generate` in a thread of its own."""
        return await asyncio.to_thread(self.generate, conversations, temperature=temperature, seed=seed)

    async def answers(self, conversations: Sequence[Conversation], sampling: Sampling = GREEDY) -> list[Answer]:
        """As `agenerate`; whoever asks first is answered first. Cancelling it stops the model at the next token."""
        written = {
            each.index: each.answer async for each in self.pieces(conversations, sampling) if each.answer is not None
        }
        return [written[index] for index in range(len(conversations))]

    def pieces(self, conversations: Sequence[Conversation], sampling: Sampling = GREEDY) -> AsyncGenerator[Piece]:
        """The answers as they are written, token by token. Closing it stops the model at the next token."""
        return relayed(lambda tell: self._queue.submit(self._write, conversations, sampling, tell))

    def _write(self, conversations: Sequence[Conversation], sampling: Sampling, tell: Tell[Piece]) -> None:
        """Answers conversations, telling each piece as it comes."""
        from facevlm.models.streamer import Streamer

        for start in _starts(conversations):
            batch = conversations[start : start + LARGEST_BATCH]
            streamer = Streamer(self.tokenizer, len(batch), partial(_tell_piece, tell, start))
            for index, answer in enumerate(self._answers(batch, sampling, streamer), start):
                tell(Piece(index, answer=answer))

    def _answers(
        self, batch: Sequence[Conversation], sampling: Sampling, streamer: Streamer | None = None
    ) -> Sequence[Answer]:
        try:
            with self._turn:
                return self._generated(batch, sampling, streamer)
        except (RuntimeError, ValueError, MemoryError) as error:  # what torch, transformers and xgrammar raise
            reason = str(error).partition("\n")[0]
            failure = ModelError(f"{self.name}: {reason}; try fewer or smaller pictures at once", retry=False)
            return [failure] * len(batch)

    def _generated(
        self, batch: Sequence[Conversation], sampling: Sampling, streamer: Streamer | None
    ) -> list[Generation]:
        import torch

        inputs = self.encode(batch).to(self.network.device)
        if sampling.seed is not None:
            torch.manual_seed(sampling.seed)
        with torch.inference_mode():
            result = self.network.generate(
                **inputs, **_choosing(sampling), max_new_tokens=max(map(sampling.limit, batch)),
                logits_processor=self._constraints(batch), output_logits=bool(self._emotion_ids),
                return_dict_in_generate=True, pad_token_id=self.tokenizer.pad_token_id,
                eos_token_id=self.stop_ids, streamer=streamer,
            )  # fmt: skip
        return self._read(inputs["attention_mask"], result)

    def encode(self, batch: Sequence[Conversation]) -> Any:
        """What the network is given: the processor's tensors, prompts padded on their left."""
        texts = [
            self.processor.apply_chat_template(_messages(each), tokenize=False, add_generation_prompt=True)
            for each in batch
        ]
        images = [[image for turn in each.turns for image in turn.images] for each in batch]
        return self.processor(
            text=texts, images=images if any(images) else None, padding=True, padding_side="left", return_tensors="pt"
        )

    def _constraints(self, batch: Sequence[Conversation]) -> list[Any]:
        """A fresh logits processor: xgrammar's keeps the state of the generation it is used in."""
        from xgrammar.contrib.hf import LogitsProcessor

        schemas = [each.answer_schema for each in batch]
        bound = [self._grammar(schema) for schema in schemas if schema is not None]
        if bound and len(bound) < len(schemas):
            raise ValueError("conversations with and without an answer schema cannot share a batch")
        return [LogitsProcessor(bound)] if bound else []

    def _grammar(self, schema: Mapping[str, Any]) -> xgrammar.CompiledGrammar:
        key = json.dumps(schema)
        if key not in self._grammars:
            self._grammars[key] = self._compiler.compile_json_schema(key, any_whitespace=False, separators=(",", ":"))
        self._grammars.move_to_end(key)
        while len(self._grammars) > GRAMMARS:
            self._grammars.popitem(last=False)
        return self._grammars[key]

    def _read(self, prompts: Tensor, result: Any) -> list[Generation]:
        """The answers after the prompts, which are told as their mask, (answers, length)."""
        written = result.sequences[:, prompts.shape[1] :]
        texts = self.tokenizer.batch_decode(written, skip_special_tokens=True)
        return [
            self._generation(text, prompt, row, self._probabilities(row, index, result.logits))
            for index, (text, prompt, row) in enumerate(zip(texts, prompts.sum(1).tolist(), written, strict=True))
        ]

    def _generation(
        self, text: str, asked: int, tokens: Tensor, probabilities: dict[Emotion, float] | None
    ) -> Generation:
        """An answer up to the token that ends it; after it come those that fill the batch. Without one it was cut."""
        ends = (place for place, token in enumerate(tokens.tolist(), 1) if token in self.stop_ids)
        written = next(ends, None)
        return Generation(text, probabilities, usage=_usage(asked, written or len(tokens)), cut=written is None)

    def _probabilities(self, tokens: Tensor, index: int, logits: Sequence[Tensor]) -> dict[Emotion, float] | None:
        """The eight emotions' probabilities where the answer first names one: elsewhere it only repeats itself."""
        import torch

        if not self._emotion_ids:
            return None
        places = torch.isin(tokens, torch.tensor(self._emotion_ids)).nonzero()
        if not len(places):
            return None
        shares = (logits[int(places[0])][index, self._emotion_ids].float() / self._temperature).softmax(0).tolist()
        return {emotion: round(share, 4) for emotion, share in zip(EMOTIONS, shares, strict=True)}

    @cached_property
    def _emotion_ids(self) -> list[int]:
        """The tokens of the eight emotions; empty where the tokenizer does not have one token for each."""
        encoded = [self.tokenizer.encode(emotion, add_special_tokens=False) for emotion in EMOTIONS]
        return [ids[0] for ids in encoded] if all(len(ids) == 1 for ids in encoded) else []

    @cached_property
    def _queue(self) -> ThreadPoolExecutor:
        """The one thread that answers whoever asks without waiting: a line of askers, not a crowd of threads."""
        return ThreadPoolExecutor(1, thread_name_prefix=f"facevlm-{self.name}")

    @cached_property
    def _compiler(self) -> xgrammar.GrammarCompiler:
        import xgrammar

        size = self.network.config.get_text_config().vocab_size
        vocabulary = xgrammar.TokenizerInfo.from_huggingface(
            self.tokenizer, vocab_size=size, stop_token_ids=self.stop_ids
        )
        return xgrammar.GrammarCompiler(vocabulary, max_threads=1)

    @cached_property
    def stop_ids(self) -> list[int]:
        """The tokens that end an answer."""
        stops = self.network.generation_config.eos_token_id
        found = stops if isinstance(stops, list) else [stops]
        return sorted({each for each in (*found, self.tokenizer.eos_token_id) if each is not None})

    @property
    def tokenizer(self) -> Any:
        """The processor's, as transformers has it."""
        return self.processor.tokenizer


def _starts(conversations: Sequence[Conversation]) -> range:
    """Where each batch begins."""
    return range(0, len(conversations), LARGEST_BATCH)


def _tell_piece(tell: Tell[Piece], start: int, row: int, text: str) -> None:
    tell(Piece(start + row, text))


def _choosing(sampling: Sampling) -> dict[str, Any]:
    """How tokens are chosen, as transformers calls it."""
    if sampling.temperature == 0:
        return {"do_sample": False}
    nucleus = {} if sampling.top_p is None else {"top_p": sampling.top_p}
    return {"do_sample": True, "temperature": sampling.temperature, **nucleus}


def _usage(asked: int, written: int) -> dict[str, int]:
    return {"prompt_tokens": asked, "completion_tokens": written, "total_tokens": asked + written}


def _messages(conversation: Conversation) -> list[dict[str, Any]]:
    """The chat-template form: images before the text of their turn."""
    return [
        {
            "role": turn.role,
            "content": [*({"type": "image"} for _ in turn.images), {"type": "text", "text": turn.text}],
        }
        for turn in conversation.turns
    ]
