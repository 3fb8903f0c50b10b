"""Many requests from a file: OpenAI's batch lines in, one line of result each out, resumable, here or over Ray.

A line of the input becomes a `Line`, a `Line` a `Result`, and `Results` is the file that holds each once.
"""

from __future__ import annotations

from facevlm.batch.answering import Answerer, Backend
from facevlm.batch.lines import length
from facevlm.batch.results import Result, Results
from facevlm.batch.run import run

__all__ = ["Answerer", "Backend", "Result", "Results", "length", "run"]
