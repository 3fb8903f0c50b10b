"""The measured action units, held against the truth: synthetic faces of a fixed suite, and what real faces must show.

    python evals/action_units.py --rig ict_facekit.npz --data ../shared/data [--work runs/au] [--out evals/reports]

Renders the recipe `synthetic-aus` into the work folder if it is not there, measures it and the FER+ training faces, and
prints one table; of FER+ validation faces, how often units are there that nearly all of an emotion show, or hardly any.
`--out` also writes action-units.md and action-units.png, a heat map of emotions and action units.
Shares come with Wilson's 95 % interval, AUC and differences of means with a percentile bootstrap over faces.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facevlm import facs
from facevlm.data import ferplus
from facevlm.data.sample import Sample, read_samples
from facevlm.data.synth import produce
from facevlm.data.synth import recipe as synth_recipe
from facevlm.evaluation.intervals import share_text
from facevlm.faces import action_units, regressor
from facevlm.training.measurement.measured import Measured, measure, true_strengths
from facevlm.training.measurement.reliability import ABSENT, PRESENT, Reliability, reliability
from facevlm.types import AU_CODES, EMOTIONS, Emotion

Floats = NDArray[np.float32]
Line = tuple[str, ...]

SUITE = "synthetic-aus"
RESAMPLES = 1000
FRONTAL = 15.0  # degrees of yaw
FEWEST = 100  # faces a class needs for its difference to be a target
# Of each emotion, the units of which one must rise against neutral; «1+2+26» is their sum.
EXPECTED = {
    "happiness": ((12,),), "surprise": ((1, 2, 26),), "anger": ((4,),), "sadness": ((15,), (17,)),
    "disgust": ((9,), (10,)), "fear": ((1, 5), (20,)),
}  # fmt: skip
AGREED = 0.8  # share of the voters that must have seen the emotion
# Of faces that so many saw an emotion in, those on which a unit is measured present: too many, or too few, and the
# measurement is wrong on real faces, whatever it is worth on renders.
SHARES: tuple[tuple[Emotion, int, str], ...] = (
    ("happiness", 12, "0.80"), ("happiness", 9, "at most 0.25"), ("happiness", 10, "at most 0.25"),
    ("anger", 4, "0.50"), ("surprise", 1, "0.50"), ("surprise", 2, "0.50"), ("neutral", 4, "at most 0.10"),
)  # fmt: skip


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rig", type=Path, default=Path("../shared/data/ict_facekit/ict_facekit.npz"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, default=Path("runs/au"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="folder for action-units.md and action-units.png")
    options = parser.parse_args()
    samples, faces = synthetic(options)
    values, truth = strengths(faces), true_strengths([samples[index] for index in faces.index]).transpose(0, 2, 1)
    real, labels = of_ferplus(options)
    strongest = strengths(real).max(1)
    summary = [
        *on_renders(samples, faces, values, truth),
        *on_neutrals(strongest, labels),
        *on_emotions(strongest, labels),
        *on_agreed(options),
    ]
    text = "\n\n".join(
        [markdown(("what", "measured", "at least"), summary), markdown(UNIT_COLUMNS, list(units(values, truth)))]
    )
    print(text)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        command = f"`{' '.join(['python', *sys.argv])}`"
        (options.out / "action-units.md").write_text(
            f"# Measured action units\n\n{command}\n\n{text}\n", encoding="utf-8"
        )
        heat_map(strongest, labels, options.out / "action-units.png")


def synthetic(options: argparse.Namespace) -> tuple[list[Sample], Measured]:
    """The suite: its truth, and the faces found in it."""
    recipe = synth_recipe.read(SUITE)
    folder = options.work / recipe.name
    produce.produce(recipe, options.rig, folder, options.workers)
    samples, _ = read_samples(folder / produce.SAMPLES)
    return samples, measure(
        [folder / each.image for each in samples], options.work / f"{recipe.name}.npz", options.workers
    )


def of_ferplus(options: argparse.Namespace) -> tuple[Measured, NDArray[np.int64]]:
    """FER+ training faces that were found, the held-out tenth left out, and their strict majority (-1: none)."""
    faces = ferplus.read(options.data / "ferplus", "train")
    faces = faces.where(~ferplus.held_out(faces.names))
    real = measure(list(faces.images), options.work / "real.npz", options.workers)
    return real, faces.strict_majority()[real.index]


def strengths(faces: Measured) -> Floats:
    """Measured intensities, (n, 2, 24), left and right, as `measure_action_units` has them before it leaves any out."""
    fitted = regressor.regressor()
    parts = np.array_split(np.arange(len(faces)), max(1, len(faces) // 16))
    described = (fitted.describe(faces.frontal[rows], faces.pose[rows], faces.patches[rows]) for rows in parts)
    return np.concatenate([fitted.strengths(fitted.evened(fitted.raw(each))) for each in described])


def on_renders(samples: list[Sample], faces: Measured, values: Floats, truth: Floats) -> Iterator[Line]:
    """The rows about the suite."""
    found, measurable = reliability(values, truth), action_units.measured_codes()
    yield "synthetic faces found by the finder", share_text(len(faces), len(samples)), "reported"
    yield "action units measurable", f"{len(measurable)} of {len(AU_CODES)}", "20"
    for name, codes, target in (("measurable", measurable, "0.88"), ("all 24", AU_CODES, "published")):
        rows = [AU_CODES.index(code) for code in codes]
        low, high = bootstrap(values[..., rows], truth[..., rows])
        yield (
            f"mean AUC over the {name} (B or more against absent)",
            f"{mean(found, codes, 'auc'):.3f} ({low:.3f}–{high:.3f})",
            target,
        )
    frontal = np.abs(faces.pose[:, 0]) <= FRONTAL
    yield (
        f"… of faces within {FRONTAL:.0f}° of frontal",
        f"{mean(reliability(values[frontal], truth[frontal]), measurable, 'auc'):.3f}",
        "reported",
    )
    weakest = min(measurable, key=lambda code: found[code].auc)
    yield "lowest AUC of a measurable unit", f"{found[weakest].auc:.3f} (AU {weakest})", "0.75"
    yield "mean correlation with intensity, measurable units", f"{mean(found, measurable, 'correlation'):.3f}", "0.60"
    yield from sides(values, truth)
    strong = [values[..., row].max(1)[truth[..., row].max(1) >= 0.8].mean() for row in map(AU_CODES.index, measurable)]
    yield (
        "grade E renders, mean over measurable units (lowest unit)",
        f"{np.mean(strong):.2f} ({min(strong):.2f})",
        "0.70",
    )


def sides(values: Floats, truth: Floats) -> Iterator[Line]:
    """Left told from right where only one side shows the unit."""
    for code in (12, 14, 2, 4):
        row = AU_CODES.index(code)
        one = (truth[..., row].max(1) >= PRESENT) & (truth[..., row].min(1) < ABSENT)
        right = (values[one, 0, row] > values[one, 1, row]) == (truth[one, 0, row] > truth[one, 1, row])
        yield f"side of one-sided AU {code}", share_text(int(right.sum()), int(one.sum())), "0.85"


def on_neutrals(strongest: Floats, labels: NDArray[np.int64]) -> Iterator[Line]:
    """How quiet real resting faces measure, both as one number and unit by unit."""
    rows = [AU_CODES.index(code) for code in action_units.measured_codes()]
    quiet = strongest[labels == EMOTIONS.index("neutral")][:, rows] < 0.25
    yield "FER+ training neutrals: values under 0.25", share_text(int(quiet.sum()), quiet.size), "0.95"
    lowest = int(quiet.mean(0).argmin())
    yield "… of the unit with fewest", f"{quiet.mean(0)[lowest]:.3f} (AU {AU_CODES[rows[lowest]]})", "reported"


def on_emotions(strongest: Floats, labels: NDArray[np.int64]) -> Iterator[Line]:
    """Differences from neutral that an emotion's typical units must show."""
    rng = np.random.default_rng(0)
    neutral = strongest[labels == 0]
    for emotion, alternatives in EXPECTED.items():
        shown = strongest[labels == EMOTIONS.index(emotion)]
        for codes in alternatives:
            rows = [AU_CODES.index(code) for code in codes]
            low, high = difference(shown[:, rows].sum(1), neutral[:, rows].sum(1), rng)
            target = "above 0" if len(shown) >= FEWEST else f"reported: {len(shown)} faces"
            name = "+".join(map(str, codes))
            gap = shown[:, rows].sum(1).mean() - neutral[:, rows].sum(1).mean()
            yield f"FER+ {emotion} against neutral, AU {name}", f"{gap:+.3f} ({low:+.3f} to {high:+.3f})", target


def on_agreed(options: argparse.Namespace) -> Iterator[Line]:
    """How often units are measured present on validation faces, which nothing was fitted or chosen on."""
    faces = ferplus.read(options.data / "ferplus", "valid")
    real = measure(list(faces.images), options.work / "valid.npz", options.workers)
    strongest, shares = strengths(real).max(1), faces.votes[real.index] / faces.votes[real.index].sum(1, keepdims=True)
    for emotion, code, target in SHARES:
        agreed = shares[:, EMOTIONS.index(emotion)] >= AGREED
        present = strongest[agreed, AU_CODES.index(code)] >= action_units.THRESHOLDS[code]
        name = f"FER+ validation, {emotion} to {AGREED:.0%} of voters: AU {code} measured present"
        yield name, share_text(int(present.sum()), int(agreed.sum())), target


def difference(shown: Floats, neutral: Floats, rng: np.random.Generator) -> tuple[float, float]:
    """95 % interval of the difference of two means."""
    means = [rng.choice(shown, len(shown)).mean() - rng.choice(neutral, len(neutral)).mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def bootstrap(values: Floats, truth: Floats, resamples: int = 200) -> tuple[float, float]:
    """95 % interval of the mean AUC."""
    from sklearn.metrics import roc_auc_score

    most, shown, absent = values.max(1), truth.max(1) >= PRESENT, truth.max(1) < ABSENT
    rng, means = np.random.default_rng(0), []
    for _ in range(resamples):
        drawn = rng.integers(len(most), size=len(most))
        aucs = []
        for row in range(most.shape[1]):
            clear = drawn[(shown | absent)[drawn, row]]
            aucs.append(roc_auc_score(shown[clear, row], most[clear, row]))
        means.append(np.mean(aucs))
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


UNIT_COLUMNS = ("AU", "name", "AUC", "F1", "correlation", "one-sided: side right", "faces", "measured")


def units(values: Floats, truth: Floats) -> Iterator[Line]:
    """A row for each action unit."""
    for code, row in reliability(values, truth).items():
        sided = f"{row.sides:.2f}" if facs.unit(code).sided and not np.isnan(row.sides) else "–"
        measured = "yes" if code in action_units.measured_codes() else "no"
        yield (
            str(code),
            facs.unit(code).name,
            f"{row.auc:.3f}",
            f"{row.f1:.2f}",
            f"{row.correlation:.2f}",
            sided,
            str(row.present),
            measured,
        )


def heat_map(strongest: Floats, labels: NDArray[np.int64], file: Path) -> None:
    """Each emotion's mean strengths over neutral's, in FER+ training faces."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    codes = action_units.measured_codes()
    rows = [AU_CODES.index(code) for code in codes]
    shown = [index for index in range(1, len(EMOTIONS)) if (labels == index).sum() >= 30]
    gaps = np.array(
        [strongest[labels == index][:, rows].mean(0) - strongest[labels == 0][:, rows].mean(0) for index in shown]
    )
    figure, axes = pyplot.subplots(figsize=(11, 4), layout="constrained")
    image = axes.imshow(gaps, cmap="RdBu_r", vmin=-0.6, vmax=0.6, aspect="auto")
    axes.set_xticks(range(len(codes)), [f"AU {code}" for code in codes], rotation=90)
    axes.set_yticks(range(len(shown)), [f"{EMOTIONS[index]} (n = {(labels == index).sum():,})" for index in shown])
    for (y, x), gap in np.ndenumerate(gaps):
        axes.text(
            x,
            y,
            f"{gap:+.2f}".replace("0.", "."),
            ha="center",
            va="center",
            fontsize=7,
            color="white" if abs(gap) > 0.4 else "black",
        )
    figure.colorbar(image, label="mean strength, less that of neutral faces")
    axes.set_title("Measured action units of FER+ training faces, by the label of the majority")
    figure.savefig(file, dpi=110)


def mean(found: dict[int, Reliability], codes: tuple[int, ...], field: str) -> float:
    """The mean of one figure over some units."""
    return float(np.mean([getattr(found[code], field) for code in codes]))


def markdown(columns: Line, rows: list[Line]) -> str:
    """A Markdown table."""
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
