"""Pictures by URL: what is fetched, from where, and all that is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from facevlm.errors import InputError
from facevlm.serving import PictureFetcher, ServeSettings
from tests.serving.stub import data_url, picture

ALLOWED = ("pictures.example.org", ".example.net")
GOOD = "https://pictures.example.org/a.png?size=2"
PUBLIC = "93.184.216.34"
PNG = {"content-type": "image/png"}


class Internet:
    """Names and servers. `addresses` are those a name has, at the first question and at each one after."""

    def __init__(self) -> None:
        self.addresses: list[list[str]] = [[PUBLIC]]
        self.resolved: list[str] = []
        self.requests: list[httpx.Request] = []
        self.reply: httpx.Response | None = None
        self.unreachable: set[str] = set()
        self.seconds = 0.0
        self.most_at_once = 0
        self._at_once = 0

    async def resolve(self, host: str) -> list[str]:
        self.resolved.append(host)
        return self.addresses[min(len(self.resolved), len(self.addresses)) - 1]

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(self.seconds)
        self._at_once -= 1
        if request.url.host in self.unreachable:
            raise httpx.ConnectError("refused")
        return self.reply or httpx.Response(200, headers=PNG, stream=httpx.ByteStream(picture()))

    def fetcher(self, **settings: object) -> PictureFetcher:
        given = ServeSettings(**{"allow_domains": ALLOWED, **settings})  # type: ignore[arg-type]
        return PictureFetcher(given, self.resolve, httpx.MockTransport(self.answer))


@pytest.fixture
def internet() -> Internet:
    return Internet()


async def test_a_data_url_is_read_where_nothing_is_allowed(internet: Internet) -> None:
    assert await internet.fetcher(allow_domains=())(data_url(picture())) == picture()


async def test_no_url_is_fetched_where_nothing_is_allowed(internet: Internet) -> None:
    with pytest.raises(InputError, match="not fetched here"):
        await internet.fetcher(allow_domains=())(GOOD)
    assert not internet.resolved


async def test_a_picture_is_asked_of_the_address_with_the_name_in_tls_and_host(internet: Internet) -> None:
    assert await internet.fetcher()(GOOD) == picture()
    [request] = internet.requests
    assert str(request.url) == f"https://{PUBLIC}/a.png?size=2"
    assert request.headers["host"] == "pictures.example.org"
    assert request.extensions["sni_hostname"] == "pictures.example.org"


@pytest.mark.parametrize("host", ["example.net", "a.example.net", "a.b.example.net", "PICTURES.example.ORG"])
async def test_a_domain_with_a_dot_before_it_means_all_below(internet: Internet, host: str) -> None:
    assert await internet.fetcher()(f"https://{host}/") == picture()


@pytest.mark.parametrize(
    "url",
    [
        "http://pictures.example.org/a.png",
        "ftp://pictures.example.org/a.png",
        "gopher://pictures.example.org/a.png",
        "file:///etc/passwd",
        "file://pictures.example.org/etc/passwd",
        "//pictures.example.org/a.png",
        "pictures.example.org/a.png",
        "",
        "https://",
        "https:///a.png",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://①②⑦.⓪.⓪.①/",
        "https://１２７.０.０.１/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fe80::1%25eth0]/",
        "https://pictures.example.org@127.0.0.1/",
        "https://user@pictures.example.org/",
        "https://user:word@pictures.example.org/",
        "https://:@pictures.example.org/",
        "https://127.0.0.1#@pictures.example.org/",
        "https://127.0.0.1?@pictures.example.org/",
        "https://127.0.0.1\\@pictures.example.org/",
        "https://pictures.example.org\\@127.0.0.1/",
        "https://127.0.0.1%5c@pictures.example.org/",
        "https:\\\\pictures.example.org/",
        "https://pictures.example.org:22/",
        "https://pictures.example.org:80/",
        "https://pictures.example.org./a.png",
        "https://pictures.example.org.evil.example/",
        "https://evilpictures.example.org/",
        "https://evil-example.net/",
        "https://evilexample.net/",
        "https://.example.net/",
        "https://a..example.net/",
        "https://127.0.0.1%2f.example.net/",
        "https://127.0.0.1%00.example.net/",
        "https://pictures。example。org/",
        "https://pictures.example.ｏrg/",
        "https://pictures.exampl%65.org/",
        "https://pictures.example.org/ a.png",
        "https://pictures.example.org/a\r\nHost: 127.0.0.1",
        "https://pictures.example.org\t/",
        " https://pictures.example.org/",
        "https://pictures.example.org/" + "a" * 3000,
        "javascript:alert(1)",
        "jar:https://pictures.example.org/!/",
    ],
)
async def test_a_url_of_any_other_form_is_refused_before_its_name_is_asked_for(internet: Internet, url: str) -> None:
    with pytest.raises(InputError):
        await internet.fetcher()(url)
    assert not internet.resolved
    assert not internet.requests


@pytest.mark.parametrize(
    "addresses",
    [[], ["127.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:10.0.0.1"], [PUBLIC, "10.0.0.1"], [PUBLIC, "fd00::1"]],
)
async def test_a_name_with_an_address_inside_is_not_connected_to(internet: Internet, addresses: list[str]) -> None:
    internet.addresses = [addresses]
    with pytest.raises(InputError, match="could not be fetched"):
        await internet.fetcher()(GOOD)
    assert not internet.requests


async def test_a_name_is_resolved_once_so_that_it_cannot_change_its_meaning(internet: Internet) -> None:
    internet.addresses = [[PUBLIC], ["127.0.0.1"]]
    assert await internet.fetcher()(GOOD) == picture()
    assert internet.resolved == ["pictures.example.org"]
    assert internet.requests[0].url.host == PUBLIC


async def test_a_second_address_is_tried_where_the_first_is_not_reached(internet: Internet) -> None:
    internet.addresses = [["2606:4700::1111", PUBLIC]]
    internet.unreachable = {"2606:4700::1111"}
    assert await internet.fetcher()(GOOD) == picture()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(internet: Internet, status: int) -> None:
    internet.reply = httpx.Response(status, headers={"location": "http://127.0.0.1/", **PNG}, content=b"x")
    with pytest.raises(InputError, match="could not be fetched"):
        await internet.fetcher()(GOOD)
    assert len(internet.requests) == 1


@pytest.mark.parametrize(
    "headers", [{}, {"content-type": "text/html"}, {"content-type": "image/png", "content-encoding": "gzip"}]
)
async def test_what_is_no_picture_is_not_read(internet: Internet, headers: dict[str, str]) -> None:
    internet.reply = httpx.Response(200, headers=headers, stream=httpx.ByteStream(b"x"))
    with pytest.raises(InputError, match="could not be fetched"):
        await internet.fetcher()(GOOD)


async def test_a_picture_over_the_cap_is_read_to_the_cap_and_no_further(internet: Internet) -> None:
    read = []

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while len(read) < 1000:
                read.append(1)
                yield bytes(100)

    internet.reply = httpx.Response(200, headers=PNG, stream=Endless())
    with pytest.raises(InputError, match="larger than 1,000 bytes"):
        await internet.fetcher(fetch_bytes=1000)(GOOD)
    assert len(read) == 11


async def test_a_server_that_takes_its_time_is_given_up(internet: Internet) -> None:
    internet.seconds = 5
    with pytest.raises(InputError, match="could not be fetched"):
        await internet.fetcher(fetch_seconds=0.05)(GOOD)


async def test_a_name_server_that_fails_tells_no_more_than_a_server_that_does(internet: Internet) -> None:
    async def failing(_: str) -> list[str]:
        raise OSError("name server 10.0.0.53 said no")

    internet.unreachable = {PUBLIC}
    messages = []
    for fetcher in (internet.fetcher(), PictureFetcher(ServeSettings(allow_domains=ALLOWED), failing)):
        with pytest.raises(InputError) as refused:
            await fetcher(GOOD)
        messages.append(str(refused.value))
    assert messages[0] == messages[1]


async def test_only_so_many_pictures_are_fetched_at_once(internet: Internet) -> None:
    internet.seconds = 0.01
    fetcher = internet.fetcher(fetches=2)
    await asyncio.gather(*(fetcher(GOOD) for _ in range(8)))
    assert internet.most_at_once == 2


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1", "*.example.org", "https://example.org", "a_b", "org", "1.2"]
)
def test_what_is_allowed_must_be_a_domain(name: str) -> None:
    with pytest.raises(ValueError, match="not a domain"):
        ServeSettings(allow_domains=(name,))
