"""A conversation about the faces of pictures, every sentence of it with the evidence it rests on.

agent = Agent(store=Path("talks.sqlite"))
talk = agent.start()
for event in agent.ask(talk, "Why does she look happy?", [Path("photo.jpg")]):
    ...  # Step, Piece, …, and last an Answer
"""

from __future__ import annotations

from facevlm.agent.agent import Agent
from facevlm.agent.values import Answer, Conversation, Event, Evidence, Message, Piece, Region, Sentence, Step

__all__ = [
    "Agent", "Answer", "Conversation", "Event", "Evidence", "Message", "Piece", "Region", "Sentence", "Step",
]  # fmt: skip
