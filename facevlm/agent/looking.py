"""A closer look: a question to the vision-language model about one face alone, enlarged."""

from __future__ import annotations

from facevlm import prompting
from facevlm.agent.album import View
from facevlm.errors import FaceVLMError
from facevlm.marks.crop import crop
from facevlm.prompting import Dialogue
from facevlm.reasoning import FaceReasoner
from facevlm.reasoning.parse import parse_answer
from facevlm.types import Face, MarkedImage

ZOOMED = 512  # pixels a side


def look_closely(reasoner: FaceReasoner, view: View, face: Face, question: str) -> str:
    """The model's answer about one face. Raises ModelError, OutputError or InputError as the model and prompt do."""
    asked = Dialogue(question=question)
    if reasoner.model.asks == "face":
        small = view.seen.crops[[each.id for each in view.faces].index(face.id)]
        conversation = prompting.inquire_face(face, small, asked)
    else:
        marked = view.seen.marked
        near = MarkedImage(image=crop(marked.image, face, ZOOMED, "plain"), faces=(face,), variant="number")
        conversation = prompting.inquire_scene(near, asked)
    (answer,) = reasoner.model.generate([conversation])
    if isinstance(answer, FaceVLMError):
        raise answer
    return parse_answer(answer.text)
