"""What the real completer is sent to hurt it: each is refused in OpenAI's shape, and the server is well after."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Literal

import httpx
import pytest
from PIL import Image

from facevlm.completions import Limits, Served
from facevlm.serving import ServeSettings, gateway
from facevlm.types import Conversation
from tests.serving.stub import data_url, picture, question

CHAT = "/v1/chat/completions"


class NoModel:
    """Nothing of this ever reaches the model."""

    name = "none"
    adapter = None
    asks: Literal["face"] = "face"
    crop_size = 64

    def generate(self, conversations: Sequence[Conversation], **_: object) -> list[object]:
        raise AssertionError("the model was asked")

    async def agenerate(self, conversations: Sequence[Conversation], **_: object) -> list[object]:
        raise AssertionError("the model was asked")

    answers = agenerate


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def bomb(side: int) -> bytes:
    """A PNG that says it has so many pixels a side, in a few bytes."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def film(frames: int) -> bytes:
    """A broken film: GIF frames, cut in the middle of the first."""
    buffer = io.BytesIO()
    first, *rest = (Image.new("L", (32, 32), n % 256) for n in range(frames))
    first.save(buffer, "GIF", save_all=True, append_images=rest)
    return buffer.getvalue()[:60]


PICTURES: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "words": lambda: b"not a picture",
    "one pixel": lambda: picture(1),
    "too small": lambda: picture(8),
    "bomb of 50,000 pixels a side": lambda: bomb(50_000),
    "bomb of two thousand million": lambda: bomb(2_000_000_000),
    "cut off": lambda: picture(64)[:60],
    "broken film": lambda: film(3),
    "SVG": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "PDF": lambda: b"%PDF-1.4\n",
    "EPS": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
}
URLS = [
    "http://127.0.0.1/",
    "http://localhost:8000/metrics",
    "http://169.254.169.254/latest/meta-data/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://[::1]/",
    "https://pictures.example.org/a.png",
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "gopher://127.0.0.1/",
    "/etc/passwd",
    "photo.png",
    "data:image/png;base64,@@@@",
    "data:image/png,AAAA",
    "data:video/mp4;base64,AAAA",
    "data:",
    "",
]


@pytest.fixture
async def client() -> httpx.AsyncClient:
    app = gateway(Served({"facevlm": NoModel()}), ServeSettings(), Limits())  # type: ignore[dict-item]
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


async def refused(client: httpx.AsyncClient, reply: httpx.Response) -> str:
    """What a refusal says, seen to have its shape and to leave the server well."""
    assert 400 <= reply.status_code < 500, reply.text
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (await client.get("/healthz")).status_code == 200
    return str(error["message"])


@pytest.mark.parametrize("name", PICTURES)
async def test_a_picture_that_is_none_or_a_trap_is_refused(client: httpx.AsyncClient, name: str) -> None:
    data = PICTURES[name]()
    message = await refused(client, await client.post(CHAT, json=question(data_url(data))))
    assert not any(word in message for word in ("0x", "PIL", "Traceback", "object at"))
    await refused(client, await client.post("/v1/analyze", files={"image": data}))


@pytest.mark.parametrize("url", URLS)
async def test_a_url_is_not_followed(client: httpx.AsyncClient, url: str) -> None:
    await refused(client, await client.post(CHAT, json=question(url)))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("number", [50, 10_000])
async def test_ten_thousand_pictures_are_too_many_and_so_are_fifty(
    client: httpx.AsyncClient, stream: bool, number: int
) -> None:
    part = {"type": "image_url", "image_url": {"url": data_url(picture(16))}}
    body = {"messages": [{"role": "user", "content": [part] * number}], "stream": stream}
    await refused(client, await client.post(CHAT, json=body))


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "word"}] * 1_000,
        [{"role": "user", "content": "word " * 1_000_000}],
        [{"role": "user", "content": [{"type": "text", "text": "a"}] * 200_000}],
    ],
    ids=["messages", "words", "parts"],
)
async def test_a_conversation_without_end_is_refused(client: httpx.AsyncClient, messages: list[object]) -> None:
    await refused(client, await client.post(CHAT, json={"messages": messages}))


async def test_an_upload_has_one_picture(client: httpx.AsyncClient) -> None:
    files = [("image", picture()), ("image", picture())]
    await refused(client, await client.post("/v1/analyze", files=files))
