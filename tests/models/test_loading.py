"""What a model's folder says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from facevlm.errors import PrerequisiteError
from facevlm.models import loading


def test_a_folder_that_says_nothing_is_taken_as_it_is(tmp_path: Path) -> None:
    assert loading.facts(tmp_path) == {}


@pytest.mark.parametrize("content", [b"{", b"\xff{}", b"[]"], ids=["cut short", "not UTF-8", "no object"])
def test_broken_facts_are_named_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "facevlm.json").write_bytes(content)
    with pytest.raises(PrerequisiteError, match=r"facevlm\.json: .*; restore the file") as caught:
        loading.facts(tmp_path)
    assert "\n" not in str(caught.value)
