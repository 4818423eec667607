"""Many open pages at once: whether numbers stay quick, refusals are honest, and everything passes when they leave."""

import asyncio
import time
from dataclasses import dataclass
from itertools import count

import uvloop

from tests.benchmarks.report import percentile
from tests.torture.pages import Page, Place, Seen
from tests.torture.report import Row
from tests.torture.served import Served, resident_bytes, served
from tests.torture.wire import Lost, Wire, connect, get

PAGES = 200
ADDRESSES = 9  # that half of the pages come from; the other half shares one
P99_MS, RECOVERY_SECONDS, GROWTH, IDLE_SECONDS = 500, 2.0, 0.15, 1.0
GREEDY, POLITE = 50, 5
CACHE_BYTES = 2_000_000  # they are full within seconds: what grows afterwards grows without end
MEGABYTE = 1e6


@dataclass(frozen=True)
class Sample:
    """server, engine: resident bytes. waiting: things in the longest queue."""

    seconds: float
    server: int
    engine: int
    waiting: int


def run(seconds: float, seed: int) -> list[Row]:
    """A crowd for most of `seconds`, then one greedy client beside polite ones, then everybody leaves at once."""
    flags = "--metrics", "true", "--cache-bytes", str(CACHE_BYTES)
    with served(*flags) as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        place = Place(server.port, server.sample())
        rows = runner.run(crowd(server, place, seconds * 0.7, seed))
        rows += runner.run(greedy(place, seconds * 0.15, seed))
        rows += runner.run(everybody_leaves(server, place, seconds * 0.15, seed))
        rows.append(stopped(runner, server, place, seed))
        errors = [line for line in server.log.read_text().splitlines() if " ERROR " in line or "Traceback" in line]
        rows.append(_row("lines of errors in the log", str(len(errors)), "0", not errors))
    return rows


async def crowd(server: Served, place: Place, seconds: float, seed: int) -> list[Row]:
    seen, began = Seen(), time.perf_counter()
    pages = [Page(_at(place, k), seen, seed + k) for k in range(PAGES)]
    watching = asyncio.create_task(watch(server, began + seconds))
    await asyncio.gather(*(page.live(began + seconds) for page in pages))
    recovery = await first_maps(place, seed)
    samples = await watching
    late = [sample for sample in samples if sample.seconds >= seconds / 6]
    waiting = max(sample.waiting for sample in samples)
    return [
        *_numbers(f"{PAGES} pages", seen),
        _row("most that waited in a queue", str(waiting), "64", waiting <= 64),
        *(_memory(what, [getattr(s, what) for s in late], late) for what in ("server", "engine")),
        _row("until a new page has maps", f"{recovery:.2f} s", f"{RECOVERY_SECONDS:g} s", recovery <= RECOVERY_SECONDS),
    ]


async def greedy(place: Place, seconds: float, seed: int) -> list[Row]:
    """One without an id, through many connections, without a pause; the polite ones come from the same address."""
    seen, theirs, end = Seen(), Seen(), time.perf_counter() + seconds
    numbers = count(seed)
    takers = [asyncio.create_task(_take(place, theirs, numbers, end)) for _ in range(GREEDY)]
    await asyncio.gather(*(Page(place, seen, seed + 1000 + k).live(end) for k in range(POLITE)))
    await asyncio.gather(*takers)
    served, taken = len(seen.maps), len(theirs.maps)
    refused = seen.share("maps", 503)
    return [
        *_numbers(f"{POLITE} pages beside a greedy client", seen),
        _row("maps of a polite page, and of the greedy client", f"{served / POLITE:.0f} and {taken}"),
        _row("maps refused to the polite ones", f"{refused:.1%}", "0 %", refused == 0),
        *_wrong("the greedy client", theirs),
    ]


async def everybody_leaves(server: Served, place: Place, seconds: float, seed: int) -> list[Row]:
    seen, end = Seen(), time.perf_counter() + seconds
    pages = [Page(_at(place, k), seen, seed + 2000 + k) for k in range(PAGES)]
    living = [asyncio.create_task(page.live(end + 3600)) for page in pages]
    await asyncio.sleep(seconds)
    for task, page in zip(living, pages, strict=True):
        task.cancel()
        page.leave()
    began = time.perf_counter()
    wait = await first_maps(place, seed + 1)
    waiting = await asyncio.to_thread(server.waiting)
    idle = max(waiting.values())
    return [
        _row(
            "after all have left: until a new page has maps",
            f"{wait:.2f} s",
            f"{IDLE_SECONDS:g} s",
            wait <= IDLE_SECONDS,
        ),
        _row("what still waits then", f"{idle} ({time.perf_counter() - began:.2f} s later)", "0", idle == 0),
    ]


def stopped(runner: asyncio.Runner, server: Served, place: Place, seed: int) -> Row:
    """Asked to stop under load."""

    async def load() -> tuple[float, int]:
        pages = [Page(_at(place, k), Seen(), seed + 3000 + k) for k in range(PAGES)]
        living = [asyncio.create_task(page.live(time.perf_counter() + 60)) for page in pages]
        await asyncio.sleep(2)
        told = await asyncio.to_thread(server.stop)
        for task, page in zip(living, pages, strict=True):
            task.cancel()
            page.leave()
        return told

    seconds, status = runner.run(load())
    return _row("SIGTERM under load", f"status {status} in {seconds:.1f} s", "0 in 5 s", status == 0 and seconds <= 5)


async def watch(server: Served, end: float) -> list[Sample]:
    """Twice a second, and the queues once in two."""
    began, samples, engine, waiting = time.perf_counter(), [], server.engine, 0
    for k in count():
        if time.perf_counter() >= end:
            return samples
        if k % 4 == 0:
            waiting = max((await asyncio.to_thread(server.waiting)).values())
        now = time.perf_counter() - began
        samples.append(Sample(now, resident_bytes(server.process.pid), resident_bytes(engine), waiting))
        await asyncio.sleep(0.5)
    return samples


async def first_maps(place: Place, seed: int) -> float:
    """Seconds until a page that is opened now has maps."""
    began = time.perf_counter()
    request = get(f"/api/feature-maps?image={place.image}&tile=56&seed={seed}", f"fresh-{seed:08d}")
    while time.perf_counter() - began < 60:
        wire = await connect(place.port, "127.0.0.77")
        answer = await wire.ask(request)
        wire.close()
        if answer.status == 200:
            break
        await asyncio.sleep(0.1)
    return time.perf_counter() - began


async def _take(place: Place, theirs: Seen, numbers: "count[int]", end: float) -> None:
    wire: Wire | None = None
    while time.perf_counter() < end:
        try:
            wire = wire or await connect(place.port, place.source)
            path = f"/api/feature-maps?image={place.image}&tile=56&seed={next(numbers)}"
            theirs.note("maps", await wire.ask(get(path)))
        except (Lost, OSError) as error:
            theirs.wrong[type(error).__name__] += 1
            wire = None
    if wire:
        wire.close()


def _at(place: Place, k: int) -> Place:
    source = "127.0.0.1" if k % 2 else f"127.0.0.{2 + k // 2 % ADDRESSES}"
    return Place(place.port, place.image, source)


def _numbers(who: str, seen: Seen) -> list[Row]:
    p50, p99 = (1000 * percentile(seen.layers, p) for p in (50, 99))
    told = f"p50 {p50:.0f}, p99 {p99:.0f}, max {1000 * max(seen.layers):.0f} ms of {len(seen.layers)}"
    maps = sum(n for (what, _), n in seen.statuses.items() if what == "maps")
    mapped = f"{len(seen.maps)} served, {maps - len(seen.maps)} refused, {seen.given_up} given up"
    if seen.maps:
        mapped += f"; p50 {1000 * percentile(seen.maps, 50):.0f} ms"
    return [
        _row(f"{who}: GET /api/layer", told, f"p99 {P99_MS} ms", p99 <= P99_MS),
        _row(f"{who}: maps", mapped, "some are served", bool(seen.maps)),
        *_wrong(who, seen),
    ]


def _wrong(who: str, seen: Seen) -> list[Row]:
    wrong = ", ".join(f"{n} {what}" for what, n in sorted(seen.wrong.items())) or "none"
    statuses = ", ".join(f"{status}: {n}" for status, n in sorted(_by_status(seen).items()))
    return [
        _row(f"{who}: answers", statuses),
        _row(f"{who}: 5xx but 503 with Retry-After, connections lost", wrong, "none", not seen.wrong),
    ]


def _by_status(seen: Seen) -> dict[int, int]:
    return {s: sum(n for (_, status), n in seen.statuses.items() if status == s) for _, s in seen.statuses}


def _memory(what: str, sizes: list[int], samples: list[Sample]) -> Row:
    """Flat: the mean of the last third is hardly above that of the first third, once everything was used."""
    third = max(1, len(sizes) // 3)
    before, after = sum(sizes[:third]) / third, sum(sizes[-third:]) / third
    at = [0, len(sizes) // 2, len(sizes) - 1]
    told = ", ".join(f"{sizes[k] / MEGABYTE:.0f} MB at {samples[k].seconds:.0f} s" for k in at)
    return _row(f"resident memory of the {what}", told, f"+{GROWTH:.0%}", after <= before * (1 + GROWTH))


def _row(what: str, figure: str, limit: str = "", ok: bool = True) -> Row:
    return Row("overload", what, figure, limit, ok)
