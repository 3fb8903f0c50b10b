"""The matcher from nothing: an image tower and a text tower whose likeness says how true a caption is of a face.

Photographs have votes and measured action units, synthetic faces true action units. The loss is that of SigLIP (Zhai et
al. 2023), a sigmoid for each pair of face and caption, but against how true the caption is of that face: many captions
of a batch are true of many of its faces. Beside it the emotions are told apart by a softmax.

Two towers of chance weights find nothing to agree on for a long time. So captions come first, alone: two wordings of
the same claims are alike. And a layer that is thrown away reads the action units from a face's vector.
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
from facevlm.matching.loading import untrained
from facevlm.matching.tower import facevlm_cnn
from facevlm.training import checkpoint, recipe
from facevlm.training.device import device, half
from facevlm.training.embedded.arrays import FaceArrays, joined
from facevlm.training.embedded.augment import random_view
from facevlm.training.embedded.base import record, split, synthetic
from facevlm.training.embedded.teacher import UNITS, UNITS_SHARE, in_view, unit_targets, units_loss
from facevlm.training.matcher.captioning import caption, rarity, truths
from facevlm.training.schedule import warm_cosine
from facevlm.types import EMOTIONS, Emotion

log = logging.getLogger(__name__)

MEAN, STD = 0.45, 0.25  # of crops
CROP = 64  # side of the crops, in pixels
MARKS = "landmarks"  # on the crops: sides and small moves are in them, and an image tower this small finds them
LENGTH = 32  # tokens of a caption
PAIRS_SHARE = 8.0  # of the loss over pairs, whose mean over mostly untrue ones is small
SPREAD = 10.0  # a vector of length 1 in 128 dimensions has components of about a tenth
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
    kind = f"-without-{without}" if without else "" if labels else "-zero-shot"
    seen = unseen_left_out(photographs, without) if labels else unvoted(photographs)
    faces = joined(seen, renders)
    learner.read(faces, chosen, work / f"clip{kind}-texts.pt")
    learner.train(faces, check, chosen, work / f"clip{kind}.pt", photographs=len(seen))
    save(learner.model, out, chosen)
    record(out, config, learner.recorded(seen, renders, check) | {"without": without, "labels": labels})


class Learner:
    """The model that is trained, and the emotions it is told of."""

    def __init__(self, folder: Path, chosen: recipe.Clip, named: Sequence[Emotion]) -> None:
        self.model, self.tokenizer = untrained(folder)
        self.model.to(device()).visual.to(memory_format=torch.channels_last)
        self.to_units = nn.Linear(chosen.dim, UNITS).to(device())
        self.named = tuple(named)

    def read(self, faces: FaceArrays, chosen: recipe.Clip, out: Path) -> None:
        """Teach the text tower that two wordings of the same claims are alike, unless `out` says it has learned it."""
        text = [each for name, each in self.model.named_parameters() if not name.startswith("visual.")]
        optimiser = torch.optim.AdamW(text, lr=chosen.rate / 2, weight_decay=0.05)
        parts = {"model": self.model}
        if checkpoint.resume(out, **parts):
            return
        generator, rng = torch.Generator().manual_seed(chosen.seed), random.Random(chosen.seed)
        targets = unit_targets(faces)
        weights = rarity(targets.numpy())
        for _ in range(chosen.texts):
            rows = torch.randint(len(faces), (min(chosen.batch, len(faces)),), generator=generator)
            claims = self._claims(targets[rows].numpy(), faces.votes[rows], weights, rng)
            kinds = torch.tensor([claims.index(each) for each in claims], device=device())
            same = (kinds[:, None] == kinds).float()
            with half():
                one, other = (self._texts([captions.words(each, rng) for each in claims]).float() for _ in range(2))
            loss = functional.cross_entropy(self._scale() * one @ other.T, same / same.sum(1, keepdim=True))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        checkpoint.save(checkpoint.training_state(1, **parts), out)
        log.info("matcher: %d batches of captions read, loss %.3f", chosen.texts, loss.item())

    def train(self, faces: FaceArrays, check: FaceArrays, chosen: recipe.Clip, out: Path, photographs: int) -> None:
        """Train for `chosen.epochs`, saving after every one to `out`; goes on from there if it was interrupted.

        The first `photographs` faces are all shown in each epoch, and so many of the rest as the recipe's share says.
        """
        learned = nn.ModuleList([self.model, self.to_units])
        decay = [each for each in learned.parameters() if each.ndim > 1]
        plain = [each for each in learned.parameters() if each.ndim <= 1]
        groups = [{"params": decay, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}]
        optimiser = torch.optim.AdamW(groups, lr=chosen.rate, betas=(0.9, 0.98))
        extra = min(round(photographs * chosen.synthetic / (1 - chosen.synthetic)), len(faces) - photographs)
        batch = min(chosen.batch, photographs + extra)
        schedule = warm_cosine(optimiser, chosen.epochs * ((photographs + extra) // batch))
        parts = {"model": learned, "optimiser": optimiser, "schedule": schedule}
        targets = unit_targets(faces)
        weights = rarity(targets.numpy())
        for epoch in range(checkpoint.resume(out, **parts), chosen.epochs):
            generator = torch.Generator().manual_seed(chosen.seed * 1000 + epoch)
            rng = random.Random(chosen.seed * 1000 + epoch)
            torch.manual_seed(
                chosen.seed * 1000 + epoch
            )  # of dropout, so that an interrupted run goes on as it would have
            others = photographs + torch.randperm(len(faces) - photographs, generator=generator)[:extra]
            shown = torch.cat([torch.arange(photographs), others])
            learned.train()
            for rows in shown[torch.randperm(len(shown), generator=generator)].split(batch):
                if len(rows) == batch:
                    loss = self._loss(faces, targets, weights, rows, chosen.strength, generator, rng)
                    optimiser.zero_grad(set_to_none=True)
                    loss.backward()
                    nn.utils.clip_grad_norm_(learned.parameters(), 1.0)
                    optimiser.step()
                    schedule.step()
            checkpoint.save(checkpoint.training_state(epoch + 1, **parts), out)
            found = self.accuracy(check)
            log.info("matcher epoch %d/%d: accuracy %.4f on the held-out tenth", epoch + 1, chosen.epochs, found)

    def accuracy(self, faces: FaceArrays) -> float:
        """Strict-majority accuracy of matching with the emotions' names, over the faces whose emotion it knows."""
        emotions = self.named or EMOTIONS
        known = np.isin(faces.majority, [EMOTIONS.index(each) for each in emotions])
        self.model.eval()
        with torch.inference_mode():
            texts = torch.stack([self._texts(captions.naming(each)).mean(0) for each in emotions])
            crops = torch.from_numpy(faces.marked[known]).permute(0, 3, 1, 2)
            seen = torch.cat([self._faces(part.float() / 255) for part in crops.split(256)])
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
        view = random_view(len(rows), CROP, generator, strength)
        crops = view.apply(torch.from_numpy(faces.marked)[rows].permute(0, 3, 1, 2).float() / 255)
        units, votes = in_view(targets[rows], view).numpy(), faces.votes[rows]
        claims = self._claims(units, votes, weights, rng)
        told = torch.from_numpy(truths(claims, units, votes)).to(device())
        prompts = [rng.choice(captions.naming(each)) for each in self.named]
        with half():
            seen = self._faces(crops).float()
            said = self._texts([*(captions.words(each, rng) for each in claims), *prompts]).float()
        logits = self._scale() * seen @ said.T
        pairs, known = logits[:, : len(rows)] + self.model.logit_bias, ~told.isnan()
        loss = PAIRS_SHARE * functional.binary_cross_entropy_with_logits(pairs[known], told[known])
        moves = self.to_units(SPREAD * seen)
        loss = loss + UNITS_SHARE * units_loss(moves, torch.from_numpy(units).to(device()))
        voted = torch.from_numpy(votes.sum(1) > 0)
        if self.named and voted.any():
            shares = torch.from_numpy(votes)[voted][:, [EMOTIONS.index(each) for each in self.named]].to(device())
            loss = loss + functional.cross_entropy(logits[voted, len(rows) :], shares, label_smoothing=0.05)
        return loss

    def _claims(self, units: Any, votes: Any, weights: Any, rng: random.Random) -> list[tuple[captions.Claim, ...]]:
        return [caption(*face, weights, self.named, rng) for face in zip(units, votes, strict=True)]

    def _scale(self) -> Tensor:
        scale: Tensor = self.model.logit_scale.exp().clamp(max=100)
        return scale

    def _faces(self, crops: Tensor) -> Tensor:
        """(n, 3, size, size) in 0–1 → (n, dim), each of length 1."""
        pixels = ((crops - MEAN) / STD).to(device(), memory_format=torch.channels_last)
        seen: Tensor = self.model.encode_image(pixels, normalize=True)
        return seen

    def _texts(self, texts: Sequence[str]) -> Tensor:
        said: Tensor = self.model.encode_text(self.tokenizer(list(texts)).to(device()), normalize=True)
        return said


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
        "init_logit_bias": -2.0,
        "vision_cfg": {
            "image_size": CROP, "timm_model_name": facevlm_cnn.__name__, "timm_proj": "linear", "timm_drop": 0.3,
        },
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
    facts = {"kind": "matcher", "crop_size": CROP, "marks": MARKS, "description": chosen.description}
    _write(out / "facevlm.json", facts | {"facevlm": __version__})


def _write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1) + "\n")
