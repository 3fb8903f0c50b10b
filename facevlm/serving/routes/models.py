"""`GET /v1/models`: which models there are."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel

from facevlm.completions import ModelCard, NotServed
from facevlm.errors import quoted
from facevlm.serving.desk import Desk
from facevlm.serving.openapi import ERRORS, errors


class ModelList(BaseModel):
    """The models there are, in the shape of OpenAI's list."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


def router(desk: Desk) -> APIRouter:
    """The routes, at one desk."""
    routes = APIRouter(tags=["models"])

    @routes.get("/v1/models", operation_id="listModels", summary="The models there are", responses=ERRORS)
    async def names() -> ModelList:
        """The first is the one that answers where a request names `facevlm`."""
        return ModelList(data=desk.completer.cards())

    @routes.get(
        "/v1/models/{model:path}",
        operation_id="retrieveModel",
        summary="One model",
        responses=ERRORS | errors(404),
    )
    async def one(model: Annotated[str, Path(examples=["facevlm"], description="Its id.")]) -> ModelCard:
        for card in desk.completer.cards():
            if card.id == model:
                return card
        raise NotServed(f"{quoted(model, 60)}: no such model here; GET /v1/models lists those there are")

    return routes
