"""A real browser over a real page: where it is found, the server it looks at, and how a person uses the page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from facevlm.serving.vllm import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 240_000  # milliseconds; a busy machine takes long to load a model
CHECKOUT = Path(__file__).resolve().parents[2]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser; the test is skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser here; install one of {', '.join(NAMES)}, such as by apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def serving(folder: Path, *command: str, **environment: str) -> Iterator[str]:
    """The address of `facevlm COMMAND --port …`, once it listens."""
    port = free_port()
    words = [sys.executable, "-m", "facevlm", *command, "--port", str(port)]
    settings = os.environ | {"PYTHONPATH": str(CHECKOUT), "FACEVLM_THREADS": "1"} | environment
    with (folder / f"{command[0]}.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=settings, cwd=folder)
        try:
            await_port(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(120)


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(PATIENCE // 500):
        assert process.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the server did not begin to listen")


class Visitor:
    """Somebody with a browser of their own, who has opened the page."""

    def __init__(self, browser: Browser, url: str, *, dark: bool = False, size: Sequence[int] = (1360, 900)) -> None:
        self.url = url
        self.context: BrowserContext = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
        )
        self.context.set_default_timeout(PATIENCE)
        self.page: Page = self.context.new_page()
        self.open(url)

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.page.get_by_test_id("stChatInput").wait_for()

    def upload(self, file: Path) -> None:
        self.page.locator("[data-testid=stFileUploader] input[type=file]").first.set_input_files(file)

    def drop_into_chat(self, file: Path, words: str = "") -> None:
        """Attach a file to the line at the foot of the page, and send it."""
        self.page.locator("[data-testid=stChatInput] input[type=file]").first.set_input_files(file)
        self.page.get_by_text(file.name).first.wait_for()
        self.ask(words)

    def ask(self, words: str) -> None:
        line = self.page.get_by_test_id("stChatInputTextArea")
        line.fill(words)
        for _ in range(PATIENCE // 500):  # a line whose file is still on its way is not sent
            line.press("Enter")
            self.page.wait_for_timeout(500)
            if line.input_value() != words:
                return
        raise AssertionError("the line was not sent")

    def answered(self, count: int = 1) -> str:
        """The text of the last answer, once there are so many and the last is whole."""
        messages = self.page.get_by_test_id("stChatMessage")
        messages.nth(2 * count - 1).wait_for()
        self.settled()
        return messages.nth(2 * count - 1).inner_text()

    def settled(self) -> None:
        """Waits until the page is drawn, and once more, since it is drawn again after an answer or a setting."""
        for _ in range(2):
            self.page.wait_for_timeout(1000)
            self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()

    def picture(self, words: str = "") -> Locator:
        """The picture, once its words contain these."""
        shown = self.page.locator(f'img.fv-picture[alt*="{words}"]').first
        shown.wait_for()
        return shown

    def card(self) -> Locator:
        shown = self.page.locator(".fv-card").first
        shown.wait_for()
        return shown

    def scrolled(self) -> float:
        """By how many pixels the page is scrolled down."""
        scroller = self.page.locator("[data-testid=stAppScrollToBottomContainer]")
        return float(scroller.evaluate("main => main.scrollTop"))

    def close(self) -> None:
        self.context.close()
