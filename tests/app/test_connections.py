"""Nobody holds a connection for nothing, and whoever is turned away is told why."""

import json
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from app.schemas import Failure
from app.settings import PROJECT
from tests.app.bounded import LARGE, ask, bounded, everything, one_answer, until
from tests.app.measured import serving

DRIP_SECONDS = 0.05


def refusal(answer: bytes) -> tuple[bytes, dict[str, str], Any]:
    """Status line, headers, error."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = dict(line.decode().lower().split(": ", 1) for line in lines)
    assert int(headers["content-length"]) == len(body)
    assert headers["connection"] == "close"
    assert headers["x-content-type-options"] == "nosniff"
    assert "date" in headers
    return status, headers, Failure.model_validate_json(body).error


def drip(connection: socket.socket, data: bytes) -> bytes:
    """A byte at a time, until the other side closes; returns what it said."""
    connection.settimeout(DRIP_SECONDS)
    received = b""
    for k in range(2000):
        try:
            connection.send(data[k % len(data) :][:1])
            while more := connection.recv(1 << 16):
                received += more
            return received
        except TimeoutError:
            continue
        except OSError:
            return received
    raise AssertionError("it was never closed")


def test_a_head_that_drips_is_told_and_closed_while_others_are_served() -> None:
    with bounded(slow_seconds=0.4) as server, server.connect() as slow, server.connect() as other:
        slow.sendall(b"GET / HTTP/1.1\r\nX: ")
        other.sendall(ask("/quick"))
        assert one_answer(other).endswith(b"here")
        status, _, error = refusal(drip(slow, b"x"))
        assert status == b"HTTP/1.1 408 Request Timeout"
        assert error.message == "The head of a request must be here within 0.4 s, and this one is not"
        assert server.routes.seen == ["/quick"]


def test_a_connection_over_which_nothing_comes_is_closed_without_a_word() -> None:
    with bounded(slow_seconds=0.2) as server, server.connect() as silent:
        assert everything(silent) == b""
        assert server.connections.ended["silent"] == 1


def test_the_rest_of_a_body_that_nobody_reads_may_not_drip() -> None:
    with bounded(slow_seconds=0.4) as server, server.connect() as slow:
        slow.sendall(ask("/quick", "Content-Length: 1000000"))
        assert drip(slow, b"x").endswith(b"here")
        assert server.connections.ended["silent"] == 1


def test_an_answer_that_nobody_takes_is_taken_back() -> None:
    with bounded(slow_seconds=0.4) as server, server.connect() as deaf:
        deaf.sendall(ask("/large"))
        until(lambda: server.connections.ended["unread"])
        assert len(everything(deaf)) < LARGE


def test_a_stream_is_cut_once_nobody_reads_it_and_whoever_feeds_it_hears_of_it() -> None:
    with bounded(slow_seconds=0.4) as server, server.connect() as deaf:
        deaf.sendall(ask("/stream"))
        until(lambda: server.routes.left)
        assert server.connections.ended == {"unread": 1}


def test_a_slow_but_honest_reader_of_a_long_stream_is_left_alone() -> None:
    with bounded(slow_seconds=0.4) as server, server.connect() as slow:
        slow.sendall(ask("/stream"))
        end = time.monotonic() + 2  # five times as long as one may stand still
        while time.monotonic() < end:
            assert slow.recv(100_000), "it was cut"
            time.sleep(0.05)
        assert not server.connections.ended


def test_more_connections_than_there_may_be_are_told_so_and_the_app_never_hears_of_them() -> None:
    with bounded(connections=2) as server, ExitStack() as stack:
        for k in range(2):
            stack.enter_context(server.connect()).sendall(ask(f"/wait/{k}"))
        until(lambda: len(server.routes.seen) == 2)
        with server.connect() as third:
            third.sendall(ask("/quick"))
            status, headers, error = refusal(everything(third))
        assert (status, headers["retry-after"]) == (b"HTTP/1.1 503 Service Unavailable", "1")
        assert (error.code, error.message) == (
            "too_many_connections",
            "2 connections are open, and there may be no more",
        )
        assert server.routes.seen == ["/wait/0", "/wait/1"]


def test_one_address_leaves_room_for_others() -> None:
    with bounded(address_connections=1) as server, server.connect() as first:
        first.sendall(ask("/wait"))
        until(lambda: server.routes.seen)
        with server.connect() as second, server.connect("127.0.0.2") as other:
            assert refusal(everything(second))[2].message == (
                "Your address has 1 connections open, and it may have no more"
            )
            other.sendall(ask("/quick"))
            assert one_answer(other).endswith(b"here")


def test_a_proxy_stands_for_many_people() -> None:
    with bounded(address_connections=1, proxies="10.0.0.1, 127.0.0.0/8") as server, ExitStack() as stack:
        for k in range(3):
            stack.enter_context(server.connect()).sendall(ask(f"/wait/{k}"))
        until(lambda: len(server.routes.seen) == 3)


def test_who_asks_nothing_gives_way() -> None:
    with bounded(connections=1) as server, server.connect() as idle:
        idle.sendall(ask("/quick"))
        one_answer(idle)
        with server.connect() as newcomer:
            newcomer.sendall(ask("/quick"))
            assert one_answer(newcomer).endswith(b"here")
        assert everything(idle) == b""
        assert server.connections.ended["gave_way"] == 1


def test_who_has_most_makes_room_for_who_has_nothing_though_all_have_just_come() -> None:
    with bounded(connections=3) as server, ExitStack() as stack:
        first, *_ = [stack.enter_context(server.connect()) for _ in range(3)]
        until(lambda: len(server.connections) == 3)
        with server.connect("127.0.0.2") as newcomer:
            newcomer.sendall(ask("/quick"))
            assert one_answer(newcomer).endswith(b"here")
        assert everything(first) == b""


def test_room_is_made_by_whoever_leaves() -> None:
    with bounded(connections=1) as server:
        for _ in range(5):
            with server.connect() as connection:
                connection.sendall(ask("/wait"))
                until(lambda: len(server.connections))
            until(lambda: not len(server.connections))
        assert not server.connections.ended


@pytest.mark.parametrize(
    "sent, status, code",
    [
        (ask("/", *(f"X-{k}: y" for k in range(200))), b"431 Request Header Fields Too Large", "head_too_long"),
        (ask("/", f"X: {'y' * 200_000}"), b"431 Request Header Fields Too Large", "head_too_long"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 10_000_000, b"431 Request Header Fields Too Large", "head_too_long"),
        (ask(f"/?{'y' * 70_000}"), b"414 Request-URI Too Long", "address_too_long"),
        (b"GET /?" + b"y" * 10_000_000, b"414 Request-URI Too Long", "address_too_long"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400 Bad Request", "bad_request"),
        (b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400 Bad Request", "bad_request"),
        (ask("localhost:443", method="CONNECT"), b"400 Bad Request", "bad_request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400 Bad Request", "bad_request"),
        (ask("/", "Content-Length: 1", "Transfer-Encoding: chunked", method="POST"), b"400 Bad Request", "bad_request"),
    ],
    ids=["many", "long", "endless", "address", "endless address", "TLS", "bytes", "CONNECT", "HTTP/2", "smuggled"],
)
def test_what_is_no_proper_head_is_refused_in_the_one_shape(sent: bytes, status: bytes, code: str) -> None:
    with bounded() as server, server.connect() as connection:
        try:
            connection.sendall(sent)
        except OSError:
            pytest.fail("whoever still sends must be able to read why it is refused")
        line, _, error = refusal(everything(connection))
        assert (line, error.code) == (b"HTTP/1.1 " + status, code)
        assert server.routes.seen == []


def test_the_longest_query_that_the_settings_allow_comes_through() -> None:
    with bounded() as server, server.connect() as connection:
        connection.sendall(ask(f"/quick?{'y' * 60_000}", f"Cookie: {'z' * 60_000}"))
        assert one_answer(connection).endswith(b"here")


def test_there_is_nothing_to_upgrade_to() -> None:
    with bounded() as server, server.connect() as connection:
        connection.sendall(ask("/quick", "Connection: Upgrade", "Upgrade: websocket") + b"\x81\x00")
        answer = everything(connection)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert answer.endswith(b"here")


def test_requests_in_one_packet_are_answered_in_turn_but_not_without_end() -> None:
    with bounded() as server, server.connect() as connection:
        connection.sendall(b"".join(ask(f"/{k}") for k in range(1000)))
        answers = everything(connection).count(b"HTTP/1.1 200 OK")
        assert server.routes.seen == [f"/{k}" for k in range(answers)]
        assert 10 < answers < 100


def test_a_whole_request_is_answered_though_nonsense_follows() -> None:
    with bounded() as server, server.connect() as connection:
        connection.sendall(ask("/quick") + b"\x00nonsense\r\n")
        assert everything(connection).endswith(b"here")
        assert server.routes.seen == ["/quick"]


def test_whoever_leaves_is_gone_for_the_first_of_its_requests_too() -> None:
    with bounded() as server:
        with server.connect() as connection:
            connection.sendall(ask("/wait/1") + ask("/wait/2"))
            until(lambda: server.routes.seen)
        until(lambda: server.routes.left)
        until(lambda: not len(server.connections))
        assert (server.routes.seen, server.routes.left) == (["/wait/1"], ["/wait/1"])


def test_where_the_loop_comes_late_the_device_is_spared_and_numbers_are_not() -> None:
    with bounded(waiting=lambda: 1000) as server, ExitStack() as stack:
        blocking, maps, inline, numbers = (stack.enter_context(server.connect()) for _ in range(4))
        for connection in (maps, inline, numbers):
            connection.sendall(ask("/quick"))
            one_answer(connection)
        blocking.sendall(ask("/block") * 2)
        until(lambda: server.routes.seen.count("/block") == 2)  # that a turn was late is known after it
        maps.sendall(ask("/api/feature-maps"))
        inline.sendall(ask("/api/feature-maps", "Groupscope-Errors: inline"))
        numbers.sendall(ask("/api/layer"))
        plain, inside = one_answer(maps), one_answer(inline)
        assert one_answer(numbers).endswith(b"here")
        assert plain.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"\r\nretry-after: 1\r\n" in plain
        assert inside.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\ngroupscope-status: 503\r\n" in inside
        assert json.loads(plain.partition(b"\r\n\r\n")[2])["error"]["code"] == "busy"
        assert "/api/feature-maps" not in server.routes.seen


def test_files_are_allowed_as_far_as_the_system_lets_it() -> None:
    program = (
        "import resource; from app.connections import allow_files;"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (300, 500));"
        "print(allow_files(200), allow_files(400), allow_files(9999), resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    told = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert told.stdout == "300 400 500 (500, 500)\n"


def test_a_system_with_few_files_is_said_to_have_few(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app", "--port", "0", "--store", str(tmp_path)]
    limits = (500, 500)
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits),
    ) as process:
        assert process.stdout
        said = process.stdout.readline()
        process.kill()
    assert said == "Only 116 connections may be open: the system allows no more files; see ulimit -n\n"


@pytest.mark.parametrize("proxies, statuses", [("", [200, 429]), ("127.0.0.1", [200, 200])], ids=["nobody", "proxy"])
def test_whom_a_request_is_forwarded_for_is_believed_of_proxies_alone(
    tmp_path: Path, proxies: str, statuses: list[int]
) -> None:
    flags = ["--address-rate", "0.001", "--burst", "1", "--proxies", proxies]
    with serving(tmp_path, *flags) as server, server.client() as client:
        asked = [client.get("/api/layer", headers={"X-Forwarded-For": f"10.0.0.{k}"}).status_code for k in (1, 2)]
    assert asked == statuses


def test_asked_to_stop_it_waits_for_nobody(tmp_path: Path) -> None:
    """Idle ones, slow ones of each kind, and maps that are being computed."""
    with serving(tmp_path) as server, ExitStack() as stack:
        assert server.process.stdout
        assert server.process.stdout.readline().startswith("Computing on cpu")
        image = httpx2.get(f"{server.url}/api/images/samples").json()[0]["id"]
        maps = f"/api/feature-maps?image={image}&size=512&dtype=float32"
        sent = [b"", b"GET / HT", ask("/healthz", "Content-Length: 9"), ask("/api/layer"), ask(maps), ask(maps)]
        post = ask("/api/networks/analyze", "Content-Type: application/json", "Content-Length: 9", method="POST")
        for request in [*sent, post] * 20:
            connection = socket.create_connection(("127.0.0.1", urlsplit(server.url).port))
            stack.enter_context(connection).sendall(request)
        httpx2.get(f"{server.url}/api/feature-maps", params={"image": image, "size": 32}, timeout=60)
        server.process.send_signal(signal.SIGTERM)
        rest, _ = server.process.communicate(timeout=30)
        assert server.process.returncode == 0
        assert "ERROR" not in rest
