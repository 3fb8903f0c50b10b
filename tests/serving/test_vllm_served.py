"""The embedded model served by a real vLLM behind the gateway, as `facevlm serve` starts them, and three clients."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from facevlm import FaceReasoner
from facevlm.cli.models.pictures import made
from facevlm.models.parity import Parity, compared
from facevlm.types import Analysis
from tests.conftest import CHECKOUT

PYTHON = Path(os.environ.get("FACEVLM_VLLM_PYTHON", CHECKOUT / ".venv-vllm/bin/python"))
PATIENCE = 540  # seconds a server may take to start on a busy machine; a test is ended after 600
PARSE = """
from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.utils.argparse_utils import FlexibleArgumentParser
make_arg_parser(FlexibleArgumentParser()).parse_args()
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.is_file(), reason="no vLLM here: .ci/vllm installs it, or FACEVLM_VLLM_PYTHON names its interpreter"
    ),
]


@dataclass(frozen=True)
class Running:
    """`facevlm serve --vllm nano` in a process of its own."""

    process: subprocess.Popen[bytes]
    said: Path

    @property
    def url(self) -> str:
        return self._found(r"(http://\S+/v1) serves")

    @property
    def vllm_url(self) -> str:
        port = self._found(r"--host 127.0.0.1 --port (\d+)")
        return f"http://127.0.0.1:{port}/v1"

    @property
    def vllm_pid(self) -> int:
        """The gateway's only child, of whichever of its threads."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return int(next(filter(None, (thread.read_text().split() for thread in threads)))[0])

    def ready(self) -> bool:
        return httpx.get(self.url.removesuffix("/v1") + "/readyz").status_code == 200

    def _found(self, pattern: str) -> str:
        found = re.search(pattern, self.said.read_text())
        assert found, self.said.read_text()
        return found[1]


@pytest.fixture(scope="module")
def gateway(nano: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("serve")
    words = ["-m", "facevlm", "serve", "--vllm", "nano", "--vllm-python", PYTHON, "--port", "0", "--concurrency", "16"]
    here = {"OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "VLLM_CPU_KVCACHE_SPACE": "1"}
    own = {name: value for name, value in os.environ.items() if not name.startswith("FACEVLM_")}
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, *words, "--vllm-log", folder / "vllm.log"], stderr=said, env=own | here
        )
    running = Running(process, folder / "said")
    try:
        eventually(lambda: process.poll() is not None or " serves " in running.said.read_text())
        yield running
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def client(gateway: Running) -> openai.OpenAI:
    return openai.OpenAI(base_url=gateway.url, api_key="none", timeout=300, max_retries=0)


@pytest.fixture(scope="module")
def asked(astronaut: Path) -> list[dict[str, Any]]:
    """A portrait and a question, as OpenAI's API takes them."""
    url = f"data:image/png;base64,{base64.b64encode(astronaut.read_bytes()).decode()}"
    parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What does her face show?"}]
    return [{"role": "user", "content": parts}]


@pytest.fixture(scope="module")
def here(astronaut: Path) -> Analysis:
    """What the embedded model says in this process."""
    return FaceReasoner().analyze(astronaut)


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.5)


def analysis(reply: Any) -> Analysis:
    return Analysis.model_validate(reply.facevlm)


def explanations(of: Analysis) -> list[Any]:
    """All that was said of each face; probabilities are rounded differently."""
    return [face.explanation and face.explanation.model_dump(exclude={"probabilities"}) for face in of.faces]


def test_openai_gets_what_the_local_backend_says(client: openai.OpenAI, asked: Any, here: Analysis) -> None:
    reply = client.chat.completions.create(model="facevlm", messages=asked)
    told = analysis(reply)
    assert explanations(told) == explanations(here)
    assert told.faces[0].explanation and here.faces[0].explanation
    assert told.faces[0].explanation.probabilities == pytest.approx(here.faces[0].explanation.probabilities, abs=0.01)
    assert here.faces[0].explanation.emotion in str(reply.choices[0].message.content)
    assert reply.usage and reply.usage.completion_tokens > 0


def test_openai_gets_the_same_as_a_stream(client: openai.OpenAI, asked: Any, here: Analysis) -> None:
    chunks = list(client.chat.completions.create(model="facevlm", messages=asked, stream=True))
    whole = client.chat.completions.create(model="facevlm", messages=asked)
    assert "".join(pieces(chunks)) == whole.choices[0].message.content
    told = [chunk for chunk in chunks if getattr(chunk, "facevlm", None)]
    assert explanations(analysis(told[-1])) == explanations(here)


def test_an_explanation_comes_as_it_is_written(client: openai.OpenAI, asked: Any) -> None:
    alone = [{"role": "user", "content": asked[0]["content"][:1]}]  # an answer would come first, and in one piece
    assert len(pieces(client.chat.completions.create(model="facevlm", messages=alone, stream=True))) > 3


def pieces(chunks: Iterable[Any]) -> list[str]:
    return [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]


def test_openai_gets_the_analysis_as_json(client: openai.OpenAI, asked: Any, here: Analysis) -> None:
    reply = client.chat.completions.create(model="facevlm", messages=asked, response_format={"type": "json_object"})
    told = Analysis.model_validate_json(str(reply.choices[0].message.content))
    assert explanations(told) == explanations(here)


def test_a_schema_of_ones_own_is_refused_for_the_small_model(client: openai.OpenAI, asked: Any) -> None:
    schema = {"type": "object", "properties": {"smiles": {"type": "string", "enum": ["yes", "no"]}}}
    form: Any = {"type": "json_schema", "json_schema": {"name": "smile", "schema": schema, "strict": True}}
    with pytest.raises(openai.BadRequestError, match="writes no schema of yours"):
        client.chat.completions.create(model="facevlm", messages=asked, response_format=form)


def test_words_alone_are_answered(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model="facevlm", messages=[{"role": "user", "content": "Good morning."}])
    assert reply.choices[0].message.content


def test_a_follow_up_is_about_the_last_picture(client: openai.OpenAI, asked: Any, here: Analysis) -> None:
    later = [*asked, {"role": "assistant", "content": "A smile."}, {"role": "user", "content": "And the brows?"}]
    reply = client.chat.completions.create(model="facevlm", messages=later)
    assert explanations(analysis(reply)) == explanations(here)


def test_the_model_of_a_request_chooses_the_adapter(client: openai.OpenAI, asked: Any) -> None:
    assert {"nano-base", "nano-facs"} <= {model.id for model in client.models.list()}
    tuned, bare = (client.chat.completions.create(model=name, messages=asked) for name in ("nano-facs", "nano-base"))
    assert analysis(tuned).provenance.adapter == "nano-facs"
    assert analysis(bare).provenance.adapter is None
    assert explanations(analysis(tuned)) != explanations(analysis(bare))


def test_langchain_asks_and_streams(gateway: Running, asked: Any, here: Analysis) -> None:
    from langchain_core.messages import HumanMessage
    from langchain_openai import ChatOpenAI

    chat = ChatOpenAI(base_url=gateway.url, api_key="none", model="facevlm", timeout=300)  # type: ignore[arg-type]
    question = [HumanMessage(content=asked[0]["content"])]
    said = chat.invoke(question).text
    assert here.faces[0].explanation and here.faces[0].explanation.emotion in said
    assert "".join(chunk.text for chunk in chat.stream(question)) == said


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed here")
def test_curl_asks_and_uploads(gateway: Running, asked: Any, astronaut: Path, here: Analysis, tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text(json.dumps({"model": "facevlm", "messages": asked}))
    told = curl(f"{gateway.url}/chat/completions", "--json", f"@{tmp_path / 'body.json'}")["facevlm"]
    assert explanations(Analysis.model_validate(told)) == explanations(here)
    told = curl(f"{gateway.url}/analyze", "-F", f"image=@{astronaut}")
    assert explanations(Analysis.model_validate(told)) == explanations(here)


def curl(*words: str) -> Any:
    done = subprocess.run(["curl", "-sS", "--fail", *words], capture_output=True, check=True)
    return json.loads(done.stdout)


def test_none_of_vllm_s_other_routes_is_reached(gateway: Running) -> None:
    root = gateway.url.removesuffix("/v1")
    for path in ("/tokenize", "/invocations", "/pooling", "/v1/completions", "/v1/responses", "/v1/load_lora_adapter"):
        assert httpx.post(root + path, json={}).status_code == 404, path


@pytest.mark.parametrize("adapter", ["nano-facs", "none"])
def test_both_backends_write_the_same_token_by_token(gateway: Running, adapter: str, astronaut: Path) -> None:
    served_as = "nano-base" if adapter == "none" else None
    both = compared(adapter, "nano", gateway.vllm_url, served_as=served_as, threads=1, tokens=128)
    for picture in list(made(astronaut).values())[:4]:
        FaceReasoner(both).analyze(picture)
    assert both.found == [Parity(tokens=each.tokens) for each in both.found]
    assert len(both.found) == 4


def test_vllm_killed_under_load_comes_back_and_each_request_ends_cleanly(
    gateway: Running, client: openai.OpenAI, asked: Any, here: Analysis
) -> None:
    killed = threading.Event()

    def ask(number: int) -> int:
        if number == 8:
            os.kill(gateway.vllm_pid, signal.SIGKILL)
            killed.set()
        try:
            client.chat.completions.create(model="facevlm", messages=asked, seed=number)
        except openai.APIStatusError as error:
            assert error.body and "message" in error.body  # type: ignore[operator]
            return error.status_code
        return 200

    before = gateway.vllm_pid
    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(ask, range(32)))
    assert killed.is_set()
    assert statuses <= {200, 429, 502, 503}
    eventually(gateway.ready)
    assert gateway.vllm_pid != before
    reply = client.chat.completions.create(model="facevlm", messages=asked)
    assert explanations(analysis(reply)) == explanations(here)


def test_vllm_knows_the_options_of_the_profile_for_a_gpu() -> None:
    profile = CHECKOUT / "docs/qwen2.5-vl-7b.yaml"
    done = subprocess.run([PYTHON, "-c", PARSE, "--config", profile], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_sigterm_ends_the_gateway_and_vllm(gateway: Running) -> None:
    vllm = gateway.vllm_pid
    gateway.process.terminate()
    assert gateway.process.wait(60) == 0
    assert not Path(f"/proc/{vllm}").exists()
    assert gateway.said.read_text().endswith("facevlm: stopped\n")
