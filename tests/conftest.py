"""What tests of the server share: an app in this process for each file, and a real server for what needs one."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.main import create_app
from app.settings import PROJECT, Settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("app")
    return Settings(store=folder / "images", results=folder / "measurements.sqlite")


@pytest.fixture(scope="module")
def app(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> TestClient:
    """Talks to `app`, whose engine is not started: for everything but feature maps."""
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of a real server, torch loaded."""
    store = tmp_path_factory.mktemp("images")
    command = [sys.executable, "-m", "app", "--port", "0", "--device", "cpu", "--store", str(store)]
    command += ["--results", str(store / "measurements.sqlite")]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first, second = process.stdout.readline(), process.stdout.readline()
        address = re.fullmatch(r"Groupscope on (http://127\.0\.0\.1:\d+)\n", first)
        assert address, f"the server did not start: {first!r}"
        assert second.startswith("Computing on cpu"), second
        yield address[1]
        process.terminate()
        assert process.wait(10) in (0, -15), "the server should stop when asked to"
