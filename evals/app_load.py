"""Many people on the page at once: is anything mixed up, does anything break, does memory stay flat?

`python evals/app_load.py --sessions 20 --minutes 5 --out evals/reports` starts `facevlm app` with the embedded model
and drives it with as many browsers, each of which gives pictures and asks questions of its own. It needs Playwright
and Chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from facevlm.cli import demo
from facevlm.config import asset_dir

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

PATIENCE = 180_000  # milliseconds
GRACE = 10  # seconds until the page forgets who has gone
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Tally:
    """What all sessions met."""

    answers: int = 0
    mixed_up: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    first_words: list[float] = field(default_factory=list)  # seconds from a picture to the first words about it
    follow_ups: list[float] = field(default_factory=list)  # seconds from a question to its whole answer
    memory: list[tuple[float, float]] = field(default_factory=list)  # seconds, MB of the server


def main() -> None:
    """Runs, prints and writes the figures; exit status 1 where something was mixed up or broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    tally = Tally()
    with serving() as (url, process):
        asyncio.run(_all(url, process.pid, given.sessions, 60 * given.minutes, tally))
        running = process.poll() is None
    figures = _figures(tally, given.sessions, given.minutes, running)
    print(json.dumps(figures, indent=1))
    if given.out is not None:
        (given.out / "app-load.json").write_text(json.dumps(figures | asdict(tally), indent=1) + "\n", encoding="utf-8")
    sys.exit(bool(tally.mixed_up or tally.broken or not running))


@contextmanager
def serving() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The page with an empty store, at a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "facevlm", "app", "--no-browser", "--port", str(port)]
        settings = {"FACEVLM_APP_GRACE": str(GRACE), "STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": str(GRACE)}
        store = ["--store", f"{folder}/talks.sqlite"]
        process = subprocess.Popen([*command, *store], env=os.environ | settings)
        try:
            _await(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.terminate()
            process.wait()


async def _all(url: str, server: int, sessions: int, seconds: float, tally: Tally) -> None:
    from playwright.async_api import async_playwright

    began = time.monotonic()
    watching = asyncio.create_task(_watch(server, began, tally))
    async with async_playwright() as playwright:
        found = next(path for name in BROWSERS if (path := shutil.which(name)))
        browser = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        await asyncio.gather(*(_session(browser, url, number, began + seconds, tally) for number in range(sessions)))
        await browser.close()
    await asyncio.sleep(4 * GRACE)
    watching.cancel()


async def _session(browser: Browser, url: str, number: int, until: float, tally: Tally) -> None:
    """One person: gives a picture, asks about it, begins anew, until the time is up."""
    context = await browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    await page.goto(url)
    turn = 0
    while time.monotonic() < until:
        try:
            await _turn(page, number, turn, tally)
        except Exception as error:  # whatever it is, it is a finding
            tally.broken.append(f"session {number}, turn {turn}: {str(error).splitlines()[0]}")
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
    await giving.set_input_files(demo.picture() if one else asset_dir("app") / "samples" / "three-synthetic-faces.jpg")
    await page.get_by_test_id("stChatMessage").nth(1).locator("p").first.wait_for()
    tally.first_words.append(time.monotonic() - began)
    await page.locator(f'img.fv-picture[alt*="{"one face" if one else "3 faces"} found"]').wait_for()
    line, question = page.get_by_test_id("stChatInputTextArea"), f"Is AU 12 there? Person {number} asks, turn {turn}."
    began = time.monotonic()
    await line.fill(question)
    await line.press("Enter")
    await page.get_by_test_id("stChatMessage").nth(3).get_by_text("What each sentence rests on").wait_for()
    tally.follow_ups.append(time.monotonic() - began)
    tally.answers += 2
    await _look_for_others(page, number, turn, tally)


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


def _figures(tally: Tally, sessions: int, minutes: float, running: bool) -> dict[str, object]:
    end = 60 * minutes
    return {
        "sessions": sessions,
        "minutes": minutes,
        "answers": tally.answers,
        "mixed up": len(tally.mixed_up),
        "broken": len(tally.broken),
        "server still runs": running,
        "seconds to first words, median": round(median(tally.first_words or [0]), 2),
        "seconds to a follow-up's answer, median": round(median(tally.follow_ups or [0]), 2),
        "MB after a third": _memory(tally, end / 3),
        "MB at the end": _memory(tally, end),
        "MB after all have gone": round(tally.memory[-1][1]) if tally.memory else None,
    }


def _memory(tally: Tally, at: float) -> int | None:
    before = [size for when, size in tally.memory if when <= at]
    return round(before[-1]) if before else None


def _await(url: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=5)
            return
        except urllib.error.URLError:
            time.sleep(0.5)


if __name__ == "__main__":
    main()
