"""Who may ask."""

from __future__ import annotations

import pytest

from facevlm.errors import InputError
from facevlm.serving import ServeSettings, check_bind, listen
from tests.serving.conftest import Ask

KEYS = ("first-key", "second-key")


@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/openapi.json", "/nothing"])
async def test_with_keys_nothing_is_told_without_one(ask: Ask, path: str) -> None:
    reply = await ask(api_keys=KEYS).get(path)
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "invalid_api_key"
    assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("key", KEYS)
async def test_each_key_opens(ask: Ask, key: str) -> None:
    reply = await ask(api_keys=KEYS).get("/v1/models", headers={"authorization": f"Bearer {key}"})
    assert reply.status_code == 200


@pytest.mark.parametrize("given", ["Bearer first-ke", "Bearer ", "Basic first-key", "first-key", "Bearer first-key,x"])
async def test_anything_else_does_not(ask: Ask, given: str) -> None:
    reply = await ask(api_keys=KEYS).get("/v1/models", headers={"authorization": given})
    assert reply.status_code == 401


async def test_a_key_may_be_sent_in_no_script_whatever(ask: Ask) -> None:
    reply = await ask(api_keys=KEYS).get("/v1/models", headers={b"authorization": "Bearer schlüssel".encode()})
    assert reply.status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_whether_it_runs_is_told_to_everyone(ask: Ask, path: str) -> None:
    assert (await ask(api_keys=KEYS).get(path)).status_code == 200


async def test_figures_are_open_where_there_are_no_keys(ask: Ask) -> None:
    assert (await ask().get("/metrics")).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""])
async def test_without_keys_only_names_of_this_machine_are_answered(ask: Ask, host: str) -> None:
    reply = await ask().get("/v1/models", headers={"host": host})
    assert reply.status_code == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"])
async def test_names_of_this_machine_are(ask: Ask, host: str) -> None:
    assert (await ask().get("/v1/models", headers={"host": host})).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "facevlm.example.org", ""])
def test_other_machines_are_let_in_with_keys_alone(host: str) -> None:
    with pytest.raises(InputError, match="FACEVLM_API_KEYS"):
        check_bind(host, ())
    check_bind(host, KEYS)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_this_machine_needs_none(host: str) -> None:
    check_bind(host, ())


def test_keys_come_from_the_environment_and_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEVLM_API_KEYS", " first-key, second-key,,")
    settings = ServeSettings()
    assert settings.api_keys == KEYS
    assert "first-key" not in repr(settings)


def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    taken = listen(ServeSettings(port=0))
    with taken, pytest.raises(InputError, match="cannot listen here"):
        listen(ServeSettings(port=taken.getsockname()[1]))
