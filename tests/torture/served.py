"""A server of its own for a part of the torture, and what the system knows of its processes."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

from app.settings import PROJECT

ADDRESS = re.compile(r"Groupscope on http://127\.0\.0\.1:(\d+)\n")
OBSERVER = "127.0.0.99"  # an address of one's own: the others may have all their connections
START_SECONDS, STOP_SECONDS = 120, 30


@dataclass(frozen=True)
class Served:
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def engine(self) -> int:
        """Id of the engine's process."""
        return max(children(self.process.pid), key=resident_bytes)

    def sample(self) -> str:
        """Id of the first picture that ships."""
        return str(httpx2.get(f"{self.url}/api/images/samples", timeout=30).json()[0]["id"])

    def holds(self, client: int) -> bool:
        """Whether the server still has its end of the connection to this port, though the system may yet send."""
        here, there = f":{self.port:04X}", f":{client:04X}"
        lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
        return any(line[1].endswith(here) and line[2].endswith(there) and line[9] != "0" for line in lines)

    def waiting(self) -> dict[str, int]:
        """Things in each queue. Needs --metrics true."""
        with httpx2.Client(transport=httpx2.HTTPTransport(local_address=OBSERVER), timeout=30) as client:
            text = client.get(f"{self.url}/metrics").raise_for_status().text
        found = re.findall(r'^groupscope_queue_waiting\{queue="(\w+)"\} ([0-9.e+]+)$', text, re.MULTILINE)
        return {name: int(float(number)) for name, number in found}

    def stop(self) -> tuple[float, int]:
        """Seconds until it ended when it was asked to, and its status; -9 where it had to be killed."""
        began = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        return time.perf_counter() - began, status


@contextmanager
def served(*flags: str) -> Iterator[Served]:
    """Once torch is loaded. Its log is a file: nobody would empty a pipe meanwhile."""
    with TemporaryDirectory() as folder:
        log = Path(folder, "log")
        command = [sys.executable, "-m", "app", "--port", "0", "--device", "cpu", "--store", f"{folder}/images"]
        command += ["--results", f"{folder}/measurements.sqlite", "--runs", f"{folder}/runs", *flags]
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=PROJECT, stdout=out, stderr=subprocess.STDOUT)
        try:
            yield Served(_port_of(process, log), process, log)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def _port_of(process: "subprocess.Popen[bytes]", log: Path) -> int:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        text = log.read_text()
        if "Computing on" in text and (found := ADDRESS.search(text)):
            return int(found[1])
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start: {log.read_text()}")


def children(pid: int) -> list[int]:
    """Processes that `pid` started, and those that they did."""
    found = [int(p) for task in Path(f"/proc/{pid}/task").iterdir() for p in (task / "children").read_text().split()]
    return [*found, *(grandchild for child in found for grandchild in children(child))]


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """That it has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
