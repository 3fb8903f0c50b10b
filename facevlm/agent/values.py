"""What an agent says and remembers. Boxes and points are pixels of the original picture, as everywhere."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from facevlm.types import Box, Emotion, Intensity, Side, Value, Verdict

Origin = Literal["model", "template", "tables"]
Tool = Literal["look", "measure", "explain", "compare", "find", "match", "facs", "think", "write", "check"]


class Region(Value):
    """Where on the face an action unit shows: the side of the person, the box, and the outline around its landmarks."""

    place: Literal["left", "right", "middle"]
    box: Box
    outline: tuple[tuple[float, float], ...]


class Evidence(Value):
    """What one sentence rests on: a face, one action unit of it as measured and as the model explained it, or a label.

    Args:
        picture: the picture's id.
        face: the number of the face in it.
        au: the action unit; None where the sentence rests on the face as a whole (`box`, `emotion`).
        name: what the evidence is called in words, such as «lip corner puller» or «happiness».
        measured: its strength, 0–1; None where it could not be measured. `left` and `right` of the person where known.
        claimed, side, verdict: what the explanation claims of it and how that stood against measurement; None where
            the explanation does not speak of it.
        present: whether it counts as seen; None where it cannot be told.
        label, probability: a label that a matcher compared with the face, and how well it fits, 0–1; None elsewhere.
        regions: where it shows; the face's box for a face as a whole.
    """

    picture: str
    face: int
    au: int | None = None
    name: str = ""
    measured: float | None = None
    left: float | None = None
    right: float | None = None
    claimed: Intensity | None = None
    side: Side | None = None
    verdict: Verdict | None = None
    present: bool | None = None
    emotion: Emotion | None = None
    label: str | None = None
    probability: float | None = None
    cues: dict[str, float] = Field(default_factory=dict)
    regions: tuple[Region, ...] = ()


class Sentence(Value):
    """One sentence of an answer. `about` are the numbers of the faces it speaks of; each has evidence.

    `origin`: the model wrote it and the check let it stand; a template wrote it; or it was read from the FACS tables
    or from what is remembered.
    """

    text: str
    evidence: tuple[Evidence, ...] = ()
    origin: Origin = "template"

    @property
    def about(self) -> tuple[int, ...]:
        """The numbers of the faces it has evidence of, in order."""
        return tuple(sorted({each.face for each in self.evidence}))


class Step(Value):
    """Something the agent does on its way to an answer, and in a few words what it found."""

    name: Tool
    found: str


class Piece(Value):
    """More of the answer's text. The pieces of an answer joined are its `text`."""

    text: str


class Answer(Value):
    """A whole answer.

    Args:
        text: all of it, one paragraph a thought.
        sentences: its parts, in order, with what each rests on.
        intent: what the question was understood as, such as «presence» or «beyond».
        declined: the topic that is not spoken of, such as «identity»; None for any other answer.
        picture: the picture that was spoken of, None where there is none.
        faces: the numbers of the faces that were spoken of.
        suggestions: questions that may follow.
        asked: whether the model was asked to write.
        stepped_in: whether a template wrote what the model should have, because a check refused the model's words or
            the model failed.
        failed: whether something went wrong that the answer tells of (no picture yet, an unreadable file, no server).
        seconds: that it took.
    """

    text: str
    sentences: tuple[Sentence, ...]
    intent: str
    declined: str | None = None
    picture: str | None = None
    faces: tuple[int, ...] = ()
    suggestions: tuple[str, ...] = ()
    asked: bool = False
    stepped_in: bool = False
    failed: bool = False
    seconds: float = 0.0


Event = Step | Piece | Answer


class Message(Value):
    """One turn of a conversation. `pictures` came with it (ids); an assistant's has its `answer`."""

    role: Literal["user", "assistant"]
    text: str
    pictures: tuple[str, ...] = ()
    answer: Answer | None = None


class Conversation(Value):
    """A conversation as a list of them shows it. Times are seconds since 1970."""

    id: str
    title: str
    created: float
    updated: float
    kept: bool
    pictures: tuple[str, ...] = ()
