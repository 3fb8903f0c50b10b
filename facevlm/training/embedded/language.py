"""The language half of training: one loop for the base model and for its adapter.

Labels are drawn anew from the ten votes each time a face is seen. Where an answer first commits to an emotion the loss
is against the whole vote distribution, mixed with another model's opinion of the face: for the base that of the CNN it
learned to see from, for an adapter the base's own without an explanation. Everywhere else it is next-token prediction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from facevlm.training import checkpoint
from facevlm.training.device import compile_in_place, device, half
from facevlm.training.embedded import nano
from facevlm.training.embedded.arrays import FaceArrays, joined
from facevlm.training.embedded.augment import View, random_view
from facevlm.training.embedded.tower import CUE_LIMIT, seen, to_pixels, viewed_cues
from facevlm.training.embedded.writing import Encoded, Row, Text, Writer
from facevlm.training.recipe import Language
from facevlm.training.schedule import warm_cosine

log = logging.getLogger(__name__)

OPINION_SHARE = 0.4  # of the target distribution; the votes are the rest
SORTED = 8  # batches that are drawn together and sorted by length
TEMPERATURES = tuple(step / 20 for step in range(6, 41))

# Faces by their places, (n,), and as they are shown, (n, 1, size, size) grey → shares of the emotions, (n, 8).
Opinion = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Batch:
    encoded: Encoded
    pixels: Tensor | None  # (n, 1, 3, size, size); None where no face is shown
    target: Tensor  # (n, 8) what is learned where an answer commits to an emotion


def train(
    model: nn.Module,
    tokenizer: Any,
    opinion: Opinion,
    photographs: FaceArrays,
    renders: FaceArrays | None,
    check: FaceArrays,
    out: Path,
    recipe: Language,
    seed: int,
) -> list[float]:
    """Train whatever of `model` requires a gradient; returns the mean loss of each epoch run here.

    `photographs` were all voted on; `opinion` is asked of them by their places, and of renders, where it is not used.
    After every epoch it is measured on `check` and saved to `out`; a run that was interrupted goes on from there.
    """
    torch.manual_seed(seed)
    model.to(device())
    faces, shares = _drawn_from(photographs, renders, recipe)
    batch = min(recipe.batch, len(faces))
    steps = len(faces) // batch
    optimiser = torch.optim.AdamW(_groups(model, recipe), weight_decay=0.05, betas=(0.9, 0.98))
    schedule = warm_cosine(optimiser, recipe.epochs * steps)
    parts = {"model": model, "optimiser": optimiser, "schedule": schedule}
    compile_in_place(core(model).model.text_model, recipe.epochs * steps)
    losses = []
    for epoch in range(checkpoint.resume(out, **parts), recipe.epochs):
        model.train()
        total = 0.0
        chance = torch.Generator().manual_seed(1000 * seed + epoch)
        writer = Writer(
            tokenizer, recipe.tasks, 1000 * seed + epoch,
            claimed=recipe.claimed, forced=recipe.forced, as_measured=recipe.as_measured,
        )  # fmt: skip
        order = torch.multinomial(shares, steps * batch, replacement=True, generator=chance)
        batches = _batches(faces, order, batch, writer, opinion, recipe, chance)
        for place, each in enumerate(ahead(batches)):
            total += step(model, optimiser, each, writer.emotion_ids)
            schedule.step()
            if place % 50 == 0:
                log.info(
                    "epoch %d/%d step %d/%d loss %.3f", epoch + 1, recipe.epochs, place, steps, total / (place + 1)
                )
        losses.append(total / steps)
        checkpoint.save(checkpoint.training_state(epoch + 1, **parts), out)
        named = [name for name in recipe.tasks if name != "sov-question"]
        scores = {name: round(accuracy(model, tokenizer, check, name), 4) for name in named}
        log.info("epoch %d/%d: accuracy on the held-out tenth %s", epoch + 1, recipe.epochs, scores)
    model.eval()
    return losses


def accuracy(model: nn.Module, tokenizer: Any, faces: FaceArrays, prompt: str) -> float:
    """Strict-majority accuracy of the first word that commits to an emotion."""
    known = faces.where(faces.majority >= 0)
    guesses = commitments(model, tokenizer, known, prompt).argmax(1)
    return float((guesses == torch.from_numpy(known.majority)).float().mean())


def temperature(model: nn.Module, tokenizer: Any, faces: FaceArrays, prompt: str) -> float:
    """What the logits of the eight emotions are divided by to be as likely as they say (Guo et al., ICML 2017)."""
    known = faces.where(faces.majority >= 0)
    logits, labels = commitments(model, tokenizer, known, prompt), torch.from_numpy(known.majority)
    return min(TEMPERATURES, key=lambda each: float(functional.cross_entropy(logits / each, labels)))


def commitments(model: nn.Module, tokenizer: Any, faces: FaceArrays, prompt: str) -> Tensor:
    """The logits of the eight emotions where answers first commit to one, (n, 8), of faces that were voted on.

    Nothing the writer says before that word depends on the label, so it need not be generated to be fair.
    """
    writer = Writer(tokenizer, {prompt: 1.0}, seed=0, plainly=True)
    model.eval()
    found = []
    for rows in np.array_split(np.arange(len(faces)), max(len(faces) // 64, 1)):
        cues = faces.cues[rows].clip(-CUE_LIMIT, CUE_LIMIT)
        told = (cues, faces.units[rows], faces.truth[rows], faces.votes[rows])
        encoded = writer.encode([writer.text(Row(*row)) for row in zip(*told, strict=True)])
        pixels = to_pixels(torch.from_numpy(faces.marked[rows]))[:, None]
        with torch.inference_mode(), half():
            hidden, head = _hidden(model, encoded, pixels)
            logits = head(hidden[torch.arange(len(rows)), encoded.commits - 1])
        found.append(logits[:, writer.emotion_ids].float().cpu())
    return torch.cat(found)


def _drawn_from(photographs: FaceArrays, renders: FaceArrays | None, recipe: Language) -> tuple[FaceArrays, Tensor]:
    """The faces of an epoch and how often each is drawn.

    Rare expressions are drawn more often than they occur, by the frequency of each face's own vote distribution.
    """
    votes = torch.from_numpy(photographs.votes)
    frequency = votes.mean(0).clamp(min=1e-3)  # a class nobody voted for is drawn no more for it
    rare = votes @ frequency**-recipe.balance
    if renders is None or not recipe.synthetic:
        return photographs, rare
    equal = torch.full((len(renders),), recipe.synthetic / len(renders))
    return joined(photographs, renders), torch.cat([rare / rare.sum() * (1 - recipe.synthetic), equal])


def _groups(model: nn.Module, recipe: Language) -> list[dict[str, Any]]:
    groups: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for name, weight in model.named_parameters():
        if "vision_model" in name and not recipe.tower_rate:
            weight.requires_grad_(False)
        if weight.requires_grad:
            groups["vision_model" in name].append(weight)
    rates = {True: recipe.rate * recipe.tower_rate, False: recipe.rate}
    return [{"params": weights, "lr": rates[tower]} for tower, weights in groups.items() if weights]


def _batches(
    faces: FaceArrays,
    order: Tensor,
    size: int,
    writer: Writer,
    opinion: Opinion,
    recipe: Language,
    chance: torch.Generator,
) -> Iterator[Batch]:
    """Batches of texts about as long as each other, so that little of them is padding."""
    for rows in order.split(size * SORTED):
        view = random_view(len(rows), nano.IMAGE_SIZE, chance, recipe.strength)
        pixels, grey = seen(faces, rows, view, chance)
        texts = _texts(faces, rows, view, writer, chance)
        target = _targets(faces, rows, texts, opinion(rows, grey))
        for part in by_length(writer.lengths(texts), size, lambda count: torch.randperm(count, generator=chance)):
            yield Batch(writer.encode([texts[index] for index in part]), pixels[part, None], target[part])


def ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches, the next one made while this one is learned from."""
    with ThreadPoolExecutor(1, thread_name_prefix="facevlm-texts") as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def by_length(lengths: Tensor, size: int, shuffled: Callable[[int], Iterable[int]]) -> list[list[int]]:
    """Places of texts in batches of `size` that are about as long as each other, the batches in a random order."""
    parts = lengths.argsort().split(size)
    return [parts[int(place)].tolist() for place in shuffled(len(parts))]


def _targets(faces: FaceArrays, rows: Tensor, texts: Sequence[Text], opinions: Tensor) -> Tensor:
    """What is learned where answers commit: the votes, and the opinion of the face that is shown."""
    votes = torch.from_numpy(np.stack([text.votes for text in texts]))
    shown = torch.from_numpy(faces.votes)[rows].eq(votes).all(1, keepdim=True)  # not those of a donor
    return torch.where(shown, OPINION_SHARE * opinions + (1 - OPINION_SHARE) * votes, votes)


def _texts(faces: FaceArrays, rows: Tensor, view: View, writer: Writer, chance: torch.Generator) -> list[Text]:
    """What is asked and answered, the sides of the face as the view shows them; donors come from the same batch."""
    turned, index = view.mirrored.numpy(), rows.numpy()
    units = np.where(turned[:, None, None], faces.units[index][:, :, [0, 2, 1]], faces.units[index])
    truth = np.where(turned[:, None, None], faces.truth[index][:, :, ::-1], faces.truth[index])
    cues = viewed_cues(faces, rows, view).numpy()
    shown = [Row(*row) for row in zip(cues, units, truth, faces.votes[index], strict=True)]
    donors = [shown[place] for place in torch.randperm(len(shown), generator=chance).tolist()]
    return [writer.text(row, _other(row, donor)) for row, donor in zip(shown, donors, strict=True)]


def _other(row: Row, donor: Row) -> Row | None:
    """The donor, if it is a photograph with another label."""
    return None if donor.synthetic or donor.votes.argmax() == row.votes.argmax() else donor


def _hidden(model: nn.Module, encoded: Encoded, pixels: Tensor | None) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """The last hidden states, (n, t, width), and the head that turns them into logits."""
    whole = core(model)
    inputs = {name: each.to(device()) for name, each in encoded.inputs.items()}
    if pixels is not None:
        inputs["pixel_values"] = pixels.to(device())
    return whole.model(**inputs, use_cache=False).last_hidden_state, whole.lm_head


def core(model: nn.Module) -> Any:
    """The model itself where peft has wrapped it."""
    from peft import PeftModel

    return model.get_base_model() if isinstance(model, PeftModel) else model


def step(model: nn.Module, optimiser: torch.optim.Optimizer, batch: Batch, emotion_ids: Tensor) -> float:
    """One step of an optimiser on one batch; returns the loss before it."""
    learned = batch.encoded.labels[:, 1:] >= 0
    with half():
        hidden, head = _hidden(model, batch.encoded, batch.pixels)
        logits = head(hidden[:, :-1][learned.to(hidden.device)])  # what is not learned need not be predicted
    loss = answer_loss(logits.float(), batch.encoded, batch.target, emotion_ids)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_([w for group in optimiser.param_groups for w in group["params"]], 1.0)
    optimiser.step()
    return float(loss.detach())


def answer_loss(logits: Tensor, encoded: Encoded, target: Tensor, emotion_ids: Tensor) -> Tensor:
    """Next-token loss over the answers, and the soft loss at the commitments, each a mean over what it is of.

    Args:
        logits: (k, vocabulary), of the tokens that are learned, row by row.
        encoded: what was asked and answered.
        target: (n, 8) shares of the emotions where an answer commits to one.
        emotion_ids: (8,) their tokens.
    """
    place = logits.device
    learned, rows = encoded.labels[:, 1:] >= 0, (encoded.commits > 0).nonzero()[:, 0]
    committing = torch.zeros_like(learned)
    committing[rows, encoded.commits[rows] - 1] = True
    commits, weights = committing[learned].to(place), encoded.weights[:, 1:][learned].to(place)
    weights = weights.masked_fill(commits, 0)
    each = functional.cross_entropy(logits, encoded.labels[:, 1:][learned].to(place), reduction="none")
    words = (each * weights).sum() / weights.sum()
    if not len(rows):
        return words
    at_commit = functional.log_softmax(logits[commits], 1)[:, emotion_ids.to(place)]
    return words - (target[rows].to(place) * at_commit).sum(1).mean()
