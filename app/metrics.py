"""What happens, for Prometheus: requests as they end; queues, caches, the device and memory as they are when asked."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from app.engine import Engine
from app.middleware import Seen

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
MEMORY_SECONDS = 0.5  # the device may be at work; then its last figure stands


class Queue(Protocol):
    @property
    def waiting(self) -> int: ...


class Cache(Protocol):
    hits: int
    misses: int
    bytes: int


class Metrics:
    """One server's."""

    def __init__(self, engine: Engine, queues: Mapping[str, Queue], caches: Mapping[str, Cache]) -> None:
        self._engine = engine
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "groupscope_requests", "Requests that ended.", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "groupscope_request_seconds",
            "From a request's head to the last byte of its answer.",
            ("route",),
            registry=self._registry,
            buckets=BUCKETS,
        )
        self._memory = Gauge(
            "groupscope_device_memory_bytes",
            "Of CUDA what tensors take, what is reserved for them, free and there; else the engine's resident memory.",
            ("count",),
            registry=self._registry,
        )
        self._registry.register(_Now(engine, queues, caches))
        ProcessCollector(registry=self._registry)  # the server's own memory, files and time

    def count(self, seen: Seen) -> None:
        method = seen.method if seen.method in METHODS else "other"
        self._requests.labels(seen.route, method, seen.status).inc()
        self._seconds.labels(seen.route).observe(seen.seconds)

    async def text(self) -> bytes:
        """In Prometheus' text format 0.0.4."""
        for name, count in (await self._engine.memory(MEMORY_SECONDS) or {}).items():
            self._memory.labels(name).set(count)
        return bytes(generate_latest(self._registry))


class _Now(Collector):
    """Figures that the server's parts keep themselves."""

    def __init__(self, engine: Engine, queues: Mapping[str, Queue], caches: Mapping[str, Cache]) -> None:
        self._engine, self._queues, self._caches = engine, queues, caches

    def collect(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("groupscope_queue_waiting", "What waits for its turn.", labels=["queue"])
        for name, queue in self._queues.items():
            waiting.add_metric([name], queue.waiting)
        yield waiting
        engine = self._engine
        busy = "Since the job that the device runs now began; 0 where it runs none."
        yield GaugeMetricFamily("groupscope_engine_ready", "1 where the device can be used.", engine.ready)
        yield GaugeMetricFamily("groupscope_engine_busy_seconds", busy, engine.busy_seconds)
        jobs = CounterMetricFamily("groupscope_engine_jobs", "Jobs that the device ran.", labels=["job"])
        seconds = CounterMetricFamily("groupscope_engine_seconds", "That it spent on them.", labels=["job"])
        for name, spent in engine.spent.items():
            jobs.add_metric([name], spent.jobs)
            seconds.add_metric([name], spent.seconds)
        yield from (jobs, seconds)
        yield CounterMetricFamily("groupscope_engine_restarts", "Of the device's process.", engine.restarts)
        yield from self._of_caches()

    def _of_caches(self) -> Iterator[Metric]:
        hits = CounterMetricFamily("groupscope_cache_hits", "Answers that were at hand.", labels=["cache"])
        misses = CounterMetricFamily("groupscope_cache_misses", "Answers that had to be made.", labels=["cache"])
        held = GaugeMetricFamily("groupscope_cache_bytes", "Bytes of answers kept.", labels=["cache"])
        for name, cache in self._caches.items():
            hits.add_metric([name], cache.hits)
            misses.add_metric([name], cache.misses)
            held.add_metric([name], cache.bytes)
        yield from (hits, misses, held)
