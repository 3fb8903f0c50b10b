"""What is not spoken of: who someone is, honesty, origin, health, age and sex, character, and what is felt.

`declined.yaml` says how such questions are put; the chain-of-thought engine's tables say why they are not answered.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from facevlm.agent.language import normal
from facevlm.data.cot import wording


def topic(question: str) -> str | None:
    """The topic of a question that must be declined, or None. A question is one sentence, as it was written."""
    text = normal(question)
    return next((name for name, rule in _rules().items() if _met(rule, text, question.strip())), None)


def reasons(name: str) -> list[str]:
    """Why a topic is not spoken of, in several wordings."""
    return list(wording.table("questions")["declined"]["topics"][name]["why"])


def _met(rule: dict[str, list[re.Pattern[str]]], text: str, written: str) -> bool:
    if any(pattern.search(text) for pattern in rule["unless"]):
        return False
    return any(each.search(text) for each in rule["asks"]) or any(each.search(written) for each in rule["named"])


@cache
def _rules() -> dict[str, dict[str, list[re.Pattern[str]]]]:
    table: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "declined.yaml").read_text(encoding="utf-8"))
    return {
        name: {part: [re.compile(_filled(each, table)) for each in rule.get(part, ())] for part in _PARTS}
        for name, rule in table["topics"].items()
    }


_PARTS = ("asks", "named", "unless")


def _filled(pattern: str, table: dict[str, Any]) -> str:
    for name in ("who", "kind", "feelings"):
        pattern = pattern.replace(f"{{{name}}}", table[name])
    return pattern
