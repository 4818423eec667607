"""Real servers for measuring: the product as it is started, and the product with an empty route beside its own."""

import gc
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import FastAPI
from starlette.responses import Response

from app.main import create_app

PROJECT = Path(__file__).parents[2]


@contextmanager
def serving(*command: str, ready: str = "/readyz") -> Iterator["Server"]:
    """A server in its own process, once `ready` answers 200."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with TemporaryDirectory() as store:
        environment = os.environ | {"GROUPSCOPE_STORE": store, "GROUPSCOPE_RESULTS": f"{store}/measurements.sqlite"}
        environment["GROUPSCOPE_RUNS"] = f"{store}/runs"
        arguments = [sys.executable, "-m", *(command or ("app",)), "--port", str(port)]
        process = subprocess.Popen(arguments, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL)
        server = Server(port, process)
        try:
            server.wait_for(ready)
            yield server
        finally:
            process.terminate()
            process.wait(20)


def with_empty_route() -> FastAPI:
    """Factory for uvicorn: the product plus the cheapest route it can have."""
    app = create_app()
    gc.freeze()  # as app/serve.py does

    @app.get("/empty")
    async def empty() -> Response:
        return Response()

    return app


class Server:
    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port, self.process, self.started = port, process, time.perf_counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=60)

    def wait_for(self, path: str) -> float:
        """Seconds from the start until `path` answers 200."""
        while time.perf_counter() - self.started < 120:
            try:
                connection = self.connection()
                connection.request("GET", path)
                if connection.getresponse().status == 200:
                    return time.perf_counter() - self.started
            except OSError:
                pass
            finally:
                connection.close()
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with status {self.process.returncode}")
            time.sleep(0.02)
        raise RuntimeError(f"{path} never answered 200")

    def resident_bytes(self) -> int:
        """Memory of the server and the processes it started (Linux)."""
        return sum(_resident_bytes(pid) for pid in _family(self.process.pid))


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    own = [int(child) for child in children.read_text().split()] if children.exists() else []
    return [pid, *(p for child in own for p in _family(child))]


def _resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):  # shared pages once, not once a process
            return int(line.split()[1]) * 1024
    return 0
