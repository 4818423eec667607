"""Uploads that want to break the server: some ten thousand mutated pictures, then bombs one by one."""

import hashlib
import http.client
import json
import os
import re
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from app.settings import Settings
from tests.torture.bombs import bombs
from tests.torture.mutated import Case, case
from tests.torture.report import Row
from tests.torture.served import children, resident_bytes, served

PART = "uploads"
CASES = 10_000
CONNECTIONS = 6
CASE_SECONDS = 2.0  # within which each is answered
BOMB_SECONDS = Settings.model_fields["max_decode_seconds"].default
BOMB_SHARE = 0.3  # of the time
STORE_BYTES = 20_000_000
SERVER_BYTES = 400_000_000  # that the server's own process may hold
BOUNDARY = "a-boundary-that-is-in-no-picture"
PLAIN = {b"IHDR", b"IDAT", b"IEND"}  # of a PNG: its pixels and nothing else


@dataclass
class Outcome:
    """status: 0 where no answer came. problems: sentences, each the name of the case first."""

    name: str
    status: int
    seconds: float
    problems: list[str] = field(default_factory=list)


class Sender:
    """One connection to a server; a new one where it ended."""

    def __init__(self, port: int, refusals: frozenset[int]) -> None:
        self._port, self._refusals = port, refusals
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def __call__(self, sent: Case) -> Outcome:
        """Sends it, and looks at the answer and at what is kept."""
        began = time.perf_counter()
        try:
            status, body = self.ask("POST", "/api/images", form(sent.data))
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Outcome(sent.name, 0, time.perf_counter() - began, [f"{sent.name}: no answer, {error!r}"])
        outcome = Outcome(sent.name, status, time.perf_counter() - began)
        with_name = [f"{sent.name}: {status} {problem}" for problem in self._problems(sent.data, status, body)]
        return Outcome(outcome.name, status, outcome.seconds, with_name)

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"} if body is not None else {}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def _problems(self, data: bytes, status: int, body: bytes) -> Iterator[str]:
        said = json.loads(body)
        if status == 201:
            yield from self._kept(data, said)
        elif status not in self._refusals:
            yield f"is not documented: {body[:200]!r}"
        elif set(said) != {"error", "request_id"} or set(said["error"]) != {"code", "message", "field", "hint"}:
            yield f"has another shape: {body[:200]!r}"

    def _kept(self, data: bytes, said: dict[str, Any]) -> Iterator[str]:
        if said["id"] != hashlib.sha256(data).hexdigest():
            yield "is named after something else"
        status, picture = self.ask("GET", f"/api/images/{said['id']}")
        if status != 200:
            yield f"can't be fetched: {status}"
            return
        kinds, size = looked_into(picture)
        if kinds != PLAIN:
            yield f"is kept with {kinds - PLAIN or 'too little'}"
        if size != (said["width"], said["height"]):
            yield f"is kept as {size}, and said to be {said}"


def form(data: bytes, name: str = "image", filename: str = "picture") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n\r\n'
    return head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def looked_into(data: bytes) -> tuple[set[bytes], tuple[int, int]]:
    """Kinds of chunks of a PNG, and its width and height; read without any decoder."""
    kinds, at = set(), 8
    while at < len(data):
        kinds.add(data[at + 4 : at + 8])
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    whole = data.startswith(b"\x89PNG\r\n\x1a\n") and at == len(data)
    return kinds if whole else set(), struct.unpack(">II", data[16:24])


def documented(sender: Sender) -> frozenset[int]:
    """Statuses of refusals that the API's document has for an upload."""
    document = json.loads(sender.ask("GET", "/openapi.json")[1])
    answers = document["paths"]["/api/images"]["post"]["responses"]
    return frozenset(int(status) for status in answers if status != "201")


def decoder_of(server: int) -> int | None:
    """The process that decodes pictures, of those that `server` started: its memory is limited. None until it is."""
    with suppress(OSError):  # one of them may end meanwhile
        for pid in children(server):
            limits = Path(f"/proc/{pid}/limits").read_text()
            if not re.search(r"^Max address space +unlimited", limits, re.MULTILINE) and resident_bytes(pid):
                return pid
    return None


class Watch:
    """Looks at both processes ten times a second: the most memory of each, and how often the decoder was replaced."""

    def __init__(self, server: int) -> None:
        self.server_bytes = self.decoder_bytes = 0
        self.decoders: set[int] = set()
        self._server, self._over = server, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        decoder = None
        while not self._over.wait(0.1):
            with suppress(OSError):
                self.server_bytes = max(self.server_bytes, resident_bytes(self._server))
            try:
                decoder = decoder or decoder_of(self._server)
                if decoder:
                    self.decoder_bytes = max(self.decoder_bytes, resident_bytes(decoder))
                    self.decoders.add(decoder)
            except OSError:
                decoder = None


def sent(port: int, cases: Iterable[Callable[[], Case]], end: float = float("inf")) -> list[Outcome]:
    """All of `cases`, over several connections, or as many as go until time.monotonic() is `end`."""
    with Sender(port, frozenset()) as first:
        refusals = documented(first)
    coming, lock = iter(cases), threading.Lock()

    def work(_: int) -> list[Outcome]:
        outcomes = []
        with Sender(port, refusals) as sender:
            while time.monotonic() < end:
                with lock:
                    make = next(coming, None)
                if make is None:
                    break
                outcomes.append(sender(make()))
        return outcomes

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return [outcome for outcomes in pool.map(work, range(CONNECTIONS)) for outcome in outcomes]


def numbered(seed: int, count: int) -> Iterator[Callable[[], Case]]:
    return (cache(lambda number=number: case(seed, number)) for number in range(count))


def run(seconds: float, seed: int) -> list[Row]:
    began = time.monotonic()
    with served("--store-bytes", str(STORE_BYTES)) as server:
        store = server.log.parent / "images"
        with Watch(server.process.pid) as watch:
            outcomes = sent(server.port, numbered(seed, CASES), began + seconds * (1 - BOMB_SHARE))
        rows = [*_told(outcomes), *_bounds("mutated pictures", watch), *_afterwards(server.port, store)]
        with Watch(server.process.pid) as watch:
            each = (cache(lambda n=name, make=make: Case(n, make())) for name, make in bombs().items())
            exploded = list(_one_by_one(server.port, each, began + seconds))
        rows += [*_exploded(exploded), *_bounds("bombs", watch), *_afterwards(server.port, store)]
    return rows


def _one_by_one(port: int, cases: Iterable[Callable[[], Case]], end: float) -> Iterator[Outcome]:
    """Not side by side: each is timed. Each over a connection of its own, for making one may take long."""
    with Sender(port, frozenset()) as first:
        refusals = documented(first)
    for make in cases:
        if time.monotonic() >= end:
            return
        with Sender(port, refusals) as sender:
            yield sender(make())


def _told(outcomes: list[Outcome]) -> list[Row]:
    problems = [problem for outcome in outcomes for problem in outcome.problems]
    statuses = Counter(outcome.status for outcome in outcomes)
    told = ", ".join(f"{number} x {status}" for status, number in statuses.most_common())
    slowest = max(outcomes, key=lambda outcome: outcome.seconds)
    wrong = problems[0][:300] if problems else "none"
    return [
        _row(f"mutated pictures: {len(outcomes):,}", told),
        _row("answers that are wrong", f"{len(problems)}: {wrong}", "0", not problems),
        _row(f"the slowest, {slowest.name}", f"{slowest.seconds:.2f} s", f"{CASE_SECONDS:g} s",
             slowest.seconds <= CASE_SECONDS),
    ]  # fmt: skip


def _exploded(outcomes: list[Outcome]) -> list[Row]:
    problems = [problem for outcome in outcomes for problem in outcome.problems]
    slow = sorted(outcomes, key=lambda outcome: -outcome.seconds)[:5]
    return [
        _row(f"bombs: {len(outcomes)} of {len(bombs())}", f"{len(problems)} wrong {problems[:1]}", "0", not problems),
        *(_row(f"{one.name}", f"{one.status} in {one.seconds:.1f} s", f"{BOMB_SECONDS:g} s",
               one.seconds <= BOMB_SECONDS) for one in slow),
    ]  # fmt: skip


def _bounds(what: str, watch: Watch) -> list[Row]:
    most = Settings.model_fields["decode_bytes"].default
    return [
        _row(f"{what}: most memory of the server", f"{watch.server_bytes / 1e6:.0f} MB", f"{SERVER_BYTES / 1e6:.0f} MB",
             0 < watch.server_bytes <= SERVER_BYTES),
        _row(f"{what}: most memory of the decoder", f"{watch.decoder_bytes / 1e6:.0f} MB", f"{most / 1e6:.0f} MB",
             0 < watch.decoder_bytes <= most),
        _row(f"{what}: times the decoder was replaced", str(len(watch.decoders) - 1), "0", len(watch.decoders) == 1),
    ]  # fmt: skip


def _afterwards(port: int, store: Path) -> list[Row]:
    with Sender(port, frozenset()) as sender:
        status, _ = sender.ask("GET", "/api/layer")
    names = os.listdir(store)
    size = sum((store / name).stat().st_size for name in names)
    strange = [name for name in names if not re.fullmatch(r"[0-9a-f]{64}\.png", name)]
    return [
        _row("afterwards: a layer is counted", str(status), "200", status == 200),
        _row("afterwards: the store", f"{size / 1e6:.1f} MB, strange: {strange}", f"{STORE_BYTES / 1e6:.0f} MB, []",
             size <= STORE_BYTES and not strange),
    ]  # fmt: skip


def _row(what: str, figure: str, limit: str = "", ok: bool = True) -> Row:
    return Row(PART, what, figure, limit, ok)
