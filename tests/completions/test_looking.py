from __future__ import annotations

import asyncio
import base64

import pytest

from facevlm.completions import Limits, data_url, silent
from facevlm.completions.looking import Gallery
from facevlm.errors import InputError
from facevlm.faces.decode import Named


@pytest.fixture
def opened():
    return []


@pytest.fixture
def gallery(opened):
    async def open(url: str) -> bytes:
        opened.append(url)
        return await data_url(url)

    return lambda **limits: Gallery(open, Limits(**limits), silent)


async def test_the_same_picture_is_looked_at_once(gallery, opened, portrait):
    looking = gallery()
    first = await looking.at(portrait, "landmarks", 64)
    assert await looking.at(portrait, "landmarks", 64) is first
    assert len(opened) == 1


async def test_those_who_ask_at_the_same_time_share_one_look(gallery, portrait):
    looking = gallery()
    seen = await asyncio.gather(*(looking.at(portrait, "landmarks", 64) for _ in range(5)))
    assert len({id(each) for each in seen}) == 1


async def test_one_who_leaves_takes_the_look_from_nobody(gallery, portrait):
    looking = gallery()
    first, second = (asyncio.create_task(looking.at(portrait, "landmarks", 64)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    assert len((await second).marked.faces) == 1


async def test_other_marks_and_other_crops_are_other_pictures(gallery, portrait):
    looking = gallery()
    first = await looking.at(portrait, "landmarks", 64)
    plain = await looking.at(portrait, "plain", 64)
    whole = await looking.at(portrait, "landmarks", None)
    assert first.crops != plain.crops
    assert whole.crops == ()


async def test_the_same_file_by_another_name_is_told_by_that(gallery, astronaut):
    looking, data = gallery(), astronaut.read_bytes()
    names = [(await looking.of(Named(data, name), "plain", None)).image.source for name in ("a.png", "b.png")]
    assert names == ["a.png", "b.png"]


async def test_pictures_are_forgotten_when_there_is_no_room(gallery, opened, portrait):
    looking = gallery(kept_bytes=1000)
    await looking.at(portrait, "landmarks", 64)
    await looking.at(portrait, "landmarks", 64)
    assert len(opened) == 2


async def test_a_failure_is_not_remembered(gallery, opened):
    looking = gallery()
    broken = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\nbroken").decode()
    for _ in range(2):
        with pytest.raises(InputError, match="damaged"):
            await looking.at(broken, "landmarks", 64)
    assert len(opened) == 2


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"pixels": 1000}, "256×256"),
        ({"largest_bytes": 1000}, "more than 1,000 bytes"),
        ({"smallest_side": 300}, "300×300"),
    ],
)
async def test_a_picture_beyond_a_limit_is_refused(gallery, portrait, limits, words):
    with pytest.raises(InputError, match=words):
        await gallery(**limits).at(portrait, "landmarks", 64)


@pytest.mark.parametrize(
    "url", ["https://example.org/a.png", "file:///etc/passwd", "data:text/plain,hello", "data:;base64,*"]
)
async def test_only_base64_data_urls_are_opened(gallery, url):
    with pytest.raises(InputError):
        await gallery().at(url, "landmarks", 64)
