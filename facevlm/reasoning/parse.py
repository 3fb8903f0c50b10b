"""From what a model wrote to explanations.

Tolerant of what stands around the JSON (thoughts, prose, a code fence), strict about the JSON itself: an answer that is
cut off, names a face that was not drawn, or uses a word outside the vocabulary is an error and never repaired.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from pydantic_core import from_json

from facevlm import facs
from facevlm.errors import OutputError, quoted
from facevlm.types import AU_CODES, Emotion, Explanation, Intensity, Observation, Side

_THOUGHT = re.compile(r"\A.*</think>", re.DOTALL)


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class _Claim(_Strict):
    au: int
    intensity: Intensity
    side: Side
    evidence: str

    @field_validator("au")
    @classmethod
    def _known(cls, code: int) -> int:
        if code not in AU_CODES:
            raise ValueError("not an action unit FaceVLM speaks of")
        return code


class _Told(_Strict):
    """What is told of one face; which of the optional fields must be there, the prompt says."""

    context: str | None = None
    observations: list[_Claim] = []
    interpretation: str = ""
    emotion: Emotion


def parse_face(text: str, required: Collection[str] = ("observations", "interpretation", "emotion")) -> Explanation:
    """The answer about one face.

    Args:
        text: all the model wrote.
        required: the fields the prompt asked for.

    Raises:
        OutputError: there is no JSON object, it is cut off, lacks a field or holds a value outside the vocabulary.
    """
    return _explanation(_first_object(text), required)


def parse_scene(
    text: str, ids: Sequence[int], required: Collection[str] = ("observations", "interpretation", "emotion")
) -> dict[int, Explanation | OutputError]:
    """The answer about every numbered face of a picture, `{"faces": [{"id": 1, …}, …]}`.

    Returns:
        For each id that was drawn its explanation, or what is wrong with it alone; in the order of the answer, faces
        that it leaves out last.

    Raises:
        OutputError: the answer as a whole cannot be used, because it is no such object or names a face not drawn.
    """
    faces = _first_object(text).get("faces")
    if not isinstance(faces, list) or not all(isinstance(face, dict) for face in faces):
        raise OutputError("the answer has no list of «faces»; use a model that follows a JSON schema")
    named = [face.get("id") for face in faces]
    for foreign in (identity for identity in named if type(identity) is not int or identity not in ids):
        raise OutputError(
            f"the answer names face {quoted(repr(foreign), 40)}, and those drawn are {_listed(ids)}; ask again"
        )
    told = {face["id"]: _one_of_scene(face, named.count(face["id"]), required) for face in faces}
    left_out = {face_id: OutputError(f"the answer leaves out face {face_id}; ask again") for face_id in ids}
    return told | {face_id: error for face_id, error in left_out.items() if face_id not in told}


def parse_answer(text: str) -> str:
    """The answer to a question. Raises OutputError as `parse_face` does."""
    answer = _first_object(text).get("answer")
    if not isinstance(answer, str):
        raise OutputError("the answer lacks «answer»; use a model that follows a JSON schema")
    return answer


def _one_of_scene(face: dict[str, Any], times: int, required: Collection[str]) -> Explanation | OutputError:
    if times > 1:
        return OutputError(f"the answer speaks of face {face['id']} {times} times; ask again")
    try:
        return _explanation({name: value for name, value in face.items() if name != "id"}, required)
    except OutputError as error:
        return error


def _explanation(answer: dict[str, Any], required: Collection[str]) -> Explanation:
    missing = [name for name in required if name not in answer]
    if missing:
        raise OutputError(f"the answer lacks {_listed(missing)}; use a model that follows a JSON schema")
    try:
        told = _Told.model_validate(answer)
    except ValidationError as error:
        raise OutputError(_complaint(error)) from None
    return Explanation(
        observations=_observations(told.observations),
        interpretation=told.interpretation,
        emotion=told.emotion,
        context=told.context,
    )


def _observations(claims: Sequence[_Claim]) -> tuple[Observation, ...]:
    """Each action unit once: where a model repeats itself, its first claim counts."""
    first: dict[int, Observation] = {}
    for claim in claims:
        first.setdefault(claim.au, Observation(name=facs.unit(claim.au).name, **claim.model_dump()))
    return tuple(first.values())


def _complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = quoted(".".join(str(part) for part in first["loc"]), 40)
    value = quoted(repr(first["input"]), 40)
    return f"the answer's {place} is {value}: {first['msg']}; use a model that follows a JSON schema"


def _first_object(text: str) -> dict[str, Any]:
    """The first complete JSON object of a text."""
    text = _THOUGHT.sub("", text).rstrip()
    if text.lstrip().startswith("<think>"):
        raise OutputError("the answer is cut off while the model was thinking; allow it more tokens")
    if not text:
        raise OutputError("the answer is empty; a reasoning model may have spent its tokens before it came to one")
    for brace in re.finditer(r"\{", text):
        try:
            found: dict[str, Any] = json.JSONDecoder(strict=False).raw_decode(text, brace.start())[0]
        except json.JSONDecodeError:
            if _cut_off(text[brace.start() :]):
                raise OutputError("the answer is cut off before its end; allow the model more tokens") from None
        except RecursionError:
            raise OutputError("the answer is nested without end; use a model that follows a JSON schema") from None
        else:
            return found
    raise OutputError(f"the answer holds no JSON object: «{quoted(text, 60)}»; use a model that follows a JSON schema")


def _cut_off(text: str) -> bool:
    """Whether text that is no JSON fails at its end alone, so that more of it might have been right."""
    try:
        from_json(text)
    except ValueError as error:
        return str(error).startswith("EOF")
    return False


def _listed(names: Collection[Any]) -> str:
    return ", ".join(str(name) for name in names)
