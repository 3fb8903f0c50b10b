from __future__ import annotations

import base64
from pathlib import Path

import pytest

from facevlm.batch.answering import opener
from facevlm.errors import InputError


async def test_paths_begin_at_the_folder_of_the_input(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.png").write_bytes(b"picture")
    open = opener(tmp_path, 100)
    assert await open("sub/a.png") == await open(str(tmp_path / "sub" / "a.png")) == b"picture"


async def test_data_urls_are_read(tmp_path: Path) -> None:
    url = f"data:image/png;base64,{base64.b64encode(b'picture').decode()}"
    assert await opener(tmp_path, 100)(url) == b"picture"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://example.org/a.png", "fetches no pictures"),
        ("file:///etc/passwd", "fetches no pictures"),
        ("none.png", "none.png: cannot be read"),
        (".", "no regular file"),
        ("a\0b", "cannot be read"),
        ("large.png", "more than 5 bytes"),
    ],
)
async def test_what_is_no_picture_here_is_refused_in_one_line(tmp_path: Path, url: str, says: str) -> None:
    (tmp_path / "large.png").write_bytes(b"123456")
    with pytest.raises(InputError, match=says) as refusal:
        await opener(tmp_path, 5)(url)
    assert "\n" not in str(refusal.value)
