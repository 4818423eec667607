"""Open pages as the server sees them: a slider that moves, and what follows from each move.

The rules of static/js are kept: the newest request for maps supersedes the one in flight once that has had its grace
(core/latest.js), by closing its connection, and a refusal is tried again when the server says so.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.torture.wire import Answer, Lost, Wire, connect, get, post

MOVES = 5  # a second
LEAST_GRACE, MOST_GRACE = 0.08, 1.0  # seconds; those of core/latest.js
SPARE = 6  # connections that a browser keeps to one server
CHANNELS = (16, 32, 48, 64, 96, 128)
DOCUMENT = json.dumps(
    {
        "input_shape": [3, 64, 64],
        "layers": [{"kind": "Conv2d", "out_channels": 16, "kernel_size": 3, "padding": 1}, {"kind": "ReLU"}] * 4,
    }
).encode()


@dataclass
class Seen:
    """What all pages of one kind were answered."""

    layers: list[float] = field(default_factory=list)  # seconds of each GET /api/layer that was answered 200
    maps: list[float] = field(default_factory=list)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    codes: Counter[bytes] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)  # neither 200 nor an honest 503
    given_up: int = 0

    def note(self, what: str, answer: Answer) -> None:
        self.statuses[what, answer.status] += 1
        if answer.status == 200 and what == "layer":
            self.layers.append(answer.seconds)
        elif answer.status == 200 and what == "maps":
            self.maps.append(answer.seconds)
        elif answer.status == 503:
            self.codes[answer.code] += 1
            if answer.retry_after is None:
                self.wrong["503 without Retry-After"] += 1
        elif answer.status != 200:
            self.wrong[f"{answer.status} {answer.code.decode()} for {what}"] += 1

    def share(self, what: str, status: int) -> float:
        """Of the answers to `what`."""
        all_of = sum(count for (name, _), count in self.statuses.items() if name == what)
        return self.statuses[what, status] / all_of if all_of else 0.0


@dataclass(frozen=True)
class Place:
    """Where a page is open, and what it asks."""

    port: int
    image: str
    source: str = "127.0.0.1"


class Page:
    """One open page; `live` moves its slider until it is told to stop."""

    def __init__(self, place: Place, seen: Seen, seed: int, named: bool = True) -> None:
        self._place, self._seen, self._random = place, seen, random.Random(seed)
        self._client = f"page-{self._random.getrandbits(64):016x}" if named else ""
        self._idle: list[Wire] = []
        self._asking: set[asyncio.Task[None]] = set()
        self._maps: asyncio.Task[float] | None = None
        self._wanted: str | None = None
        self._began, self._grace = 0.0, LEAST_GRACE
        self._later: asyncio.TimerHandle | None = None
        self._left = False

    async def live(self, end: float) -> None:
        """end: by time.perf_counter()."""
        due = time.perf_counter() + self._random.random() / MOVES
        while due < end:
            await asyncio.sleep(due - time.perf_counter())
            self._move()
            due += 1 / MOVES
        if last := [*self._asking, *([self._maps] if self._maps else [])]:
            await asyncio.wait(last, timeout=10)
        self.leave()

    def leave(self) -> None:
        """Closes the page: everything it has open, at once."""
        self._left = True
        for task in [*self._asking, *([self._maps] if self._maps else [])]:
            task.cancel()
        if self._later:
            self._later.cancel()
        for wire in self._idle:
            wire.close()
        self._idle.clear()

    def _move(self) -> None:
        layer = self._layer()
        self._ask("layer", get(f"/api/layer?{layer}", self._client))
        seed, size = self._random.randrange(1 << 20), self._random.choice((112, 224))
        self._want(f"/api/feature-maps?image={self._place.image}&size={size}&{layer}&seed={seed}&relu=true&tile=56")
        for what, request in self._now_and_then(layer):
            self._ask(what, request)

    def _layer(self) -> str:
        channels, groups = self._random.choice(CHANNELS), self._random.randint(1, 5)
        scheme = self._random.choice(("standard", "uniform", "logarithmic", "depthwise"))
        groups = groups if scheme == "logarithmic" else 2 ** (groups % 4)
        return (
            f"in_channels={channels}&out_channels={channels}&kernel_size=3&stride=1&padding=1&dilation=1"
            f"&bias=true&scheme={scheme}&groups={groups}&base=2"
        )

    def _now_and_then(self, layer: str) -> Iterator[tuple[str, bytes]]:
        chance = self._random.random()
        if chance < 0.05:
            yield "depth", get(f"/api/depth?{layer}&depth={self._random.randint(8, 32)}", self._client)
        elif chance < 0.10:
            yield "figures", get(f"/api/figures/split?{layer}", self._client)
        elif chance < 0.12:
            yield "networks", post("/api/networks/analyze", DOCUMENT, self._client)

    def _ask(self, what: str, request: bytes) -> None:
        task = asyncio.create_task(self._answered(what, request))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _answered(self, what: str, request: bytes) -> None:
        try:
            self._seen.note(what, await self._answer(request))
        except (Lost, OSError) as error:
            self._seen.wrong[f"{what}: {type(error).__name__}"] += 1

    async def _answer(self, request: bytes) -> Answer:
        """Through a connection that is there, or a new one; cancelled, it closes that. Raises Lost, OSError."""
        began = time.perf_counter()
        while self._idle:
            wire = self._idle.pop()
            try:
                return await self._through(wire, request, began)
            except Lost:  # it was closed while nothing was asked; a browser takes the next, and so do we
                continue
        wire = await connect(self._place.port, self._place.source)
        return await self._through(wire, request, began)

    async def _through(self, wire: Wire, request: bytes, began: float) -> Answer:
        try:
            answer = await wire.ask(request, began)
        except asyncio.CancelledError:
            wire.close()
            raise
        self._keep(wire)
        return answer

    def _keep(self, wire: Wire) -> None:
        if len(self._idle) < SPARE and not wire.lost:
            self._idle.append(wire)
        else:
            wire.close()

    def _want(self, path: str) -> None:
        """core/latest.js: one in flight, the newest next; superseded when its grace is over."""
        if self._maps is None:
            self._start(path)
            return
        self._wanted = path
        if self._later is None:
            left = max(0.0, self._began + self._grace - time.perf_counter())
            self._later = asyncio.get_running_loop().call_later(left, self._supersede)

    def _start(self, path: str) -> None:
        self._began = time.perf_counter()
        self._maps = asyncio.create_task(self._map(path))
        self._maps.add_done_callback(lambda done: self._next(path, 0.0 if done.cancelled() else done.result()))

    def _supersede(self) -> None:
        self._later = None
        if self._maps:
            self._seen.given_up += 1
            self._maps.cancel()  # its end starts what is wanted now

    async def _map(self, path: str) -> float:
        """Seconds after which to try it again; 0: not at all."""
        try:
            answer = await self._answer(get(path, self._client))
        except (Lost, OSError) as error:
            self._seen.wrong[f"maps: {type(error).__name__}"] += 1
            return 0.0
        self._seen.note("maps", answer)
        return float(answer.retry_after or 1) if answer.status == 503 else 0.0

    def _next(self, path: str, pause: float) -> None:
        self._grace = min(MOST_GRACE, max(LEAST_GRACE, 2 * (time.perf_counter() - self._began)))
        if self._later:
            self._later.cancel()
        self._maps = self._later = None
        wanted, self._wanted = self._wanted, None
        if self._left:
            return
        if wanted:
            self._start(wanted)
        elif pause:  # unless the slider moves before
            self._later = asyncio.get_running_loop().call_later(pause, self._again, path)

    def _again(self, path: str) -> None:
        self._later = None
        if self._maps is None:
            self._start(path)
