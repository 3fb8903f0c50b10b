"""The JSON schema an answer to a prompt must follow; its properties stand in the order they are written in."""

from __future__ import annotations

from typing import Any, get_args

from facevlm.prompting.load import AnswerField, Asks, Prompt
from facevlm.types import AU_CODES, EMOTIONS, Intensity, Side

Schema = dict[str, Any]

# A small model's answer is kept so short that it fits its context whatever it writes: it can then never be cut off.
MOST_OBSERVATIONS: dict[Asks, int] = {"scene": 8, "face": 6}
EVIDENCE_LENGTH: dict[Asks, int] = {"scene": 80, "face": 48}
INTERPRETATION_LENGTH: dict[Asks, int] = {"scene": 600, "face": 200}
PLAIN = r"[ !#-\[\]-~]"  # printable ASCII that JSON need not escape: at least one character a token


def answer_schema(prompt: Prompt, ids: tuple[int, ...] | None) -> Schema:
    """The schema of the answer about one face (`ids` None), or of `{"faces": […]}` with one entry for each id.

    An answer to a question is one text about the whole picture either way. Every object closes its properties and
    requires them all, so a decoder bound to the schema writes the fields in the prompt's order.
    """
    answer: dict[str, Schema] = {field: _field(field, prompt.asks) for field in prompt.answer}
    if ids is None or not prompt.per_face:
        return _object(answer)
    face = _object({"id": {"type": "integer", "enum": list(ids)}} | answer)
    return _object({"faces": {"type": "array", "items": face, "minItems": len(ids), "maxItems": len(ids)}})


def _field(field: AnswerField, asks: Asks) -> Schema:
    match field:
        case "observations":
            return {"type": "array", "items": _observation(asks), "maxItems": MOST_OBSERVATIONS[asks]}
        case "emotion":
            return {"type": "string", "enum": list(EMOTIONS)}
        case "interpretation":
            return _text(INTERPRETATION_LENGTH[asks], asks)
        case "context":
            return _text(300, asks)
        case "answer":
            return _text(800 if asks == "scene" else 240, asks)


def _observation(asks: Asks) -> Schema:
    return _object(
        {
            "au": {"type": "integer", "enum": list(AU_CODES)},
            "intensity": {"type": "string", "enum": list(get_args(Intensity))},
            "side": {"type": "string", "enum": list(get_args(Side))},
            "evidence": _text(EVIDENCE_LENGTH[asks], asks),
        }
    )


def _text(longest: int, asks: Asks) -> Schema:
    if asks == "face":
        half = longest // 2  # xgrammar 0.2.8 fails on a count above 128
        return {"type": "string", "pattern": f"^{PLAIN}{{0,{longest - half}}}{PLAIN}{{0,{half}}}$"}
    return {"type": "string", "maxLength": longest}


def _object(properties: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
