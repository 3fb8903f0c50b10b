"""A conversation as a file to take away: JSON with all there is, a page that needs nothing beside itself, Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app import cards, measures, overlay
from app.overlay import Look
from facevlm.agent import Agent, Conversation, Evidence, Message
from facevlm.errors import ModelError
from facevlm.reasoning import text
from facevlm.types import Analysis


@dataclass(frozen=True)
class Record:
    """All of a conversation: what was said, and of each picture its file and its analysis."""

    conversation: Conversation
    messages: Sequence[Message]
    analyses: dict[str, Analysis]

    @property
    def name(self) -> str:
        """A file's name, without an ending."""
        return re.sub(r"\W+", "-", self.conversation.title).strip("-")[:60] or "conversation"


def record(agent: Agent, conversation: str) -> Record:
    """The conversation as the agent has it."""
    talk = next(each for each in agent.conversations() if each.id == conversation)
    messages = agent.history(conversation)
    pictures = dict.fromkeys(picture for message in messages for picture in message.pictures)
    analyses = {picture: _analysis(agent, picture) for picture in pictures}
    return Record(talk, messages, {picture: analysis for picture, analysis in analyses.items() if analysis})


def _analysis(agent: Agent, picture: str) -> Analysis | None:
    try:
        return agent.analysis(picture)
    except ModelError:
        return None


def to_json(kept: Record) -> bytes:
    """`{"conversation", "messages", "analyses"}`; pictures are named by their hash and are not inside."""
    content = {
        "conversation": kept.conversation.model_dump(mode="json"),
        "messages": [message.model_dump(mode="json") for message in kept.messages],
        "analyses": {picture: analysis.model_dump(mode="json") for picture, analysis in kept.analyses.items()},
    }
    return json.dumps(content, indent=1, ensure_ascii=False).encode()


def to_markdown(kept: Record) -> bytes:
    """Questions, answers and what each sentence rests on, then the analyses."""
    parts = [f"# {text.plain(kept.conversation.title)}", _when(kept)]
    for message in kept.messages:
        who = "You" if message.role == "user" else "FaceVLM"
        shown = f" ({len(message.pictures)} picture{'s' * (len(message.pictures) > 1)})" if message.pictures else ""
        parts.append(f"**{who}**{shown}: {text.plain(message.text)}")
        parts += [f"- {text.plain(line)}" for line in grounds(message)]
    parts += [text.markdown(measures.analysis_as_in_answers(each)).strip() for each in kept.analyses.values()]
    parts += [measures.STRONGER] if kept.analyses else []
    return ("\n\n".join(part for part in parts if part) + "\n").encode()


def to_html(kept: Record) -> bytes:
    """One page with the marked pictures, what was said, and a card of every face."""
    return cards.page(
        "conversation",
        title=kept.conversation.title,
        when=_when(kept),
        messages=[(message, grounds(message)) for message in kept.messages],
        pictures={picture: _picture(analysis) for picture, analysis in kept.analyses.items()},
        names={picture: Path(analysis.image.source).name for picture, analysis in kept.analyses.items()},
        cards=[_cards(analysis) for analysis in kept.analyses.values()],
    ).encode()


def grounds(message: Message) -> list[str]:
    """What an answer rests on, one line for each piece of evidence."""
    if message.answer is None:
        return []
    evidence = [each for sentence in message.answer.sentences for each in sentence.evidence]
    return list(dict.fromkeys(ground(each) for each in evidence))


def ground(evidence: Evidence) -> str:
    """«Face 1, AU12 lip corner puller: measured 0.71 on the left, 0.64 on the right, claimed D, ✓ supported»."""
    what = f"AU{evidence.au} {evidence.name}" if evidence.au is not None else evidence.name or "the whole face"
    facts = [
        "" if evidence.measured is None else f"measured {_measured(evidence)}",
        "" if evidence.claimed is None else f"claimed {_claimed(evidence)}",
        "" if evidence.verdict is None else f"{text.SIGNS[evidence.verdict]} {evidence.verdict}",
    ]
    told = ", ".join(fact for fact in facts if fact)
    return f"Face {evidence.face}, {what}{': ' if told else ''}{told}"


def _measured(evidence: Evidence) -> str:
    return text.strengths(evidence.measured, evidence.left, evidence.right)


def _claimed(evidence: Evidence) -> str:
    one = evidence.side in ("left", "right")
    return f"{evidence.claimed} on the {evidence.side}" if one else str(evidence.claimed)


def _when(kept: Record) -> str:
    return datetime.fromtimestamp(kept.conversation.created, UTC).strftime("%d %B %Y, %H:%M UTC")


def _picture(analysis: Analysis) -> str | None:
    return None if analysis.marked is None else overlay.data_url(_small(analysis.marked.image))


def _small(image: overlay.Image.Image) -> overlay.Image.Image:
    small = image.copy()
    small.thumbnail((overlay.PICTURE_SIDE, overlay.PICTURE_SIDE))
    return small


def _cards(analysis: Analysis) -> list[str]:
    if analysis.marked is None:
        return []
    pairs = zip(analysis.faces, analysis.marked.faces, strict=True)
    return [cards.html(told, face, analysis.marked.image, Look()) for told, face in pairs]
