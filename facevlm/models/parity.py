"""Whether a model writes the same here and behind an endpoint: greedy answers, compared token by token.

`Compared` is itself a model: the chain that explains photographs asks it as it asks any other, and both sides answer.
No schema binds the answers: a grammar hides what two models do differently, and its white space differs by server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar, cast

from PIL import Image
from pydantic import BaseModel, Field

from facevlm.errors import ModelError, PrerequisiteError
from facevlm.models.local import LocalModel
from facevlm.models.openai import KEY_VARIABLE, OpenAIModel
from facevlm.models.protocol import GREEDY, Answer
from facevlm.models.registry import BARE, load
from facevlm.models.wire import PNG_PIXELS, read, request_of, without
from facevlm.types import Conversation, Generation

Said = TypeVar("Said", str, list[int])

SHOWN = 16  # tokens, or characters, of a continuation that a difference quotes
TOKENS = 256


@dataclass(frozen=True)
class Parity:
    """One answer written on both sides: equal, or the place of the first token that differs and how each goes on.

    `part` says what differs, None where nothing does: the prompt as each side turned it into tokens, or the answer.
    Where the endpoint tells no token ids, answers are compared `by` their text, and a place is that of a character.
    """

    tokens: int  # written here
    by: Literal["token", "character"] = "token"
    part: Literal["prompt", "answer"] | None = None
    place: int = 0
    here: str = ""
    there: str = ""


class Compared:
    """A local model and an endpoint that serves the same one; asked together, answers as the local one does.

    Args:
        here: the local model, in float32.
        there: the endpoint.
        tokens: how many tokens of each answer are written, at most.
    """

    def __init__(self, here: LocalModel, there: OpenAIModel, tokens: int = TOKENS) -> None:
        self.name = here.name
        self.adapter = here.adapter
        self.asks: Literal["scene", "face"] = here.asks
        self.crop_size = here.crop_size
        self.found: list[Parity] = []  # of every conversation so far, in order
        self._here = here
        self._there = there
        self._tokens = tokens

    def generate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """The local answers, always greedy, one conversation at a time. Raises ModelError where either side fails."""
        return [self._answer(each) for each in conversations]

    async def agenerate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """`generate` in a thread of its own."""
        return await asyncio.to_thread(self.generate, conversations)

    def _answer(self, conversation: Conversation) -> Generation:
        asked = _comparable(conversation, self._tokens)
        here, there = _written_here(self._here, asked), _written_there(self._there, asked)
        self.found.append(_compare(here, there, self._here.tokenizer.decode))
        return Generation(here.text)


def compared(
    adapter: str,
    name: str,
    base_url: str,
    *,
    served_as: str | None = None,
    api_key_env: str = KEY_VARIABLE,
    timeout: float = 120.0,
    threads: int | None = None,
    tokens: int = TOKENS,
) -> Compared:
    """An adapter on its base in this process, beside the endpoint that serves it.

    Args:
        adapter: a folder, a name in `adapters/`, or «none» for the bare base.
        name: the base, as `registry.load` takes it.
        base_url: the endpoint, e.g. `http://localhost:8001/v1`.
        served_as: its id of the adapter, by default the adapter's name.
        api_key_env, timeout, threads: as `registry.load` takes them.
        tokens: how many tokens of each answer are written, at most.

    Raises:
        InputError: no such model or adapter, or the adapter belongs to another base.
        PrerequisiteError: something the local model needs is missing, or it does not compute in float32.
        ModelError: the endpoint cannot be reached, or serves no such model.
    """
    asked = served_as or (name if adapter == BARE else Path(adapter).name)
    there = OpenAIModel(asked, base_url, api_key_env=api_key_env, timeout=timeout)
    served = there.served()
    if asked not in served:
        raise ModelError(
            f"{base_url}: serves {', '.join(served) or 'nothing'}, not {asked!r}; give its id with --served-as, "
            f"or start vLLM with --enable-lora --lora-modules {asked}=FOLDER"
        )
    here = cast(LocalModel, load(name, adapter, threads=threads))
    if str(here.network.dtype) != "torch.float32":
        raise PrerequisiteError(
            f"{name}: computes in {here.network.dtype} on this GPU, whose rounding alone changes tokens; "
            "set CUDA_VISIBLE_DEVICES= to compare in float32"
        )
    return Compared(here, there, tokens)


@dataclass(frozen=True)
class _Written:
    """An answer; its token ids and those of the prompt, None where an endpoint does not tell them."""

    text: str
    prompt: list[int] | None
    answer: list[int] | None


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    token_ids: list[int] | None = None


class _Completion(BaseModel):
    """A chat completion with the token ids that vLLM adds to it."""

    choices: list[_Choice] = Field(min_length=1)
    prompt_token_ids: list[int] | None = None


def _comparable(conversation: Conversation, tokens: int) -> Conversation:
    """The same question, unbound, with pictures so small that they travel without loss."""
    turns = tuple(turn.model_copy(update={"images": tuple(map(_small, turn.images))}) for turn in conversation.turns)
    return conversation.model_copy(update={"turns": turns, "answer_schema": None, "max_tokens": tokens})


def _small(image: Image.Image) -> Image.Image:
    share = (PNG_PIXELS / (image.width * image.height)) ** 0.5
    return image if share >= 1 else image.resize((int(image.width * share), int(image.height * share)))


def _written_here(model: LocalModel, conversation: Conversation) -> _Written:
    import torch

    inputs = model.encode([conversation]).to(model.network.device)
    prompt = inputs["input_ids"][0].tolist()
    try:
        with torch.inference_mode():
            sequences = model.network.generate(
                **inputs, do_sample=False, max_new_tokens=conversation.max_tokens,
                pad_token_id=model.tokenizer.pad_token_id, eos_token_id=model.stop_ids,
            )  # fmt: skip
    except (RuntimeError, ValueError, MemoryError) as error:
        raise ModelError(f"{model.name}: {str(error).partition(chr(10))[0]}; try smaller pictures") from error
    answer = sequences[0, len(prompt) :].tolist()
    return _Written(model.tokenizer.decode(answer, skip_special_tokens=True), prompt, answer)


def _written_there(model: OpenAIModel, conversation: Conversation) -> _Written:
    there = model.endpoint
    request = without(frozenset({"logprobs"}), request_of(conversation, model.name, GREEDY, there.data_urls))
    body = there.submit(there.complete(request | {"return_token_ids": True})).result()
    completion = read(_Completion, body, there.url)
    choice = completion.choices[0]
    return _Written(choice.message.content or "", completion.prompt_token_ids, choice.token_ids)


def _compare(here: _Written, there: _Written, decode: Callable[[list[int]], str]) -> Parity:
    written = Parity(len(here.answer or ()))
    if there.answer is None:
        return _differing(replace(written, by="character"), "answer", here.text, there.text, str)
    if there.prompt is not None and there.prompt != here.prompt:
        return _differing(written, "prompt", here.prompt or [], there.prompt, decode)
    return _differing(written, "answer", here.answer or [], there.answer, decode)


def _differing(
    found: Parity, part: Literal["prompt", "answer"], here: Said, there: Said, decode: Callable[[Said], str]
) -> Parity:
    """`found` with the first difference between two sequences, or as it is."""
    if here == there:
        return found
    length = min(len(here), len(there))
    place = next((place for place in range(length) if here[place] != there[place]), length)
    shown = slice(place, place + SHOWN)
    return replace(found, part=part, place=place, here=decode(here[shown]), there=decode(there[shown]))
