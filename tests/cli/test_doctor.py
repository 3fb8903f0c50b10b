from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from facevlm.cli import checks
from facevlm.data.synth import graphics
from tests.cli.conftest import Endpoint, Outcome

Run = Callable[..., Outcome]
PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def test_a_whole_installation_is_in_order(facevlm: Run, endpoint: Endpoint, nano: Path) -> None:
    done = facevlm("doctor", "--base-url", endpoint.url, "--format", "json")
    states = {finding["name"]: finding["state"] for finding in json.loads(done.out)}
    assert done.status == 0
    assert {states[name] for name in ("Python", "mediapipe", "finding faces", "embedded model", "endpoint")} == {"ok"}


def test_an_endpoint_that_is_down_is_a_missing_prerequisite_with_its_fix(facevlm: Run) -> None:
    done = facevlm("doctor", "--base-url", "http://127.0.0.1:9/v1", "--format", "json")
    finding = next(each for each in json.loads(done.out) if each["name"] == "endpoint")
    assert done.status == 3
    assert finding["state"] == "missing" and finding["fix"]


def test_a_package_that_is_not_installed_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_CORE", ("no_such_package",))
    finding = next(each for each in checks.examine(None, "KEY") if each.name == "no_such_package")
    assert (finding.state, finding.fix) == ("missing", "pip install no_such_package")


def test_what_lacks_an_extra_is_optional_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_EXTRAS", {"moon": ("no_such_package",)})
    finding = next(each for each in checks.examine(None, "KEY") if each.name == "extra moon")
    assert (finding.state, finding.fix) == ("optional", "pip install 'facevlm[moon]'")


def test_a_part_of_a_package_that_is_not_there_lacks_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_EXTRAS", {"moon": ("json", "no_such_package.part", "json.no_such_part")})
    finding = checks._extra("moon")
    assert (finding.state, finding.found) == ("optional", "without no_such_package.part, json.no_such_part")


def test_all_that_is_required_is_looked_at() -> None:
    named = {checks._DISTRIBUTIONS.get(module, module) for module in checks._CORE}
    assert distributions(PROJECT["dependencies"]) <= named


def test_every_extra_is_looked_at() -> None:
    extras = PROJECT["optional-dependencies"].keys() - {"dev", "synth"}  # «synthetic faces» looks at the latter
    assert checks._EXTRAS.keys() == extras
    for extra in extras:
        assert len(checks._EXTRAS[extra]) == len(distributions(PROJECT["optional-dependencies"][extra]))


def distributions(requirements: list[str]) -> set[str]:
    """The names alone, without FaceVLM's own."""
    return {re.match(r"[\w-]+", each)[0] for each in requirements} - {"facevlm"}  # type: ignore[index]


def test_faces_that_cannot_be_rendered_are_optional_and_the_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyvista")
    monkeypatch.setattr(graphics, "LIBRARY", "libNoSuchEGL.so.1")
    finding = next(each for each in checks.examine(None, "KEY") if each.name == "synthetic faces")
    assert (finding.state, finding.fix) == ("optional", "apt-get install libegl1 libgl1-mesa-dri")


@pytest.mark.parametrize("form", ["table", "markdown", "jsonl"])
def test_every_format_tells_of_mediapipe(facevlm: Run, form: str) -> None:
    assert "mediapipe" in facevlm("doctor", "--format", form).out
