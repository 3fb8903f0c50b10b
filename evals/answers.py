"""What a model answers about sets of pictures, through `FaceReasoner`, kept as JSON lines: a second run asks only for
what is missing.

A file is named after all that its answers depend on: the pictures, the weights, the prompt, the marks, the variation
and the tables faces are measured with. After a change to the code that finds, draws or parses, delete the folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import variations
from numpy.typing import NDArray
from PIL import Image
from pydantic import TypeAdapter

from facevlm import FaceReasoner, faces, files, models, prompting
from facevlm.cli.printing import progress
from facevlm.config import model_folder
from facevlm.data import ferplus
from facevlm.data.sample import Sample, read_samples
from facevlm.data.synth import produce
from facevlm.data.synth import recipe as synth_recipe
from facevlm.faces.decode import Source
from facevlm.models import Model
from facevlm.prompting import Prompt
from facevlm.training.facts import METRICS
from facevlm.types import Analysis, FaceAnalysis, Value

Retell = Callable[[Model, Prompt, Sequence[str]], Model]  # the pictures' ids come in the order they are asked about

RETELLINGS: dict[str, Retell] = {
    "own": lambda model, prompt, ids: model,
    "withheld": lambda model, prompt, ids: variations.Retold(model, variations.withheld(prompt)),
    "exchanged": lambda model, prompt, ids: variations.Retold(model, variations.exchanged()),
}


@dataclass(frozen=True)
class Pictures:
    """Some pictures of a named set, each of one face that is meant, the largest."""

    name: str
    ids: Sequence[str]
    open: Callable[[str], Source]

    def of(self, ids: Sequence[str]) -> Pictures:
        return replace(self, ids=ids)


@dataclass(frozen=True)
class Asking:
    """How pictures are asked about. `told` is what a model is told of a face: what was measured on it, nothing, or what
    was measured on another; or the name of what else retells it.
    """

    adapter: str
    prompt: str = "sov-cot"
    marks: str = "landmarks"
    told: str = "own"
    model: str = "nano"

    def digest(self) -> str:
        """Of all that the answers depend on."""
        base = model_folder(self.model, "config.json", shipped=f"{self.model}-base")
        folders = filter(None, (base, model_folder(self.adapter, "adapter_config.json")))  # what lacks, loading tells
        weights = [file for folder in folders for end in ("safetensors", "json") for file in folder.glob(f"*.{end}")]
        weights = [file for file in weights if file.name != METRICS]  # these figures are of the answers
        tables = (file for file in Path(faces.__file__).parent.iterdir() if file.suffix in (".json", ".yaml", ".npz"))
        reference = prompting.load(self.prompt, "face").reference
        content = hashlib.sha256("\n".join([self.adapter, reference, self.marks, self.told]).encode())
        for file in (*sorted(weights), *sorted(tables)):
            content.update(file.read_bytes())
        return content.hexdigest()[:12]


class Told(Value):
    """What was found in one picture, and what is told of its largest face."""

    id: str
    found: int
    face: FaceAnalysis | None


def tell(asking: Asking, pictures: Pictures, work: Path, retell: Retell | None = None) -> list[Told]:
    """The answers about some pictures, in their order.

    Raises:
        InputError, PrerequisiteError, ModelError: as `FaceReasoner` and `analyze_many` do.
    """
    name = f"{pictures.name}-{Path(asking.adapter).name}-{asking.prompt}-{asking.marks}-{asking.told}"
    file = work / "answers" / f"{name}-{asking.digest()}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    told = _read(file)
    missing = [each for each in pictures.ids if each not in told]
    if missing:
        with file.open("a", encoding="utf-8") as out:
            for each in _asked(asking, pictures.of(missing), retell or RETELLINGS[asking.told]):
                out.write(each.model_dump_json() + "\n")
                out.flush()
                told[each.id] = each
    return [told[each] for each in pictures.ids]


def ferplus_validation(data: Path) -> tuple[Pictures, dict[str, int]]:
    """The faces of FER+ validation with a strict majority, and its index in EMOTIONS by name."""
    split = ferplus.read(data / "ferplus", "valid")
    split = split.where(split.strict_majority() >= 0)
    names = [str(name) for name in split.names]
    images: dict[str, NDArray[np.uint8]] = dict(zip(names, split.images, strict=True))
    pictures = Pictures("ferplus-valid", names, lambda name: Image.fromarray(images[name]).convert("RGB"))
    return pictures, dict(zip(names, split.strict_majority().tolist(), strict=True))


def synthetic_suite(work: Path, rig: Path) -> tuple[Pictures, dict[str, Sample]]:
    """The renders of the recipe `synthetic-aus`, made in the work folder if they are not there, and their truth by id.

    Raises:
        InputError: they are to be made, and `rig` is not the face model.
    """
    recipe = synth_recipe.read("synthetic-aus")
    folder = work / recipe.name
    if not (folder / produce.SHEET).is_file():  # what is made last
        produce.produce(recipe, rig, folder)
    samples = {each.id: each for each in read_samples(folder / produce.SAMPLES)[0]}
    return Pictures(folder.name, list(samples), lambda each: folder / samples[each].image), samples


def _asked(asking: Asking, pictures: Pictures, retell: Retell) -> Iterator[Told]:
    prompt = prompting.load(asking.prompt, "face")
    model = retell(_loaded(asking.model, asking.adapter), prompt, pictures.ids)
    reasoner = FaceReasoner(model, prompt=asking.prompt, marks=asking.marks)
    analyses = reasoner.analyze_many(pictures.open(each) for each in pictures.ids)
    with progress(len(pictures.ids), f"{pictures.name}, {asking.prompt}, {asking.told}") as step:
        for name, analysis in zip(pictures.ids, analyses, strict=True):
            assert isinstance(analysis, Analysis)  # errors are raised
            yield Told(id=name, found=len(analysis.faces), face=analysis.faces[0] if analysis.faces else None)
            step()


@lru_cache(maxsize=1)
def _loaded(model: str, adapter: str) -> Model:
    """The model last asked, which is mostly the next one too. One thread answers about as many faces a second as two
    do: two evaluations side by side take half the time.
    """
    return models.load(model, adapter, threads=1)


def _read(file: Path) -> dict[str, Told]:
    """The answers there are; a last line without its end, which an interrupted run was writing, is taken back."""
    if not file.is_file():
        return {}
    files.mend(file)
    rows: Iterable[Told] = map(_TOLD.validate_json, file.read_bytes().splitlines())
    return {row.id: row for row in rows}


_TOLD = TypeAdapter(Told)
