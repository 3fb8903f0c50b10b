"""The chain, from a photograph to its analysis. Whatever explains a picture in FaceVLM comes through here.

decode → find → number → draw → render → generate → parse → check → Analysis
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from PIL import Image

import facevlm
from facevlm import marks as drawing
from facevlm import models, prompting
from facevlm.config import Settings
from facevlm.errors import FaceVLMError, InputError, ModelError
from facevlm.faces.decode import Source
from facevlm.models import Answer, Model
from facevlm.prompting import Dialogue, Example
from facevlm.reasoning.check import check
from facevlm.reasoning.seeing import Found, Seen, beside, find, mark
from facevlm.reasoning.told import Told, told
from facevlm.types import Analysis, Conversation, Explanation, Face, FaceAnalysis, Provenance

BATCH_PIXELS = 50_000_000  # pictures held at once by `analyze_many`, so that large ones do not fill the memory


class FaceReasoner:
    """Explains every face of a photograph. Holds a loaded model and a prompt; make one and use it for many pictures.

    Args:
        model: a name (see `facevlm models`), a model's folder, or a `Model`.
        adapter: a LoRA adapter by name or folder; «none» for the bare base, the model's own by default.
        prompt: a name in `prompts/`.
        base_url: an OpenAI-compatible endpoint; `model` is then an id it serves.
        api_key_env: the variable that holds the endpoint's key, `OPENAI_API_KEY` by default.
        marks: what is drawn on faces: plain, box, number or landmarks (Set-of-Vision, arXiv 2410.02244).
        settings: time-out, threads and the limits on pictures; by default from the environment.
        examples: gives labelled faces to show before each photograph, see `matching.index`; none where it has none.
        hints: tell a model that asks by picture the prominent action units measured on each face (SoVTP, arXiv
            2504.17224); one that asks by face is always told what was measured.

    Raises:
        InputError: no such model, adapter, prompt or marks, or examples or hints for a model that asks by face.
        PrerequisiteError: something the model needs is not installed or not set.
    """

    def __init__(
        self,
        model: str | Model = "nano",
        adapter: str | None = None,
        prompt: str = "sov-cot",
        base_url: str | None = None,
        api_key_env: str | None = None,
        marks: str = "landmarks",
        settings: Settings | None = None,
        examples: Callable[[Found], Sequence[Example]] | None = None,
        hints: bool = False,
    ) -> None:
        self._settings = settings or Settings()
        self._examples = examples
        self._hints = hints
        drawing.check(marks)
        self._marks = marks
        if isinstance(model, str):
            key, timeout, threads = self._settings.api_key_env, self._settings.timeout, self._settings.threads
            model = models.load(model, adapter, base_url, api_key_env or key, timeout, threads)
        self.model = model
        self.prompt = prompting.load(prompt, model.asks)
        if not self.prompt.per_face:
            raise InputError(f"{prompt}: this prompt answers a question and explains no faces; use sov-cot")
        if examples is not None and model.asks == "face":
            raise InputError(f"{model.name}: is asked face by face and was never shown examples; use a larger model")
        if hints and model.asks == "face":
            raise InputError(f"{model.name}: is told all that was measured anyway; leave --hints out")

    def analyze(self, source: Source) -> Analysis:
        """The analysis of one photograph: a path, a file's bytes, a PIL image or an (h, w, 3) uint8 RGB array.

        A face whose answer cannot be used carries its `error`; a photograph without a face has no `faces`.

        Raises:
            InputError: the photograph cannot be read.
            ModelError: the model failed on the whole of it.
        """
        asked = self._asked(source)
        started = time.perf_counter()
        answers = self.model.generate(asked.conversations) if asked.conversations else []
        return self.tell(asked.seen, answers, asked.seconds + time.perf_counter() - started)

    async def aanalyze(self, source: Source) -> Analysis:
        """`analyze`, without blocking the caller's event loop."""
        asked = await asyncio.to_thread(self._asked, source)
        started = time.perf_counter()
        answers = await self.model.agenerate(asked.conversations) if asked.conversations else []
        return self.tell(asked.seen, answers, asked.seconds + time.perf_counter() - started)

    def analyze_many(
        self, sources: Iterable[Source], batch_size: int = 32, errors: Literal["raise", "return"] = "raise"
    ) -> Iterator[Analysis | FaceVLMError]:
        """Analyses in the order of the photographs, each as soon as its batch is answered.

        Faces of several photographs go to the model together, about `batch_size` at a time, while the next
        photographs are being read. A photograph that fails raises its error when its turn comes, or, with
        `errors="return"`, gives it in its place.

        Raises:
            InputError: at once, where an argument is wrong.
        """
        if isinstance(sources, (str, bytes)):
            raise InputError("analyze_many takes several photographs; put one in a list, or use analyze")
        if batch_size < 1:
            raise InputError(f"batch_size {batch_size}: give 1 or more")
        if errors not in ("raise", "return"):
            raise InputError(f"errors {errors!r}: give 'raise' or 'return'")
        return self._many(sources, batch_size, errors)

    def _many(
        self, sources: Iterable[Source], batch_size: int, errors: Literal["raise", "return"]
    ) -> Iterator[Analysis | FaceVLMError]:
        batches = self._batches(sources, batch_size)
        with ThreadPoolExecutor(1, thread_name_prefix="facevlm-faces") as ahead:
            coming = ahead.submit(next, batches, None)
            while (batch := coming.result()) is not None:
                coming = ahead.submit(next, batches, None)
                for result in self._answered(batch):
                    if errors == "raise" and isinstance(result, FaceVLMError):
                        raise result
                    yield result

    @property
    def crop_size(self) -> int | None:
        """The side of the crops the model is shown, None where it is shown the whole picture."""
        return self.model.crop_size if self.model.asks == "face" else None

    def see(self, source: Source) -> Seen:
        """The first part of the chain: everything before the prompt. Raises InputError as `analyze` does."""
        found = find(source, self._settings)
        seen = mark(found, self._marks, self.crop_size)
        examples = self._examples(found) if self._examples is not None and found.faces else ()
        return beside(seen, examples) if examples else seen

    def ask(self, seen: Seen) -> tuple[Conversation, ...]:
        """What the model is asked: about the whole photograph, or about each face; nothing without one."""
        if not seen.marked.faces:
            return ()
        if self.model.asks == "scene":
            asked = prompting.render_scene(self.prompt, seen.marked, measured=self._hints)
            return (prompting.after_examples(asked, seen.examples),)
        return tuple(prompting.render_face(self.prompt, face, small) for face, small in _with_crops(seen))

    def inquire(self, seen: Seen, asked: Dialogue) -> tuple[Conversation, ...]:
        """A user's question to the model: about the whole photograph, or about each face; nothing without one.

        A model that asks by face is told the last question alone.
        """
        if self.model.asks == "scene":
            return (prompting.inquire_scene(seen.marked, asked),)
        return tuple(prompting.inquire_face(face, small, asked) for face, small in _with_crops(seen))

    def tell(self, seen: Seen, answers: Sequence[Answer], seconds: float) -> Analysis:
        """The last part of the chain: everything after the model, which answered what `ask` gave.

        Args:
            seen: the photograph.
            answers: in the order of the conversations.
            seconds: that all of it took.

        Raises:
            ModelError: the model failed on every conversation.
        """
        failures = [answer for answer in answers if isinstance(answer, ModelError)]
        if failures and len(failures) == len(answers):
            raise failures[0]
        faces = seen.marked.faces
        explained = told(answers, [face.id for face in faces], self.prompt.answer, self.model.asks)
        provenance = Provenance(
            facevlm=facevlm.__version__,
            model=self.model.name,
            adapter=self.model.adapter,
            prompt=self._reference(seen),
            marks=seen.marked.variant,
            seconds=round(seconds, 3),
        )
        analysed = tuple(_face_analysis(face, explained[face.id]) for face in faces)
        return Analysis(image=seen.image, faces=analysed, provenance=provenance, marked=seen.marked)

    def _reference(self, seen: Seen) -> str:
        shown = f"+{len(seen.examples)}×{prompting.example_reference()}" if seen.examples else ""
        return f"{self.prompt.reference}{'+hints' if self._hints else ''}{shown}"

    def _asked(self, source: Source) -> _Asked:
        started = time.perf_counter()
        seen = self.see(source)
        return _Asked(seen, self.ask(seen), time.perf_counter() - started)

    def _batches(self, sources: Iterable[Source], size: int) -> Iterator[list[_Asked | FaceVLMError]]:
        """Photographs up to the model, some `size` conversations and no more than BATCH_PIXELS at a time."""
        batch: list[_Asked | FaceVLMError] = []
        load = 0.0
        for source in sources:
            batch.append(self._asked_or_error(source))
            load += _load(batch[-1], size)
            if load >= 1:
                yield batch
                batch, load = [], 0.0
        if batch:
            yield batch

    def _asked_or_error(self, source: Source) -> _Asked | FaceVLMError:
        try:
            return self._asked(source)
        except FaceVLMError as error:
            return error

    def _answered(self, batch: Sequence[_Asked | FaceVLMError]) -> Iterator[Analysis | FaceVLMError]:
        """The results of one batch; each photograph is charged its share of the model's time."""
        conversations = [one for asked in batch if isinstance(asked, _Asked) for one in asked.conversations]
        started = time.perf_counter()
        answers = iter(self.model.generate(conversations) if conversations else [])
        share = (time.perf_counter() - started) / max(len(conversations), 1)
        for asked in batch:
            if isinstance(asked, FaceVLMError):
                yield asked
            else:
                own = list(islice(answers, len(asked.conversations)))
                yield self._told_or_error(asked, own, share * len(own))

    def _told_or_error(self, asked: _Asked, answers: Sequence[Answer], seconds: float) -> Analysis | FaceVLMError:
        try:
            return self.tell(asked.seen, answers, asked.seconds + seconds)
        except ModelError as error:
            return error


@dataclass(frozen=True)
class _Asked:
    """A photograph ready for the model, and how long that took."""

    seen: Seen
    conversations: tuple[Conversation, ...]
    seconds: float


def _load(asked: _Asked | FaceVLMError, size: int) -> float:
    """The part of a batch that one photograph fills."""
    if isinstance(asked, FaceVLMError):
        return 1 / size
    pixels = asked.seen.image.width * asked.seen.image.height
    return max(len(asked.conversations), 1) / size + pixels / BATCH_PIXELS


def _with_crops(seen: Seen) -> Iterator[tuple[Face, Image.Image]]:
    return zip(seen.marked.faces, seen.crops, strict=True)


def _face_analysis(face: Face, explained: Told) -> FaceAnalysis:
    explanation = explained if isinstance(explained, Explanation) else None
    checks, faithfulness, coverage = check(explanation, face) if explanation else ((), None, None)
    return FaceAnalysis(
        id=face.id,
        box=face.box,
        score=face.score,
        pose=face.pose,
        quality=face.quality,
        action_units={code: unit.value for code, unit in face.action_units.items()},
        action_unit_sides={
            code: {"left": unit.left, "right": unit.right}
            for code, unit in face.action_units.items()
            if unit.left is not None or unit.right is not None
        },
        explanation=explanation,
        checks=checks,
        faithfulness=faithfulness,
        coverage=coverage,
        error=None if explanation else str(explained),
    )
