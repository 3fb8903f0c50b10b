"""What the gateway and the batch runner cost beside vLLM alone, and how the gateway bears a crowd: `make bench-serve`.

    python evals/serve.py [--only embedded cached cold batch crowd memory kills] [--requests N] [--rounds N] [--kills 5]
                          [--vllm-python .venv-vllm/bin/python] [--out evals/reports]

vLLM, the gateway and the client share one machine. «vLLM alone» is the same client sending vLLM the bodies that the
gateway would send it: they are captured first. Sides take turns within a round, and the first changes with each round.
Counts that are not given are such that each part ends within three minutes on two cores. Parts that are not run keep
the figures they have under --out.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import itertools
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from closed_loop import closed_loop, stub
from gateway import Gateway, gateway
from PIL import Image, ImageEnhance

from facevlm.completions import ChatRequest, Completer, Served

Row = dict[str, str]
IN_FLIGHT = 32
CLIENTS = 8  # of the embedded model
ROUTE = "/chat/completions"
DELAY = 0.5  # seconds that the stub takes for an answer
CONNECTIONS, QUEUE = 200, 64
REQUESTS = {"embedded": 64, "cached": 96, "cold": 48, "batch": 240, "crowd": 2000, "memory": 5000}
ROUNDS = {"embedded": 3, "cached": 3, "cold": 3, "batch": 1}
A_KILL = 40  # requests for each kill


def main() -> None:
    """Print the table, and write it and the single figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vllm-python", type=Path, default=Path(".venv-vllm/bin/python"))
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--requests", type=int, help="of each side in each round")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--pictures", type=int, default=32, help="different ones, where they are to be in the cache")
    parser.add_argument("--kills", type=int, default=2, help="of vLLM, which takes its time to start again")
    parser.add_argument("--out", type=Path, help="folder for serving.md and serving.json")
    options = parser.parse_args()
    found: dict[str, list[Row]] = {}
    kept = options.out / "serving.json" if options.out else None
    if kept and kept.is_file():  # parts that are not run now keep their figures
        found = json.loads(kept.read_text("utf-8"))
    for part in options.only:
        command = " ".join(["python", *sys.argv])
        found[part] = [row | {"command": command} for row in PARTS[part](_sized(options, part))]
        found = {each: found[each] for each in PARTS if each in found}
        if kept:  # after each part: the next may be interrupted
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.with_suffix(".md").write_text(_report(found), encoding="utf-8")
            kept.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(_report({part: found[part] for part in options.only}))


def embedded(options: argparse.Namespace) -> Iterator[Row]:
    """Clients of the model in the gateway's own process, whose answers are written together, against one client."""
    asked = _asked(range(CLIENTS))
    bodies = _repeated(asked, options.requests)
    with gateway(concurrency=CLIENTS, queue=QUEUE) as served:
        _measured(served.url, asked)
        rounds = [
            {str(clients): _measured(served.url, bodies, clients) for clients in (1, CLIENTS)}
            for _ in range(options.rounds)
        ]
    one, many = (statistics.median(each[str(clients)] for each in rounds) for clients in (1, CLIENTS))
    told = f"{many:.1f} requests/s; {one:.1f} of one client"
    yield _row(f"the embedded model, {CLIENTS} clients, faces in the gateway's cache", told, "reported", rounds)


def cached(options: argparse.Namespace) -> Iterator[Row]:
    """The same pictures over and over: the gateway has found and marked their faces already."""
    asked = _asked(range(options.pictures))
    once = {"gateway": asked, "vllm": _prepared(asked)}
    bodies = {side: _repeated(each, options.requests) for side, each in once.items()}
    with _over_vllm(options) as served:
        _measure(served, once)
        rounds = [_measure(served, bodies, gateway_first=number % 2 == 0) for number in range(options.rounds)]
    yield from _ratios("faces in the gateway's cache", rounds, ("0.90", "at most 10 ms"))


def cold(options: argparse.Namespace) -> Iterator[Row]:
    """Pictures that neither side has seen: other ones for each side and each round."""
    with _over_vllm(options) as served:
        rounds = []
        for number in range(options.rounds):
            asked, others = _two(10_000, number, options.requests)
            bodies = {"gateway": asked, "vllm": _prepared(others)}
            rounds.append(_measure(served, bodies, gateway_first=number % 2 == 0))
    yield from _ratios("pictures never seen", rounds, ("reported", "reported"))


def batch(options: argparse.Namespace) -> Iterator[Row]:
    """`facevlm batch` on pictures against the client with their prepared requests.

    How long the runner takes for one picture, its start included, is measured by itself and taken off.
    """
    ratios, rates, starts = [], [], []
    with _over_vllm(options) as served:
        for number in range(options.rounds):
            asked, others = _two(1_000_000, number, options.requests)
            starts.append(_batched(asked[:1], served.vllm_url))
            rates.append((len(asked) - 1) / (_batched(asked[1:] + others[:1], served.vllm_url) - starts[-1]))
            ratios.append(rates[-1] / _measured(served.vllm_url, _prepared(others[1:])))
    figures = f"{statistics.median(rates):.1f} pictures/s; the first takes {statistics.median(starts):.1f} s"
    told = f"{statistics.median(ratios):.3f} ({figures})"
    yield _row("`facevlm batch` over vLLM ÷ the client with prepared requests", told, "0.85", ratios)


def crowd(options: argparse.Namespace) -> Iterator[Row]:
    """More connections than may work and wait, before a model of fixed delay."""
    asked = _asked(range(8))
    with stub(DELAY) as model, _over(model.url) as served:
        _measured(served.url, asked)
        found = asyncio.run(closed_loop(served.url + ROUTE, _repeated(asked, options.requests), CONNECTIONS))
    named = f"{CONNECTIONS} connections, queue of {QUEUE}, a model that takes {DELAY:g} s"
    others = {status: count for status, count in found.statuses.items() if status not in (200, 429)}
    yield _row(f"{named}: statuses other than 200 and 429", str(others or "none"), "none", dict(found.statuses))
    half, most = found.percentile(50), found.percentile(99)
    told = f"{most / half:.2f} (p50 {half:.2f} s, p99 {most:.2f} s)"
    yield _row(f"{named}: p99 ÷ p50 of those accepted", told, "at most 3", [half, most])


def memory(options: argparse.Namespace) -> Iterator[Row]:
    """Whether the gateway grows with the requests it has answered."""
    asked = _asked(range(options.pictures))
    step = options.requests // 10
    with stub() as model, _over(model.url) as served:
        sizes = []
        for _ in range(10):
            _measured(served.url, _repeated(asked, step))
            sizes.append(served.megabytes)
    told = f"{sizes[-1] - sizes[0]:+.0f} MB, from {sizes[0]:.0f} MB"
    yield _row(f"memory of the gateway from request {step:,} to {10 * step:,}", told, "flat", sizes)


def kills(options: argparse.Namespace) -> Iterator[Row]:
    """vLLM killed while the batch runner asks it."""
    asked = _asked(range(2_000_000, 2_000_000 + A_KILL * options.kills))
    with _over_vllm(options) as served:
        killed: list[int] = []
        answered: Counter[str] = Counter()
        _batched(asked, served.vllm_url, answered, lambda out, over: _kill(served, out, over, killed, options.kills))
    once = sum(count == 1 for count in answered.values())
    what = f"custom_ids answered exactly once, vLLM killed {len(killed)} times"
    least = f"all, {options.kills} times"
    yield _row(what, f"{once} of {len(asked)}", least, dict(Counter(answered.values())))


PARTS = {part.__name__: part for part in (embedded, cached, cold, batch, crowd, memory, kills)}


def _sized(options: argparse.Namespace, part: str) -> argparse.Namespace:
    """The options of one part, with its own counts where none were given."""
    own = {"requests": options.requests or REQUESTS.get(part), "rounds": options.rounds or ROUNDS.get(part)}
    return argparse.Namespace(**vars(options) | own)


def _over_vllm(options: argparse.Namespace) -> AbstractContextManager[Gateway]:
    return gateway("--vllm", "nano", "--vllm-python", str(options.vllm_python), concurrency=IN_FLIGHT, queue=QUEUE)


def _over(url: str) -> AbstractContextManager[Gateway]:
    words = "--upstream", url, "--model", "nano-base", "--adapter", "nano-facs"
    return gateway(*words, concurrency=IN_FLIGHT, queue=QUEUE)


def _measure(served: Gateway, bodies: dict[str, list[bytes]], gateway_first: bool = True) -> dict[str, float]:
    """One round: requests/s of both sides, and CPU seconds of the gateway for each of its requests."""
    found: dict[str, float] = {}
    for side in ("gateway", "vllm") if gateway_first else ("vllm", "gateway"):
        before = served.cpu_seconds
        found[side] = _measured(served.url if side == "gateway" else served.vllm_url, bodies[side])
        if side == "gateway":
            found["cpu"] = (served.cpu_seconds - before) / len(bodies[side])
    return found


def _measured(url: str, bodies: Sequence[bytes], in_flight: int = IN_FLIGHT) -> float:
    """Requests answered in a second."""
    run = asyncio.run(closed_loop(url + ROUTE, bodies, in_flight))
    if set(run.statuses) != {200}:
        sys.exit(f"{url}: not all requests were answered: {dict(run.statuses)}")
    return run.rate


def _ratios(named: str, rounds: Sequence[dict[str, float]], least: tuple[str, str]) -> Iterator[Row]:
    gateway, vllm, cpu = (statistics.median(each[side] for each in rounds) for side in ("gateway", "vllm", "cpu"))
    ratio = statistics.median(each["gateway"] / each["vllm"] for each in rounds)
    told = f"{ratio:.3f} ({gateway:.1f} and {vllm:.1f} requests/s)"
    yield _row(f"gateway over vLLM ÷ vLLM alone, {IN_FLIGHT} in flight, {named}", told, least[0], list(rounds))
    yield _row(f"CPU of the gateway for a request, {named}", f"{1000 * cpu:.1f} ms", least[1], [cpu])


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


def _kill(served: Gateway, out: Path, over: threading.Event, killed: list[int], most: int) -> None:
    """Kill vLLM at so many moments drawn at random, each while it is at work."""
    drawn = random.Random(0)
    while len(killed) < most and not over.wait(0.2):
        working = out.is_file() and out.stat().st_size and served.ready
        if working and not over.wait(drawn.uniform(0.5, 5)) and served.vllm_pid is not None:
            killed.append(served.vllm_pid)
            os.kill(killed[-1], signal.SIGKILL)


def _repeated(bodies: Sequence[bytes], count: int) -> list[bytes]:
    return [bodies[number % len(bodies)] for number in range(count)]


def _asked(numbers: range) -> list[bytes]:
    """Requests of the gateway about pictures."""
    return [json.dumps({"model": "facevlm", "messages": [_message(number)]}).encode() for number in numbers]


def _two(first: int, number: int, count: int) -> tuple[list[bytes], list[bytes]]:
    """Requests about pictures that were in none of the rounds before, for two sides."""
    first += 2 * number * count
    return _asked(range(first, first + count)), _asked(range(first + count, first + 2 * count))


def _prepared(asked: Sequence[bytes]) -> list[bytes]:
    """The requests that the gateway makes of vLLM for requests about pictures."""
    with stub() as model:
        asyncio.run(_complete(Completer(Served.upstream(model.url, "nano-base", "nano-facs")), asked))
        if len(model.bodies) != len(asked):
            sys.exit(f"{len(model.bodies)} requests were made for {len(asked)} pictures of one face each")
        return list(model.bodies)


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
    from facevlm.config import demo_picture

    drawn = random.Random(number)
    with Image.open(demo_picture()) as whole:
        turned = whole.convert("RGB").rotate(drawn.uniform(-10, 10), Image.Resampling.BILINEAR)
    return ImageEnhance.Brightness(turned).enhance(drawn.uniform(0.7, 1.2))


def _row(what: str, told: str, least: str, figures: Any) -> Row:
    return {"what": what, "measured": told, "at least": least, "figures": figures}


def _report(found: dict[str, list[Row]]) -> str:
    """A table of each command that was run."""
    tables: dict[str, str] = {}
    for row in itertools.chain.from_iterable(found.values()):
        line = f"| {row['what']} | {row['measured']} | {row['at least']} |\n"
        tables[row["command"]] = tables.get(row["command"], "| what | measured | at least |\n|---|---|---|\n") + line
    heads = (f"`{command}`, on {os.cpu_count()} cores.\n\n{table}" for command, table in tables.items())
    return "\n".join(heads)


if __name__ == "__main__":
    main()
