"""`python -m app` as a person runs it."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

from app.settings import PROJECT


def start(store: Path, *flags: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "app", "--store", str(store), *flags]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_it_says_where_it_is_and_ends_quietly_on_ctrl_c(tmp_path: Path) -> None:
    with start(tmp_path, "--port", "0", "--device", "cpu") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Groupscope on http://127.0.0.1:")
        assert process.stdout.readline().startswith("Computing on cpu: ")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start(tmp_path, "--port", str(port)) as process:
            output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (1, "")
    assert errors.startswith("Cannot listen: Address already in use")
    assert str(port) in errors
    assert errors.endswith("; choose another with --port or --host\n")


def test_a_device_that_is_not_there_leaves_the_numbers_working(tmp_path: Path) -> None:
    with start(tmp_path, "--port", "0", "--device", "mps" if sys.platform != "darwin" else "cuda") as process:
        assert process.stdout is not None
        first, second = process.stdout.readline(), process.stdout.readline()
        process.terminate()
        process.communicate(timeout=20)
    assert first.startswith("Groupscope on ")
    assert second.startswith("Feature maps cannot be computed: ")
