"""What tests of the server share: an app in this process for each file, and a real server for what needs one.

Tests marked `gpu` run where there is a CUDA device, those marked `triton` where Triton can be had (Linux on x86-64,
where the extra `test` brings it, and wherever it is installed). Elsewhere they are left out, by name.
"""

import importlib.util
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import torch
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.main import create_app
from app.settings import PROJECT, Settings
from tests.torture.faults import FAKETIME


def _left_out() -> dict[str, str]:
    """{marker: why its tests do not run on this machine}."""
    found = {}
    if not torch.cuda.is_available():
        found["gpu"] = "there is no CUDA device"
    if not importlib.util.find_spec("triton") and (sys.platform, platform.machine()) != ("linux", "x86_64"):
        found["triton"] = f"Triton has no package for {sys.platform} on {platform.machine()}"
    if not FULL.exists():
        found["fullset"] = f"the full Fashion-MNIST is not in {FULL}"
    if FAKETIME is None:
        found["faketime"] = "libfaketime was not found"
    return found


FULL = Path("/usr/share/datasets/fashion-mnist")
LEFT_OUT = _left_out()
hypothesis.settings.register_profile("suite", deadline=None)  # how long one example takes says what else runs here
hypothesis.settings.load_profile("suite")
_counted: dict[str, int] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for marker in LEFT_OUT:
        without = [item for item in items if item.get_closest_marker(marker)]
        if without:
            _counted[marker] = len(without)
            config.hook.pytest_deselected(items=without)
            items[:] = [item for item in items if item not in without]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):  # one of several processes that share the tests
        session.config.workeroutput["left out"] = _counted


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    _counted.update(getattr(node, "workeroutput", {}).get("left out", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for marker, count in _counted.items():
        terminalreporter.write_line(f"not run: {count} tests marked {marker}: {LEFT_OUT[marker]}", yellow=True)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("app")
    return Settings(store=folder / "images", results=folder / "measurements.sqlite", runs=folder / "runs")


@pytest.fixture(scope="module")
def app(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> TestClient:
    """Talks to `app`, whose engine is not started: for everything but feature maps."""
    return TestClient(app, "http://localhost", raise_server_exceptions=False)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of a real server, torch loaded."""
    store = tmp_path_factory.mktemp("images")
    command = [sys.executable, "-m", "app", "--port", "0", "--device", "cpu", "--store", str(store)]
    command += ["--results", str(store / "measurements.sqlite"), "--runs", str(store / "runs")]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first, second = process.stdout.readline(), process.stdout.readline()
        address = re.fullmatch(r"Groupscope on (http://127\.0\.0\.1:\d+)\n", first)
        assert address, f"the server did not start: {first!r}"
        assert second.startswith("Computing on cpu"), second
        yield address[1]
        process.terminate()
        assert process.wait(10) == 0, "the server should stop when asked to"
