"""The page: whole by itself, readable without its pictures, and safe whatever a model wrote."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from facevlm.errors import InputError
from facevlm.evaluation.report import cases, page, read, write
from facevlm.evaluation.report.cases import Cases
from facevlm.evaluation.rows import FaceTruth, Row, Truth
from facevlm.evaluation.run import DataSet
from tests.evaluation.made import face, row
from tests.evaluation.report.conftest import MakeRun

pytest.importorskip("plotly", reason="plotly draws the charts; pip install 'facevlm[eval]'")


class Page(HTMLParser):
    """What a browser would load and show, the charts' library left out."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._in: str = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in = tag

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in not in ("script", "style"):
            self.text += data


def _page(*folders: Path, pictures: bool = False) -> str:
    read_ = [read(folder) for folder in folders]
    return page.html([report for report, _ in read_], [cases.choose(*each, pictures=pictures) for each in read_])


def _kinds(folder: Path) -> dict[str, Cases]:
    return {each.title: each for each in cases.choose(*read(folder), pictures=False)}


def _shown(rows: list[Row], photograph: Path) -> list[Row]:
    return [row.model_copy(update={"image": str(photograph)}) for row in rows]


def test_the_page_needs_nothing_beside_itself(make_run: MakeRun) -> None:
    of = Page(_page(make_run()))
    links = [attrs[name] for _, attrs in of.tags for name in ("src", "href") if name in attrs]
    assert links == [] and "link" not in [tag for tag, _ in of.tags]


def test_plotly_is_in_the_page_once(make_run: MakeRun) -> None:
    assert _page(make_run(), make_run(model="other")).count("plotly.js v") == 1


def test_every_chart_says_in_words_what_it_shows_and_its_data_is_json(make_run: MakeRun) -> None:
    source = _page(make_run())
    charts = [attrs for tag, attrs in Page(source).tags if tag == "div" and attrs.get("role") == "img"]
    specs = re.findall(r'<script type="application/json">(.*?)</script>', source, re.S)
    assert len(charts) == len(specs) == 4  # by emotion, by unit, by condition, reliability
    assert all(attrs["aria-label"] for attrs in charts)
    assert all(json.loads(spec)["data"] for spec in specs)


def test_the_page_tells_the_figures_the_loss_and_the_command(make_run: MakeRun) -> None:
    text = Page(_page(make_run())).text
    assert "0.500 (0.100–0.900)" in text
    assert "1 could not be read and count as wrong; 1 lost: not a picture" in " ".join(text.split())
    assert "facevlm eval run made --data made" in text


def test_what_a_model_wrote_is_text_and_never_markup(make_run: MakeRun) -> None:
    evil = "</script><script>alert(1)</script>"
    source = _page(make_run(model=evil))
    assert evil not in source and "A <b>smile</b>." not in source
    assert "A <b>smile</b>." in Page(source).text and "<not json>" in Page(source).text


def test_a_run_that_has_not_ended_says_that_its_figures_are_of_a_part(make_run: MakeRun) -> None:
    assert "this run has not ended" in Page(_page(make_run(ended=None))).text


def test_errors_are_the_surest_first_and_those_without_an_answer_apart(make_run: MakeRun) -> None:
    folder = make_run([row("a", "fear", face("sadness", 0.6)), row("b", "fear", face("sadness", 0.9)),
                       row("c", "fear", face("fear", 0.99)), row("d", "fear", None)])  # fmt: skip
    kinds = _kinds(folder)
    assert [case.id for case in kinds["Wrong, and most sure of it"].shown] == ["b", "a"]
    assert [(case.id, case.answer) for case in kinds["No answer"].shown] == [("d", "the face was not found")]


def test_an_answer_that_could_not_be_read_is_shown_as_it_was_written(make_run: MakeRun) -> None:
    unread = {case.id: case.raw for case in _kinds(make_run())["No answer"].shown}
    assert unread == {"d": "", "e": "<not json>"}


def test_a_picture_without_a_face_in_which_none_was_found_is_no_error(make_run: MakeRun) -> None:
    empty = row("a", "fear", None).model_copy(update={"truth": Truth(count=0)})
    assert not _kinds(make_run([empty]))


def test_a_picture_that_could_not_be_asked_about_is_shown_with_the_reason(make_run: MakeRun) -> None:
    (case,) = _kinds(make_run([row("a", "fear", None, answer=None, error="the model failed")]))["No answer"].shown
    assert case.answer == "the model failed"


def test_units_missed_and_invented_are_named_where_the_true_ones_are_known(make_run: MakeRun) -> None:
    truth = FaceTruth.model_validate({"units": {4: {"present": True}, 12: {"present": False}}})
    (case,) = _kinds(make_run([row("a", truth, face("fear", 0.5, [(12, "supported")]))]))[
        "Action units missed or invented"
    ].shown
    assert case.units == "missed AU4 brow lowerer; invented AU12 lip corner puller"


def test_only_so_many_errors_are_shown_and_all_are_counted(make_run: MakeRun) -> None:
    folder = make_run([row(str(each), "fear", face("sadness")) for each in range(20)])
    (kind,) = cases.choose(*read(folder), pictures=False, most=3)
    assert (len(kind.shown), kind.total) == (3, 20)


def test_pictures_are_shown_only_of_data_that_may_be_shown_unless_asked_for(
    make_run: MakeRun, rows: list[Row], astronaut: Path, tmp_path: Path
) -> None:
    shown = DataSet(name="made", sha256="0", shown=True)
    hidden = shown.model_copy(update={"shown": False})
    counts = {}
    for name, data, asked in (("shown", shown, None), ("hidden", hidden, None), ("off", shown, False)):
        source = write([make_run(_shown(rows[1:2], astronaut), data=data)], tmp_path, pictures=asked).read_text()
        counts[name] = source.count("data:image/jpeg;base64,")
    assert counts["hidden"] == counts["off"] == 0 < counts["shown"]


def test_a_picture_has_a_text_in_its_place(make_run: MakeRun, rows: list[Row], astronaut: Path) -> None:
    of = Page(_page(make_run(_shown(rows[1:2], astronaut)), pictures=True))
    assert {attrs["alt"] for tag, attrs in of.tags if tag == "img"} == {"The marked face of b."}


def test_a_picture_that_is_gone_leaves_its_words(make_run: MakeRun, rows: list[Row], tmp_path: Path) -> None:
    of = Page(_page(make_run(_shown(rows[1:2], tmp_path / "gone.png")), pictures=True))
    assert "img" not in [tag for tag, _ in of.tags] and "sadness 70%" in of.text


def test_a_folder_that_cannot_be_written_is_told(make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--out"):
        write([make_run()], tmp_path / "file")
