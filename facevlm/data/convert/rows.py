"""One row a sample: its question with the picture, and its answer.

* TRL 1.x: conversational prompt and completion beside `images`, which SFTTrainer trains on the completion alone. Load
  it by `load_dataset("json", data_files=…).cast_column("images", List(Image()))`.
* LLaMA-Factory: OpenAI messages beside `images`, and the entry in dataset_info.json; `dataset_dir` is OUT.
* ms-swift: messages beside `images`.

A picture that was written lies in OUT/images and is named relative to OUT: train there, or set `ROOT_IMAGE_DIR` for
ms-swift. One that is used as given is named by its absolute path.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from facevlm import files
from facevlm.data.convert.pictures import Pictures, Treatment
from facevlm.data.sample import Rejected, Sample, line
from facevlm.errors import InputError
from facevlm.types import EMOTIONS

Target = Literal["samples", "trl", "llama-factory", "ms-swift"]

# What is asked of a face that has a label and no text; the answer is that of the prompt `sov-label` for one face.
LABEL_QUESTION = (
    "Which emotion does the expression of this face read as? "
    f'Answer with JSON only, {{"emotion": ""}}, with one of {", ".join(EMOTIONS)}.'
)
_TAGS = ("<image>", "<video>", "<audio>")
_INFO = "dataset_info.json"


@dataclass(frozen=True)
class Converted:
    """What a conversion wrote, and the samples it could not use."""

    file: Path
    rows: int
    rejected: list[Rejected] = field(default_factory=list)


def convert(
    samples: Iterable[Sample],
    root: Path,
    out: Path,
    target: Target,
    *,
    split: str = "train",
    treatment: Treatment = "as-given",
    size: int = 224,
) -> Converted:
    """Write OUT/SPLIT.jsonl, and the pictures where they are not used as given.

    A run that was broken off is run again: pictures that are there are kept, rows are cheap and are written anew, whole
    or not at all.

    Args:
        samples: faces, with `question` and `text` or with a label.
        root: the folder their relative pictures are relative to.
        out: the folder of the result, made where it is not there.
        target: the format of the rows.
        split: names the file.
        treatment: what the picture shows.
        size: side of a crop in pixels.

    Raises:
        InputError: something cannot be written.
    """
    file = out / f"{split}.jsonl"
    pictures = Pictures(root, out, treatment, size, archives=target == "samples")
    rejected: list[Rejected] = []
    rows = 0
    try:
        out.mkdir(parents=True, exist_ok=True)
        with files.replaced(file) as partial, partial.open("w", encoding="utf-8") as written:
            for number, sample in enumerate(samples, start=1):
                try:
                    written.write(_row(sample, pictures, target, treatment))
                    rows += 1
                except InputError as error:
                    rejected.append(Rejected(file=sample.id, row=number, reason=str(error)))
        if target == "llama-factory":
            _register(out, split)
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror}); free space or give another OUT") from None
    return Converted(file, rows, rejected)


def trl(question: str, answer: str, image: str) -> dict[str, Any]:
    """TRL's conversational prompt and completion, with a place for the picture."""
    asked = [{"type": "image"}, {"type": "text", "text": question}]
    return {
        "prompt": [{"role": "user", "content": asked}],
        "completion": [{"role": "assistant", "content": [{"type": "text", "text": answer}]}],
        "images": [image],
    }


def messages(question: str, answer: str, image: str) -> dict[str, Any]:
    """OpenAI's messages with a tag where the picture stands, as LLaMA-Factory and ms-swift both read them."""
    return {
        "messages": [{"role": "user", "content": f"<image>{question}"}, {"role": "assistant", "content": answer}],
        "images": [image],
    }


_FORMATS: dict[Target, Callable[[str, str, str], dict[str, Any]]] = {
    "trl": trl,
    "llama-factory": messages,
    "ms-swift": messages,
}


def _row(sample: Sample, pictures: Pictures, target: Target, treatment: Treatment) -> str:
    if target == "samples":
        placed = {"image": pictures.path(sample)} | ({"box": None} if treatment == "crop" else {})
        return line(sample.model_copy(update=placed))
    question, answer = _exchange(sample)
    row = _FORMATS[target](question, answer, pictures.path(sample))
    return json.dumps(row, ensure_ascii=False) + "\n"


def _exchange(sample: Sample) -> tuple[str, str]:
    if sample.text is not None and sample.question is not None:
        exchange = sample.question, sample.text
    elif sample.text is None and sample.emotion is not None:
        exchange = LABEL_QUESTION, json.dumps({"emotion": sample.emotion})
    else:
        raise InputError("neither a question with its answer nor an emotion; write texts by `facevlm data cot` first")
    for tag in _TAGS:
        if any(tag in part for part in exchange):
            raise InputError(f"its text holds {tag}, which trainers take for a picture or a recording; take it out")
    return exchange


def _register(out: Path, split: str) -> None:
    """Name the file in LLaMA-Factory's list of data sets, beside those that are in it."""
    file = out / _INFO
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    entry = {
        "file_name": f"{split}.jsonl",
        "formatting": "sharegpt",
        "columns": {"messages": "messages", "images": "images"},
        "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"},
    }
    files.write(file, json.dumps(known | {f"facevlm_{split}": entry}, indent=2) + "\n")
