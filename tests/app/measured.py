"""Real servers for tests of measurements, and a client that reads their events."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx2

from app.settings import PROJECT

# A layer of which a pass takes some microseconds.
TINY: dict[str, Any] = {
    "in_channels": 8, "out_channels": 8, "height": 8, "width": 8, "scheme": "logarithmic", "groups": 3, "rounds": 5,
}  # fmt: skip
ENDS = ("result", "cancelled", "failed")


@dataclass(frozen=True)
class Serving:
    url: str
    process: subprocess.Popen[str]

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=120)


@contextmanager
def serving(folder: Path, *flags: str, environment: Mapping[str, str] = MappingProxyType({})) -> Iterator[Serving]:
    """A server whose pictures and results lie in `folder`; it listens, torch may not be loaded yet."""
    command = [sys.executable, "-m", "app", "--port", "0", "--device", "cpu", "--store", str(folder / "images")]
    command += ["--results", str(folder / "measurements.sqlite"), "--runs", str(folder / "runs"), *flags]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=PROJECT, env={**os.environ, **environment}, **pipes) as process:
        assert process.stdout
        said = []  # what it has to say of its stores comes first
        while (line := process.stdout.readline()) and not line.startswith("Groupscope on"):
            said.append(line)
        address = re.fullmatch(r"Groupscope on (http://127\.0\.0\.1:\d+)\n", line)
        assert address, [*said, line]
        try:
            yield Serving(address[1], process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)


@dataclass(frozen=True)
class Event:
    id: str
    name: str
    data: dict[str, Any]


def events(client: httpx2.Client, measurement_id: str, **headers: str) -> Iterator[Event]:
    return stream(client, f"/api/measurements/{measurement_id}/events", **headers)


def stream(client: httpx2.Client, address: str, **headers: str) -> Iterator[Event]:
    """As they come, until the stream ends."""
    with client.stream("GET", address, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        fields: dict[str, str] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if line and name:
                fields[name] = value
            elif "event" in fields:
                yield Event(fields["id"], fields["event"], json.loads(fields["data"]))
                fields = {}


def begin(client: httpx2.Client, **query: Any) -> str:
    answer = client.post("/api/measurements", params={**TINY, **query})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def measured(client: httpx2.Client, **query: Any) -> dict[str, Any]:
    """The result of a measurement, once it is there."""
    *_, last = events(client, begin(client, **query))
    assert last.name == "result", last
    return last.data
