"""What Prometheus is told, in a registry of each app's own."""

from __future__ import annotations

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from facevlm.serving.slots import Slots

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """Counters of one gateway. `watch` is what a `Completer` calls as it works."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter("facevlm_requests", "Requests answered.", ("route", "status"), registry=self.registry)
        self._stages = Histogram(
            "facevlm_stage_seconds", "Seconds of each step.", ("stage",), registry=self.registry, buckets=_SECONDS
        )
        self._faces = Counter("facevlm_faces", "Faces explained.", registry=self.registry)
        self._refusals = Counter("facevlm_refusals", "Requests refused.", ("reason",), registry=self.registry)
        self._working = Gauge("facevlm_requests_in_flight", "Requests at work.", registry=self.registry)
        self._waiting = Gauge("facevlm_requests_waiting", "Requests that wait.", registry=self.registry)

    def watch(self, stage: Literal["find", "mark", "wait", "generate"], seconds: float) -> None:
        """A step of a request took so many seconds."""
        self._stages.labels(stage).observe(seconds)

    def follow(self, slots: Slots) -> None:
        """Show how full these slots are."""
        self._working.set_function(lambda: slots.working)
        self._waiting.set_function(lambda: slots.waiting)

    def count(self, route: str, status: int, faces: int, reason: str | None) -> None:
        """One request is over; `reason` is the code of the error it was refused with."""
        self._requests.labels(route, str(status)).inc()
        self._faces.inc(faces)
        if reason:
            self._refusals.labels(reason).inc()

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)
