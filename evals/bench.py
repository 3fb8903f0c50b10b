"""Detection in photographs, speed and memory: `make bench` (needs the data folder; `--only speed` does not).

    python evals/bench.py [--data ../shared/data] [--only faces|speed] [--out evals/reports]

`--out` writes the report of this version, such as 0.1.0.md. Measure on an idle machine. Shares come with Wilson's 95 %
interval.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from PIL import Image

from facevlm.config import demo_picture
from facevlm.evaluation.intervals import share_text
from facevlm.evaluation.metrics import grounding

Row = tuple[str, str, str]  # what, figure, target
IOU = 0.35
PROJECT = Path(__file__).parent.parent / "pyproject.toml"
PROCESSOR = Path("/proc/cpuinfo")
ELSEWHERE = "What is right about faces is in `explanations.md` and in the reports of `facevlm eval run`, by suite."


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--out", type=Path, help="folder for the report, called by the version")
    options = parser.parse_args()
    if options.out and options.only:
        parser.error("--out writes the whole report; leave out --only")
    rows = [row for name in PARTS if options.only in (None, name) for row in PARTS[name](options)]
    table = "\n".join(["| what | measured | at least |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)])
    print(table)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        version = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"]
        (options.out / f"{version}.md").write_text(report(version, table), encoding="utf-8")


def report(version: str, table: str) -> str:
    """The page of this version: the table, by what command, when and on what machine it was measured."""
    command = " ".join(["python", *sys.argv])
    known = [line.partition(":")[2].strip() for line in PROCESSOR.read_text().splitlines() if "model name" in line]
    machine = f"{len(os.sched_getaffinity(0))} CPU cores ({known[0] if known else 'unknown'})"
    return f"# FaceVLM {version}\n\n`{command}`, {machine}, {date.today()}. {ELSEWHERE}\n\n{table}\n"


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
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=os.environ | environment
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
    yield "one face, warm, all cores", f"{statistics.median(times):.2f} s", "≤ 0.8 s"
    seconds = _timed(lambda: list(reasoner.analyze_many([portrait] * 64)))
    yield "64 faces through analyze_many", f"{64 / seconds:.1f} faces/s", "≥ 12 faces/s"


def _one_face(side: int) -> Image.Image:
    astronaut = Image.open(demo_picture()).convert("RGB")
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


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {"faces": faces, "speed": speed}

if __name__ == "__main__":
    main()
