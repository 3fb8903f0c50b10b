"""The matcher from nothing: an image tower and a text tower whose likeness says how true a caption is of a face.

First synthetic faces alone, whose action units are known, then photographs with their votes and measured units. The loss
is that of SigLIP (Zhai et al. 2023), a sigmoid for each pair of face and caption, but against how true the caption is of
that face: many captions of a batch are true of many of its faces. Beside it, the emotions are told apart by a softmax.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor, nn
from torch.nn import functional

from facevlm import __version__
from facevlm.errors import InputError
from facevlm.matching import captions
from facevlm.training import checkpoint, recipe
from facevlm.training.embedded.arrays import FaceArrays, joined
from facevlm.training.embedded.augment import random_view
from facevlm.training.embedded.base import record, split, synthetic
from facevlm.training.embedded.device import device, half
from facevlm.training.embedded.teacher import in_view, unit_targets
from facevlm.training.matcher.captioning import caption, rarity, truths
from facevlm.training.schedule import warm_cosine
from facevlm.types import EMOTIONS, Emotion

log = logging.getLogger(__name__)

MEAN, STD = 0.45, 0.25  # of grey crops
CROP = 64  # side of the crops, in pixels
LENGTH = 32  # tokens of a caption
PAIRS_SHARE = 4.0  # of the loss over pairs, whose mean over mostly untrue ones is small
WEIGHTS = "open_clip_model.safetensors"


def run(
    config: Path, data: Path, rig: Path | None, work: Path, out: Path, workers: int = 2,
    *, without: Emotion | None = None, labels: bool = True,
) -> None:  # fmt: skip
    """Train by the recipe `config` on FER+ in `data` and faces rendered from `rig`, and write the matcher to `out`.

    Args:
        config, data, rig, work, out, workers: as `facevlm train base` takes them.
        without: an emotion whose photographs and words it is not shown.
        labels: whether it is shown the photographs' votes; without, it learns action units alone.

    Raises:
        InputError: the recipe or the data cannot be used.
    """
    chosen = recipe.read(config, recipe.Clip)
    photographs, check = split(data, work, workers)
    renders = synthetic(chosen.renders, rig, work, workers)
    if renders is None:
        raise InputError(f"{config}: renders: name at least one recipe; action units are learned from synthetic faces")
    named = tuple(each for each in EMOTIONS if each != without) if labels else ()
    write_configuration(out, chosen)
    torch.manual_seed(chosen.seed)
    learner = Learner(out, chosen, named)
    units = chosen.model_copy(update={"epochs": chosen.units_epochs})
    learner.train(renders, renders.where(np.zeros(len(renders), bool)), units, work / "clip-units.pt")
    kind = f"-without-{without}" if without else "" if labels else "-zero-shot"
    seen = unseen_left_out(photographs, without) if labels else unvoted(photographs)
    learner.train(joined(seen, renders), check, chosen, work / f"clip{kind}.pt", photographs=len(seen))
    save(learner.model, out, chosen)
    record(out, config, learner.recorded(seen, renders, check) | {"without": without, "labels": labels})


class Learner:
    """The model that is trained, and the emotions it is told of."""

    def __init__(self, folder: Path, chosen: recipe.Clip, named: Sequence[Emotion]) -> None:
        import open_clip

        place = f"local-dir:{folder}"
        self.model = open_clip.create_model(place, load_weights=False).to(device())
        self.model.visual.to(memory_format=torch.channels_last)
        self.tokenizer = open_clip.get_tokenizer(place)
        self.named, self.image = tuple(named), chosen.image

    def train(
        self, faces: FaceArrays, check: FaceArrays, chosen: recipe.Clip, out: Path, photographs: int = 0
    ) -> None:
        """Train for `chosen.epochs`, saving after every one to `out`; goes on from there if it was interrupted.

        The first `photographs` faces are all shown in each epoch, and so many of the rest as the recipe's share says.
        """
        decay = [each for each in self.model.parameters() if each.ndim > 1]
        plain = [each for each in self.model.parameters() if each.ndim <= 1]
        groups = [{"params": decay, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}]
        optimiser = torch.optim.AdamW(groups, lr=chosen.rate, betas=(0.9, 0.98))
        extra = round(photographs * chosen.synthetic / (1 - chosen.synthetic)) if photographs else len(faces)
        batch = min(chosen.batch, photographs + extra)
        schedule = warm_cosine(optimiser, chosen.epochs * ((photographs + extra) // batch))
        parts = {"model": self.model, "optimiser": optimiser, "schedule": schedule}
        targets = unit_targets(faces)
        weights = rarity(targets.numpy())
        for epoch in range(checkpoint.resume(out, **parts), chosen.epochs):
            generator = torch.Generator().manual_seed(chosen.seed * 1000 + epoch)
            rng = random.Random(chosen.seed * 1000 + epoch)
            others = photographs + torch.randperm(len(faces) - photographs, generator=generator)[:extra]
            shown = torch.cat([torch.arange(photographs), others])
            self.model.train()
            for rows in shown[torch.randperm(len(shown), generator=generator)].split(batch):
                if len(rows) == batch:
                    loss = self._loss(faces, targets, weights, rows, chosen.strength, generator, rng)
                    optimiser.zero_grad(set_to_none=True)
                    loss.backward()
                    nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                    optimiser.step()
                    schedule.step()
            checkpoint.save(checkpoint.training_state(epoch + 1, **parts), out)
            found = f"accuracy {self.accuracy(check):.4f} on the held-out tenth" if len(check) else f"loss {loss:.3f}"
            log.info("matcher epoch %d/%d: %s", epoch + 1, chosen.epochs, found)

    def accuracy(self, faces: FaceArrays) -> float:
        """Strict-majority accuracy of matching with the emotions' names, over the faces whose emotion it knows."""
        emotions = self.named or EMOTIONS
        known = np.isin(faces.majority, [EMOTIONS.index(each) for each in emotions])
        self.model.eval()
        with torch.inference_mode():
            texts = torch.stack([self._texts(captions.naming(each)).mean(0) for each in emotions])
            crops = torch.from_numpy(faces.plain[known])[:, None].float() / 255
            seen = torch.cat([self._faces(part) for part in crops.split(256)])
        guesses = np.array([EMOTIONS.index(each) for each in emotions])[(seen @ texts.T).argmax(1).cpu()]
        return float((guesses == faces.majority[known]).mean())

    def recorded(self, photographs: FaceArrays, renders: FaceArrays, check: FaceArrays) -> dict[str, Any]:
        """What a card tells of the run."""
        rows = {"photographs": len(photographs), "synthetic faces": len(renders), "held-out photographs": len(check)}
        scores = {"label matching": round(self.accuracy(check), 4)}
        return {
            "command": "train clip", "rows": rows, "accuracy_held_out": scores,
            "versions": {"facevlm": __version__, "torch": torch.__version__},
        }  # fmt: skip

    def _loss(
        self, faces: FaceArrays, targets: Tensor, weights: Any, rows: Tensor, strength: float,
        generator: torch.Generator, rng: random.Random,
    ) -> Tensor:  # fmt: skip
        view = random_view(len(rows), faces.plain.shape[-1], generator, strength)
        crops = view.apply(torch.from_numpy(faces.plain)[rows, None].float() / 255)
        units, votes = in_view(targets[rows], view).numpy(), faces.votes[rows]
        claims = [caption(*face, weights, self.named, rng) for face in zip(units, votes, strict=True)]
        told = torch.from_numpy(truths(claims, units, votes)).to(device())
        prompts = [rng.choice(captions.naming(each)) for each in self.named]
        with half():
            seen = self._faces(crops).float()
            said = self._texts([*(captions.words(each, rng) for each in claims), *prompts]).float()
        scale = self.model.logit_scale.exp().clamp(max=100)
        logits = scale * seen @ said.T
        pairs, known = logits[:, : len(rows)] + self.model.logit_bias, ~told.isnan()
        loss = PAIRS_SHARE * functional.binary_cross_entropy_with_logits(pairs[known], told[known])
        voted = torch.from_numpy(votes.sum(1) > 0)
        if self.named and voted.any():
            shares = torch.from_numpy(votes)[voted][:, [EMOTIONS.index(each) for each in self.named]].to(device())
            loss = loss + functional.cross_entropy(logits[voted, len(rows) :], shares, label_smoothing=0.05)
        return loss

    def _faces(self, crops: Tensor) -> Tensor:
        """(n, 1, size, size) in 0–1 → (n, dim), each of length 1."""
        shown = functional.interpolate(crops, (self.image, self.image), mode="bilinear")
        pixels = ((shown - MEAN) / STD).expand(-1, 3, -1, -1)
        return self.model.encode_image(pixels.to(device(), memory_format=torch.channels_last), normalize=True)

    def _texts(self, texts: Sequence[str]) -> Tensor:
        return self.model.encode_text(self.tokenizer(list(texts)).to(device()), normalize=True)


def unseen_left_out(photographs: FaceArrays, without: Emotion | None) -> FaceArrays:
    """The photographs that show another emotion rather, without their votes for this one."""
    if without is None:
        return photographs
    place = EMOTIONS.index(without)
    left = photographs.where(photographs.votes.argmax(1) != place)
    votes = left.votes.copy()
    votes[:, place] = 0
    return replace(left, votes=votes / np.maximum(votes.sum(1, keepdims=True), 1e-6))


def unvoted(photographs: FaceArrays) -> FaceArrays:
    """The photographs as if nobody had said what they show."""
    return replace(photographs, votes=np.zeros_like(photographs.votes), majority=np.full(len(photographs), -1))


def write_configuration(out: Path, chosen: recipe.Clip) -> None:
    """Make the folder that open_clip loads as `local-dir:`, without weights: configuration and tokenizer."""
    from transformers import PreTrainedTokenizerFast

    words = vocabulary()
    inner = words.get_vocab()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", unk_token="<unk>", eos_token="<end>")
    tokenizer.save_pretrained(out)
    model = {
        "embed_dim": chosen.dim,
        "init_logit_bias": -4.0,
        "vision_cfg": {"image_size": chosen.image, "layers": [1, 1, 1, 1], "width": chosen.width, "head_width": 64},
        "text_cfg": {
            "context_length": LENGTH, "vocab_size": len(inner), "width": chosen.words, "heads": chosen.words // 32,
            "layers": chosen.layers, "hf_tokenizer_name": "nano-clip", "pool_type": "eos", "eos_id": inner["<end>"],
            "pad_id": inner["<pad>"],
        },
    }  # fmt: skip
    shown = {"mean": [MEAN] * 3, "std": [STD] * 3, "interpolation": "bilinear", "resize_mode": "squash"}
    _write(out / "open_clip_config.json", {"model_cfg": model, "preprocess_cfg": shown})


def vocabulary() -> Tokenizer:
    """A tokenizer of whole words: those of all captions, so that a word it was never shown is known as such."""
    normal = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    apart = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"[^\w']+"), "removed")])
    texts = [word for text in captions.every_text() for word, _ in apart.pre_tokenize_str(normal.normalize_str(text))]
    words = ["<pad>", "<unk>", "<end>", *sorted({*texts, "and"})]
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normal, apart
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <end>", special_tokens=[("<end>", tokenizer.token_to_id("<end>"))]
    )
    return tokenizer


def save(model: Any, out: Path, chosen: recipe.Clip) -> None:
    """Write the weights in bfloat16, and `facevlm.json`."""
    from safetensors.torch import save_file

    state = {name: each.detach().cpu().to(torch.bfloat16).contiguous() for name, each in model.state_dict().items()}
    save_file(state, out / WEIGHTS)
    facts = {"kind": "matcher", "crop_size": CROP, "grey": True, "description": chosen.description}
    _write(out / "facevlm.json", facts | {"facevlm": __version__})


def _write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1) + "\n")
