"""The two networks of the measured action units, fitted on renders and on what is known of real faces.

No action unit of a real face was coded, but three things are known of many:

* At rest nothing moves. How such faces stray from the mean of renders at rest is added to renders, so that neither
  what is of a person nor what is of photographs is taken for movement.
* A plain smile is AU 12 with 6, 25 or 26. What sets real smiles apart from rendered ones of the same strength is added
  to rendered smiles: rendered cheeks and nostrils hardly follow the mouth, and what follows it is neither AU 9 nor 10.
* Nearly all who look surprised raise their brows, and nearly all who look angry lower them (Du, Tao & Martinez 2014;
  such priors: Peng & Wang, CVPR 2018). The network that learns this sees brows and eyes alone, so that a mouth that
  tells the emotion cannot tell it the unit.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from facevlm.faces.regressor import UPPER, Layers, Regressor, columns
from facevlm.training import recipe
from facevlm.training.schedule import warm_cosine
from facevlm.types import AU_CODES, EMOTIONS, Emotion

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
SMILE = tuple(AU_CODES.index(code) for code in (6, 12, 25, 26))
SMILED = AU_CODES.index(12)
LEAST_MOVE = 0.05  # true strength of a render's strongest unit, below which it is at rest
LEAST_SMILE = 0.1  # true or estimated strength of AU 12 from which a face smiles
NEAR = 60  # smiles to either side, by strength, that one is drawn from
A_CLASS = 32  # real faces of each emotion in a batch
SHOWN, ABSENT = 0.35, 0.03  # outputs that real faces are drawn to, where a unit shows and where it does not


class Renders(NamedTuple):
    """Features (n, 2, f) and true intensities (n, 2, 24), left and right."""

    features: Floats
    truth: Floats


class Real(NamedTuple):
    """Real faces: features (n, 2, f), whether they rest, and the emotion nearly all saw by index in EMOTIONS, or -1."""

    features: Floats
    resting: NDArray[np.bool_]
    agreed: NDArray[np.int64]

    @property
    def smiling(self) -> NDArray[np.bool_]:
        happy: NDArray[np.bool_] = self.agreed == EMOTIONS.index("happiness")
        return happy


class _Strays(NamedTuple):
    """How real faces differ from renders of the same movement: at rest, and in smiles, by strength."""

    calm: Tensor  # (n, f)
    smiles: Tensor  # (m, f)
    strengths: Tensor  # (m,) of AU 12, rising


class _Voted(NamedTuple):
    """Real faces of known brows: features of each emotion, and which units they show and do not."""

    faces: list[Tensor]  # (n, 2, f) each
    shown: Tensor  # (emotions, 24)
    absent: Tensor


class Units(nn.Module):
    """Both, as one from features, of which there are as many as `Regressor.sizes` says, to the 24 units."""

    def __init__(self, sizes: tuple[int, int, int], chosen: recipe.ActionUnits) -> None:
        super().__init__()
        self.seen = [torch.from_numpy(np.flatnonzero(mask)) for mask in columns(*sizes)]
        self.told = [torch.from_numpy(np.flatnonzero(mask)) for mask in (UPPER, ~UPPER)]
        pairs = zip(self.seen, self.told, strict=True)
        self.parts = nn.ModuleList(_network(len(seen), len(told), chosen) for seen, told in pairs)

    def forward(self, features: Tensor) -> Tensor:
        outputs = features.new_empty(*features.shape[:-1], len(AU_CODES))
        for part, seen, told in zip(self.parts, self.seen, self.told, strict=True):
            outputs[..., told] = part(features[..., seen])
        return outputs


def fit(blank: Regressor, renders: Renders, real: Real, chosen: recipe.ActionUnits) -> tuple[Layers, Layers]:
    """The upper and the lower layers of a regressor. Each half of each face is a sample.

    Args:
        blank: whose projections and networks of the skin made the features.
        renders: what is fitted on.
        real: what they are to be like.
        chosen: the recipe.
    """
    torch.manual_seed(chosen.seed)
    inputs, targets = (torch.from_numpy(part.reshape(-1, part.shape[-1]).copy()) for part in renders)
    strays, voted = _strays(renders, real), _voted(real, chosen)
    skin = slice(sum(blank.sizes[:2]), -3)
    network = Units(blank.sizes, chosen)
    optimiser = torch.optim.AdamW(network.parameters(), chosen.rate, weight_decay=0.05)
    steps = len(inputs) // chosen.batch
    schedule = warm_cosine(optimiser, steps * chosen.epochs)
    for epoch in range(chosen.epochs):
        network.train()
        total, order = 0.0, torch.randperm(len(inputs))
        for rows in order[: steps * chosen.batch].split(chosen.batch):
            seen = inputs[rows] + _straying(strays, targets[rows, SMILED], chosen)
            seen[:, skin] *= torch.rand(chosen.batch, 1) >= chosen.skin_dropout
            loss = nn.functional.mse_loss(network(seen), targets[rows])
            if voted.faces and chosen.voted:
                loss = loss + chosen.voted * _doubt(network, voted)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        log.info("epoch %d of %d: squared error %.4f", epoch + 1, chosen.epochs, total / steps)
    upper, lower = (_layers(part) for part in network.parts)
    return upper, lower


def _network(features: int, units: int, chosen: recipe.ActionUnits) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in chosen.hidden:
        layers += [nn.Linear(features, width), nn.ReLU(), nn.Dropout(chosen.dropout)]
        features = width
    return nn.Sequential(*layers, nn.Linear(features, units))


def _layers(network: nn.Module) -> Layers:
    return tuple(
        (layer.weight.detach().numpy(), layer.bias.detach().numpy())
        for layer in network.modules() if isinstance(layer, nn.Linear)
    )  # fmt: skip


def _strays(renders: Renders, real: Real) -> _Strays:
    """A smile's movement is estimated by what it is linearly in renders, and taken off what sets it apart from rest."""
    features, truth = (part.reshape(-1, part.shape[-1]) for part in renders)
    rest = real.features[real.resting].mean((0, 1))
    photographed = rest - features[truth.max(1) < LEAST_MOVE].mean(0)
    calm = _still(real.features[real.resting] - rest + photographed)
    happy = (real.features[real.smiling] - rest).reshape(-1, len(rest))
    moves = truth[:, SMILE]
    centred = features - features[moves.max(1) < LEAST_SMILE].mean(0)
    strengths = np.clip(happy @ _ridge(centred, moves), 0, 1)
    smiling = strengths[:, SMILE.index(SMILED)] >= LEAST_SMILE
    effect = _ridge(np.concatenate([truth, np.ones((len(truth), 1))], 1), features)[list(SMILE)]
    strays = _still(happy - strengths @ effect + photographed)[smiling]
    by = strengths[smiling, SMILE.index(SMILED)]
    order = np.argsort(by)
    found = (calm.reshape(-1, calm.shape[-1]), strays[order], by[order])
    return _Strays(*(torch.from_numpy(part.astype(np.float32)) for part in found))


def _ridge(given: NDArray[Any], wanted: NDArray[Any]) -> NDArray[Any]:
    """(k, m) by which `wanted` (n, m) is told from `given` (n, k)."""
    square = given.T @ given
    square[np.diag_indices_from(square)] += 1e-3 * np.trace(square) / len(square)
    solved: NDArray[Any] = np.linalg.solve(square, given.T @ wanted)
    return solved


def _still(rows: NDArray[Any]) -> NDArray[Any]:
    """Without the pose: of it nothing strays."""
    rows[..., -3:] = 0
    return rows


def _straying(strays: _Strays, smile: Tensor, chosen: recipe.ActionUnits) -> Tensor:
    """What is added to renders whose AU 12 is as strong as `smile` says."""
    count = len(smile)
    added = chosen.roughness * torch.rand(count, 1) * strays.calm[torch.randint(len(strays.calm), (count,))]
    if not len(strays.smiles):
        return added
    smiling = (smile >= LEAST_SMILE) & (torch.rand(count) < chosen.smiling)
    like = torch.searchsorted(strays.strengths, smile) + torch.randint(-NEAR, NEAR + 1, (count,))
    return torch.where(smiling[:, None], strays.smiles[like.clamp(0, len(strays.smiles) - 1)], added)


def _voted(real: Real, chosen: recipe.ActionUnits) -> _Voted:
    named: Sequence[Emotion] = [each for each in EMOTIONS if each in chosen.shown or each in chosen.absent]
    named = [each for each in named if (real.agreed == EMOTIONS.index(each)).any()]
    faces = [torch.from_numpy(real.features[real.agreed == EMOTIONS.index(each)]) for each in named]
    shown, absent = (
        torch.tensor([[float(code in told.get(each, ())) for code in AU_CODES] for each in named])
        for told in (chosen.shown, chosen.absent)
    )
    return _Voted(faces, shown, absent)


def _doubt(network: nn.Module, voted: _Voted) -> Tensor:
    """By how much brows of real faces are read otherwise than nearly all of their emotion move."""
    picked = torch.stack([
        faces[torch.randint(len(faces), (A_CLASS,)), torch.randint(2, (A_CLASS,))] for faces in voted.faces
    ])  # fmt: skip
    outputs = network(picked)
    short = torch.relu(SHOWN - outputs) ** 2 * voted.shown[:, None]
    over = torch.relu(outputs - ABSENT) ** 2 * voted.absent[:, None]
    return (short + over).mean()
