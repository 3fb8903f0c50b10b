"""Open-vocabulary sets over emotion wheels: worked by hand, from the shipped table and from tables like MERTools'."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facevlm.errors import InputError
from facevlm.evaluation import intervals
from facevlm.evaluation.metrics import vocabulary
from facevlm.evaluation.metrics.vocabulary import Vocabulary
from facevlm.types import EMOTIONS

TWO = Vocabulary(
    name="made",
    wheels={
        "fine": {"glad": "joy", "happy": "joy", "proud": "pride", "sad": "sorrow", "cross": "anger"},
        "coarse": {"glad": "good", "happy": "good", "proud": "good", "sad": "bad", "cross": "bad"},
    },
)


@pytest.fixture
def mertools(tmp_path: Path) -> Path:
    """A folder of tables as MERTools has them: two wheels, synonyms in two columns, forms."""
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")

    def save(name: str, rows: list[list[str | None]]) -> None:
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(tmp_path / name)

    levels = ["level1", "level2", "level3"]
    save("wheel1.xlsx", [levels, ["Happy", "playful", "cheeky"], [None, None, "aroused"], [None, "proud", "confident"]])
    save("wheel2.xlsx", [levels, ["bad", "tired", "sleepy"], [None, None, "cheeky "], ["good", "proud", "happy"]])
    columns = ["word_run1", "synonym_run1", "word_run2", "synonym_run2"]
    rows = [
        ["happy", "['glad', 'merry']", "happy", "glad"],
        ["proud", "glad", "proud", "smug"],
        ["sleepy", "[]", "sleepy", "weary"],
        ["cheeky", "smug", "cheeky", "bold"],
    ]
    save("synonym.xlsx", [columns, *rows])
    forms = 'name,format\nhappy,"happy,happily"\nglad,"glad,gladly"\nsmug,"smug,smugly"\nweary,weary\ncheeky,cheeky\n'
    (tmp_path / "format.csv").write_text(forms, encoding="utf-8")
    return tmp_path


def test_three_samples_by_hand() -> None:
    told = [["glad", "sad"], ["happy", "proud"], ["cross"]]
    true = [["happy"], ["glad", "sad"], ["proud"]]
    # fine: precision 1/2, 1/2, 0 and recall 1, 1/2, 0; coarse: precision 1/2, 1, 0 and recall 1, 1/2, 0.
    fine, coarse = (1 / 3, 1 / 2), (1 / 2, 1 / 2)
    f = [2 * p * r / (p + r) for p, r in (fine, coarse)]
    expected = [(1 / 3 + 1 / 2) / 2, 1 / 2, np.mean(f), 5 / 3]
    assert vocabulary.overlap(told, true, TWO).value == pytest.approx(expected, abs=1e-9)


def test_f_is_of_the_averages_and_not_the_average() -> None:
    one = Vocabulary(name="made", wheels={"fine": TWO.wheels["fine"]})
    values = vocabulary.overlap([["happy", "sad"], ["cross"]], [["happy"], ["cross", "proud"]], one).value
    precision, recall = (1 / 2 + 1) / 2, (1 + 1 / 2) / 2
    assert values[2] == pytest.approx(2 * precision * recall / (precision + recall))
    assert values[2] != pytest.approx(2 / 3)  # each sample's


def test_words_of_one_group_count_once() -> None:
    assert vocabulary.overlap([["happy", "glad"]], [["glad"]], TWO).value.tolist() == [1, 1, 1, 2]


def test_words_outside_the_vocabulary_only_show_in_how_many_there_are() -> None:
    assert vocabulary.overlap([["happy", "zesty", "zonked"]], [["glad"]], TWO).value.tolist() == [1, 1, 1, 3]


def test_nothing_told_is_nothing_found() -> None:
    assert vocabulary.overlap([[]], [["glad"]], TWO).value.tolist() == [0, 0, 0, 0]


def test_a_sample_without_a_known_word_in_its_reference_does_not_count_and_is_said() -> None:
    measure = vocabulary.overlap([["glad"], ["glad"]], [["zesty"], ["glad"]], TWO)
    assert measure.value[:3].tolist() == [1, 1, 1]
    assert measure.n == 1
    assert measure.notes == ("1 samples without a known word in the reference are left out",)


def test_all_figures_have_intervals() -> None:
    measure = vocabulary.overlap([["glad"], ["sad"], ["cross"]] * 20, [["glad"]] * 60, TWO)
    figures = intervals.figures(measure)
    assert figures["F"].low < figures["F"].value < figures["F"].high


def test_a_hit_is_the_true_words_group_among_those_told() -> None:
    measure = vocabulary.hits([["glad", "cross"], ["proud"]], ["happy", "happy"], TWO)
    assert measure.value == pytest.approx([(1 + (0 + 1) / 2) / 2, 3 / 2])


def test_the_vocabulary_that_ships_knows_the_emotions_and_gives_a_word_one_group() -> None:
    shipped = vocabulary.load()
    assert shipped.groups("basic", EMOTIONS) == frozenset(EMOTIONS)
    assert shipped.groups("basic", ["Joyful", "furious"]) == {"happiness", "anger"}
    assert set(shipped.wheels) == {"basic", "primary", "circumplex"}


def test_no_word_of_the_table_that_ships_is_in_two_families() -> None:
    import yaml

    families = yaml.safe_load((Path(vocabulary.__file__).parent / "vocabulary.yaml").read_text())["families"]
    words = [word for family in families.values() for word in family]
    assert sorted(words) == sorted(set(words))


def test_tables_of_the_users_are_read_form_by_form(mertools: Path) -> None:
    read = vocabulary.load(mertools)
    assert set(read.wheels) == {"wheel1", "wheel2"}
    assert read.wheels["wheel1"]["happily"] == "happy"
    assert read.wheels["wheel2"]["happily"] == "good"
    assert read.wheels["wheel2"]["weary"] == "bad"
    assert "weary" not in read.wheels["wheel1"]


def test_of_several_meanings_the_first_in_the_alphabet_that_is_on_the_wheel_is_taken(mertools: Path) -> None:
    read = vocabulary.load(mertools)
    assert read.wheels["wheel2"]["smugly"] == "bad"  # cheeky, before proud
    assert read.wheels["wheel2"]["gladly"] == "good"  # happy


def test_a_folder_without_wheels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no wheel1\.xlsx"):
        vocabulary.load(tmp_path)


def test_a_table_of_other_columns_is_refused(mertools: Path) -> None:
    (mertools / "format.csv").write_text("word,shape\n", encoding="utf-8")
    (mertools / "format.csv").write_text("word,shape\na,b\n", encoding="utf-8")
    with pytest.raises(InputError, match="name and format"):
        vocabulary.load(mertools)


def test_a_table_that_is_none_is_refused(mertools: Path) -> None:
    (mertools / "wheel2.xlsx").write_text("no table", encoding="utf-8")
    with pytest.raises(InputError, match=r"wheel2\.xlsx: no Excel table"):
        vocabulary.load(mertools)
