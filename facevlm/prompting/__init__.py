"""Prompts: the templates of `prompts/`, filled in for a picture or a face, and the schema of their answers."""

from facevlm.prompting.cues import cue_text, unit_text
from facevlm.prompting.dialogue import Dialogue, inquire_face, inquire_scene
from facevlm.prompting.examples import Example, after_examples, example_reference
from facevlm.prompting.load import Prompt, load, names
from facevlm.prompting.render import face_text, render_face, render_scene
from facevlm.prompting.schema import answer_schema

__all__ = [
    "Dialogue", "Example", "Prompt", "after_examples", "answer_schema", "cue_text", "example_reference", "face_text",
    "inquire_face", "inquire_scene", "load", "names", "render_face", "render_scene", "unit_text",
]  # fmt: skip
