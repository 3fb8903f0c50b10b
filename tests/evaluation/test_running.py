"""A run writes a row for each answer, goes on where it was, and asks nothing twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from facevlm.errors import InputError, ModelError
from facevlm.evaluation import keeping, provenance, run, running, scoring, session
from facevlm.evaluation.questions import Item, load, narrowed
from facevlm.evaluation.rows import Row
from facevlm.evaluation.run import ROWS
from facevlm.evaluation.suite import Condition, Damaged, Suite
from facevlm.models.local import LocalModel

Own = Callable[..., Path]
Asked = Callable[..., session.Session]
FOUR: tuple[dict[str, Any], ...] = ({"emotion": "happiness"}, {"emotion": "fear"}) * 2


def test_each_picture_gets_a_row_with_truth_answer_and_raw_text(
    suite: Suite, own: Own, asked: Asked, scripted: Any
) -> None:
    begun = asked(suite, own({"emotion": "happiness", "group": "ann"}), scripted("happiness"))
    (row,) = keeping.read(begun.folder)
    assert (row.id, row.condition, row.draw, row.group) == ("face-0", "as given", 0, {"subject": "ann"})
    assert row.truth.face.emotion == "happiness"
    assert row.face is not None and row.face.explanation is not None
    assert row.face.explanation.emotion == "happiness"
    assert json.loads(row.raw[0])["interpretation"] == "Typical of happiness."


def test_a_run_says_what_its_figures_depend_on(suite: Suite, own: Own, asked: Asked, scripted: Any) -> None:
    begun = asked(suite, own(*FOUR), scripted(), command="facevlm eval run made")
    told = run.read(begun.folder)
    assert told.suite == suite
    assert (told.model, told.adapter, told.weights) == ("scripted", None, None)
    assert told.prompts["sov-cot"].startswith("sov-cot@")
    assert (told.counts.samples, told.counts.asked, told.counts.failed) == (4, 4, 0)
    assert told.command == "facevlm eval run made"
    assert told.ended is not None and told.ended >= told.started
    assert {"python", "numpy"} <= told.versions.keys()


def test_a_second_run_asks_only_for_what_is_missing(suite: Suite, own: Own, asked: Asked, scripted: Any) -> None:
    data, model = own(*FOUR), scripted("happiness")
    folder = asked(suite, data, model).folder
    whole = (folder / ROWS).read_bytes()
    (folder / ROWS).write_bytes(b"".join(whole.splitlines(keepends=True)[:3]) + b'{"id":"face-3","cond')
    asked(suite, data, model)
    assert model.asked == 4 + 1
    assert sorted(row.id for row in keeping.read(folder)) == ["face-0", "face-1", "face-2", "face-3"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"prompt": "sov-label"}, "prompt"),
        ({"marks": "plain"}, "marks"),
        ({"name": "other"}, "suite"),
        ({"conditions": (Condition(name="turned", mirrored=True),)}, "conditions"),
    ],
)
def test_a_changed_suite_under_a_run_that_goes_on_is_refused(
    suite: Suite, own: Own, asked: Asked, begin: Asked, scripted: Any, change: dict[str, Any], what: str
) -> None:
    data = own(*FOUR)
    asked(suite, data, scripted())
    with pytest.raises(InputError, match=f"another .*{what}.*give another --out"):
        begin(suite.model_copy(update=change), data, scripted())


def test_a_changed_model_seed_or_data_set_is_refused(
    suite: Suite, own: Own, asked: Asked, begin: Asked, scripted: Any
) -> None:
    data = own(*FOUR)
    asked(suite, data, scripted())
    other = scripted()
    other.adapter = "better"
    with pytest.raises(InputError, match=r"another adapter \(None, now better\)"):
        begin(suite, data, other)
    with pytest.raises(InputError, match=r"another seed \(0, now 7\)"):
        begin(suite, data, scripted(), seed=7)
    with pytest.raises(InputError, match="another data set"):
        begin(suite, own({"emotion": "anger"}), scripted())


def test_figures_of_a_model_that_are_written_beside_it_leave_its_weights_the_same(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    model = object.__new__(LocalModel)
    model.adapter = None
    before = provenance.weights(model, str(tmp_path), None)
    (tmp_path / "metrics.json").write_text("{}")
    assert provenance.weights(model, str(tmp_path), None) == before
    (tmp_path / "model.safetensors").write_bytes(b"others")
    assert provenance.weights(model, str(tmp_path), None) != before


def test_what_only_figures_depend_on_may_change(suite: Suite, own: Own, asked: Asked, scripted: Any) -> None:
    data = own(*FOUR)
    asked(suite, data, scripted())
    model = scripted()
    asked(suite.model_copy(update={"metrics": ("accuracy",)}), data, model)
    assert model.asked == 0


def test_more_pictures_go_on_with_a_run_of_fewer(suite: Suite, own: Own, asked: Asked, scripted: Any) -> None:
    every, model = load(suite, own(*FOUR)), scripted("happiness")
    asked(suite, narrowed(every, 2, 7), model, limit=2, shuffle=7)
    folder = asked(suite, narrowed(every, 3, 7), model, limit=3, shuffle=7).folder
    assert model.asked == 3
    assert (run.read(folder).limit, run.read(folder).counts.samples) == (3, 3)


def test_fewer_pictures_and_others_are_another_run(suite: Suite, own: Own, asked: Asked, scripted: Any) -> None:
    every = load(suite, own(*FOUR))
    asked(suite, narrowed(every, 2, 7), scripted(), limit=2, shuffle=7)
    with pytest.raises(InputError, match="another limit"):
        asked(suite, narrowed(every, 1, 7), scripted(), limit=1, shuffle=7)
    with pytest.raises(InputError, match="another"):
        asked(suite, narrowed(every, 3, 8), scripted(), limit=3, shuffle=8)


def test_pictures_that_are_told_of_one_another_cannot_become_more(
    suite: Suite, own: Own, asked: Asked, scripted: Any
) -> None:
    every = load(suite, own(*FOUR))
    ways = (Condition(name="as given"), Condition(name="exchanged", told="exchanged", of="as given"))
    both = suite.model_copy(update={"conditions": ways})
    asked(both, narrowed(every, 2, None), scripted(), limit=2)
    with pytest.raises(InputError, match="another limit"):
        asked(both, narrowed(every, 3, None), scripted(), limit=3)


def test_a_model_that_fails_after_it_answered_is_asked_again_for_as_long_as_patience_lasts(
    suite: Suite, own: Own, begin: Asked, scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stumbling(scripted):  # type: ignore[misc]
        def _answer(self, conversation: Any) -> Any:
            self.failing = int(self.asked in (1, 2, 3))  # after the first answer, three times
            return super()._answer(conversation)

    monkeypatch.setattr(running, "PAUSE", 0.01)
    model = Stumbling("happiness")
    begun = begin(suite, own(*FOUR), model)
    assert session.ask(begun, lambda done, there: None, in_flight=1, patience=60).failed == 0
    assert len(keeping.read(begun.folder)) == 4
    assert model.asked == 4 + 3


def test_the_regions_of_a_face_are_kept_where_another_condition_greys_them_out(
    suite: Suite, own: Own, asked: Asked, scripted: Any
) -> None:
    ways = (
        Condition(name="as given"),
        Condition(name="grey", damage=Damaged(kind="region", level=12), of="as given"),
    )
    begun = asked(suite.model_copy(update={"conditions": ways}), own({"emotion": "happiness"}), scripted("happiness"))
    plain, greyed = keeping.read(begun.folder)
    assert {code for each in plain.places[1].of for code in each.region} >= {1, 12, 43}
    assert greyed.places == {}
    found = {score.metric: score for score in scoring.score(begun.folder).scores}
    assert found["occlusion: cosine with units"].note is None


def test_a_folder_in_use_is_refused(suite: Suite, own: Own, begin: Asked, scripted: Any) -> None:
    begun = begin(suite, own(*FOUR), scripted())
    rows = keeping.Rows(begun.folder)
    with pytest.raises(InputError, match="another run is writing it"):
        keeping.Rows(begun.folder)
    rows.close()


def test_a_picture_that_cannot_be_read_costs_only_itself(
    suite: Suite, own: Own, asked: Asked, scripted: Any, tmp_path: Path
) -> None:
    data = own(*FOUR)
    (tmp_path / "2.png").write_bytes(b"no picture")
    begun = asked(suite, data, scripted("happiness"))
    scored = scoring.score(begun.folder)
    assert [lost.id for lost in scored.run.counts.lost] == ["face-2"]
    assert "2.png" in scored.unread[0]
    assert {each.n for each in scored.headline} == {3}


def test_an_answer_that_cannot_be_read_counts_as_wrong_and_is_listed(
    suite: Suite, own: Own, asked: Asked, scripted: Any
) -> None:
    begun = asked(suite, own(*({"emotion": "happiness"},) * 4), scripted("happiness", "I cannot say."))
    scored = scoring.score(begun.folder)
    assert scored.run.counts.unparsable == 2
    assert {score.metric: score.value for score in scored.headline}["accuracy"] == 0.5
    assert all(told.startswith("face-") for told in scored.unparsable)


def test_what_the_model_failed_on_has_no_row_and_is_asked_again(
    suite: Suite, own: Own, asked: Asked, begin: Asked, scripted: Any
) -> None:
    data, model = own(*FOUR), scripted()
    model.failing = 2
    begun = begin(suite, data, model)
    outcome = session.ask(begun, lambda done, there: None, in_flight=1)
    assert (outcome.asked, outcome.failed) == (4, 2)
    assert "the model is gone" in outcome.why
    assert run.read(begun.folder).ended is None
    asked(suite, data, model)
    assert len(keeping.read(begun.folder)) == 4
    assert run.read(begun.folder).ended is not None


def test_a_model_that_only_fails_ends_the_run(suite: Suite, own: Own, begin: Asked, scripted: Any) -> None:
    model = scripted()
    model.failing = 100
    with pytest.raises(ModelError, match="16 pictures in a row failed"):
        session.ask(begin(suite, own(*FOUR * 10), model), lambda done, there: None, in_flight=1)


def test_several_answers_to_a_picture_are_voted_on(suite: Suite, own: Own, asked: Asked, scripted: Any) -> None:
    model = scripted("fear", "happiness", "happiness")
    begun = asked(suite, own({"emotion": "happiness"}), model, draws=3)
    figures = {score.metric: score.value for score in scoring.score(begun.folder).headline}
    assert model.asked == 3
    assert figures["accuracy"] == 1.0
    assert figures["self-consistency"] == pytest.approx(2 / 3)


def test_cues_withheld_and_exchanged_are_not_the_faces_own(suite: Suite, own: Own, asked: Asked, scripted: Any) -> None:
    ways = [Condition(name=told, told=told) for told in ("own", "withheld", "exchanged")]  # type: ignore[arg-type]
    model = scripted()
    asked(suite.model_copy(update={"conditions": tuple(ways)}), own(*FOUR), model)
    mine, without, others = set(model.heard[:4]), set(model.heard[4:8]), model.heard[8:]
    assert len(without) == 1
    assert not without & mine
    assert sorted(others) == sorted(model.heard[:4])
    assert all(one != other for one, other in zip(model.heard[:4], others, strict=True))


def test_where_the_other_picture_has_no_face_nothing_is_told_as_measured(
    suite: Suite, own: Own, asked: Asked, scripted: Any, tmp_path: Path
) -> None:
    Image.new("RGB", (120, 120), "grey").save(tmp_path / "blank.png")
    ways = [Condition(name=told, told=told) for told in ("withheld", "exchanged")]  # type: ignore[arg-type]
    model = scripted()
    rows = own({"emotion": "happiness"}, {"emotion": "happiness", "image": "blank.png"})
    asked(suite.model_copy(update={"conditions": tuple(ways)}), rows, model)
    without, exchanged = model.heard
    assert exchanged == without


def test_a_condition_is_read_against_the_one_it_names(suite: Suite, own: Own, asked: Asked, scripted: Any) -> None:
    blur = Condition(name="blurred", damage=Damaged(kind="blur", level=1), of="as given")
    two = suite.model_copy(update={"conditions": (Condition(name="as given"), blur)})
    model = scripted(*["happiness"] * 4, *["happiness", "fear"] * 2)
    scored = scoring.score(asked(two, own(*FOUR), model).folder)
    against = {score.metric: score.value for score in scored.headline if score.condition == "blurred"}
    assert against["agreement"] == 0.5
    assert against["change of accuracy"] == 0.5


def test_conditions_a_model_cannot_be_asked_under_are_told_and_left_out(
    suite: Suite, own: Own, begin: Asked, scripted: Any
) -> None:
    ways = (Condition(name="as given"), Condition(name="forced", told="forced-own", of="as given"))
    begun = begin(suite.model_copy(update={"conditions": ways}), own(*FOUR), scripted())
    assert list(begun.left_out) == ["forced"]
    assert running.total(begun.run.suite, begun.questions.items, begun.asker, 1) == 4


class Instant:
    """An asker whose pictures and answers cost nothing: what is left is the runner."""

    def __init__(self, model: Any, row: Row) -> None:
        self.model, self.row = model, row

    def ready(self, questions: Any) -> Any:
        return questions

    def answer(self, questions: Any) -> list[Row]:
        return [self.row.model_copy(update={"id": question.item.id}) for question in questions]


@pytest.mark.parametrize("pace", [running.Pace(32, 1, 1), running.Pace(1, 16, 4)])
def test_the_runner_itself_costs_at_most_three_milliseconds_a_sample(
    suite: Suite, own: Own, asked: Asked, scripted: Any, tmp_path: Path, pace: running.Pace
) -> None:
    (row,) = keeping.read(asked(suite, own({"emotion": "fear"}), scripted()).folder)
    items = [Item(f"{number}", lambda: Image.new("RGB", (1, 1)), row.truth) for number in range(1000)]
    (tmp_path / "thousand").mkdir()
    started = time.process_time()
    running.run(suite, items, Instant(scripted(), row), tmp_path / "thousand", lambda *_: None, pace)  # type: ignore[arg-type]
    assert len(keeping.read(tmp_path / "thousand")) == 1000
    assert time.process_time() - started < 1000 * 0.003


def test_of_a_hundred_samples_three_that_are_broken_cost_themselves_and_are_told(
    suite: Suite, own: Own, asked: Asked, scripted: Any, tmp_path: Path
) -> None:
    rows: list[Any] = [{"emotion": "happiness"} for _ in range(100)]
    rows[10], rows[20] = {"emotion": "gladness"}, '{"id": "face-20", "ima'
    data = own(*rows)
    (tmp_path / "30.png").write_bytes(b"")
    scored = scoring.score(asked(suite, data, scripted("happiness")).folder)
    assert [lost.id for lost in scored.run.counts.lost] == ["faces.jsonl:11", "faces.jsonl:21", "face-30"]
    accuracy = next(score for score in scored.headline if score.metric == "accuracy")
    assert (accuracy.value, accuracy.n) == (1.0, 97)


_RUN = """
import hashlib, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from conftest import Scripted, written
from facevlm.evaluation import session
from facevlm.evaluation import suite as suites
from facevlm.evaluation.questions import load

class Slow(Scripted):
    def generate(self, conversations, **how):
        time.sleep(0.05)
        with open({log!r}, "a") as log:
            log.write("asked\\n" * len(conversations))
        crops = (each.turns[-1].images[0].tobytes() for each in conversations)
        return [written(("happiness", "fear")[hashlib.md5(crop).digest()[0] % 2]) for crop in crops]

suite = suites.named({suite!r})
begun = session.begin(suite, load(suite, Path({data!r})), Slow(), Path({out!r}), session.Asked())
session.ask(begun, lambda done, there: None, in_flight=2)
"""


def test_killed_anywhere_and_run_again_it_gives_the_same_figures_and_asks_no_finished_sample_twice(
    suite: Suite, own: Own, tmp_path: Path
) -> None:
    data = own(*FOUR * 4)
    file = tmp_path / "made.yaml"
    file.write_text("task: emotion\ntitle: made\ndata: {own: test}\nmetrics: [accuracy, recall]\n")
    (tmp_path / "killed").mkdir()
    code = {
        name: _RUN.format(
            tests=str(Path(__file__).parent), suite=str(file), data=str(data), out=str(tmp_path / name),
            log=str(tmp_path / f"{name}.log"),
        )
        for name in ("killed", "whole")
    }  # fmt: skip
    rows = tmp_path / "killed" / ROWS
    for enough in (3, 9):
        process = _started(code["killed"])
        until = time.monotonic() + 60
        while (not rows.is_file() or rows.read_bytes().count(b"\n") < enough) and time.monotonic() < until:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    held = len(keeping.read(tmp_path / "killed"))
    before = (tmp_path / "killed.log").read_text().count("asked")
    assert 9 <= held < 16
    for name in code:
        assert _started(code[name]).wait() == 0
    after = (tmp_path / "killed.log").read_text().count("asked")
    assert after - before == 16 - held
    ids = [row.id for row in keeping.read(tmp_path / "killed")]
    assert sorted(ids) == sorted(f"face-{number}" for number in range(16))
    killed, whole = (scoring.score(tmp_path / name).scores for name in ("killed", "whole"))
    assert list(killed) == list(whole)
    assert len({each.value for each in whole}) > 1


def _started(code: str) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[2]
    return subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(root)}, cwd=root)
