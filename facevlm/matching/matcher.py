"""A contrastive model of open_clip: faces and texts as points of one space, alike where a text is true of a face.

The one that ships is `nano-clip`. Any other that open_clip knows can be used where its weights are at hand.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import logging
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facevlm.config import asset_dir
from facevlm.errors import InputError, PrerequisiteError
from facevlm.marks import crop
from facevlm.types import Face

SHIPPED = "nano-clip"
BATCH = 64  # faces, or texts, at once
FACTS = "facevlm.json"
CONFIGURATION = "open_clip_config.json"
_LIBRARIES = ("open_clip", "torch")
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
        missing = [library for library in _LIBRARIES if find_spec(library) is None]
        if missing:
            raise PrerequisiteError(f"{', '.join(missing)} not installed; pip install 'facevlm[clip]'")
        import torch

        if threads is not None:
            torch.set_num_threads(threads)
        self.name = model
        self._folder = _folder(model)
        if self._folder is not None and checkpoint is not None:
            raise InputError(f"{model}: is a folder with weights of its own; leave --checkpoint out")
        self._model, self._transform, self._tokenizer = _loaded(model, self._folder, checkpoint)
        file = None if self._folder is None else self._folder / FACTS
        self.facts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file and file.is_file() else {}

    @property
    def dim(self) -> int:
        """Of the space of faces and texts."""
        return int(self._model.visual.output_dim) if hasattr(self._model.visual, "output_dim") else len(self.texts("a")[0])

    @property
    def scale(self) -> float:
        """By which a cosine becomes a logit."""
        return float(self._model.logit_scale.exp())

    @property
    def bias(self) -> float | None:
        """What is added to a logit so that its sigmoid says how true a text is; None where only softmaxes mean much."""
        found = getattr(self._model, "logit_bias", None)
        return None if found is None else float(found)

    @cached_property
    def fingerprint(self) -> str:
        """Which weights these are: 12 hex digits. An index built by other weights is refused by it."""
        digest = hashlib.sha256()
        for name, each in sorted(self._model.state_dict().items()):
            digest.update(name.encode())
            digest.update(each.float().cpu().numpy().tobytes())
        return digest.hexdigest()[:12]

    def crop(self, picture: Image.Image, face: Face) -> Image.Image:
        """A face as this model is shown it: level, without marks, and grey where it was trained so."""
        seen = crop(picture, face, int(self.facts.get("crop_size", _CROP)), "plain")
        return seen.convert("L").convert("RGB") if self.facts.get("grey") else seen.convert("RGB")

    def faces(self, crops: Sequence[Image.Image]) -> Vectors:
        """(n, dim) float32 of crops, each of length 1."""
        import torch

        found = []
        with torch.inference_mode():
            for start in range(0, len(crops), BATCH):
                shown = torch.stack([self._transform(each) for each in crops[start : start + BATCH]])
                found.append(self._model.encode_image(shown, normalize=True).float().numpy())
        return np.concatenate(found) if found else np.zeros((0, self.dim), np.float32)

    def texts(self, texts: Sequence[str]) -> Vectors:
        """(n, dim) float32 of texts, each of length 1.

        Raises:
            InputError: a word that a model of whole words was never shown; the nearest it knows are told.
        """
        import torch

        self._check_words(texts)
        found = []
        with torch.inference_mode():
            for start in range(0, len(texts), BATCH):
                tokens = self._tokenizer(list(texts[start : start + BATCH]))
                found.append(self._model.encode_text(tokens, normalize=True).float().numpy())
        return np.concatenate(found)

    def knows(self, text: str) -> bool:
        """Whether the model can read every word of a text, and there is one."""
        return bool(text.strip()) and not self._unknown(text)

    def _check_words(self, texts: Sequence[str]) -> None:
        for text in texts:
            unknown = self._unknown(text)
            if unknown:
                near = difflib.get_close_matches(unknown[0].lower(), self._words, 4, 0.6)
                hint = f"did you mean {', '.join(near)}?" if near else "it knows English words for what faces show"
                raise InputError(f"{text!r}: {self.name} has never been shown the word {unknown[0]!r}; {hint}")

    def _unknown(self, text: str) -> list[str]:
        if not self._words:
            return []
        inner = self._tokenizer.tokenizer
        found = inner(text, return_offsets_mapping=True, add_special_tokens=False)
        pairs = zip(found["input_ids"], found["offset_mapping"], strict=True)
        return [text[start:end] for token, (start, end) in pairs if token == inner.unk_token_id]

    @cached_property
    def _words(self) -> list[str]:
        """The vocabulary of a model that reads whole words; empty for one that can spell any."""
        inner = getattr(self._tokenizer, "tokenizer", None)
        return sorted(inner.get_vocab()) if self.facts.get("kind") == "matcher" and inner is not None else []


def _folder(model: str) -> Path | None:
    """Where a model lies that has a folder; None for an architecture of open_clip."""
    for folder in (asset_dir("adapters") / model, Path(model).expanduser()):
        if (folder / CONFIGURATION).is_file():
            return folder
    if Path(model).expanduser().is_dir():
        raise InputError(f"{model}: this folder has no {CONFIGURATION}; give one that open_clip can load")
    return None


def _loaded(model: str, folder: Path | None, checkpoint: str | None) -> tuple[Any, Any, Any]:
    """The model, what makes a picture into its pixels, and its tokenizer."""
    import open_clip

    logging.getLogger("timm").setLevel(logging.ERROR)
    known = open_clip.list_models()
    if folder is None and model not in known:
        near = ", ".join(difflib.get_close_matches(model, [SHIPPED, *known], 4, 0.4)) or f"{SHIPPED}, ViT-B-32"
        raise InputError(f"{model}: open_clip has no such model; near it are {near}. A folder can be given too")
    if folder is None and checkpoint is None:
        raise InputError(f"{model}: name its weights with --checkpoint, a file or a tag of weights already downloaded")
    place = model if folder is None else f"local-dir:{folder}"
    try:
        made = open_clip.create_model(place, pretrained=checkpoint, require_pretrained=True)
        shown = open_clip.image_transform_v2(open_clip.PreprocessCfg(**made.visual.preprocess_cfg), is_train=False)
        return made.eval(), shown, open_clip.get_tokenizer(place)
    except (RuntimeError, KeyError, ValueError, OSError) as error:
        raise _why(model, checkpoint, error) from None


def _why(model: str, checkpoint: str | None, error: Exception) -> InputError | PrerequisiteError:
    first = str(error).strip().splitlines()[0]
    if "size mismatch" in str(error) or "Missing key" in str(error) or "Error(s) in loading" in str(error):
        return InputError(f"{checkpoint or model}: these weights are not of the shape of {model}; give those made for it")
    if checkpoint is not None and not Path(checkpoint).is_file():
        return PrerequisiteError(
            f"{model}: the weights {checkpoint!r} are not on this machine ({first}); download them with open_clip first"
        )
    return InputError(f"{checkpoint or model}: cannot be loaded by open_clip ({first})")
