"""The process that decodes pictures: killed, stopped, out of memory, in a full line; nobody but its picture suffers.
All faults are real and come from outside."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from tests.app.measured import Serving, serving
from tests.app.zoo import saved
from tests.torture.bombs import png
from tests.torture.uploads import BOUNDARY, decoder_of, form

BOUND = 60.0  # seconds until something that must happen is given up


def picture(number: int) -> bytes:
    return saved(Image.new("RGB", (8, 8), (number, 7, 9)))


def large() -> bytes:
    """A second's work."""
    return png(7000, 7000, bytes((1 + 3 * 7000) * 7000))


def send(server: Serving, data: bytes, page: str = "") -> Any:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Groupscope-Client": page}
    with server.client() as client:
        return client.post("/api/images", content=form(data), headers=headers)


def said(answer: Any) -> tuple[int, str]:
    return answer.status_code, "" if answer.status_code == 201 else answer.json()["error"]["code"]


def until(found: Callable[[], Any]) -> Any:
    end = time.monotonic() + BOUND
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.01)
    raise AssertionError("this should have happened by now")


def decoder(server: Serving) -> int:
    """Once it has decoded something."""
    assert said(send(server, picture(0))) == (201, "")
    return int(until(lambda: decoder_of(server.process.pid)))


def gone(pid: int) -> bool:
    """Or dead and not buried yet, which is its parent's to do."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def sending(server: Serving, *pictures: bytes) -> Iterator[list["Future[Any]"]]:
    """All at once. They may be looked at when it is over, too."""
    pool = ThreadPoolExecutor(len(pictures))
    try:
        yield [pool.submit(send, server, data) for data in pictures]
    finally:
        pool.shutdown(wait=False)


def store(folder: Path) -> set[str]:
    return {path.name for path in (folder / "images").glob("*")}


def test_a_process_that_was_killed_is_replaced(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        first = decoder(server)
        os.kill(first, signal.SIGKILL)
        assert said(send(server, picture(1))) == (201, "")
        second = decoder(server)
        assert second != first
        with sending(server, large(), picture(2)) as (one, other):
            until(lambda: any(name.endswith(".part") for name in store(tmp_path)) or one.done())
            os.kill(second, signal.SIGKILL)
            assert said(one.result()) == (201, ""), "killed once, it was perhaps not the picture: one more try"
            assert said(other.result()) == (201, "")
        assert all(name.endswith(".png") for name in store(tmp_path))


def test_a_picture_that_kills_the_process_is_refused_alone(tmp_path: Path) -> None:
    """As a picture would: each process dies that takes it up."""
    with serving(tmp_path) as server:
        decoder(server)
        with sending(server, large()) as (one,):
            while not one.done():
                if pid := decoder_of(server.process.pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                time.sleep(0.01)
        assert said(one.result()) in ((422, "damaged_picture"), (503, "decoder_failed"))
        assert said(send(server, picture(1))) == (201, "")
        assert all(name.endswith(".png") for name in store(tmp_path))


def test_a_picture_that_hangs_is_given_up(tmp_path: Path) -> None:
    with serving(tmp_path, "--max-decode-seconds", "0.5") as server:
        pid = decoder(server)
        os.kill(pid, signal.SIGSTOP)
        answer = send(server, picture(1))
        assert said(answer) == (422, "too_slow_to_decode")
        assert answer.json()["error"]["message"] == "A picture may take 0.5 s to decode, and this one took longer"
        assert said(send(server, picture(1))) == (201, "")
        assert gone(pid)


def test_memory_is_bounded(tmp_path: Path) -> None:
    with serving(tmp_path, "--decode-bytes", "500000000", "--max-image-pixels", "900000000") as server:
        pid = decoder(server)
        answer = send(server, png(20_000, 20_000, b""))
        assert said(answer) == (413, "too_much_memory")
        assert answer.json()["error"]["message"] == (
            "A picture may take 500\u202f000\u202f000 bytes of memory to decode, and this one needs more"
        )
        assert said(send(server, picture(1))) == (201, "")
        assert decoder(server) == pid


def test_the_line_before_it_is_bounded(tmp_path: Path) -> None:
    """One picture is being decoded, one waits, and the third, whichever that is, has no place."""
    with serving(tmp_path, "--queue-size", "1") as server:
        with stopped(decoder(server)), sending(server, *map(picture, (1, 2, 3))) as futures:
            full = until(lambda: next((future for future in futures if future.done()), None)).result()
        answers = [future.result() for future in futures]
        assert sorted(map(said, answers)) == [(201, ""), (201, ""), (503, "busy")]
        assert full.json()["error"]["message"] == "1 request waits for the decoder of pictures already"
        assert int(full.headers["retry-after"]) >= 1
        assert said(send(server, picture(4))) == (201, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["asked", "killed"])
def test_it_ends_with_the_server(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as server:
        pid = decoder(server)
        busy = threading.Thread(target=attempt, args=(server, large()))
        busy.start()
        until(lambda: any(name.endswith(".part") for name in store(tmp_path)) or not busy.is_alive())
        server.process.send_signal(number)
        assert server.process.wait(BOUND) == (0 if number == signal.SIGTERM else -signal.SIGKILL)
        until(lambda: gone(pid))
        busy.join(BOUND)


def attempt(server: Serving, data: bytes) -> None:
    """The server may end meanwhile."""
    with suppress(httpx2.TransportError):
        send(server, data)


def test_it_takes_no_interrupt_from_the_keyboard(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        pid = decoder(server)
        os.kill(pid, signal.SIGINT)
        assert said(send(server, picture(1))) == (201, "")
        assert decoder(server) == pid
