from __future__ import annotations

import json
import os
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from facevlm import Analysis, FaceReasoner, InputError
from facevlm.reasoning import report

EVIL = '<script>alert("1")</script> | **x** [l](javascript:1)'


@pytest.fixture
def analysis(scripted, answer, two_faces) -> Analysis:
    return FaceReasoner(scripted("face", answer, "no idea")).analyze(two_faces)


@pytest.fixture
def hostile(scripted, answer, astronaut) -> Analysis:
    answer["interpretation"] = answer["observations"][0]["evidence"] = EVIL
    analysis = FaceReasoner(scripted("face", answer)).analyze(astronaut)
    return analysis.model_copy(update={"image": analysis.image.model_copy(update={"source": EVIL, "notes": (EVIL,)})})


class Page(HTMLParser):
    """What a browser would load, and the text it would show."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "img":
            self.images.append(dict(attrs))
        self.links += [value for name, value in attrs if name in ("src", "href") and value]

    def handle_data(self, data):
        self.text += data


def test_the_page_needs_nothing_beside_itself(analysis):
    page = Page(report.html(analysis))
    assert all(link.startswith("data:image/jpeg;base64,") for link in page.links)
    assert "script" not in page.tags
    assert "link" not in page.tags


def test_the_page_shows_the_picture_and_every_face_with_a_description(analysis):
    page = Page(report.html(analysis))
    assert len(page.images) == 3
    assert all(image["alt"] for image in page.images)


def test_the_page_tells_claims_measurements_and_verdicts(analysis):
    text = " ".join(Page(report.html(analysis)).text.split())
    assert "AU12 lip corner puller" in text
    assert "the lip corners are drawn up" in text
    assert "✓ supported" in text
    assert "faithfulness 100%, coverage 100%" in text
    assert "identifies no one" in text


def test_the_page_tells_what_was_measured_and_not_claimed(analysis):
    assert "not mentioned" in Page(report.html(analysis)).text


def test_the_page_tells_why_a_face_has_no_explanation(analysis):
    assert "holds no JSON object: «no idea»" in Page(report.html(analysis)).text


def test_foreign_text_adds_no_markup_to_the_page(hostile):
    page = Page(report.html(hostile))
    assert "script" not in page.tags
    assert page.text.count(EVIL) >= 3


def test_foreign_text_adds_no_markup_to_the_markdown(hostile):
    text = report.markdown(hostile)
    assert not re.search(r"(?<!\\)(<script|\*\*|\[l\])", text)
    claims = [line for line in text.splitlines() if line.startswith("| AU12")]
    assert len(re.findall(r"(?<!\\)\|", claims[0])) == 5


def test_the_page_follows_the_readers_light_and_width(analysis):
    page = report.html(analysis)
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page


def test_a_picture_without_a_face_has_a_page_too(scripted):
    analysis = FaceReasoner(scripted()).analyze(np.full((64, 64, 3), 128, np.uint8))
    assert "no face was found" in Page(report.html(analysis)).text
    assert "No face was found" in report.markdown(analysis)
    assert report.rows(analysis) == []


def test_an_analysis_read_from_json_has_a_page_without_pictures(analysis):
    page = Page(report.html(Analysis.model_validate_json(analysis.model_dump_json())))
    assert page.images == []
    assert "AU12 lip corner puller" in page.text


def test_a_table_has_one_row_a_face(analysis):
    first, second = report.rows(analysis)
    assert len(first) == len(second) == len(report.COLUMNS)
    assert first[:2] == ("1", "happiness")
    assert first[2] == "✓ AU12 lip corner puller, severe"
    assert second[1] == "no answer"


def named(analysis: Analysis, source: str, sha256: str = "ab" * 32) -> Analysis:
    return analysis.model_copy(update={"image": analysis.image.model_copy(update={"source": source, "sha256": sha256})})


def test_three_files_are_written(analysis, tmp_path):
    paths = report.write(named(analysis, "/photos/me.jpg"), tmp_path / "new" / "out")
    assert sorted(path.name for path in paths) == ["me.html", "me.json", "me.marked.png"]
    assert sorted(paths) == sorted((tmp_path / "new" / "out").iterdir())
    assert json.loads((tmp_path / "new/out/me.json").read_text())["schema_version"] == "1"
    assert Image.open(tmp_path / "new/out/me.marked.png").size == (960, 512)


def test_the_same_picture_is_written_over_itself(analysis, tmp_path):
    assert report.write(analysis, tmp_path) == report.write(analysis, tmp_path)


def test_another_picture_of_the_same_name_gets_a_name_of_its_own(analysis, tmp_path):
    report.write(named(analysis, "a/me.jpg"), tmp_path)
    paths = report.write(named(analysis, "b/me.jpg", "cd" * 32), tmp_path)
    assert {path.name.partition(".")[0] for path in paths} == {"me-cdcdcdcd"}


@pytest.mark.parametrize(
    "source", ["../../x<y>.jpg", "...", "", "ünï çode.jpg", "a" * 300, "顔" * 200, "new\nline.jpg"]
)
def test_any_source_makes_a_file_name_inside_the_folder(analysis, tmp_path, source):
    for path in report.write(named(analysis, source), tmp_path):
        assert path.parent == tmp_path
        assert path.is_file()


def test_a_folder_that_cannot_be_written_is_named(analysis, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose another folder with --out"):
        report.write(analysis, tmp_path / "file")


def test_nothing_half_written_is_left_behind(analysis, tmp_path):
    (tmp_path / "array.html").mkdir()
    with pytest.raises(InputError):
        report.write(analysis, tmp_path)
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]
