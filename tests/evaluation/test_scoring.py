"""Figures are made from rows alone, and say of what they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facevlm.data.sample import UnitLabel
from facevlm.errors import InputError
from facevlm.evaluation import keeping, run, scores, scoring, session
from facevlm.evaluation.answers import answers
from facevlm.evaluation.rows import FaceTruth, Row, Truth
from facevlm.evaluation.scores import Score
from facevlm.evaluation.suite import Condition, Suite
from facevlm.types import EMOTIONS, Box
from tests.evaluation.made import checked, face, row

Own = Callable[..., Path]
Asked = Callable[..., session.Session]


def figures(suite: Suite, *rows: Row) -> dict[str, Score]:
    """By metric, and where it is of a class by «metric class»."""
    found = scoring.of_rows(suite, rows)
    return {" ".join(filter(None, (score.metric, score.of))): score for score in found if not score.group}


def asking(*metrics: str, **fields: Any) -> Suite:
    return Suite(**{"name": "made", "title": "made", "task": "emotion", "metrics": metrics} | fields)


def test_a_face_that_was_not_found_and_one_not_explained_count_as_wrong() -> None:
    found = figures(
        asking("accuracy", "faces found", "answers that can be read"),
        row(0, "fear", face("fear")),
        row(1, "fear", None),
        row(2, "fear", face(None)),
    )
    assert found["accuracy"].value == pytest.approx(1 / 3)
    assert found["faces found"].value == pytest.approx(2 / 3)
    assert found["answers that can be read"].value == 0.5


def test_an_answer_outside_the_classes_is_wrong() -> None:
    seven = asking("accuracy", emotions=EMOTIONS[:7])
    assert figures(seven, row(0, "disgust", face("contempt")))["accuracy"].value == 0


def test_a_figure_of_each_class_says_of_which_and_one_that_is_empty_says_so() -> None:
    found = figures(asking("recall"), row(0, "fear", face("fear")), row(1, "fear", face("anger")))
    assert found["recall fear"].value == 0.5
    assert found["recall anger"].value is None
    assert found["recall anger"].note == "does not occur in the truth"


def test_intervals_are_by_subject_where_everyone_is_known() -> None:
    right = [row(n, "fear", face("fear"), group={"subject": "a"}) for n in range(20)]
    wrong = [row(n, "fear", face("anger"), group={"subject": "b"}) for n in range(20, 40)]
    alone = [each.model_copy(update={"group": {}}) for each in (*right, *wrong)]
    by_subject = figures(asking("accuracy"), *right, *wrong)["accuracy"]
    by_face = figures(asking("accuracy"), *alone)["accuracy"]
    assert (by_subject.low, by_subject.high) == (0, 1)
    assert by_face.low is not None and by_face.low > 0.3


def test_figures_do_not_depend_on_which_answer_came_first() -> None:
    rows = [row(n, ("fear", "anger")[n % 2], face(("fear", "anger")[n % 3 % 2])) for n in range(12)]
    assert figures(asking("recall"), *rows) == figures(asking("recall"), *reversed(rows))


def test_a_suite_breaks_figures_down_by_groups() -> None:
    rows = [
        row(0, "fear", face("fear"), group={"light": "dim"}),
        row(1, "fear", face("anger"), group={"light": "bright"}),
    ]
    found = {
        tuple(score.group.items()): score for score in scoring.of_rows(asking("accuracy", breakdown=("light",)), rows)
    }
    assert found[("light", "dim"),].value == 1
    assert found[("light", "bright"),].value == 0
    assert found[()].n == 2


def test_claims_are_held_against_coded_units_and_against_measurement() -> None:
    shown = {12: UnitLabel(present=True, intensity="C", side="left"), 4: UnitLabel(present=False)}
    truth = Truth(faces=(FaceTruth(units=shown),))
    suite = asking(
        "AU F1", "AU mean F1", "hallucinated AUs", "missed AUs", "true claims", "claims about coded units",
        "faithfulness", "claims a face", "sides right", units=(4, 6, 12),
    )  # fmt: skip
    found = figures(
        suite,
        row(0, truth, face("fear", claims=checked(4, 6, 12), side="left")),
        row(1, truth, face("fear", claims=checked(4))),
    )
    assert found["AU F1 AU12"].value == pytest.approx(2 / 3)
    assert found["AU F1 AU4"].value is None
    assert found["AU mean F1"].value == pytest.approx(2 / 3)
    assert found["hallucinated AUs"].value == pytest.approx(2 / 3)
    assert found["missed AUs"].value == 0.5
    assert found["claims about coded units"].value == 0.75
    assert found["faithfulness"].value == 0.5
    assert found["claims a face"].value == 2
    assert found["sides right"].value == 1


def test_an_intensity_below_the_one_asked_for_is_absent() -> None:
    truth = Truth(faces=(FaceTruth(units={12: UnitLabel(present=True, intensity="A")}),))
    rows = (row(0, truth, face("fear", claims=checked(12))),)
    assert figures(asking("hallucinated AUs", units=(12,)), *rows)["hallucinated AUs"].value == 0
    assert figures(asking("hallucinated AUs", units=(12,), present_from="B"), *rows)["hallucinated AUs"].value == 1


def test_counts_are_of_pictures_and_claims_of_the_face_in_their_box() -> None:
    left, right = Box(x=0, y=0, width=10, height=10), Box(x=50, y=0, width=10, height=10)
    smiles, frowns = ({code: UnitLabel(present=True)} for code in (12, 4))
    truth = Truth(faces=(FaceTruth(box=left, units=smiles), FaceTruth(box=right, units=frowns)), count=2)
    suite = asking("count accuracy", "recall of boxes", "claims on the right face", task="counts")
    good = row(0, truth, face("fear", claims=checked(12), box=left), face("fear", claims=checked(4), box=right))
    swapped = row(1, truth, face("fear", claims=checked(4), box=left), face("fear", claims=checked(12), box=right))
    single = row(2, truth, face("fear", claims=checked(12), box=left))
    found = figures(suite, good, swapped, single)
    assert found["count accuracy"].value == pytest.approx(2 / 3)
    assert found["recall of boxes"].value == pytest.approx(5 / 6)
    assert found["claims on the right face"].value == pytest.approx(3 / 5)


def test_a_compound_is_the_likeliest_pair() -> None:
    names = ("happily surprised", "sadly angry")
    suite = asking("compound accuracy", "one of the two emotions", task="compound", compounds=names)
    rows = [row(n, Truth(faces=(FaceTruth(compound=name),)), face("surprise")) for n, name in enumerate(names)]
    found = figures(suite, *rows)
    assert found["compound accuracy"].value == 0.5
    assert found["one of the two emotions"].value == 0.5


def test_emotion_words_of_the_interpretation_count_beside_the_emotion() -> None:
    truth = Truth(faces=(FaceTruth(labels=("happy", "relieved")),))
    found = figures(
        asking("words: recall", "words told"), row(0, truth, face("happiness", words="A joyful, relieved face."))
    )
    assert found["words: recall"].value == 1
    assert found["words told"].value == 3


def test_frames_of_a_clip_become_events_in_their_order() -> None:
    told, true = ("fear", "fear", None, "anger"), ("fear", "anger", "anger", "sadness")
    frames = [
        row(n, true[n], face(told[n]), group={"clip": "a", "frame": str(number)})  # as texts, 10 comes before 9
        for n, number in enumerate((8, 9, 10, 11))
    ]
    found = figures(asking("events matched", "events in order"), *reversed(frames), row("alone", "fear", face("fear")))
    assert found["events matched"].value == pytest.approx(2 * 2 / (2 + 3))  # fear, anger of fear, anger, sadness
    assert found["events in order"].value == pytest.approx(2 / 3)
    assert found["events matched"].n == 1


def test_a_frame_without_a_number_is_refused() -> None:
    with pytest.raises(InputError, match="frame 'last' is no number"):
        figures(asking("events matched"), row(0, "fear", face("fear"), group={"clip": "a", "frame": "last"}))


def test_thresholds_that_are_missed_are_told(suite: Suite, own: Own, asked: Asked, scripted: Any) -> None:
    strict = suite.model_copy(update={"thresholds": {"accuracy": 0.9, "faces found": 0.9}})
    scored = scoring.score(asked(strict, own({"emotion": "fear"}), scripted("anger")).folder)
    assert scored.missed == ["accuracy: 0.000, asked for is 0.9"]


def test_an_unknown_figure_is_answered_with_those_there_are() -> None:
    with pytest.raises(InputError, match="no figure is called 'beauty'; use faces found"):
        figures(asking("beauty"), row(0, "fear", face("fear")))


def test_scores_are_written_and_read_again(suite: Suite, own: Own, asked: Asked, scripted: Any) -> None:
    folder = asked(suite, own({"emotion": "fear"}), scripted("fear")).folder
    scored = scoring.score(folder)
    assert scores.read(folder) == list(scored.scores)
    assert run.read(folder).counts.done == 1
    assert scoring.score(folder).run.counts == scored.run.counts


def test_a_folder_without_a_run_or_without_answers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give a folder that `facevlm eval run` made"):
        scoring.score(tmp_path)


def test_a_line_that_is_no_row_is_named(tmp_path: Path) -> None:
    (tmp_path / run.ROWS).write_text('{"id": "a"}\n')
    with pytest.raises(InputError, match="line 1 is no row of a run"):
        keeping.read(tmp_path)


@pytest.mark.slow
def test_ten_thousand_answers_are_scored_in_seconds(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import time

    from facevlm.evaluation import suite as suites

    suite = suites.named("emotion-8")
    kinds = [row(n, EMOTIONS[n % 8], face(EMOTIONS[n % 7], claims=checked(12, 4))) for n in range(56)]
    lines = [kinds[n % 56].model_copy(update={"id": f"{n}", "group": {"subject": f"{n % 500}"}}) for n in range(10_000)]
    (tmp_path / run.ROWS).write_text("".join(each.model_dump_json() + "\n" for each in lines))
    started = time.perf_counter()
    found = list(scoring.of_rows(suite, keeping.read(tmp_path)))
    seconds = time.perf_counter() - started
    with capsys.disabled():
        print(f"\n{len(lines):,} answers, {len(found)} figures: {seconds:.1f} s")
    assert len(answers(lines, "as given")) == 10_000
    assert Condition(name="as given") in suite.conditions
    assert seconds < 60  # 20 s where nothing else runs
