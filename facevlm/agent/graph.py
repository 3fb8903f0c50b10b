"""The path from a message to its answer, as a graph of LangGraph.

hear → decline, or answer → tell; where a model can call tools, plan in the place of answer.

Pictures stay in the album, and steps exchange their ids.
"""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph

from facevlm.agent.album import Album
from facevlm.agent.nodes import Nodes
from facevlm.agent.turn import State, Turn
from facevlm.reasoning import FaceReasoner


def build(reasoner: FaceReasoner, album: Album, checkpointer: Any, chat: Any = None) -> Any:
    """The graph, compiled. `chat` is a chat model that can call tools, where there is one."""
    nodes, plan = Nodes(reasoner, album, chat), StateGraph(State, context_schema=Turn)
    for name in ("hear", "decline", "plan", "answer", "tell"):
        plan.add_node(name, getattr(nodes, name))
    free = "plan" if chat is not None else "answer"

    def onwards(state: State) -> str:
        return "decline" if state["declined"] else free if state["questions"] else "answer"

    plan.add_edge(START, "hear")
    plan.add_conditional_edges("hear", onwards, ["decline", "plan", "answer"])
    for name in ("decline", "plan", "answer"):
        plan.add_edge(name, "tell")
    plan.add_edge("tell", END)
    return plan.compile(checkpointer=checkpointer)
