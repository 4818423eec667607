"""Clients that send or read a byte a second, or nothing at all: how soon each is cut off, and who is served."""

import asyncio
import socket
import time
from contextlib import suppress
from functools import partial

import uvloop

from tests.benchmarks.report import percentile
from tests.torture.report import Row
from tests.torture.served import Served, resident_bytes, served
from tests.torture.wire import Lost, Wire, connect, get, post

SLOW_SECONDS = 5.0  # of the server's settings
CUT_SECONDS = SLOW_SECONDS + 3.0  # it looks once a second, and who is turned away may stay for one
LEAST_SECONDS = 15.0  # of this part
EACH, DEAF, IDLE = 40, 5, 3000
P99_MS, LONGEST = 500, 60.0


def run(seconds: float, seed: int) -> list[Row]:
    """All kinds at once, then thousands that do nothing. Nothing here is drawn by chance."""
    with served("--slow-seconds", str(SLOW_SECONDS)) as server:
        return uvloop.run(_tried(server, max(seconds, LEAST_SECONDS)))


async def _tried(server: Served, seconds: float) -> list[Row]:
    end, before = time.perf_counter() + seconds, resident_bytes(server.process.pid)
    body = post("/api/networks/analyze", bytes(99_999)).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    unasked = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n"
    maps = get(f"/api/feature-maps?image={server.sample()}&size=512&dtype=float32")
    kinds = {
        "a head that comes a byte a second": (EACH, partial(_drip, server.port, b"GET / HTTP/1.1\r\nX: ")),
        "a body that does": (EACH, partial(_drip, server.port, body)),
        "a body that does, of a GET": (EACH, partial(_drip, server.port, unasked)),
        "nothing": (EACH, partial(_drip, server.port, b"", drop=b"")),
        "half a head, then nothing": (EACH, partial(_drip, server.port, b"GET / HT", drop=b"")),
        "one request, then nothing": (EACH, partial(_drip, server.port, get("/healthz"), drop=b"")),
        "67 MB of maps, read a byte a second": (DEAF, partial(_deaf, server, maps)),
    }
    others = asyncio.create_task(_others(server.port, end))
    groups = [asyncio.gather(*(kind(end) for _ in range(count))) for count, kind in kinds.values()]
    lasted = dict(zip(kinds, await asyncio.gather(*groups), strict=True))
    rows = [_cut(name, seconds) for name, seconds in lasted.items()]
    rows += [*await others, *await _idle(server)]
    after = resident_bytes(server.process.pid)
    return [*rows, _row("resident memory of the server", f"{before / 1e6:.0f} MB before, {after / 1e6:.0f} MB after")]


async def _drip(port: int, begin: bytes, end: float, drop: bytes = b"x") -> float:
    """Seconds until the other side closed, after `begin` and then `drop` once a second; infinite where it did not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.perf_counter()
    try:
        writer.write(begin)
        while time.perf_counter() < end:
            try:
                async with asyncio.timeout(1):
                    if not await reader.read(1 << 16):
                        return time.perf_counter() - began
            except TimeoutError:
                writer.write(drop)
    except OSError:
        return time.perf_counter() - began
    finally:
        writer.transport.abort()
    return float("inf")


async def _deaf(server: Served, request: bytes, end: float) -> float:
    """Seconds from the answer's first byte until the server has let go: for the client, what the system has already
    comes in for minutes."""
    loop = asyncio.get_running_loop()
    with socket.socket() as ours:
        ours.setblocking(False)
        await loop.sock_connect(ours, ("127.0.0.1", server.port))
        await loop.sock_sendall(ours, request)
        await loop.sock_recv(ours, 1)
        began = time.perf_counter()
        while time.perf_counter() < end + LONGEST:
            if not server.holds(ours.getsockname()[1]):
                return time.perf_counter() - began
            await asyncio.sleep(1)
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await loop.sock_recv(ours, 1)
    return float("inf")


async def _others(port: int, end: float) -> list[Row]:
    """A page that asks for numbers ten times a second, over a new connection each time."""
    latencies, refused, groups = [], 0, 0
    while time.perf_counter() < end:
        began, groups = time.perf_counter(), groups % 5 + 1
        try:
            wire = await connect(port, "127.0.0.9")
            answer = await wire.ask(get(f"/api/layer?groups={groups}"), began)
            wire.close()
            latencies.append(answer.seconds)
            refused += answer.status != 200
        except (Lost, OSError):
            refused += 1
        await asyncio.sleep(0.1)
    p99 = 1000 * percentile(latencies, 99)
    told = f"p99 {p99:.0f} ms of {len(latencies)}, {refused} refused"
    return [_row("a page meanwhile: GET /api/layer", told, f"p99 {P99_MS} ms, 0", p99 <= P99_MS and not refused)]


async def _idle(server: Served) -> list[Row]:
    """Thousands of connections that do nothing, from 30 addresses; somebody else comes, again and again."""
    wires = [await _opened(server.port, f"127.0.1.{1 + k % 30}") for k in range(IDLE)]
    open_now = sum(1 for wire in wires if wire and not wire.lost)
    began = time.perf_counter()
    rows = await _others(server.port, began + 2)
    while any(wire and not wire.lost for wire in wires) and time.perf_counter() < began + LONGEST:
        await asyncio.sleep(0.1)
    until = time.perf_counter() - began
    left = sum(1 for wire in wires if wire and not wire.lost)
    told = f"{open_now} held, {left} left after {until:.1f} s"
    held = not left and until <= CUT_SECONDS
    return [_row(f"{IDLE} idle connections", told, f"0 after {CUT_SECONDS:g} s", held), *rows]


async def _opened(port: int, source: str) -> Wire | None:
    try:
        return await connect(port, source)
    except OSError:
        return None


def _cut(what: str, lasted: list[float]) -> Row:
    told = f"{len(lasted)} cut off after {min(lasted):.1f} to {max(lasted):.1f} s"
    limit = CUT_SECONDS if "maps" not in what else 2 * CUT_SECONDS
    return _row(what, told, f"{limit:g} s", max(lasted) <= limit)


def _row(what: str, figure: str, limit: str = "", ok: bool = True) -> Row:
    return Row("slow", what, figure, limit, ok)
