"""What transformers and peft write here, vLLM writes too: random weights, so that nothing rests on those that ship."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevlm.models.parity import Parity, compared
from facevlm.serving.vllm import free_port
from facevlm.types import Conversation, Turn
from tests.conftest import CHECKOUT
from tests.models.served import random_model

PYTHON = Path(os.environ.get("FACEVLM_VLLM_PYTHON", CHECKOUT / ".venv-vllm/bin/python"))
PATIENCE = 900  # seconds a server may take to start on a busy machine
TOKENS = 64

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.is_file(), reason="no vLLM here: .ci/vllm installs it, or FACEVLM_VLLM_PYTHON names its interpreter"
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("vllm")
    random_model(made / "dice", made / "dice-facs")
    return made


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """A vLLM server of the base and its adapter, in float32 on one core."""
    port = free_port()
    words = f"""-m vllm.entrypoints.openai.api_server --model {folder}/dice --served-model-name dice --dtype float32
        --enable-lora --max-lora-rank 8 --lora-modules dice-facs={folder}/dice-facs --max-model-len 512
        --max-num-seqs 2 --enforce-eager --host 127.0.0.1 --port {port}""".split()
    here = {"OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "VLLM_CPU_KVCACHE_SPACE": "1"}
    quiet = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([PYTHON, *words], stdout=log, stderr=log, cwd=folder, env=os.environ | here | quiet)
        try:
            await_ready(f"http://127.0.0.1:{port}/health", server, folder / "log")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            server.wait(60)


def await_ready(health: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(PATIENCE):
        try:
            with urllib.request.urlopen(health):
                return
        except OSError:
            assert server.poll() is None, log.read_text()[-2000:]
            time.sleep(1)
    pytest.fail(f"vLLM did not start: {log.read_text()[-2000:]}")


def ten_questions() -> list[Conversation]:
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)) for _ in range(10)]
    return [Conversation(turns=(Turn(role="user", text="explain\n", images=(one,)),)) for one in pictures]


@pytest.mark.parametrize(("adapter", "served_as"), [("none", "dice"), ("dice-facs", None)], ids=["base", "adapter"])
def test_greedy_answers_are_equal_token_by_token(folder: Path, url: str, adapter: str, served_as: str | None) -> None:
    asked = adapter if adapter == "none" else str(folder / adapter)
    both = compared(asked, str(folder / "dice"), url, served_as=served_as, threads=1, tokens=TOKENS)
    both.generate(ten_questions())
    assert both.found == [Parity(tokens=each.tokens) for each in both.found]
    assert len(both.found) == 10


def test_an_adapter_that_is_not_applied_is_noticed(folder: Path, url: str) -> None:
    both = compared(str(folder / "dice-facs"), str(folder / "dice"), url, served_as="dice", threads=1, tokens=TOKENS)
    both.generate(ten_questions()[:1])
    assert both.found[0].part == "answer"
