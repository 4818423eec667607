"""Faults from outside a real server: memory that runs out, processes that die or hang, full and read-only disks, a
damaged store, a clock that jumps, and being asked or forced to stop."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from app.settings import PROJECT
from tests.app.measured import Serving, begin, events, measured, serving
from tests.torture.report import Row

PART = "faults"
PHOTO = (PROJECT / "static/samples/cat.jpg").read_bytes() + b"\0"  # no sample: those are here already
SMALL = {"in_channels": 8, "out_channels": 8, "scheme": "uniform", "groups": 2, "size": 64}
LARGE = {"in_channels": 64, "out_channels": 512, "scheme": "uniform", "groups": 64, "size": 512}  # half a GB of maps
LONG = {"in_channels": 64, "out_channels": 64, "height": 112, "width": 112, "groups": 2, "rounds": 99}
TRAINING = {"epochs": 1, "width": 16, "batch": 256}
BOUND = 60.0  # seconds until something that was promised is given up
SPARE_BYTES = 96 << 20  # beside what the device's process has mapped already
FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def out_of_memory(folder: Path) -> list[Row]:
    """The device's process may map little more than it has."""
    with serving(folder, "--threads", "1") as server, server.client() as client:
        sample = sample_of(client)
        assert maps(client, sample).status_code == 200
        worker = engine_of(server)
        _, hard = resource.prlimit(worker, resource.RLIMIT_AS)
        resource.prlimit(worker, resource.RLIMIT_AS, (mapped_bytes(worker) + SPARE_BYTES, hard))
        refused, after = maps(client, sample, **LARGE), maps(client, sample, seed=2)
        resource.prlimit(worker, resource.RLIMIT_AS, (hard, hard))
        return [
            _row("memory runs out over maps of 0.5 GB", said(refused), "507 out_of_memory"),
            _row("the next, small one, as little memory as before", said(after), "200"),
            _row("the same process served all", str(engine_of(server) == worker), "True"),
        ]


def engine_killed(folder: Path) -> list[Row]:
    """SIGKILL to the device's process: idle, and over a request."""
    with serving(folder) as server, server.client() as client:
        sample = sample_of(client)
        assert maps(client, sample).status_code == 200
        os.kill(engine_of(server), signal.SIGKILL)
        idle = maps(client, sample, seed=2)
        worker = engine_of(server)
        answers: list[httpx2.Response] = []
        asked = threading.Thread(target=lambda: answers.append(maps(client, sample, **LARGE)))
        asked.start()
        time.sleep(0.3)
        os.kill(worker, signal.SIGKILL)
        asked.join(BOUND)
        return [
            _row("its process killed while idle: the next maps", said(idle), "200"),
            _row("killed over a request: the request", said(answers[0]) if answers else "no answer", "200"),
            _row("a new process serves", str(engine_of(server) != worker), "True"),
        ]


def engine_stuck(folder: Path) -> list[Row]:
    """SIGSTOP to the device's process, which hangs from then on."""
    with serving(folder) as server, server.client() as client:
        sample = sample_of(client)
        assert maps(client, sample).status_code == 200
        before = client.get("/readyz")
        worker = engine_of(server)
        os.kill(worker, signal.SIGSTOP)
        stuck, alive = client.get("/readyz"), client.get("/healthz")
        began = time.perf_counter()
        until(lambda: client.get("/readyz").status_code == 200)
        seconds = time.perf_counter() - began
        return [
            _row("/readyz before", said(before), "200"),
            _row("/readyz of a process that hangs", said(stuck), "503 not_ready"),
            _row("/healthz meanwhile", said(alive), "200"),
            _row("maps afterwards", said(maps(client, sample, seed=2)), "200"),
            _row("another process", str(engine_of(server) != worker), "True"),
            _timed("until it is ready again", seconds, 20),
        ]


def full_disk(folder: Path) -> list[Row]:
    """Results, runs and pictures on a disk without room; later there is some."""
    with small_disk(folder / "disk") as (disk, fill, clear), serving(disk) as server, server.client() as client:
        kept = measured(client, kind="parallel")
        fill(server)
        lost, page = measured(client, kind="parallel", height=9), client.get("/api/layer")
        upload = client.post("/api/images", files={"image": PHOTO})
        listed = [entry["id"] for entry in client.get("/api/measurements").json()["measurements"]]
        clear(server)
        again = measured(client, kind="parallel", height=10)
        return [
            _row("a measurement there is no room for", f"stored: {lost['stored']}", "stored: False"),
            _row("is listed all the same, with the one before", str(listed == [lost["id"], kept["id"]]), "True"),
            _row("a picture there is no room for", said(upload), "507 store_full"),
            _row("numbers meanwhile", said(page), "200"),
            _row("a measurement once there is room", f"stored: {again['stored']}", "stored: True"),
        ]


def read_only(folder: Path) -> list[Row]:
    """Folders that nobody can write to, not even root."""
    nowhere = "/proc/groupscope"
    flags = "--store", f"{nowhere}/images", "--results", f"{nowhere}/results.sqlite", "--runs", f"{nowhere}/runs"
    with serving(folder, *flags) as server, server.client() as client:
        result = measured(client, kind="parallel")
        run = client.post("/api/trainings", params=TRAINING)
        if run.status_code == 202:
            client.post(f"/api/trainings/{run.json()['id']}/cancel")
        return [
            _row("maps", said(maps(client, sample_of(client))), "200"),
            _row("a picture", said(client.post("/api/images", files={"image": PHOTO})), "503 store_unwritable"),
            _row("a measurement", f"stored: {result['stored']}", "stored: False"),
            _row("it can be read again", said(client.get(f"/api/measurements/{result['id']}")), "200"),
            _row("a training run is taken or refused in words", str(run.status_code in (202, 503)), "True"),
            _row("the list of networks", said(client.get("/api/checkpoints")), "200"),
        ]


def damaged_stores(folder: Path) -> list[Row]:
    """Both SQLite files and their journals overwritten while the server has them open; then it is started again."""
    with serving(folder) as server, server.client() as client:
        measured(client, kind="parallel")
        run = client.post("/api/trainings", params=TRAINING)
        client.post(f"/api/trainings/{run.json()['id']}/cancel")
        for store in (*folder.glob("measurements.sqlite*"), *(folder / "runs").glob("runs.sqlite*")):
            if not store.name.endswith("-shm"):
                with store.open("r+b") as file:
                    file.write(os.urandom(store.stat().st_size))
        statuses = [client.get(path).status_code for path in ("/api/measurements", "/api/trainings")]
        again = measured(client, kind="parallel", height=9)
        server.process.terminate()
        status = server.process.wait(BOUND)
    with serving(folder) as server, server.client() as client:
        aside = len([*folder.glob("*.damaged-*"), *(folder / "runs").glob("*.damaged-*")])
        kept = [entry["id"] for entry in client.get("/api/measurements").json()["measurements"]]
        return [
            _row("lists of what was measured and trained", str(statuses), "[200, 200]"),
            _row("the next measurement", f"stored: {again['stored']}", "stored: True"),
            _row("damaged files are moved aside, not deleted", str(aside >= 2), "True"),
            _row("it ends when asked to", str(status), "0"),
            _row("what was measured since is there after a restart", str(kept == [again["id"]]), "True"),
        ]


def clock_jumps(folder: Path) -> list[Row]:
    """The wall clock leaps an hour, a year ahead and two years back under a running server."""
    assert FAKETIME, "libfaketime is missing"
    clock = folder / "clock"
    clock.write_text("+0")
    environment = {
        "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    rows = []
    with serving(folder, environment=environment) as server, server.client() as client:
        picture = client.post("/api/images", files={"image": PHOTO}).json()["id"]
        order = [measured(client, kind="parallel")["id"]]
        first = client.get(f"/api/measurements/{order[0]}").json()
        clock.write_text("+1h")
        rows.append(_row("an hour ahead: the picture", said(maps(client, picture)), "200"))
        for jump in ("+400d", "-400d"):
            clock.write_text(jump)
            result = measured(client, kind="parallel", height=8 + len(order))
            order.insert(0, result["id"])
            listed = client.get("/api/measurements").json()["measurements"]
            in_order = [entry["id"] for entry in listed] == order
            upload = client.post("/api/images", files={"image": PHOTO})
            rows += [
                _row(f"{jump}: maps of a sample", said(maps(client, sample_of(client), seed=len(order))), "200"),
                _row(f"{jump}: the latest measurement is listed first", str(in_order), "True"),
                _row(f"{jump}: an upload", said(upload), "201"),
                _row(f"{jump}: and its maps", said(maps(client, upload.json()["id"], seed=9)), "200"),
                _row(f"{jump}: ready", said(client.get("/readyz")), "200"),
            ]
        years = {entry["created"][:4] for entry in listed}
        rows.append(_row("the server saw the clock jump", str(len(years) > 1 and first["id"] in order), "True"))
    return rows


def asked_to_stop(folder: Path) -> list[Row]:
    """SIGTERM while it measures, computes maps, streams events and reads a body that drips."""
    with serving(folder) as server, server.client() as client, ExitStack() as ends:
        sample, running = sample_of(client), begin(client, **LONG)
        stream = events(client, running)
        ends.callback(stream.close)
        assert next(stream).name == "progress"
        asked = threading.Thread(target=lambda: quietly(lambda: maps(client, sample, **LARGE)))
        asked.start()
        dripping = threading.Thread(target=lambda: quietly(lambda: client.post("/api/images", content=_drip())))
        dripping.start()
        time.sleep(0.5)
        began = time.perf_counter()
        server.process.send_signal(signal.SIGTERM)
        status = server.process.wait(BOUND)
        seconds = time.perf_counter() - began
        quietly(lambda: list(stream))
        asked.join(BOUND)
        dripping.join(BOUND)
        return [
            _row("asked to stop amid work: exit status", str(status), "0"),
            _row("none of its processes is left", str(not family(server.process.pid)), "True"),
            _timed("until it has ended", seconds, 5),
        ]


def killed(folder: Path) -> list[Row]:
    """SIGKILL amid a measurement and a run; the next server."""
    with serving(folder) as server, server.client() as client:
        kept = measured(client, kind="parallel")
        taken = client.post("/api/trainings", params=TRAINING)
        assert taken.status_code == 202, taken.text
        run = taken.json()["id"]
        until(lambda: client.get(f"/api/trainings/{run}").json()["state"] == "running")
        begin(client, **LONG)
        server.process.kill()
        server.process.wait()
    began = time.perf_counter()
    with serving(folder) as server, server.client() as client:
        page = client.get("/api/layer")
        seconds = time.perf_counter() - began
        found = client.get(f"/api/measurements/{kept['id']}")
        again = client.get(f"/api/trainings/{run}")
        rows = [
            _row("killed and started again: numbers", said(page), "200"),
            _row("what was measured", str(found.json().get("rows") == kept["rows"]), "True"),
            _row("the run goes on", str(again.json()["state"] in ("queued", "running")), "True"),
            _timed("from start to the first answer", seconds, 5),
        ]
        client.post(f"/api/trainings/{run}/cancel")
        return rows


SCENES: tuple[Callable[[Path], list[Row]], ...] = (
    out_of_memory, engine_killed, engine_stuck, full_disk, read_only, damaged_stores, clock_jumps, asked_to_stop,
    killed,
)  # fmt: skip


def run(seconds: float, seed: int) -> list[Row]:
    """Every scene, each with a server of its own; those that begin after `seconds` are told to be left out."""
    rows, end = [], time.monotonic() + seconds
    for scene in SCENES:
        if time.monotonic() > end:
            rows.append(Row(PART, scene.__name__.replace("_", " "), "no time left", "told", ok=False))
            continue
        if scene is clock_jumps and FAKETIME is None:
            rows.append(Row(PART, "clock jumps", "libfaketime is missing", "told", ok=False))
            continue
        with TemporaryDirectory() as folder:
            rows += scene(Path(folder))
    return rows


# What the scenes need


def sample_of(client: httpx2.Client) -> str:
    return str(client.get("/api/images/samples").json()[0]["id"])


def maps(client: httpx2.Client, image: str, **query: Any) -> httpx2.Response:
    return client.get("/api/feature-maps", params={**SMALL, **query, "image": image})


def said(answer: httpx2.Response) -> str:
    """Its status, and the code of a refusal."""
    refused = answer.status_code >= 400 and answer.headers["content-type"] == "application/json"
    return f"{answer.status_code} {answer.json()['error']['code']}" if refused else str(answer.status_code)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + BOUND
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.05)


def quietly(work: Callable[[], Any]) -> None:
    with suppress(httpx2.HTTPError):
        work()


def family(pid: int) -> list[int]:
    """Every process below `pid`."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    own = [int(child) for child in children.read_text().split()] if children.exists() else []
    return [*own, *(each for child in own for each in family(child))]


def engine_of(server: Serving) -> int:
    """The process that has loaded torch, once there is one."""
    found: list[int] = []

    def loaded() -> bool:
        found[:] = [pid for pid in family(server.process.pid) if "libtorch_cpu" in _maps_of(pid)]
        return bool(found)

    until(loaded)
    return found[0]


def mapped_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _maps_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return ""


Full = Callable[[Serving], None]


@contextmanager
def small_disk(folder: Path) -> Iterator[tuple[Path, Full, Full]]:
    """A folder on a tmpfs of 4 MB, what fills it, and what makes room; where nothing can be mounted, a limit on the
    size of files instead."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "groupscope-torture", str(folder)]
    if sys.platform == "linux" and shutil.which("mount") and not subprocess.run(mount, capture_output=True).returncode:
        ballast = folder / "ballast"
        try:
            yield folder, lambda _: _fill(ballast), lambda _: ballast.unlink()
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
    else:
        yield folder, lambda server: limit_files(server, 4096), lambda server: limit_files(server, None)


def _fill(ballast: Path) -> None:
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def limit_files(server: Serving, most: int | None) -> None:
    """What the server's processes can write to one file."""
    for pid in (server.process.pid, *family(server.process.pid)):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if most is None else most, hard))


def _drip() -> Iterator[bytes]:
    for _ in range(600):
        yield b"x"
        time.sleep(0.1)


def _row(what: str, figure: str, limit: str) -> Row:
    return Row(PART, what, figure, limit, ok=figure == limit)


def _timed(what: str, seconds: float, limit: float) -> Row:
    return Row(PART, what, f"{seconds:.1f} s", f"≤ {limit:g} s", ok=seconds <= limit, timed=True)
