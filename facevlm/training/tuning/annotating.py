"""Unlabelled pictures explained by the model that is tuned, greedily and several times by chance."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from PIL import Image

from facevlm.data.pictures import open_picture, write_picture
from facevlm.data.sample import Sample
from facevlm.errors import FaceVLMError, InputError, ModelError
from facevlm.models import Answer, Model
from facevlm.reasoning import FaceReasoner
from facevlm.training.tuning.keeping import Judged, Rules, judge
from facevlm.training.tuning.round_files import Annotation, Exchange, Unlabelled
from facevlm.types import Analysis, Conversation, FaceAnalysis, Generation

AT_ONCE = 16  # pictures
PICTURES = "images"

Said = tuple[Conversation, Answer]
Result = Analysis | FaceVLMError


class Listening:
    """A model that answers at a temperature of its own, and all that was said since it was last asked for."""

    def __init__(self, model: Model, temperature: float = 0.0, seed: int | None = None) -> None:
        self._model, self._temperature, self._seed = model, temperature, seed
        self._said: list[Said] = []
        self.name, self.adapter, self.asks, self.crop_size = model.name, model.adapter, model.asks, model.crop_size

    def generate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """The model's answers, at this one's temperature and seed."""
        answers = self._model.generate(conversations, temperature=self._temperature, seed=self._seed)
        self._said += zip(conversations, answers, strict=True)
        return answers

    async def agenerate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """`generate`, without blocking the caller's event loop."""
        return await asyncio.to_thread(self.generate, conversations)

    def said(self) -> list[Said]:
        """Each conversation with its answer, in order; they are forgotten."""
        said, self._said = self._said, []
        return said


class Annotator:
    """Explains pictures as `facevlm analyze` does, once greedily and as often as the rules say by chance, and judges.

    Args:
        model: the one that is tuned.
        root: the folder that pictures are relative to.
        folder: the round's; what the model was shown is kept in it.
        rules: what an answer has to meet.
        seed: of the samples.
    """

    def __init__(self, model: Model, root: Path, folder: Path, rules: Rules, seed: int) -> None:
        self._root, self._folder, self._rules = root, folder, rules
        self._greedy = Listening(model)
        self._reasoners = [FaceReasoner(model=self._greedy)]
        for number in range(rules.samples):
            self._reasoners.append(FaceReasoner(model=Listening(model, rules.temperature, seed + number)))

    def annotations(self, pictures: Iterable[Unlabelled]) -> Iterator[Annotation]:
        """One a picture, in order; a picture that cannot be read has its error.

        Raises:
            ModelError: the model answers nothing at all.
        """
        coming = iter(pictures)
        while batch := list(islice(coming, AT_ONCE)):
            opened = [self._opened(each) for each in batch]
            explained = iter(self._explained([image for image in opened if isinstance(image, Image.Image)]))
            for each, image in zip(batch, opened, strict=True):
                if isinstance(image, InputError):
                    yield Annotation(image=each.image, error=str(image))
                else:
                    yield self._annotation(each, *next(explained))

    def _opened(self, each: Unlabelled) -> Image.Image | InputError:
        try:
            return open_picture(Sample(id=each.image, source="", image=each.image), self._root)
        except InputError as error:
            return error

    def _explained(self, images: Sequence[Image.Image]) -> list[tuple[Sequence[Result], list[Said]]]:
        """For each picture its analyses, the greedy one first, and what was said for that one.

        Where the model failed on some of them it cannot be told which words were about which picture; each is then
        asked about by itself.
        """
        columns = [list(reasoner.analyze_many(images, errors="return")) for reasoner in self._reasoners]
        said = self._greedy.said()
        failures = [result for result in columns[0] if isinstance(result, ModelError)]
        if len(images) > 1 and len(failures) == len(images):
            raise failures[0]
        if len(images) > 1 and any(isinstance(answer, FaceVLMError) for _, answer in said):
            return [alone for image in images for alone in self._explained([image])]
        results = list(zip(*columns, strict=True))
        coming = iter(said)
        return [(each, list(islice(coming, self._asked(each[0], len(said))))) for each in results]

    def _asked(self, result: Result, most: int) -> int:
        """How many conversations an analysis took; of one that failed, which stands alone, all there were."""
        if isinstance(result, FaceVLMError):
            return most
        return min(len(result.faces), 1) if self._greedy.asks == "scene" else len(result.faces)

    def _annotation(self, each: Unlabelled, results: Sequence[Result], said: Sequence[Said]) -> Annotation:
        greedy, samples = results[0], results[1:]
        if isinstance(greedy, FaceVLMError):
            return Annotation(image=each.image, error=str(greedy))
        labels = {1: each.emotion}  # of several faces the label is about the largest
        faces = tuple(
            judge(face, [_same(face, sample) for sample in samples], self._rules, labels.get(face.id))
            for face in greedy.faces
        )
        return Annotation(image=each.image, faces=faces, kept=tuple(self._kept(said, faces)))

    def _kept(self, asked: Sequence[Said], faces: Sequence[Judged]) -> Iterator[Exchange]:
        """The exchanges all of whose faces are kept: of a scene every face, of a crop the one."""
        groups = [faces] if self._greedy.asks == "scene" else [[face] for face in faces]
        for (conversation, answer), about in zip(asked, groups, strict=True):
            if isinstance(answer, Generation) and all(face.kept for face in about):
                yield self._exchange(conversation, answer)

    def _exchange(self, conversation: Conversation, answer: Generation) -> Exchange:
        return Exchange(
            prompt=tuple((turn.role, turn.text) for turn in conversation.turns),
            images=tuple(self._saved(image) for turn in conversation.turns for image in turn.images),
            answer=answer.text,
        )

    def _saved(self, image: Image.Image) -> str:
        """What the model was shown, as a file named by its pixels."""
        name = f"{PICTURES}/{hashlib.sha256(image.tobytes()).hexdigest()[:20]}.png"
        file = self._folder / name
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_picture(image, file)
        return name


def _same(face: FaceAnalysis, sample: Result) -> FaceAnalysis | None:
    """The same face in another analysis of its picture."""
    if isinstance(sample, FaceVLMError):
        return None
    return next((each for each in sample.faces if each.id == face.id), None)
