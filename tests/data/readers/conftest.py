from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from facevlm.data.readers import Reading
from facevlm.data.sample import Rejected, Sample

Put = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Writes a file of the data set being made: text as given, or a small picture where there is none."""

    def write(path: str, text: str | None = None) -> Path:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            Image.new("RGB", (16, 16), "grey").save(file)
        else:
            file.write_text(text)
        return file

    return write


def everything(reading: Reading) -> tuple[dict[str, Sample], list[Rejected]]:
    """The samples by id and the rejected rows."""
    samples = {sample.id: sample for sample in reading.samples}
    return samples, reading.rejected
