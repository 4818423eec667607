"""From the command to the first answers, everything installed."""

from tests.benchmarks.report import Table
from tests.benchmarks.serving import serving

ROUNDS = 5


def measure(table: Table) -> None:
    times: dict[str, list[float]] = {"/healthz": [], "/": [], "/readyz": []}
    for _ in range(ROUNDS):
        with serving(ready="/healthz") as server:
            for path, seconds in times.items():
                seconds.append(server.wait_for(path))
    for path, aim in (("/healthz", "at most 3000 ms"), ("/", "at most 3000 ms"), ("/readyz", "torch is loaded")):
        table.times(f"start to {path}", times[path], aim)
