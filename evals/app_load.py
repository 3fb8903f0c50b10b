"""One person on the page, then many at once: how soon are there words, is anything mixed up, does memory stay flat?

`python evals/app_load.py --sessions 20 --minutes 5 --out evals/reports` starts `facevlm app` with the embedded model
and drives it with one browser, then with many, each of which gives pictures and asks questions of its own. It writes
app-load.md. It needs Playwright and Chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from page import PATIENCE, browser_settings, serving

from facevlm.config import asset_dir, demo_picture

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

GRACE = 10  # seconds until the page forgets who has gone
FAULT = 300  # characters that are told of one, with what was waited for
ALONE = 4  # pictures that one person gives before the others come; the first warms the model up


@dataclass
class Tally:
    """What all sessions met."""

    answers: int = 0
    mixed_up: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    first_words: list[float] = field(default_factory=list)  # seconds from a picture to the first words about it
    follow_ups: list[float] = field(default_factory=list)  # seconds from a question to its whole answer
    memory: list[tuple[float, float]] = field(default_factory=list)  # seconds since many came, MB of the server


def main() -> None:
    """Runs, prints and writes the figures; exit status 1 where something was mixed up or broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    alone, tally = Tally(), Tally()
    with serving(FACEVLM_APP_GRACE=str(GRACE), STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=str(GRACE)) as (url, process):
        asyncio.run(_all(url, process.pid, given.sessions, 60 * given.minutes, alone, tally))
        running = process.poll() is None
    figures = _figures(alone, tally, given.sessions, given.minutes) | {"the server still runs": running}
    print(json.dumps(figures, indent=1))
    if given.out is not None:
        told = {"figures": figures, "alone": asdict(alone), "at once": asdict(tally)}
        (given.out / "app-load.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        (given.out / "app-load.md").write_text(_report(figures, tally), encoding="utf-8")
    sys.exit(bool(alone.broken or tally.mixed_up or tally.broken or not running))


async def _all(url: str, server: int, sessions: int, seconds: float, alone: Tally, tally: Tally) -> None:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**browser_settings())
        await _session(browser, url, 0, alone, turns=ALONE)
        began = time.monotonic()
        watching = asyncio.create_task(_watch(server, began, tally))
        await asyncio.gather(
            *(_session(browser, url, number, tally, until=began + seconds) for number in range(sessions))
        )
        await browser.close()
    await asyncio.sleep(4 * GRACE)
    watching.cancel()


async def _session(
    browser: Browser, url: str, number: int, tally: Tally, *, turns: int | None = None, until: float = math.inf
) -> None:
    """One person: gives a picture, asks about it, begins anew, so many times or until the time is up."""
    context = await browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    await page.goto(url)
    turn = 0
    while time.monotonic() < until and turn != turns:
        try:
            await _turn(page, number, turn, tally)
        except Exception as error:  # whatever it is, it is a finding
            tally.broken.append(f"session {number}, turn {turn}: {' '.join(str(error).split())[:FAULT]}")
            await page.goto(url)
        turn += 1
    await context.close()


async def _turn(page: Page, number: int, turn: int, tally: Tally) -> None:
    """A picture with one face or with three, depending on the person, and one question that names the person."""
    one = (number + turn) % 2 == 0
    await page.get_by_role("button", name="New conversation").first.click()
    giving = page.locator(".st-key-welcome [data-testid=stFileUploader] input[type=file]").first
    await giving.wait_for(state="attached")
    began = time.monotonic()
    await giving.set_input_files(demo_picture() if one else asset_dir("app") / "samples" / "three-synthetic-faces.jpg")
    await page.get_by_test_id("stChatMessage").nth(1).locator("p").first.wait_for()
    tally.first_words.append(time.monotonic() - began)
    await page.locator(f'img.fv-picture[alt*="{"one face" if one else "3 faces"} found"]').wait_for()
    began = time.monotonic()
    await _say(page, f"Is AU 12 there? Person {number} asks, turn {turn}.")
    await page.get_by_test_id("stChatMessage").nth(3).get_by_text("What each sentence rests on").wait_for()
    tally.follow_ups.append(time.monotonic() - began)
    tally.answers += 2
    await _look_for_others(page, number, turn, tally)


async def _say(page: Page, question: str) -> None:
    """Send a line; while the page is drawn again it may not be taken, and is then sent once more."""
    line = page.get_by_test_id("stChatInputTextArea")
    await line.fill(question)
    for _ in range(PATIENCE // 500):
        await line.press("Enter")
        await page.wait_for_timeout(500)
        if await line.input_value() != question:
            return
        await line.fill(question)
    raise TimeoutError("the line was not taken")


async def _look_for_others(page: Page, number: int, turn: int, tally: Tally) -> None:
    said = await page.locator("[data-testid=stApp]").inner_text()
    others = [word for word in said.split("Person ")[1:] if not word.startswith(f"{number} asks")]
    if others:
        tally.mixed_up.append(f"session {number}, turn {turn}: {others[0][:40]}")
    if await page.get_by_test_id("stException").count():
        tally.broken.append(f"session {number}, turn {turn}: an exception is shown")


async def _watch(server: int, began: float, tally: Tally) -> None:
    while True:
        for line in Path(f"/proc/{server}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                tally.memory.append((round(time.monotonic() - began, 1), int(line.split()[1]) / 1024))
        await asyncio.sleep(2)


def _figures(alone: Tally, tally: Tally, sessions: int, minutes: float) -> dict[str, object]:
    end = 60 * minutes
    return {
        "one person, warm: seconds from a picture to the first words": _median(alone.first_words[1:]),
        "one person, warm: seconds from a question to its whole answer": _median(alone.follow_ups[1:]),
        "sessions at once": sessions,
        "minutes": minutes,
        "answers": tally.answers,
        "mixed up": len(tally.mixed_up),
        "broken": len(tally.broken),
        "at once: seconds from a picture to the first words": _median(tally.first_words),
        "at once: seconds from a question to its whole answer": _median(tally.follow_ups),
        "MB when they came": _memory(tally, 0),
        "MB after a third": _memory(tally, end / 3),
        "MB at the end": _memory(tally, end),
        "MB after all have gone": round(tally.memory[-1][1]) if tally.memory else None,
    }


def _report(figures: dict[str, object], tally: Tally) -> str:
    rows = "".join(f"| {name} | {value} |\n" for name, value in figures.items())
    faults = "".join(f"* {each}\n" for each in (*tally.mixed_up, *tally.broken))
    command = f"python evals/app_load.py --sessions {figures['sessions at once']} --minutes {figures['minutes']:g}"
    text = (
        f"Command: `{command} --out evals/reports`. Seconds are medians, seen from the browser, which has the same "
        "machine; each person gives a picture with one face or three, asks one question of it, and begins anew."
    )
    return f"# The page under load\n\n{text}\n\n| what | |\n|---|---|\n{rows}\n{faults}"


def _median(values: Sequence[float]) -> float | None:
    return round(median(values), 2) if values else None


def _memory(tally: Tally, at: float) -> int | None:
    until = [size for when, size in tally.memory if when <= max(at, tally.memory[0][0])]
    return round(until[-1]) if until else None


if __name__ == "__main__":
    main()
