"""A model with random weights, an adapter on it, and an endpoint that answers with them as vLLM would."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from PIL import Image

from facevlm.data.cot import short
from facevlm.models.local import LocalModel
from facevlm.models.parity import _written_here
from facevlm.training.embedded import nano as shape
from facevlm.types import Conversation, Turn
from tests.served import Handler, Server, listening

LANGUAGE = r".*text_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"


def random_model(folder: Path, adapter: Path) -> None:
    """Write a base of the embedded model's architecture to one folder and an adapter that changes it to another."""
    torch.manual_seed(0)
    tokenizer = shape.tokenizer([short.write((), "nothing moves: neutral.", "neutral", ("interpretation", "emotion"))])
    model = shape.model(tokenizer)
    for weight in model.parameters():  # far apart, so that no two tokens are equally likely but for rounding
        weight.data.mul_(3)
    model.save_pretrained(folder)
    shape.processor(tokenizer).save_pretrained(folder)
    (folder / "facevlm.json").write_text(json.dumps({"asks": "face", "crop_size": 64}))
    adapted = get_peft_model(model, LoraConfig(r=8, target_modules=LANGUAGE, init_lora_weights=False))
    adapted.peft_config["default"].base_model_name_or_path = folder.name
    adapted.save_pretrained(adapter, save_embedding_layers=False)


class Served(Server):
    """The endpoint. `spoil` may change a reply before it is sent; `requests` are those that came."""

    def __init__(self, model: LocalModel) -> None:
        super().__init__(_Handler)
        self.model = model
        self.requests: list[dict[str, Any]] = []
        self.spoil: Callable[[dict[str, Any]], object] = lambda body: None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        self.requests.append(request)
        turns = tuple(_turn(message) for message in request["messages"])
        written = _written_here(self.model, Conversation(turns=turns, max_tokens=request["max_tokens"]))
        choice = {"index": 0, "message": {"content": written.text}, "token_ids": written.answer}
        body = {"choices": [choice], "prompt_token_ids": written.prompt}
        self.spoil(body)
        return body


def served(model: LocalModel) -> AbstractContextManager[Served]:
    """The endpoint, while it runs."""
    return listening(Served(model))


class _Handler(Handler):
    server: Served

    def do_GET(self) -> None:
        self.reply({"data": [{"id": self.server.model.adapter or self.server.model.name}]})

    def do_POST(self) -> None:
        self.reply(self.server.answer(self.asked()))


def _turn(message: dict[str, Any]) -> Turn:
    *pictures, text = message["content"]
    return Turn(role=message["role"], text=text["text"], images=tuple(map(_picture, pictures)))


def _picture(part: dict[str, Any]) -> Image.Image:
    data = base64.b64decode(part["image_url"]["url"].partition(",")[2])
    return Image.open(io.BytesIO(data)).convert("RGB")
