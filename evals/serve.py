"""What the gateway and the batch runner cost beside vLLM alone, and how the gateway bears a crowd: `make bench-serve`.

    python evals/serve.py [--vllm-python .venv-vllm/bin/python] [--only cached cold crowd memory batch kills]
                          [--requests 512] [--rounds 5] [--out evals/reports]

vLLM, the gateway and the client share one machine. «vLLM alone» is the same client sending vLLM the bodies that the
gateway would send it: they are captured first. Sides take turns within a round, and the first changes with each round.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from closed_loop import closed_loop, stub
from load import load
from PIL import Image, ImageEnhance

from facevlm.completions import ChatRequest, Completer, Served

Row = dict[str, str]
IN_FLIGHT = 32
ROUTE = "/chat/completions"
DELAY = 0.5  # seconds that the stub takes for an answer
CONNECTIONS, QUEUE = 200, 64
_SAID = re.compile(r"(http://\S+/v1) serves")
_VLLM = re.compile(r"--host 127.0.0.1 --port (\d+)")


def main() -> None:
    """Print the table, and write it and the single figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vllm-python", type=Path, default=Path(".venv-vllm/bin/python"))
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--requests", type=int, default=512, help="of each side in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=64, help="different ones, where they are to be in the cache")
    parser.add_argument("--crowd", type=int, default=2000, help="requests of the crowd")
    parser.add_argument("--memory", type=int, default=5000, help="requests after which memory is looked at")
    parser.add_argument("--out", type=Path, help="folder for serving.md and serving.json")
    options = parser.parse_args()
    rows: list[Row] = []
    for part in options.only:
        rows += PARTS[part](options)
        if options.out:  # after each part: the next may be interrupted
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / "serving.md").write_text(_report(rows), encoding="utf-8")
            (options.out / "serving.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(_report(rows))


def cached(options: argparse.Namespace) -> Iterator[Row]:
    """The same pictures over and over: the gateway has found and marked their faces already."""
    asked, prepared = _prepared(range(options.pictures))
    bodies = {side: _repeated(each, options.requests) for side, each in (("gateway", asked), ("vllm", prepared))}
    with _gateway("--vllm", "nano", "--vllm-python", str(options.vllm_python)) as served:
        _measure(served, {"gateway": asked, "vllm": prepared})
        rounds = [_measure(served, bodies, gateway_first=number % 2 == 0) for number in range(options.rounds)]
    yield from _ratios("faces in the gateway's cache", rounds, ("0.90", "10 ms"))


def cold(options: argparse.Namespace) -> Iterator[Row]:
    """Pictures that neither side has seen: other ones for each side and each round."""
    count = options.requests // 2
    with _gateway("--vllm", "nano", "--vllm-python", str(options.vllm_python)) as served:
        rounds = []
        for number in range(options.rounds):
            first = 10_000 + 2 * number * count
            asked, prepared = _prepared(range(first, first + 2 * count))
            bodies = {"gateway": asked[:count], "vllm": prepared[count:]}
            rounds.append(_measure(served, bodies, gateway_first=number % 2 == 0))
    yield from _ratios("pictures never seen", rounds, ("reported", "reported"))


def crowd(options: argparse.Namespace) -> Iterator[Row]:
    """More connections than may work and wait, before a model of fixed delay."""
    asked, _ = _prepared(range(8))
    with stub(DELAY) as model, _gateway(*_upstream(model.url)) as served:
        _measured(served.url, asked)
        url = served.url + ROUTE
        found = asyncio.run(load(url, json.loads(asked[0]), connections=CONNECTIONS, requests=options.crowd))
    named = f"{CONNECTIONS} connections, queue of {QUEUE}, a model that takes {DELAY:g} s"
    others = {status: count for status, count in found.statuses.items() if status not in (200, 429)}
    yield _row(f"{named}: statuses other than 200 and 429", str(others or "none"), "none", dict(found.statuses))
    half, most = found.percentile(50), found.percentile(99)
    told = f"{most / half:.2f} (p50 {half:.2f} s, p99 {most:.2f} s)"
    yield _row(f"{named}: p99 ÷ p50 of those accepted", told, "at most 3", [half, most])


def memory(options: argparse.Namespace) -> Iterator[Row]:
    """Whether the gateway grows with the requests it has answered."""
    asked, _ = _prepared(range(options.pictures))
    step = options.memory // 10
    with stub() as model, _gateway(*_upstream(model.url)) as served:
        sizes = []
        for _ in range(10):
            _measured(served.url, _repeated(asked, step))
            sizes.append(served.megabytes)
    grown = sizes[-1] - sizes[0]
    told = f"{grown:+.0f} MB, from {sizes[0]:.0f} MB"
    yield _row(
        f"memory of the gateway from request {options.memory // 10:,} to {options.memory:,}", told, "flat", sizes
    )


def batch(options: argparse.Namespace) -> Iterator[Row]:
    """`facevlm batch` on pictures, its start included, against the client with their prepared requests."""
    ratios, rates = [], []
    with _gateway("--vllm", "nano", "--vllm-python", str(options.vllm_python)) as served:
        for number in range(options.rounds):
            first = 1_000_000 + 2 * number * options.requests
            asked, _ = _prepared(range(first, first + options.requests))
            _, prepared = _prepared(range(first + options.requests, first + 2 * options.requests))
            runner = len(asked) / _batched(asked, served.vllm_url)
            ratios.append(runner / _measured(served.vllm_url, prepared))
            rates.append(runner)
    told = f"{statistics.median(ratios):.3f} ({statistics.median(rates):.1f} pictures/s)"
    yield _row("`facevlm batch` over vLLM ÷ the client with prepared requests", told, "0.85", ratios)


def kills(options: argparse.Namespace) -> Iterator[Row]:
    """vLLM killed five times while the batch runner asks it."""
    asked, _ = _prepared(range(2_000_000, 2_000_000 + options.requests))
    with _gateway("--vllm", "nano", "--vllm-python", str(options.vllm_python)) as served:
        killed: list[int] = []
        answered: Counter[str] = Counter()
        _batched(asked, served.vllm_url, answered, lambda out, over: _kill(served, out, over, killed))
    once = sum(count == 1 for count in answered.values())
    what = f"custom_ids answered exactly once, vLLM killed {len(killed)} times"
    yield _row(what, f"{once} of {len(asked)}", "all, 5 times", dict(Counter(answered.values())))


PARTS = {part.__name__: part for part in (cached, cold, crowd, memory, batch, kills)}


@dataclass
class Gateway:
    """A running `facevlm serve`."""

    process: subprocess.Popen[bytes]
    said: Path

    @property
    def url(self) -> str:
        return self._found(_SAID)

    @property
    def vllm_url(self) -> str:
        return f"http://127.0.0.1:{self._found(_VLLM)}/v1"

    @property
    def cpu_seconds(self) -> float:
        """Of the gateway alone: vLLM's are its own until it ends."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def megabytes(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(self.url.removesuffix("/v1") + "/readyz") as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    @property
    def vllm_pid(self) -> int | None:
        """The gateway's only child, of whichever of its threads; None while it is being started again."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return next((int(thread.read_text()) for thread in threads if thread.read_text()), None)

    def _found(self, pattern: re.Pattern[str]) -> str:
        found = pattern.search(self.said.read_text())
        if not found:
            sys.exit(f"the gateway did not start: {self.said.read_text()}")
        return found[1]


@contextmanager
def _gateway(*words: str, concurrency: int = IN_FLIGHT) -> Iterator[Gateway]:
    """`facevlm serve` in a process of its own, once it serves."""
    limits = ["--port", "0", "--queue", str(QUEUE), "--concurrency", str(concurrency)]
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        with said.open("wb") as output:
            command = [sys.executable, "-m", "facevlm", "serve", *words, *limits]
            process = subprocess.Popen(command, stderr=output, stdout=output)
        try:
            while process.poll() is None and not _SAID.search(said.read_text()):
                time.sleep(0.2)
            yield Gateway(process, said)
        finally:
            process.terminate()
            process.wait()


def _measure(served: Gateway, bodies: dict[str, list[bytes]], gateway_first: bool = True) -> dict[str, float]:
    """One round: requests/s of both sides, and CPU seconds of the gateway for each of its requests."""
    found: dict[str, float] = {}
    for side in ("gateway", "vllm") if gateway_first else ("vllm", "gateway"):
        before = served.cpu_seconds
        found[side] = _measured(served.url if side == "gateway" else served.vllm_url, bodies[side])
        if side == "gateway":
            found["cpu"] = (served.cpu_seconds - before) / len(bodies[side])
    return found


def _measured(url: str, bodies: Sequence[bytes]) -> float:
    """Requests answered in a second."""
    run = asyncio.run(closed_loop(url + ROUTE, bodies, IN_FLIGHT))
    if set(run.statuses) != {200}:
        sys.exit(f"{url}: not all requests were answered: {dict(run.statuses)}")
    return run.rate


def _ratios(named: str, rounds: Sequence[dict[str, float]], least: tuple[str, str]) -> Iterator[Row]:
    gateway, vllm, cpu = (statistics.median(each[side] for each in rounds) for side in ("gateway", "vllm", "cpu"))
    ratio = statistics.median(each["gateway"] / each["vllm"] for each in rounds)
    told = f"{ratio:.3f} ({gateway:.1f} and {vllm:.1f} requests/s)"
    yield _row(f"gateway over vLLM ÷ vLLM alone, {IN_FLIGHT} in flight, {named}", told, least[0], list(rounds))
    yield _row(f"CPU of the gateway for a request, {named}", f"{1000 * cpu:.1f} ms", f"at most {least[1]}", [cpu])


def _upstream(url: str) -> tuple[str, ...]:
    return "--upstream", url, "--model", "nano-base", "--adapter", "nano-facs"


def _batched(
    asked: Sequence[bytes],
    url: str,
    answered: Counter[str] | None = None,
    meanwhile: Callable[[Path, threading.Event], object] = lambda out, over: None,
) -> float:
    """Seconds that the batch runner takes for requests.

    Args:
        asked: the requests.
        url: of vLLM.
        answered: is told which `custom_id` was answered, and how often.
        meanwhile: runs beside it, and is told the file of the results and when it is over.
    """
    with tempfile.TemporaryDirectory() as folder:
        lines, out, over = Path(folder) / "in.jsonl", Path(folder) / "out.jsonl", threading.Event()
        lines.write_text("".join(_line(number, body) for number, body in enumerate(asked)))
        words = ["batch", str(lines), str(out), "--base-url", url, "--model", "nano-base", "--adapter", "nano-facs"]
        patient = ["--in-flight", str(IN_FLIGHT), "--patience", "600"]
        beside = threading.Thread(target=meanwhile, args=(out, over))
        started = time.perf_counter()
        beside.start()
        subprocess.run([sys.executable, "-m", "facevlm", *words, *patient], check=False)
        seconds = time.perf_counter() - started
        over.set()
        beside.join()
        results = [json.loads(line) for line in out.read_text().splitlines()]
    good = [row["custom_id"] for row in results if row["response"]["status_code"] == 200]
    if answered is None and len(good) < len(asked):
        sys.exit(f"facevlm batch: {len(good)} of {len(asked)} requests were answered")
    if answered is not None:
        answered.update(good)
    return seconds


def _line(number: int, body: bytes) -> str:
    request = {"custom_id": str(number), "method": "POST", "url": "/v1/chat/completions", "body": json.loads(body)}
    return json.dumps(request) + "\n"


def _kill(served: Gateway, out: Path, over: threading.Event, killed: list[int]) -> None:
    """Kill vLLM at five moments drawn at random, each while it is at work."""
    drawn = random.Random(0)
    while len(killed) < 5 and not over.wait(0.2):
        working = out.is_file() and out.stat().st_size and served.ready
        if working and not over.wait(drawn.uniform(0.5, 5)) and served.vllm_pid is not None:
            killed.append(served.vllm_pid)
            os.kill(killed[-1], signal.SIGKILL)


def _repeated(bodies: Sequence[bytes], count: int) -> list[bytes]:
    return [bodies[number % len(bodies)] for number in range(count)]


def _prepared(numbers: range) -> tuple[list[bytes], list[bytes]]:
    """Requests of the gateway about pictures, and the requests that the gateway makes of vLLM for them."""
    asked = [json.dumps({"model": "facevlm", "messages": [_message(number)]}).encode() for number in numbers]
    with stub() as model:
        asyncio.run(_complete(Completer(Served.upstream(model.url, "nano-base", "nano-facs")), asked))
        if len(model.bodies) != len(asked):
            sys.exit(f"{len(model.bodies)} requests were made for {len(asked)} pictures of one face each")
        return asked, list(model.bodies)


async def _complete(completer: Completer, bodies: Sequence[bytes]) -> None:
    for body in bodies:
        await completer.complete(ChatRequest.model_validate_json(body))


def _message(number: int) -> dict[str, Any]:
    data = io.BytesIO()
    _picture(number).save(data, "JPEG", quality=90)
    url = f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode('ascii')}"
    return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}


def _picture(number: int) -> Image.Image:
    """One of any number of pictures of one face, 512 × 512, each turned and lit in its own way."""
    from facevlm.cli.demo import picture

    drawn = random.Random(number)
    with Image.open(picture()) as whole:
        turned = whole.convert("RGB").rotate(drawn.uniform(-10, 10), Image.Resampling.BILINEAR)
    return ImageEnhance.Brightness(turned).enhance(drawn.uniform(0.7, 1.2))


def _row(what: str, told: str, least: str, figures: Any) -> Row:
    return {"what": what, "measured": told, "at least": least, "figures": figures}


def _report(rows: Sequence[Row]) -> str:
    command = " ".join(["python", *sys.argv])
    head = f"`{command}`, on {os.cpu_count()} cores.\n\n| what | measured | at least |\n|---|---|---|\n"
    return head + "".join(f"| {row['what']} | {row['measured']} | {row['at least']} |\n" for row in rows)


if __name__ == "__main__":
    main()
