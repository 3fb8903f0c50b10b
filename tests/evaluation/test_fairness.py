"""The same faces at every level of a factor, and groups of different faces: what is better for whom, and how surely."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from facevlm.data.sample import UnitLabel
from facevlm.data.synth.audit import EXPRESSION, HELD, table
from facevlm.errors import InputError
from facevlm.evaluation import fairness, fairness_groups, fairness_levels
from facevlm.evaluation.fairness import Effect, Fairness, Gap
from facevlm.evaluation.rows import FaceTruth, Row
from facevlm.types import EMOTIONS, Emotion
from tests.evaluation.made import face, row

Answer = Callable[[int, str, Emotion], Emotion]  # of a person, at a level, of what is shown
PEOPLE = 12
SHOWN: tuple[Emotion, ...] = ("neutral", "fear")


@pytest.fixture
def answered() -> Callable[..., list[Row]]:
    """Rows of every person's two expressions at every level of a factor."""

    def make(answer: Answer, factor: str = "skin tone", people: int = PEOPLE) -> list[Row]:
        rows = []
        for person in range(people):
            for shown in SHOWN:
                for level in table().levels(factor):
                    held = level == table().held.get(factor)
                    group = {"subject": f"p{person}", "factor": EXPRESSION if held else factor}
                    group["level"] = HELD if held else level
                    told = face(answer(person, level, shown), 0.8)
                    rows.append(row(f"{factor}-{level}-{person}-{shown}", shown, told, group=group))
        return rows

    return make


def _right(person: int, level: str, shown: Emotion) -> Emotion:
    return shown


def _gap(found: Fairness, outcome: str = "emotion right", emotion: Emotion | None = None) -> Gap:
    return next(each for each in found.gaps if (each.outcome, each.emotion) == (outcome, emotion))


def _effects(found: Fairness, outcome: str = "emotion right") -> dict[str, Effect]:
    return {each.level: each for each in found.effects if (each.outcome, each.emotion) == (outcome, None)}


def test_where_every_level_is_answered_alike_there_is_no_gap_and_no_width_to_it(
    answered: Callable[..., list[Row]],
) -> None:
    gap = _gap(fairness_levels.audit(answered(_right)))
    assert (gap.value, gap.low, gap.high, gap.n) == (0, 0, 0, PEOPLE * len(SHOWN))


def test_a_level_is_compared_with_the_mean_of_all_on_the_same_faces(answered: Callable[..., list[Row]]) -> None:
    def misses_the_darkest(person: int, level: str, shown: Emotion) -> Emotion:
        return "anger" if level == "6 darkest" and person % 2 else shown

    found = fairness_levels.audit(answered(misses_the_darkest))
    darkest = _effects(found)["6 darkest"]
    assert darkest.value == pytest.approx(0.5)
    assert darkest.difference == pytest.approx(0.5 - (5 + 0.5) / 6)
    assert darkest.low is not None and darkest.high is not None
    assert darkest.low <= darkest.difference <= darkest.high < 0
    assert (_gap(found).worst, _gap(found).value) == ("6 darkest", pytest.approx(0.5))


def test_a_gap_says_how_often_levels_that_mean_nothing_are_as_far_apart(answered: Callable[..., list[Row]]) -> None:
    def misses_the_darkest(person: int, level: str, shown: Emotion) -> Emotion:
        return "anger" if level == "6 darkest" else shown

    def misses_one_somewhere(person: int, level: str, shown: Emotion) -> Emotion:
        return "anger" if (person, level) == (3, "6 darkest") else shown

    surely, hardly = (
        _gap(fairness_levels.audit(answered(each))).p for each in (misses_the_darkest, misses_one_somewhere)
    )
    assert surely < 0.01 and hardly == 1


def test_one_expression_may_have_a_gap_that_another_has_not(answered: Callable[..., list[Row]]) -> None:
    def misses_fear_in_the_dark(person: int, level: str, shown: Emotion) -> Emotion:
        return "surprise" if (level, shown) == ("dim", "fear") else shown

    found = fairness_levels.audit(answered(misses_fear_in_the_dark, "light"))
    assert _gap(found, emotion="fear").value == 1 and _gap(found, emotion="neutral").value == 0


def test_the_faces_on_which_nothing_is_varied_stand_for_the_level_that_is_held(
    answered: Callable[..., list[Row]],
) -> None:
    assert list(_effects(fairness_levels.audit(answered(_right, "pose")))) == list(table().pose)


def test_a_face_that_lacks_a_level_is_left_out_of_all_of_them(answered: Callable[..., list[Row]]) -> None:
    rows = [each for each in answered(_right) if each.id != "skin tone-3 light-0-fear"]
    assert _gap(fairness_levels.audit(rows)).n == PEOPLE * len(SHOWN) - 1


def test_resamples_are_of_people_so_one_person_gives_no_interval(answered: Callable[..., list[Row]]) -> None:
    gap = _gap(fairness_levels.audit(answered(_right, people=1)))
    assert (gap.value, gap.low, gap.high) == (0, None, None)


def test_a_probability_moves_before_the_answer_does() -> None:
    rows = [
        row(f"{person}-{level}", "fear", face("fear", 0.9 if level == "1 lightest" else 0.6),
            group={"subject": str(person), "factor": "skin tone", "level": level})
        for person in range(3) for level in table().skin
    ]  # fmt: skip
    found = fairness_levels.audit(rows)
    assert _gap(found).value == 0
    assert _gap(found, "probability of the emotion").value == pytest.approx(0.3)


def test_claims_are_held_against_the_action_units_that_were_put_there() -> None:
    truth = FaceTruth(emotion="fear", units={1: UnitLabel(present=True), 12: UnitLabel(present=True)})
    one = row("a", truth, face("fear", 0.9, [(12, "supported")]))
    assert fairness.OUTCOMES["action units, F1"](one) == pytest.approx(2 / 3)


def test_with_all_else_held_an_answer_ought_to_follow_the_expression(answered: Callable[..., list[Row]]) -> None:
    def says_neutral(person: int, level: str, shown: Emotion) -> Emotion:
        return "neutral" if person < PEOPLE / 2 else shown

    at_rest, fear = fairness_levels.audit(answered(says_neutral, "light")).responses
    assert (at_rest.emotion, at_rest.named, at_rest.moved) == ("neutral", 1, None)
    assert (fear.named, fear.moved, fear.n) == (0.5, 0.5, PEOPLE)


def test_rows_about_other_pictures_are_no_audit() -> None:
    assert fairness_levels.audit([row("a", "fear", face("fear"))]) == Fairness()


def _grouped(sizes: dict[str, tuple[int, int]]) -> list[Row]:
    """So many faces of each group, and so many of them answered rightly."""
    return [
        row(f"{name}{each}", "fear", face("fear" if each < right else "anger"), group={"light": name})
        for name, (size, right) in sizes.items()
        for each in range(size)
    ]


def _between(rows: list[Row]) -> Fairness:
    return fairness_groups.between(rows, "light", lambda each: each.group.get("light"))


def test_groups_of_a_data_set_have_their_figures_and_the_gap_between_them() -> None:
    found = _between(_grouped({"bright": (40, 36), "dim": (40, 20)}))
    right = {each.group: (each.value, each.n) for each in found.groups if each.outcome == "emotion right"}
    assert right == {"bright": (0.9, 40), "dim": (0.5, 40)}
    gap = _gap(found)
    assert (gap.best, gap.worst, gap.value) == ("bright", "dim", pytest.approx(0.4))
    assert gap.low is not None and gap.high is not None and 0 < gap.low < 0.4 < gap.high
    assert gap.p < 0.01


def test_groups_that_are_answered_about_alike_are_as_far_apart_by_chance() -> None:
    assert _gap(_between(_grouped({"bright": (40, 30), "dim": (40, 29)}))).p > 0.5


def test_action_units_that_nobody_coded_are_compared_by_no_one() -> None:
    found = _between(_grouped({"bright": (40, 36), "dim": (40, 20)}))
    assert "action units, F1" not in {each.outcome for each in found.groups}


def test_a_group_of_few_faces_is_counted_and_not_compared() -> None:
    found = _between(_grouped({"bright": (40, 36), "dim": (fairness_groups.FEWEST - 1, 0)}))
    assert found.left_out == {"light: dim": fairness_groups.FEWEST - 1}
    assert {each.group for each in found.groups} == {"bright"} and not found.gaps


def test_findings_are_read_back_as_they_were_written(tmp_path: Path, answered: Callable[..., list[Row]]) -> None:
    found = fairness_levels.audit(answered(_right))
    fairness.write(tmp_path, found)
    assert fairness.read(tmp_path) == found
    assert fairness.read(tmp_path / "elsewhere") is None


def test_a_file_of_findings_that_is_spoilt_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / fairness.FAIRNESS).write_text("{")
    with pytest.raises(InputError, match="run `facevlm eval fairness"):
        fairness.read(tmp_path)


def test_every_emotion_is_shown_in_the_audit() -> None:
    assert tuple(table().expressions) == EMOTIONS
