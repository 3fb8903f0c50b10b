"""A contrastive model of open_clip: faces and texts as points of one space, alike where a text is true of a face.

The one that ships is `nano-clip`. Any other that open_clip knows can be used where its weights are at hand.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facevlm.errors import InputError
from facevlm.marks import crop
from facevlm.matching.loading import SHIPPED, find, load
from facevlm.types import Face

BATCH = 64  # faces, or texts, at once
STEEPEST = 100.0  # scale of a cosine; training holds it below this (Radford et al. 2021)
FACTS = "facevlm.json"
_CROP = 224  # pixels, for a model that does not say how large its crops are

Vectors = NDArray[np.float32]


class Matcher:
    """A loaded model. Any thread may use it.

    Args:
        model: one that ships, a folder that open_clip loads, or the name of an architecture of open_clip.
        checkpoint: the file of its weights, or the tag of weights that open_clip has downloaded before; only with the
            name of an architecture, and needed there.
        threads: CPU threads.

    Raises:
        InputError: no such model (the nearest names are told), or weights of another shape.
        PrerequisiteError: open_clip is not installed, or the weights are not on this machine.
    """

    def __init__(self, model: str = SHIPPED, checkpoint: str | None = None, threads: int | None = None) -> None:
        folder = find(model)
        self.name = model if folder is None else folder.resolve().name
        self._model, self._transform, self._tokenizer = load(model, folder, checkpoint, threads)
        file = None if folder is None else folder / FACTS
        self.facts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file and file.is_file() else {}
        self._reading = Lock()  # a tokenizer changes its padding and truncation from call to call

    @cached_property
    def dim(self) -> int:
        """Of the space of faces and texts."""
        return int(self.texts(["face"]).shape[1])

    @property
    def scale(self) -> float:
        """By which a cosine becomes a logit."""
        return min(float(self._model.logit_scale.exp().item()), STEEPEST)

    @property
    def bias(self) -> float | None:
        """What is added to a logit so that its sigmoid says how true a text is; None where only softmaxes mean much."""
        found = getattr(self._model, "logit_bias", None)
        return None if found is None else float(found.item())

    @property
    def temperature(self) -> float:
        """By which logits are divided so that their softmax is calibrated."""
        return float(self.facts.get("temperature", 1.0))

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The words of a model that reads whole words; empty for one that can spell any."""
        from tokenizers.models import WordLevel

        inner = getattr(self._tokenizer, "tokenizer", None)
        reads = getattr(getattr(inner, "backend_tokenizer", None), "model", None)
        return tuple(sorted(inner.get_vocab())) if inner is not None and isinstance(reads, WordLevel) else ()

    @cached_property
    def fingerprint(self) -> str:
        """Which weights these are: 12 hex digits. An index built by other weights is refused by it."""
        digest = hashlib.sha256()
        for name, each in sorted(self._model.state_dict().items()):
            digest.update(name.encode())
            digest.update(each.float().cpu().numpy().tobytes())
        return digest.hexdigest()[:12]

    def crop(self, picture: Image.Image, face: Face) -> Image.Image:
        """A face as this model is shown it: level, grey, with the marks it was trained on or without any."""
        return crop(picture, face, int(self.facts.get("crop_size", _CROP)), self.facts.get("marks", "plain"))

    def faces(self, crops: Sequence[Image.Image]) -> Vectors:
        """(n, dim) float32 of crops, each of length 1."""
        import torch

        found = [np.zeros((0, self.dim), np.float32)]
        with torch.inference_mode():
            for start in range(0, len(crops), BATCH):
                shown = torch.stack([self._transform(each) for each in crops[start : start + BATCH]])
                found.append(self._model.encode_image(shown, normalize=True).float().numpy())
        return np.concatenate(found)

    def texts(self, texts: Sequence[str]) -> Vectors:
        """(n, dim) float32 of one or more texts, each of length 1.

        Raises:
            InputError: a word that a model of whole words was never shown (the nearest it knows are told), or a text
                longer than such a model reads.
        """
        import torch

        for text in texts:
            self._check_words(text)
        found = []
        with torch.inference_mode():
            for start in range(0, len(texts), BATCH):
                with self._reading:
                    tokens = self._tokenizer(list(texts[start : start + BATCH]))
                found.append(self._model.encode_text(tokens, normalize=True).float().numpy())
        return np.concatenate(found)

    def knows(self, text: str) -> bool:
        """Whether the model can read every word of a text, and there is one."""
        words, unknown = self._read(text) if self.vocabulary else (len(text.split()), [])
        return words > 0 and not unknown

    def _check_words(self, text: str) -> None:
        if not self.vocabulary:
            return
        words, unknown = self._read(text)
        if unknown:
            near = difflib.get_close_matches(unknown[0].lower(), self.vocabulary, 4, 0.6)
            hint = f"did you mean {', '.join(near)}?" if near else "it knows English words for what faces show"
            raise InputError(f"{text!r}: {self.name} was never shown the word {unknown[0]!r}; {hint}")
        longest = self._tokenizer.context_length - 1  # its last place is for the end
        if not 0 < words <= longest:
            raise InputError(f"{text!r}: {words} words, and {self.name} reads 1 to {longest}; say it in so many")

    def _read(self, text: str) -> tuple[int, list[str]]:
        """The number of words of a text, and those a model of whole words does not know."""
        inner = self._tokenizer.tokenizer
        with self._reading:
            found = inner(text, return_offsets_mapping=True, add_special_tokens=False, truncation=False)
        pairs = list(zip(found["input_ids"], found["offset_mapping"], strict=True))
        return len(pairs), [text[start:end] for token, (start, end) in pairs if token == inner.unk_token_id]
