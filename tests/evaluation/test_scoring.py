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
from facevlm.types import (
    AU_CODES,
    EMOTIONS,
    Analysis,
    Box,
    Check,
    Emotion,
    Explanation,
    FaceAnalysis,
    ImageInfo,
    Observation,
    Pose,
    Provenance,
    Quality,
)

Own = Callable[..., Path]
Asked = Callable[..., session.Session]


def face(emotion: Emotion | None, claims: tuple[int, ...] = (), box: Box | None = None, **sides: Any) -> FaceAnalysis:
    """What was said of a face; every claim is supported by measurement but that of AU 4."""
    said = tuple(Observation(au=au, name="", intensity="C", side=sides.get("side", "both")) for au in claims)
    verdicts = ("contradicted" if au == 4 else "supported" for au in claims)
    told = emotion and Explanation(
        observations=said,
        interpretation="A joyful, relieved face.",
        emotion=emotion,
        probabilities={each: 0.86 if each == emotion else 0.02 for each in EMOTIONS},
    )
    return FaceAnalysis(
        id=1, box=box or Box(x=0, y=0, width=10, height=10), score=1.0, pose=Pose(yaw=0, pitch=0, roll=0),
        quality=Quality(score=1.0), action_units=dict.fromkeys(AU_CODES, 0.0), action_unit_sides={},
        explanation=told or None, faithfulness=None, coverage=None, error=None if told else "no JSON",
        checks=tuple(
            Check(au=au, claimed="C", side="both", measured=0.5, verdict=verdict)  # type: ignore[arg-type]
            for au, verdict in zip(claims, verdicts, strict=True)
        ),
    )  # fmt: skip


def row(number: int, truth: Truth, *faces: FaceAnalysis, condition: str = "as given", **fields: Any) -> Row:
    info = ImageInfo(source="", width=10, height=10, sha256="")
    told = Provenance(facevlm="0", model="m", adapter=None, prompt="p@0", seconds=0.1)
    analysis = Analysis(image=info, faces=faces, provenance=told)
    return Row(id=f"{number:05}", condition=condition, truth=truth, answer=analysis, **fields)


def labelled(emotion: Emotion) -> Truth:
    return Truth(faces=(FaceTruth(emotion=emotion),))


def figures(suite: Suite, *rows: Row) -> dict[str, Score]:
    """By metric, and where it is of a class by «metric class»."""
    found = scoring.of_rows(suite, rows)
    return {" ".join(filter(None, (score.metric, score.of))): score for score in found if not score.group}


def asking(*metrics: str, **fields: Any) -> Suite:
    return Suite(**{"name": "made", "title": "made", "task": "emotion", "metrics": metrics} | fields)


def test_a_face_that_was_not_found_and_one_not_explained_count_as_wrong() -> None:
    found = figures(
        asking("accuracy", "faces found", "answers that can be read"),
        row(0, labelled("fear"), face("fear")),
        row(1, labelled("fear")),
        row(2, labelled("fear"), face(None)),
    )
    assert found["accuracy"].value == pytest.approx(1 / 3)
    assert found["faces found"].value == pytest.approx(2 / 3)
    assert found["answers that can be read"].value == 0.5


def test_an_answer_outside_the_classes_is_wrong() -> None:
    seven = asking("accuracy", emotions=EMOTIONS[:7])
    assert figures(seven, row(0, labelled("disgust"), face("contempt")))["accuracy"].value == 0


def test_a_figure_of_each_class_says_of_which_and_one_that_is_empty_says_so() -> None:
    found = figures(asking("recall"), row(0, labelled("fear"), face("fear")), row(1, labelled("fear"), face("anger")))
    assert found["recall fear"].value == 0.5
    assert found["recall anger"].value is None
    assert found["recall anger"].note == "does not occur in the truth"


def test_intervals_are_by_subject_where_everyone_is_known() -> None:
    right = [row(n, labelled("fear"), face("fear"), group={"subject": "a"}) for n in range(20)]
    wrong = [row(n, labelled("fear"), face("anger"), group={"subject": "b"}) for n in range(20, 40)]
    alone = [each.model_copy(update={"group": {}}) for each in (*right, *wrong)]
    by_subject = figures(asking("accuracy"), *right, *wrong)["accuracy"]
    by_face = figures(asking("accuracy"), *alone)["accuracy"]
    assert (by_subject.low, by_subject.high) == (0, 1)
    assert by_face.low is not None and by_face.low > 0.3


def test_figures_do_not_depend_on_which_answer_came_first() -> None:
    rows = [row(n, labelled(("fear", "anger")[n % 2]), face(("fear", "anger")[n % 3 % 2])) for n in range(12)]
    assert figures(asking("recall"), *rows) == figures(asking("recall"), *reversed(rows))


def test_a_suite_breaks_figures_down_by_groups() -> None:
    rows = [
        row(0, labelled("fear"), face("fear"), group={"light": "dim"}),
        row(1, labelled("fear"), face("anger"), group={"light": "bright"}),
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
    found = figures(suite, row(0, truth, face("fear", (4, 6, 12), side="left")), row(1, truth, face("fear", (4,))))
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
    rows = (row(0, truth, face("fear", (12,))),)
    assert figures(asking("hallucinated AUs", units=(12,)), *rows)["hallucinated AUs"].value == 0
    assert figures(asking("hallucinated AUs", units=(12,), present_from="B"), *rows)["hallucinated AUs"].value == 1


def test_counts_are_of_pictures_and_claims_of_the_face_in_their_box() -> None:
    left, right = Box(x=0, y=0, width=10, height=10), Box(x=50, y=0, width=10, height=10)
    smiles, frowns = ({code: UnitLabel(present=True)} for code in (12, 4))
    truth = Truth(faces=(FaceTruth(box=left, units=smiles), FaceTruth(box=right, units=frowns)), count=2)
    suite = asking("count accuracy", "recall of boxes", "claims on the right face", task="counts")
    good = row(0, truth, face("fear", (12,), left), face("fear", (4,), right))
    swapped = row(1, truth, face("fear", (4,), left), face("fear", (12,), right))
    single = row(2, truth, face("fear", (12,), left))
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
    found = figures(asking("words: recall", "words told"), row(0, truth, face("happiness")))
    assert found["words: recall"].value == 1
    assert found["words told"].value == 3


def test_thresholds_that_are_missed_are_told(suite: Suite, own: Own, asked: Asked, scripted: Any) -> None:
    strict = suite.model_copy(update={"thresholds": {"accuracy": 0.9, "faces found": 0.9}})
    scored = scoring.score(asked(strict, own({"emotion": "fear"}), scripted("anger")).folder)
    assert scored.missed == ["accuracy: 0.000, asked for is 0.9"]


def test_an_unknown_figure_is_answered_with_those_there_are() -> None:
    with pytest.raises(InputError, match="no figure is called 'beauty'; use faces found"):
        figures(asking("beauty"), row(0, labelled("fear"), face("fear")))


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
    kinds = [row(n, labelled(EMOTIONS[n % 8]), face(EMOTIONS[n % 7], (12, 4))) for n in range(56)]
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
