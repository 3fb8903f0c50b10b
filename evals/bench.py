"""The figures the README quotes, measured: `make bench` (needs the data folder; `--only speed` does not).

    python evals/bench.py --data ../shared/data [--only faces|ferplus|speed] [--limit N] [--out evals/reports/bench.md]

Figures come with 95 % intervals: Wilson's for a share of faces, percentile bootstrap over faces for the rest.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import texts
from numpy.typing import NDArray
from PIL import Image

from facevlm.evaluation.intervals import figure, figures, share_text
from facevlm.evaluation.metrics import calibration, emotion, faithfulness, grounding

Row = tuple[str, str, str]  # what, figure, target
IOU = 0.35


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--limit", type=int, help="faces of FER+, for a quick look")
    parser.add_argument("--prompt", default="sov-cot")
    parser.add_argument("--out", type=Path, help="a Markdown file the table is written to as well")
    options = parser.parse_args()
    rows = [row for name in PARTS if options.only in (None, name) for row in PARTS[name](options)]
    table = "\n".join(["| what | measured | at least |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)])
    print(table)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(f"`{' '.join(['python', *sys.argv])}`\n\n{table}\n", encoding="utf-8")


def faces(options: argparse.Namespace) -> Iterator[Row]:
    """Faces found in photographs whose faces are known."""
    from facevlm.faces import decode, find

    folder = options.data / "pictures"
    truth: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    hit = boxes = alarms = 0
    for name, known in truth.items():
        found = [face.box for face in find(decode(folder / name))]
        if "boxes_xywh" not in known:
            yield f"faces in {name}", str(len(found)), str(known["count"])
            continue
        matched = _matched(found, known["boxes_xywh"])
        hit, boxes, alarms = hit + matched, boxes + len(known["boxes_xywh"]), alarms + len(found) - matched
    yield f"recall of {boxes} boxes at IoU {IOU}, group pictures", share_text(hit, boxes), "0.90"
    yield "false alarms there", str(alarms), "at most 4"


def _matched(found: list[Any], known: list[list[float]]) -> int:
    from facevlm.types import Box

    boxes = [Box(x=x, y=y, width=width, height=height) for x, y, width, height in known]
    return int((grounding.matched(found, boxes, IOU) >= 0).sum())


def ferplus(options: argparse.Namespace) -> Iterator[Row]:
    """FER+ validation, strict majority, through `analyze_many`; a face that is not found counts as wrong."""
    from facevlm import FaceReasoner
    from facevlm.data.ferplus import read
    from facevlm.types import EMOTIONS

    split = read(options.data / "ferplus", "valid")
    split = split.where(split.strict_majority() >= 0)
    split = split.where(np.arange(len(split)) < (options.limit or len(split)))
    reasoner = FaceReasoner(prompt=options.prompt)
    started = time.perf_counter()
    results: list[Any] = list(reasoner.analyze_many(Image.fromarray(image).convert("RGB") for image in split.images))
    seconds = time.perf_counter() - started
    first = [result.faces[0] if result.faces else None for result in results]
    truth, guess = split.strict_majority(), emotion.concluded(first)
    named = f"FER+ validation, strict majority, n = {len(split)}, {options.prompt}"
    found = [face for face in first if face]
    yield f"{named}: faces found", share_text(len(found), len(split)), "0.98"
    yield f"{named}: accuracy", share_text(int((guess == truth).sum()), len(truth)), "0.82"
    for which, classes in (("all eight", EMOTIONS), ("classes with ≥ 100 faces", emotion.COMMON)):
        yield f"{named}: macro-F1, {which}", str(figure(emotion.macro_f1(guess, truth, over=classes))), "reported"
    for index, name in enumerate(EMOTIONS):
        of = truth == index
        yield f"recall of {name}", share_text(int((guess[of] == index).sum()), int(of.sum())), "reported"
    valid = sum(face.error is None for face in found)
    yield "answers that parse and name only drawn faces", share_text(valid, len(found)), "1.00"
    yield from _honesty(first, guess == truth)
    yield "faces per second over the whole split", f"{len(split) / seconds:.1f}", "reported"


def _honesty(faces: list[Any], right: NDArray[np.bool_]) -> Iterator[Row]:
    """How far the explanations hold: claims against measurement, and probabilities against outcomes."""
    claims = figures(faithfulness.measured(faithfulness.verdicts(faces)))
    yield "claims supported by measurement", str(claims["faithfulness"]), "0.90"
    yield "claims that could be measured", str(claims["coverage"]), "0.70"
    told = [face.explanation for face in faces if face and face.explanation]
    cited = sum(texts.cites_what_it_observed(each) for each in told)
    yield "interpretations that cite only action units they observed", share_text(cited, len(told)), "reported"
    error = figure(calibration.calibration_error(calibration.surest(faces), right))
    yield "expected calibration error, 15 bins", str(error), "at most 0.06"


def speed(_: argparse.Namespace) -> Iterator[Row]:
    """Times on this machine; the front end in a process with one thread, as torch is not needed there."""
    yield from _measured_apart("front")
    yield from _measured_apart("whole")
    times = [_seconds([sys.executable, "-m", "facevlm", "--help"]) for _ in range(5)]
    yield "`facevlm --help`", f"{statistics.median(times):.2f} s", "≤ 0.7 s"
    yield "peak memory of `facevlm demo`", f"{_demo_memory():.2f} GB", "≤ 2.5 GB"


def _measured_apart(part: str) -> Iterator[Row]:
    """Rows measured in a process of their own."""
    environment = {"OMP_NUM_THREADS": "1"} if part == "front" else {}
    code = f"import sys; sys.path.insert(0, 'evals'); import bench; bench.print_rows(bench.{part}())"
    output = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=_environment(environment)
    ).stdout
    yield from (tuple(row) for row in json.loads(output.splitlines()[-1]))


def print_rows(rows: Iterator[Row]) -> None:
    """Rows as one line of JSON, for the process that asked."""
    print(json.dumps(list(rows)))


def front() -> Iterator[Row]:
    """Decode, find, number and mark, one thread, median of 15."""
    for name, picture, target in (
        ("640-px one-face photo", _one_face(640), "≤ 40 ms"),
        ("1,024-px group photo, 6 faces", _group(1024), "≤ 120 ms"),
    ):
        times, count = _front_times(picture)
        yield f"detect + landmarks + marks, {name} ({count} found), one thread", f"{1000 * times:.0f} ms", target


def _front_times(picture: Image.Image) -> tuple[float, int]:
    from facevlm import marks
    from facevlm.faces import decode, find

    decoded = decode(picture)
    times = []
    for _ in range(15):
        started = time.perf_counter()
        numbered = marks.number(find(decoded))
        marks.draw(decoded.image, numbered, "landmarks")
        times.append(time.perf_counter() - started)
    return statistics.median(times), len(numbered)


def whole() -> Iterator[Row]:
    """The whole path with the embedded model, warm."""
    from facevlm import FaceReasoner

    reasoner = FaceReasoner()
    portrait = _one_face(512)
    reasoner.analyze(portrait)
    times = [_timed(lambda: reasoner.analyze(portrait)) for _ in range(7)]
    yield "one face, warm, all cores", f"{statistics.median(times):.2f} s", "≤ 1.0 s"
    seconds = _timed(lambda: list(reasoner.analyze_many([portrait] * 64)))
    yield "64 faces through analyze_many", f"{64 / seconds:.1f} faces/s", "≥ 8 faces/s"


def _one_face(side: int) -> Image.Image:
    import skimage

    astronaut = Image.open(Path(skimage.__file__).parent / "data" / "astronaut.png").convert("RGB")
    return astronaut.resize((side, side), Image.Resampling.LANCZOS)


def _group(side: int) -> Image.Image:
    """Two rows of three people."""
    sheet, part = Image.new("RGB", (side, side * 2 // 3)), _one_face(side // 3)
    for row in range(2):
        for column in range(3):
            sheet.paste(part, (column * side // 3, row * side // 3))
    return sheet


def _demo_memory() -> float:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "facevlm", "demo", "--out", folder], check=True, capture_output=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6


def _seconds(command: list[str]) -> float:
    return _timed(lambda: subprocess.run(command, check=True, capture_output=True))


def _timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _environment(extra: dict[str, str]) -> dict[str, str]:
    import os

    return {**os.environ, **extra}


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {"faces": faces, "ferplus": ferplus, "speed": speed}

if __name__ == "__main__":
    main()
