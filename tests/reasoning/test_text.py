from __future__ import annotations

import pytest

from facevlm.reasoning.text import percent


@pytest.mark.parametrize(
    ("share", "said"), [(0.0, "0%"), (0.002, "<1%"), (0.006, "1%"), (0.5, "50%"), (0.9972, ">99%"), (1.0, "100%")]
)
def test_what_is_nearly_certain_is_not_called_certain(share: float, said: str) -> None:
    assert percent(share) == said
