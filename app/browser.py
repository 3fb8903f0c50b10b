"""What a browser remembers by itself, in two cookies: a random word that tells it from others, and its settings."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping

from pydantic import ValidationError

from facevlm.types import Value

WORD, SETTINGS = "facevlm_browser", "facevlm_settings"
_YEAR = 365 * 24 * 3600


class Choice(Value):
    """Who answers: a model, of an endpoint where `base_url` is given, and the prompt of its explanations."""

    model: str
    base_url: str | None = None
    prompt: str = "sov-cot"

    @property
    def title(self) -> str:
        where = f" at {self.base_url}" if self.base_url else ""
        return f"{self.model}{where}, {self.prompt}"


class Preferences(Value):
    """What a person has set on the page; None where the defaults of the command hold."""

    choice: Choice | None = None
    marks: str = "landmarks"
    regions: bool = False
    endpoint: str = ""


def word(cookies: Mapping[str, str]) -> str:
    """The browser's random word; a new one for a browser that has none."""
    known = cookies.get(WORD, "")
    return known if re.fullmatch(r"[\w-]{22}", known) else secrets.token_urlsafe(16)


def preferences(cookies: Mapping[str, str]) -> Preferences:
    """What the browser remembers of its settings; the defaults where that cannot be read."""
    try:
        return Preferences.model_validate_json(base64.urlsafe_b64decode(cookies.get(SETTINGS, "")))
    except (ValidationError, ValueError):
        return Preferences()


def remember(browser: str, settings: Preferences) -> str:
    """A script that lets the browser remember both. Base64 keeps a setting from adding anything to the script."""
    packed = base64.urlsafe_b64encode(settings.model_dump_json().encode()).decode("ascii")
    ending = f"; path=/; max-age={_YEAR}; SameSite=Strict"
    lines = [f"document.cookie = '{name}={value}{ending}';" for name, value in ((WORD, browser), (SETTINGS, packed))]
    return f"<script>{' '.join(lines)}</script>"
