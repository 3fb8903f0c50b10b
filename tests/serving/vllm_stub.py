"""A stand-in for an environment with vLLM: starts at once, says the same of every face, and has an engine."""

from __future__ import annotations

import sys
from pathlib import Path

_SCRIPT = """#!{python}
import json, signal, subprocess, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
if sys.argv[1] == "-c":
    print("{installed}")
    sys.exit()
print("Route: /health", flush=True)
if {broken}:
    print("ValueError: no such weights", flush=True)
    sys.exit(7)
engine = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
def end(*_):
    engine.terminate()
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("engine", engine.pid, flush=True)
face = {{"observations": [], "interpretation": "all is at rest", "emotion": "neutral"}}
choice = {{"index": 0, "finish_reason": "stop", "message": {{"role": "assistant", "content": json.dumps(face)}}}}
reply = {{"id": "1", "object": "chat.completion", "created": 1, "model": "nano-facs", "choices": [choice]}}
listing = {{"object": "list", "data": [{{"id": "nano-base"}}, {{"id": "nano-facs", "parent": "nano-base"}}]}}
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.answer(listing)
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(reply)
    def answer(self, body):
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *_):
        pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""


def environment(folder: Path, *, installed: str = "vllm 0.32.0", broken: bool = False) -> Path:
    """The path of its interpreter."""
    python = folder / "python"
    python.write_text(_SCRIPT.format(python=sys.executable, installed=installed, broken=broken))
    python.chmod(0o755)
    return python


def engine(log: Path) -> int:
    """The process id of the engine that was started last."""
    return int(log.read_text().rpartition("engine ")[2].split()[0])
