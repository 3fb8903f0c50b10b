"""Suites are files that anyone can read, and wrong ones are told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from facevlm import prompting
from facevlm.data.readers import READERS
from facevlm.errors import InputError
from facevlm.evaluation import suite as suites
from facevlm.evaluation.damage import DAMAGES
from facevlm.evaluation.figures import FIGURES
from facevlm.evaluation.questions import NEUTRAL
from facevlm.evaluation.suite import Suite


def test_every_suite_that_ships_asks_for_figures_prompts_readers_and_damages_that_there_are(
    shipped_suites: list[Suite],
) -> None:
    assert {"ferplus", "emotion-7", "emotion-8", "au-disfa-8", "counts", "ablations"} <= {
        s.name for s in shipped_suites
    }
    for suite in shipped_suites:
        assert set(suite.metrics) <= set(FIGURES), suite.name
        assert set(suite.data) <= {NEUTRAL, *READERS}, suite.name
        for condition in suite.conditions:
            for asks in ("face", "scene"):
                prompting.load(condition.prompt or suite.prompt, asks)
            assert condition.damage is None or condition.damage.kind in {*DAMAGES, "rotation"}, condition.name


def test_a_file_of_questions_is_no_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "talk.yaml").write_text("questions: []\n")
    (tmp_path / "mine.yaml").write_text("task: emotion\ntitle: mine\n")
    monkeypatch.setattr(suites, "folder", lambda: tmp_path)
    assert suites.names() == ["mine"]


def test_a_suite_of_ones_own_is_named_by_its_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("task: emotion\ntitle: mine\nemotions: [anger, fear]\n")
    assert suites.named(str(file)).emotions == ("anger", "fear")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("task: emotion\n", "title: field required"),
        ("task: moods\ntitle: x\n", "not 'moods'"),
        ("- task\n", "not a mapping"),
        ("task: [\n", "not YAML"),
        ("task: emotion\ntitle: x\nemotions: [joy]\n", "not 'joy'"),
        ("task: emotion\ntitle: x\nconditions: [{name: a}, {name: a}]\n", "two conditions are called 'a'"),
        ("task: emotion\ntitle: x\nconditions: [{name: a, of: b}]\n", "read against 'b'"),
    ],
)
def test_a_wrong_suite_is_told_in_one_line(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as told:
        suites.named(str(file))
    assert why in str(told.value)
    assert "\n" not in str(told.value)


def test_an_unknown_suite_is_answered_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"ferplus.*or a file of your own"):
        suites.named("imagenet")
