from __future__ import annotations

import base64
import re

from app import browser
from app.browser import Choice, Preferences


def cookies_of(script: str) -> dict[str, str]:
    return dict(re.findall(r"'(\w+)=([^;]*);", script))


def test_a_browser_is_known_again_with_its_settings() -> None:
    word = browser.word({})
    settings = Preferences(choice=Choice(model="nano", prompt="sov-label"), marks="box", regions=True)
    kept = cookies_of(browser.remember(word, settings))
    assert browser.word(kept) == word
    assert browser.preferences(kept) == settings


def test_browsers_are_told_apart() -> None:
    assert browser.word({}) != browser.word({})


def test_a_cookie_that_cannot_be_read_gives_the_defaults() -> None:
    for value in ("", "no base64!", base64.urlsafe_b64encode(b'{"marks": 3}').decode()):
        assert browser.preferences({browser.SETTINGS: value}) == Preferences()


def test_a_word_that_is_none_of_ours_is_not_taken() -> None:
    assert browser.word({browser.WORD: "<script>"}) != "<script>"


def test_a_setting_adds_nothing_to_the_script() -> None:
    script = browser.remember("w" * 22, Preferences(endpoint="'</script><script>alert(1)//"))
    assert script.count("<script>") == 1 and "alert" not in script
