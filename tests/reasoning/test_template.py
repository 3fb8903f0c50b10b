from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from facevlm.reasoning.template import template


@pytest.mark.parametrize(("name", "said"), [("page.html.jinja", "&lt;b&gt;"), ("card.md.jinja", "<b>")])
def test_what_a_page_is_told_is_escaped_and_what_a_card_is_told_is_not(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("{{ word }}")
    assert template(tmp_path / name).render(word="<b>") == said


def test_a_template_fails_on_what_it_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "page.html.jinja").write_text("{{ word }}")
    with pytest.raises(jinja2.UndefinedError, match="word"):
        template(tmp_path / "page.html.jinja").render()
