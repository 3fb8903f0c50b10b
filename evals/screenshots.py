"""The pictures of the page for the documentation: `python evals/screenshots.py docs`, of a page at --url or its own.

Playwright and a Chromium are needed. Each picture is quantised, and at most 150 KB large.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from page import PATIENCE, browser_settings, serving
from PIL import Image

from facevlm.config import demo_picture

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LARGEST = 150_000  # bytes
SCROLLED = "[data-testid=stAppScrollToBottomContainer], [data-testid=stMain]"  # with a chat's input, and without
WIDE, PHONE = (1280, 860), (390, 844)


def main() -> None:
    """Takes every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", help="a page that runs already")
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with nullcontext((given.url, None)) if given.url else serving() as (url, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(**browser_settings())
        for name, image in shots(browser, url):
            written = quantised(image)
            (given.folder / f"{name}.png").write_bytes(written)
            print(f"{name}.png {len(written):,} bytes")
        browser.close()


def shots(browser: Browser, url: str) -> Iterator[tuple[str, bytes]]:
    """Every main state of the page, by name."""
    light = opened(browser, url, WIDE)
    yield "app-welcome", light.screenshot()
    give(light)
    yield "app-answer", light.screenshot()
    choose(light)
    yield "app-evidence", light.screenshot()
    light.get_by_role("radio", name="Side by side").click()
    light.locator(".st-key-side-right .fv-card").first.wait_for()
    settle(light)
    yield "app-side-by-side", light.screenshot()
    light.context.close()
    for name, size, scheme in (("app-dark", WIDE, "dark"), ("app-phone", PHONE, "light")):
        page = opened(browser, url, size, scheme)
        give(page)
        choose(page)
        yield name, page.screenshot()
        page.context.close()


def opened(browser: Browser, url: str, size: tuple[int, int], scheme: str = "light") -> Page:
    """The page in a browser of its own."""
    phone = size == PHONE
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,  # type: ignore[arg-type]
        user_agent="Mozilla/5.0 (Linux; Android 16) Mobile" if phone else None,
        is_mobile=phone,
        has_touch=phone,
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(url)
    page.locator("[data-testid=stFileUploader] input[type=file]").first.wait_for(state="attached")
    settle(page)
    return page


def give(page: Page) -> None:
    """Uploads the demo's photograph and waits for its answer and its card."""
    page.locator("[data-testid=stFileUploader] input[type=file]").first.set_input_files(demo_picture())
    page.get_by_role("radiogroup", name="Show on the picture").wait_for()
    settle(page)


def choose(page: Page) -> None:
    """Lights the first thing that the answer rests on."""
    # Not `click`: it scrolls what is under the picture of a phone to under the line that is written in, and back.
    page.get_by_role("radiogroup", name="Rests on").get_by_role("radio").first.evaluate("each => each.click()")
    page.locator('img.fv-picture[alt*="Lit on face"]').wait_for()
    settle(page)


def settle(page: Page) -> None:
    """Waits until the page is drawn."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.locator(SCROLLED).first.evaluate("main => main.scrollTo(0, 0)")
    page.wait_for_timeout(1500)


def quantised(image: bytes) -> bytes:
    """The picture as a PNG with a palette, of as many colours as LARGEST allows."""
    whole = Image.open(io.BytesIO(image)).convert("RGB")
    for colours in (256, 128, 96, 64, 48, 32):
        data = io.BytesIO()
        whole.quantize(colours, dither=Image.Dither.NONE).save(data, "PNG", optimize=True)
        if data.tell() <= LARGEST:
            break
    return data.getvalue()


if __name__ == "__main__":
    main()
