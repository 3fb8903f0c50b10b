from __future__ import annotations

import time
from pathlib import Path

from app.visitors import Visitors


def visitors(file: Path | None = None, grace: float = 60) -> tuple[Visitors, list[str]]:
    forgotten: list[str] = []
    return Visitors(file, forgotten.extend, grace), forgotten


def test_a_conversation_is_seen_by_the_browser_that_began_it_alone() -> None:
    here, _ = visitors()
    here.own("ann", "talk")
    assert here.sees("ann", "talk", local=True)
    assert not here.sees("bob", "talk", local=True)


def test_what_nobody_on_the_page_began_is_seen_on_this_machine_only() -> None:
    here, _ = visitors()
    assert here.sees("ann", "from the terminal", local=True)
    assert not here.sees("ann", "from the terminal", local=False)


def test_an_unlisted_conversation_is_seen_by_nobody() -> None:
    here, _ = visitors()
    here.own("ann", "beside", listed=False)
    assert not here.sees("ann", "beside", local=True)


def test_the_owner_of_a_kept_conversation_is_known_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "owners.json"
    before, _ = visitors(file)
    before.own("ann", "kept")
    before.own("ann", "not kept")
    before.keep("kept")
    after, _ = visitors(file)
    assert after.sees("ann", "kept", local=True) and not after.sees("bob", "kept", local=True)
    assert "ann" not in file.read_text()
    assert "not kept" not in file.read_text()


def test_what_is_not_kept_is_forgotten_a_while_after_its_browser_has_gone() -> None:
    here, forgotten = visitors(grace=0.05)
    here.come("ann")
    here.own("ann", "talk")
    here.own("ann", "kept")
    here.own("bob", "his")
    here.keep("kept")
    here.leave("ann")
    time.sleep(0.3)
    assert forgotten == ["talk"]


def test_a_reload_forgets_nothing() -> None:
    here, forgotten = visitors(grace=0.05)
    here.come("ann")
    here.own("ann", "talk")
    here.come("ann")
    here.leave("ann")
    time.sleep(0.3)
    assert not forgotten
