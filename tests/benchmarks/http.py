"""Requests a second and latency of GET /api/layer at 50 connections, beside an empty route of the same server."""

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import count, cycle

from tests.benchmarks.report import Table, percentile
from tests.benchmarks.serving import serving

CONNECTIONS, SECONDS, ROUNDS = 50, 2.0, 5


def distinct() -> Iterator[str]:
    """Queries that no cache has seen: 2 million before one comes again."""
    for n in count():
        yield f"/api/layer?in_channels={64 + n % 1000}&out_channels={64 + n // 1000 % 2000}&scheme=standard"


ROUTES: dict[str, Callable[[], Iterator[str]]] = {
    "empty async route": lambda: cycle(["/empty"]),
    "GET /api/layer, the same again": lambda: cycle(["/api/layer?groups=4"]),
    "GET /api/layer, all different": distinct,
}


def measure(table: Table) -> None:
    with serving(
        "uvicorn", "--factory", "tests.benchmarks.serving:with_empty_route", "--log-level", "warning"
    ) as server:
        rates: dict[str, list[float]] = {name: [] for name in ROUTES}
        latencies: dict[str, list[float]] = {name: [] for name in ROUTES}
        paths = {name: make() for name, make in ROUTES.items()}
        for _ in range(ROUNDS):
            for name, stream in paths.items():
                seconds = asyncio.run(_load(server.port, stream))
                rates[name].append(len(seconds) / SECONDS)
                latencies[name] += seconds
        best = sorted(rates["empty async route"])[ROUNDS // 2]
        for name, values in rates.items():
            middle = sorted(values)[ROUNDS // 2]
            p99 = 1000 * percentile(latencies[name], 99)
            aim = "" if "empty" in name else "at least 0.50; p99 under 40 ms"
            table.row(name, f"{middle:.0f}/s  {middle / best:.2f} x  p99 {p99:.1f} ms", aim)


async def _load(port: int, paths: Iterator[str]) -> list[float]:
    """Keep every connection busy for SECONDS; the latency of each answer."""
    end = time.perf_counter() + SECONDS
    latencies: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            begin = time.perf_counter()
            writer.write(f"GET {next(paths)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            await reader.readexactly(int(length.split(b":")[1]))
            latencies.append(time.perf_counter() - begin)
        writer.close()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return latencies
