from __future__ import annotations

import json
from pathlib import Path

import pytest

from app import export
from app.export import Record
from facevlm.agent import Evidence
from facevlm.faces.decode import Named
from tests.app.conftest import Talker

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def record(talker: Talker, astronaut: Path) -> Record:
    talk = talker.start()
    list(talker.ask(talk, "What do the faces show?", [Named(astronaut.read_bytes(), "astronaut.png")]))
    list(talker.ask(talk, EVIL))
    return export.record(talker, talk)


def test_json_holds_messages_with_their_evidence_and_the_analyses(record: Record) -> None:
    kept = json.loads(export.to_json(record))
    assert [message["role"] for message in kept["messages"]] == ["user", "assistant"] * 2
    assert kept["messages"][1]["answer"]["sentences"][0]["evidence"][0]["au"] == 12
    (analysis,) = kept["analyses"].values()
    assert analysis["faces"][0]["explanation"]["emotion"] == "happiness"


def test_a_page_needs_nothing_beside_itself_and_runs_nothing(record: Record) -> None:
    page = export.to_html(record).decode()
    assert "data:image/jpeg;base64" in page and "AU12 lip corner puller" in page
    assert "<script" not in page and "http" not in page


def test_markdown_tells_what_each_answer_rests_on(record: Record) -> None:
    written = export.to_markdown(record).decode()
    assert "Face 1, AU12 lip corner puller: measured 0.70, ✓ supported" in written
    assert "<script>" not in written


def test_pictures_are_named_by_their_files(record: Record) -> None:
    assert "# astronaut.png" in export.to_markdown(record).decode()
    assert "astronaut.png</p>" in export.to_html(record).decode()
    assert '"source": "astronaut.png"' in export.to_json(record).decode()


def test_a_ground_says_which_side_was_measured_and_which_was_claimed() -> None:
    smile = Evidence(picture="p", face=1, au=12, name="lip corner puller", measured=0.42, left=0.26, right=0.42)
    assert export.ground(smile).endswith("measured 0.42 on the right, 0.26 on the left")
    one_sided = smile.model_copy(update={"claimed": "D", "side": "left", "verdict": "contradicted"})
    assert export.ground(one_sided).endswith("claimed D on the left, ✗ contradicted")


def test_a_unit_has_the_same_number_in_all_of_a_file(record: Record) -> None:
    (analysis,) = record.analyses.values()
    told = analysis.faces[0]
    sides = told.action_unit_sides[12]
    stronger = max(sides.values())
    assert f"{stronger:.2f} on the" in export.to_html(record).decode()
    table = next(line for line in export.to_markdown(record).decode().splitlines() if line.startswith("| AU12"))
    assert f"| {stronger:.2f}" in table


def test_a_picture_the_model_failed_on_does_not_keep_the_rest(record: Record, talker: Talker) -> None:
    from facevlm.errors import ModelError

    def fail(_: str) -> None:
        raise ModelError("http://here: no connection; start the server")

    talker.analysis = fail  # type: ignore[assignment]
    again = export.record(talker, record.conversation.id)
    assert len(json.loads(export.to_json(again))["messages"]) == 4
