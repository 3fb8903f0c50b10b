"""Scores the agent on the questions of evals/suites/conversation*.yaml, and writes evals/reports/conversation.md.

    python evals/conversation.py [--model NAME --base-url URL] [--limit N] [--out evals/reports]

Each question is a conversation of its own. Pictures are renders whose action units are known, and the one of
`facevlm demo`; nothing is downloaded.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from facevlm.agent import Agent, Answer, Piece, Step
from facevlm.config import demo_picture
from facevlm.data.cot.parse import parse
from facevlm.errors import OutputError
from facevlm.evaluation.intervals import share_text
from facevlm.types import EMOTIONS, Box, Face

SUITES = Path(__file__).parent / "suites"
PICTURES = SUITES / "conversation"
FILES = {"known wordings": "conversation.yaml", "wordings held out": "conversation-held-out.yaml"}
SAME = 0.3  # intersection over union from which a face found is one of the truth


class Asked(NamedTuple):
    """One question, the answer to it, and how long it took."""

    row: dict[str, Any]
    part: str
    answer: Answer
    faces: tuple[Face, ...]
    first: float
    refused: tuple[str, ...]
    wrong: str | None


def main() -> int:
    """Asks, scores and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--adapter")
    parser.add_argument("--base-url")
    parser.add_argument("--suite", choices=list(FILES), action="append", help="both by default")
    parser.add_argument("--limit", type=int, help="only so many of each part, chosen by chance")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "reports")
    parser.add_argument("--show", action="store_true", help="print what went wrong")
    given = parser.parse_args()
    agent = Agent(given.model, adapter=given.adapter, base_url=given.base_url)
    done = {name: list(run(agent, FILES[name], given.limit)) for name in given.suite or FILES}
    if given.show:
        show(done)
    if given.limit is None and given.suite is None:
        write(done, agent, given.out)
    else:
        print(table(done))
    return 0


def run(agent: Agent, file: str, limit: int | None) -> Iterator[Asked]:
    """Asks every question of a suite, and scores the answers."""
    suite = yaml.safe_load((SUITES / file).read_text(encoding="utf-8"))
    for part, rows in suite.items():
        chosen = rows if limit is None else random.Random(0).sample(rows, min(limit, len(rows)))
        for place, row in enumerate(chosen, 1):
            print(f"\r{file} {part} {place}/{len(chosen)}   ", end="", file=sys.stderr)
            yield ask(agent, part, row)
    print(file=sys.stderr)


def ask(agent: Agent, part: str, row: dict[str, Any]) -> Asked:
    """One conversation; its last answer is what counts."""
    talk = agent.start()
    texts = [row["ask"]] if isinstance(row["ask"], str) else row["ask"]
    images = [] if row["picture"] == "none" else [file_of(row["picture"])]
    for place, text in enumerate(texts):
        answer, first, refused = _heard(agent, talk, text, [] if place else images)
    faces = agent.analysis(answer.picture).marked.faces if answer.picture else ()  # type: ignore[union-attr]
    wrong = fault(part, row, answer, faces)
    agent.delete(talk)
    return Asked(row, part, answer, faces, first, refused, wrong)


def _heard(agent: Agent, talk: str, text: str, images: Sequence[Path]) -> tuple[Answer, float, tuple[str, ...]]:
    """An answer, the seconds to its first words, and why words of the model were refused."""
    began, first, answer = time.perf_counter(), None, None
    refused: list[str] = []
    for event in agent.ask(talk, text, images):
        if isinstance(event, Step) and event.name == "check":
            refused += re.findall(r"a template steps in: (.+)", event.found)
        if isinstance(event, Piece) and first is None:
            first = time.perf_counter() - began
        if isinstance(event, Answer):
            answer = event
    assert answer is not None
    return answer, first or 0.0, tuple(refused)


def file_of(name: str) -> Path:
    """The file of a picture of the suite."""
    return demo_picture() if name == "astronaut" else PICTURES / f"{name}.jpg"


def fault(part: str, row: dict[str, Any], answer: Answer, faces: Sequence[Face]) -> str | None:
    """What is wrong with an answer, None where it is right."""
    if part == "declined":
        return None if answer.declined else "it was not declined"
    if answer.declined:
        return f"it was declined as {answer.declined}"
    if part == "harmless":
        return None
    return next(_faults(row, answer, faces), None)


def unfounded(answer: Answer, faces: Sequence[Face]) -> Iterator[str]:
    """Sentences about a face that is not there, or that rest on nothing."""
    there = {face.id for face in faces}
    for sentence in answer.sentences:
        named = {int(number) for number in re.findall(r"\b[Ff]ace (\d+)\b", sentence.text)}
        denied = {int(number) for number in re.findall(r"\bno face (\d+)\b", sentence.text)}
        if named - denied - there:
            yield f"names face {named - there}: {sentence.text}"
        if any(each.face not in there for each in sentence.evidence):
            yield f"evidence of no face: {sentence.text}"
        if _claims(sentence.text) and named - denied and not sentence.evidence:
            yield f"no evidence: {sentence.text}"


def _claims(text: str) -> bool:
    return bool(re.search(r"\bAU \d|reads as", text))


def _faults(row: dict[str, Any], answer: Answer, faces: Sequence[Face]) -> Iterator[str]:
    text = answer.text
    if "holds" in row:
        said = re.search(r"\b(yes|no)\b", text, re.I)
        if said is None or (said[1].lower() == "yes") is not row["holds"]:
            yield f"it says {said[0] if said else 'neither yes nor no'}"
    if "face" in row:
        wanted = set(_ids(row, faces))
        named = {int(number) for number in re.findall(r"\bface (\d+)\b", _shown(text), re.I)} or set(answer.faces)
        if named != wanted:
            yield f"it names faces {sorted(named)}, not {sorted(wanted)}"
    if "side" in row and not _says_side(text, row["side"]):
        yield f"it does not say {row['side']}"
    if "shows" in row and not _named(text) & set(row["shows"]):
        yield f"it names none of {row['shows']}"
    if "emotion" in row:
        named_first = re.search("|".join(EMOTIONS), text.lower())
        if named_first is None or named_first[0] != row["emotion"]:
            yield f"it says {named_first[0] if named_first else 'no emotion'}"
    yield from (f"it lacks {pattern}" for pattern in row.get("says", ()) if not re.search(pattern, text, re.I))
    if row.get("beyond") and answer.intent != "beyond":
        yield f"it was taken for {answer.intent}"


def _shown(text: str) -> str:
    return re.sub(r"\bno face \d+\b", "", text, flags=re.I)


def _says_side(text: str, side: str) -> bool:
    said = re.findall(r"\b(left|right|both)\b", text)
    return bool(said) and said[0] == side


def _named(text: str) -> set[int]:
    try:
        return set(parse(text).named)
    except OutputError:
        return set()


def _ids(row: dict[str, Any], faces: Sequence[Face]) -> Iterator[int]:
    """The numbers of the faces that a row means by their place in the truth."""
    for place in row["face"]:
        x, y, width, height = truth()[row["picture"]][place - 1]["box"]
        box = Box(x=x, y=y, width=width, height=height)
        yield next((face.id for face in faces if face.box.iou(box) >= SAME), -place)


@cache
def truth() -> Any:
    """The faces of the suite's pictures."""
    return yaml.safe_load((PICTURES / "truth.yaml").read_text(encoding="utf-8"))


def table(done: dict[str, list[Asked]]) -> str:
    """What was right, by part and kind."""
    lines = ["| what | " + " | ".join(done) + " |", "|---|" + "---|" * len(done)]
    for name, chosen in _cuts(done):
        cells = [share_text(*_right(rows, chosen)) for rows in done.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _right(rows: Sequence[Asked], chosen: Any) -> tuple[int, int]:
    asked = [each for each in rows if chosen(each)]
    return sum(each.wrong is None for each in asked), len(asked)


def _cuts(done: dict[str, list[Asked]]) -> Iterator[tuple[str, Any]]:
    yield "questions answered rightly", lambda each: each.part == "questions"
    kinds = dict.fromkeys(each.row["kind"] for rows in done.values() for each in rows if each.part == "questions")
    for kind in kinds:
        yield f"… {kind}", lambda each, kind=kind: each.row.get("kind") == kind
    yield "must be declined, and was", lambda each: each.part == "declined"
    yield "harmless, and not declined", lambda each: each.part == "harmless"


def show(done: dict[str, list[Asked]]) -> None:
    """Prints what went wrong."""
    for rows in done.values():
        for each in rows:
            if each.wrong or list(unfounded(each.answer, each.faces)):
                faults = [each.wrong, *unfounded(each.answer, each.faces)]
                print(
                    f"{each.part} {each.row['picture']} «{each.row['ask']}»: {faults}\n"
                    f"    [{each.answer.intent}] {each.answer.text}"
                )


def write(done: dict[str, list[Asked]], agent: Agent, out: Path) -> None:
    """The report, and its figures as JSON."""
    every = [each for rows in done.values() for each in rows]
    asked = [each for each in every if each.answer.asked]
    later = [each for each in every if isinstance(each.row["ask"], list)]
    wrong = sum(len(list(unfounded(each.answer, each.faces))) for each in every)
    stepped = sum(each.answer.stepped_in for each in asked)
    model = agent.reasoner.model
    facts = [
        f"Model {model.name}, adapter {model.adapter}. Command: `python evals/conversation.py`.",
        table(done),
        f"Sentences about a face that is not there, or without evidence: {wrong}, of "
        f"{sum(len(each.answer.sentences) for each in every)}.",
        f"The model was asked to write in {len(asked)} of {len(every)} answers; a template stepped in, because a check "
        f"refused its words, in {stepped} ({stepped / max(len(asked), 1):.2f}). While it writes, a small model is "
        "bound to yes or no and to the action units that were measured; its words are checked all the same.",
        f"Why words were refused: {_reasons(every)}.",
        f"Follow-ups, warm: first words after {_middle([each.first for each in later]):.2f} s in the median, done "
        f"after {_middle([each.answer.seconds for each in later]):.2f} s, on a machine that did other work meanwhile. "
        "Words are shown once they are checked, a sentence or two at a time.",
    ]
    out.mkdir(parents=True, exist_ok=True)
    text = "# Conversation\n\n" + "\n\n".join(facts) + "\n"
    (out / "conversation.md").write_text(text, encoding="utf-8")
    rows = [
        {"suite": name, "part": each.part, **each.row, "wrong": each.wrong, "text": each.answer.text,
         "intent": each.answer.intent, "seconds": each.answer.seconds, "first": round(each.first, 3)}
        for name, each in ((name, each) for name, rows in done.items() for each in rows)
    ]  # fmt: skip
    (out / "conversation.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(text)


def _reasons(rows: Sequence[Asked]) -> str:
    """The reasons, the most frequent first; numbers and words of the model left out."""
    alike = Counter(re.sub(r"\d+|«[^»]*»", "…", reason) for each in rows for reason in each.refused)
    return "; ".join(f"{reason} ({count})" for reason, count in alike.most_common()) or "none were"


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0


if __name__ == "__main__":
    sys.exit(main())
