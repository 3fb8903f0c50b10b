"""The language half of training: samples written on the fly, and one loop for the base model and for its adapter.

Labels are drawn anew from the ten votes each time a face is seen. Where an answer first commits to an emotion the loss
is against the whole vote distribution, mixed with the CNN teacher's; everywhere else it is next-token prediction.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from facevlm import prompting
from facevlm.data.cot import short
from facevlm.data.cot.coding import CLAIMED
from facevlm.faces.cues import cue_table
from facevlm.training import checkpoint
from facevlm.training.embedded import nano
from facevlm.training.embedded.arrays import FaceArrays
from facevlm.training.embedded.augment import random_view
from facevlm.training.embedded.teacher import Teacher
from facevlm.training.embedded.tower import CUE_LIMIT, seen, to_pixels, viewed_cues
from facevlm.training.recipe import Language
from facevlm.training.schedule import warm_cosine
from facevlm.types import AU_CODES, EMOTIONS, ActionUnit

log = logging.getLogger(__name__)

TEACHER_SHARE = 0.4  # of the target distribution; the votes are the rest
TEMPERATURES = tuple(step / 20 for step in range(6, 41))
NO_CUES, FEW_CUES = 0.15, 0.25  # shares of samples whose cues are withheld, all or half of them


@dataclass(frozen=True)
class Batch:
    inputs: dict[str, Tensor]
    labels: Tensor  # (n, t), −100 where nothing is learned
    commits: Tensor  # (n,) position of the token that first commits to an emotion
    target: Tensor  # (n, 8)


class SampleWriter:
    """Writes prompts and answers for faces, and turns them into token ids; holds the tokenizer and the templates."""

    def __init__(
        self, tokenizer: Any, tasks: Mapping[str, float], seed: int, *, withhold: bool = True, claimed: float = CLAIMED
    ) -> None:
        self.tokenizer = tokenizer
        self.withhold = withhold
        self.claimed = claimed
        self.prompts = {name: prompting.load(name, "face") for name in tasks}
        self.shares = list(tasks.values())
        self.rng = random.Random(seed)
        self.emotion_ids = torch.tensor(tokenizer.convert_tokens_to_ids(list(EMOTIONS)))
        self.image = nano.AROUND + nano.WHOLE + nano.IMAGE * nano.IMAGE_TOKENS + nano.AROUND

    def sample(
        self, cues: NDArray[np.float32], units: NDArray[np.float32], votes: NDArray[np.float32]
    ) -> tuple[str, str]:
        """One face → the prompt and the answer, the label drawn from its votes."""
        prompt = self.prompts[self.rng.choices(list(self.prompts), self.shares)[0]]
        emotion = self.rng.choices(EMOTIONS, votes.tolist())[0]
        observations = short.observe(measured(units), self.rng, self.claimed)
        interpretation = short.interpret(observations, emotion, self.rng)
        question = prompting.face_text(prompt, self._kept(cues))
        return (
            self.image + question + nano.END,
            short.write(observations, interpretation, emotion, prompt.answer) + nano.END,
        )

    def encode(self, texts: list[tuple[str, str]]) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Right-padded ids with their mask, labels over the answers, and where each answer commits to an emotion."""
        asked = self.tokenizer([question for question, _ in texts], add_special_tokens=False)["input_ids"]
        said = self.tokenizer([answer for _, answer in texts], add_special_tokens=False)["input_ids"]
        longest = max(len(q) + len(a) for q, a in zip(asked, said, strict=True))
        ids = torch.full((len(texts), longest), self.tokenizer.pad_token_id)
        labels = torch.full((len(texts), longest), -100)
        for row, (q, a) in enumerate(zip(asked, said, strict=True)):
            ids[row, : len(q) + len(a)] = torch.tensor(q + a)
            labels[row, len(q) : len(q) + len(a)] = torch.tensor(a)
        commits = torch.isin(labels, self.emotion_ids).int().argmax(1)
        mask = (ids != self.tokenizer.pad_token_id).long()
        return {"input_ids": ids, "attention_mask": mask}, labels, commits

    def _kept(self, cues: NDArray[np.float32]) -> dict[str, float]:
        """The cues the prompt tells: sometimes none and sometimes half of them, so that the pixels are looked at."""
        draw = self.rng.random() if self.withhold else 1.0
        if draw < NO_CUES:
            return {}
        named = zip(cue_table(), cues.tolist(), strict=True)
        thinned = draw < NO_CUES + FEW_CUES
        return {cue.name: value for cue, value in named if not (thinned and self.rng.random() < 0.5)}


def measured(row: NDArray[np.float32]) -> dict[int, ActionUnit]:
    """(24, 3) value, left, right with NaN for unmeasured → measured action units."""
    known = [[None if np.isnan(each) else float(each) for each in unit] for unit in row]
    return {
        code: ActionUnit(code=code, value=value, left=left, right=right)
        for code, (value, left, right) in zip(AU_CODES, known, strict=True)
    }


def train(
    model: nn.Module,
    tokenizer: Any,
    teacher: Teacher,
    faces: FaceArrays,
    check: FaceArrays,
    out: Path,
    recipe: Language,
    seed: int,
) -> list[float]:
    """Train whatever of `model` requires a gradient; returns the mean loss of each epoch run here.

    After every epoch it is measured on `check` and saved to `out`; a run that was interrupted goes on from there.
    """
    torch.manual_seed(seed)
    faces = faces.where(faces.votes.sum(1) > 0)
    steps = len(faces) // min(recipe.batch, len(faces))
    optimiser = torch.optim.AdamW(_groups(model, recipe), weight_decay=0.05, betas=(0.9, 0.98))
    schedule = warm_cosine(optimiser, recipe.epochs * steps)
    parts = {"model": model, "optimiser": optimiser, "schedule": schedule}
    losses = []
    for epoch in range(checkpoint.resume(out, **parts), recipe.epochs):
        model.train()
        total = 0.0
        for step, batch in enumerate(_batches(faces, tokenizer, teacher, recipe, 1000 * seed + epoch)):
            total += _step(model, optimiser, batch, tokenizer)
            schedule.step()
            if step % 50 == 0:
                log.info("epoch %d/%d step %d/%d loss %.3f", epoch + 1, recipe.epochs, step, steps, total / (step + 1))
        losses.append(total / steps)
        checkpoint.save(checkpoint.training_state(epoch + 1, **parts), out)
        scores = {name: round(accuracy(model, tokenizer, check, name), 4) for name in recipe.tasks}
        log.info("epoch %d/%d: accuracy on the held-out tenth %s", epoch + 1, recipe.epochs, scores)
    model.eval()
    return losses


def accuracy(model: nn.Module, tokenizer: Any, faces: FaceArrays, prompt: str) -> float:
    """Strict-majority accuracy of the first word that commits to an emotion."""
    logits, labels = commitments(model, tokenizer, faces, prompt)
    return float((logits.argmax(1) == labels).float().mean())


def temperature(model: nn.Module, tokenizer: Any, faces: FaceArrays, prompt: str) -> float:
    """What the logits of the eight emotions are divided by to be as likely as they say (Guo et al., ICML 2017)."""
    logits, labels = commitments(model, tokenizer, faces, prompt)
    return min(TEMPERATURES, key=lambda each: float(functional.cross_entropy(logits / each, labels)))


def commitments(model: nn.Module, tokenizer: Any, faces: FaceArrays, prompt: str) -> tuple[Tensor, Tensor]:
    """The logits of the eight emotions where answers first commit to one, (n, 8), and strict-majority labels, (n,).

    Nothing the writer says before that word depends on the label, so it need not be generated to be fair.
    """
    known = np.flatnonzero(faces.majority >= 0)
    writer = SampleWriter(tokenizer, {prompt: 1.0}, seed=0, withhold=False)
    model.eval()
    found = []
    for rows in np.array_split(known, max(len(known) // 64, 1)):
        columns = (faces.cues[rows].clip(-CUE_LIMIT, CUE_LIMIT), faces.units[rows], faces.votes[rows])
        inputs, _, commits = writer.encode([writer.sample(*row) for row in zip(*columns, strict=True)])
        pixels = to_pixels(torch.from_numpy(faces.marked[rows]))[:, None]
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            logits = model(**inputs, pixel_values=pixels, use_cache=False).logits
        found.append(logits[torch.arange(len(rows)), commits - 1][:, writer.emotion_ids].float())
    return torch.cat(found), torch.from_numpy(faces.majority[known])


def _groups(model: nn.Module, recipe: Language) -> list[dict[str, Any]]:
    groups: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for name, weight in model.named_parameters():
        if "vision_model" in name and not recipe.tower_rate:
            weight.requires_grad_(False)
        if weight.requires_grad:
            groups["vision_model" in name].append(weight)
    rates = {True: recipe.rate * recipe.tower_rate, False: recipe.rate}
    return [{"params": weights, "lr": rates[tower]} for tower, weights in groups.items() if weights]


def _batches(faces: FaceArrays, tokenizer: Any, teacher: Teacher, recipe: Language, seed: int) -> Iterator[Batch]:
    generator = torch.Generator().manual_seed(seed)
    writer = SampleWriter(tokenizer, recipe.tasks, seed, claimed=recipe.claimed)
    order = torch.multinomial(_weights(faces, recipe.balance), len(faces), replacement=True, generator=generator)
    size = min(recipe.batch, len(faces))
    for rows in order.split(size):
        if len(rows) == size:
            yield _batch(faces, rows, writer, teacher, recipe, generator)


def _weights(faces: FaceArrays, balance: float) -> Tensor:
    """Rare expressions are drawn more often than they occur, by the frequency of each face's own vote distribution."""
    votes = torch.from_numpy(faces.votes)
    frequency = votes.mean(0).clamp(min=1e-3)  # a class nobody voted for is drawn no more for it
    return votes @ frequency**-balance


def _batch(
    faces: FaceArrays,
    rows: Tensor,
    writer: SampleWriter,
    teacher: Teacher,
    recipe: Language,
    generator: torch.Generator,
) -> Batch:
    view = random_view(len(rows), nano.IMAGE_SIZE, generator, recipe.strength)
    pixels, grey = seen(faces, rows, view, generator)
    cues = viewed_cues(faces, rows, view).numpy()
    units = faces.units[rows.numpy()]
    units = np.where(view.mirrored.numpy()[:, None, None], units[:, :, [0, 2, 1]], units)
    votes = faces.votes[rows.numpy()]
    inputs, labels, commits = writer.encode([writer.sample(*row) for row in zip(cues, units, votes, strict=True)])
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        guess = teacher(grey.contiguous(memory_format=torch.channels_last)).float().softmax(1)
    target = TEACHER_SHARE * guess.clone() + (1 - TEACHER_SHARE) * torch.from_numpy(votes)
    return Batch(inputs | {"pixel_values": pixels[:, None]}, labels, commits, target)


def _step(model: nn.Module, optimiser: torch.optim.Optimizer, batch: Batch, tokenizer: Any) -> float:
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(**batch.inputs, use_cache=False).logits
    loss = answer_loss(logits[:, :-1].float(), batch, tokenizer)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_([w for group in optimiser.param_groups for w in group["params"]], 1.0)
    optimiser.step()
    return float(loss.detach())


def answer_loss(logits: Tensor, batch: Batch, tokenizer: Any) -> Tensor:
    """Next-token loss over the answers, and the soft loss at the commitments, each a mean over what it is of.

    Args:
        logits: (n, t − 1, vocabulary), predicting the tokens from the second on.
    """
    rows = torch.arange(len(batch.labels))
    labels = batch.labels[:, 1:].clone()
    labels[rows, batch.commits - 1] = -100
    known = labels >= 0
    words = functional.cross_entropy(logits[known], labels[known])
    at_commit = functional.log_softmax(logits[rows, batch.commits - 1], 1)
    emotion_ids = tokenizer.convert_tokens_to_ids(list(EMOTIONS))
    soft = -(batch.target * at_commit[:, emotion_ids]).sum(1).mean()
    return words + soft
