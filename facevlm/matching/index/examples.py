"""The labelled faces of an index nearest to those of a photograph, as examples for a model that sees whole pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, zip_longest
from pathlib import Path

from PIL import Image

from facevlm.errors import InputError
from facevlm.faces import decode
from facevlm.faces.decode import Source
from facevlm.matching.index.layout import Entry
from facevlm.matching.index.reading import Index, Neighbour
from facevlm.matching.matcher import Matcher
from facevlm.prompting import Example
from facevlm.reasoning.seeing import Found
from facevlm.types import Box

_AROUND = 0.3  # of a box's longer side, shown on each side of it
_SIDE = 384  # pixels of the longer side of an example


class Examples:
    """Chooses the examples for a photograph; what `FaceReasoner` takes as `examples`.

    Args:
        index: where they are taken from.
        matcher: the model it was built by.
        count: of examples for one photograph.
        opened: opens a picture of the index by its name; by default the file in the folder it was built of.

    Raises:
        InputError: another model built the index, or it has no labels.
    """

    def __init__(
        self, index: Index, matcher: Matcher, count: int, opened: Callable[[str], Source] | None = None
    ) -> None:
        index.check(matcher)
        if not index.description.labelled:
            raise InputError(f"{index.folder}: has no labels to show as examples; build it again with --labels")
        self._index, self._matcher, self._count = index, matcher, count
        self._opened = opened or Path(index.description.source).joinpath

    def __call__(self, found: Found) -> tuple[Example, ...]:
        """The nearest labelled faces: first that nearest to the largest face, then to the next, and so on in turn.

        The photograph itself is never among them. Raises InputError where a picture of the index is gone or changed.
        """
        ranked = zip_longest(*self._nearest(found))
        chosen = dict.fromkeys(each.entry for each in chain.from_iterable(ranked) if each is not None)
        return tuple(self._example(entry) for entry in list(chosen)[: self._count])

    def _nearest(self, found: Found) -> Iterator[tuple[Neighbour, ...]]:
        """Those nearest to each face."""

        def wanted(entry: Entry) -> bool:
            return entry.label is not None and entry.sha256 != found.picture.sha256

        crops = [self._matcher.crop(found.picture.image, face) for face in found.faces]
        for vector in self._matcher.faces(crops):
            yield self._index.nearest(vector, self._count, wanted=wanted)

    def _example(self, entry: Entry) -> Example:
        picture = decode(self._opened(entry.picture))
        if picture.sha256 != entry.sha256:
            raise InputError(f"{entry.picture}: has changed since {self._index.folder} was built; build it again")
        return Example(image=_around(picture.image, entry.box), label=entry.label or "", source=entry.picture)


def _around(image: Image.Image, box: Box) -> Image.Image:
    """The face and a little of what is around it."""
    pad = _AROUND * max(box.width, box.height)
    left, top = max(round(box.x - pad), 0), max(round(box.y - pad), 0)
    right, bottom = min(round(box.right + pad), image.width), min(round(box.bottom + pad), image.height)
    small = image.crop((left, top, right, bottom))
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return small
