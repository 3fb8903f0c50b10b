"""The pictures of conversations: found faces at once, explanations when they are first needed."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from functools import cached_property

from PIL import Image

from facevlm.agent.values import Step
from facevlm.faces.decode import decode
from facevlm.reasoning import FaceReasoner
from facevlm.reasoning.seeing import Seen
from facevlm.types import Analysis, Face, FaceAnalysis

HELD = 32  # pictures kept decoded; others are read again from their bytes

Tell = Callable[[Step], None]


class View:
    """One picture as the agent sees it: numbered faces with what is measured, and the model's explanation of them.

    Raises InputError where the picture cannot be read.
    """

    def __init__(self, id: str, data: bytes, reasoner: FaceReasoner, analysis: Analysis | None = None) -> None:
        self.id = id
        self._data = data
        self._reasoner = reasoner
        self._turn = threading.Lock()
        began = time.perf_counter()
        self.seen: Seen = reasoner.see(data)
        self._looked = time.perf_counter() - began
        self._analysis = analysis.model_copy(update={"marked": self.seen.marked}) if analysis else None

    @property
    def faces(self) -> tuple[Face, ...]:
        return self.seen.marked.faces

    @cached_property
    def plain(self) -> Image.Image:
        """The picture without marks."""
        return decode(self._data).image

    @cached_property
    def found(self) -> str:
        """What was found, in a few words."""
        count = len(self.faces)
        return "no face" if not count else "one face" if count == 1 else f"{count} faces"

    def known(self, face: int) -> FaceAnalysis | None:
        """The explanation of a face where there is one already."""
        told = self._analysis
        return next((each for each in told.faces if each.id == face), None) if told else None

    def analysis(self, tell: Tell = lambda step: None) -> Analysis:
        """The whole analysis, made when first asked for. Raises ModelError where the model fails."""
        with self._turn:
            if self._analysis is None:
                began = time.perf_counter()
                asked = self._reasoner.ask(self.seen)
                answers = self._reasoner.model.generate(asked) if asked else []
                seconds = self._looked + time.perf_counter() - began
                self._analysis = self._reasoner.tell(self.seen, answers, seconds)
                tell(Step(name="explain", found=_read(self._analysis)))
            return self._analysis

    @property
    def explanation(self) -> Analysis | None:
        """The analysis where it was made."""
        return self._analysis


class Album:
    """Views by picture id, the last used kept. `read` brings a picture's bytes and, where kept, its analysis."""

    def __init__(self, reasoner: FaceReasoner, read: Callable[[str], tuple[bytes, Analysis | None]]) -> None:
        self._reasoner = reasoner
        self._read = read
        self._views: OrderedDict[str, View] = OrderedDict()
        self._lock = threading.Lock()

    def view(self, picture: str) -> View:
        """The picture's view. Raises InputError for a picture that is not there."""
        with self._lock:
            held = self._views.get(picture)
        if held is None:
            data, analysis = self._read(picture)
            held = View(picture, data, self._reasoner, analysis)
        self._hold(held)
        return held

    def hold_only(self, pictures: Collection[str]) -> None:
        """Forgets the views of all others."""
        with self._lock:
            for gone in self._views.keys() - pictures:
                del self._views[gone]

    def _hold(self, view: View) -> None:
        with self._lock:
            self._views[view.id] = view
            self._views.move_to_end(view.id)
            while len(self._views) > HELD:
                self._views.popitem(last=False)


def _read(analysis: Analysis) -> str:
    told = (
        f"face {face.id} {face.explanation.emotion if face.explanation else 'unanswered'}" for face in analysis.faces
    )
    return ", ".join(told)
