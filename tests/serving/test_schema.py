"""The OpenAPI document says all there is, and all it says is so."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection

from facevlm.serving import ServeSettings, create_app
from tests.serving.stub import StubCompleter

BASE = "http://localhost"
APP = create_app(StubCompleter(), ServeSettings())
DOCUMENT: dict[str, Any] = APP.openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
SCHEMA.app = APP


@SCHEMA.parametrize()
@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_request_the_document_allows_is_answered_as_it_says(case: schemathesis.Case) -> None:
    words = case.media_type == "multipart/form-data"  # where null is the word «null», and no violation
    case.call_and_validate(base_url=BASE, excluded_checks=[negative_data_rejection] if words else [])


def test_every_route_is_described_with_its_errors() -> None:
    assert set(DOCUMENT["paths"]) == {
        "/v1/models",
        "/v1/models/{model}",
        "/v1/chat/completions",
        "/v1/analyze",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    for path in ("/v1/chat/completions", "/v1/analyze"):
        assert {"200", "400", "401", "404", "413", "415", "429", "502", "503", "504"} <= set(
            DOCUMENT["paths"][path]["post"]["responses"]
        )


@pytest.mark.parametrize("name", ["ChatRequest", "ErrorReply"])
def test_bodies_have_examples(name: str) -> None:
    assert DOCUMENT["components"]["schemas"][name]["examples"]


def test_every_reference_has_its_schema() -> None:
    def references(node: Any) -> set[str]:
        if isinstance(node, list):
            return set().union(*map(references, node))
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*map(references, node.values()))
        return set()

    schemas = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert references(DOCUMENT) <= schemas
