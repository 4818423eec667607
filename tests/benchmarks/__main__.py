"""`make bench`: prints what the promises of speed and memory measure here and now. Nothing is asserted.

Each figure stands beside something run in the same minutes on the same machine: bare torch, an empty route, a gradient
of load. Names on the command line choose some of the measurements: python -m tests.benchmarks maps http
"""

import sys
from collections.abc import Callable
from functools import partial

from tests.benchmarks import (
    browser,
    convolutions,
    http,
    maps,
    measuring,
    memory,
    networkpage,
    networks,
    stack,
    stackpage,
    start,
    training,
)
from tests.benchmarks.report import Table

MEASUREMENTS: dict[str, Callable[[Table], None]] = {
    "start": start.measure,
    "maps": maps.measure,
    "convolutions": convolutions.measure,
    "measuring": measuring.measure,
    "http": http.measure,
    "networks": networks.measure,
    "stack": stack.measure,
    "stackpage": stackpage.measure,
    "training": training.measure,
    "browser": browser.measure,
    "networkpage": networkpage.measure,
    "memory": memory.measure,
}


def main(names: list[str]) -> None:
    unknown = set(names) - set(MEASUREMENTS)
    if unknown:
        sys.exit(f"no measurement called {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}")
    table = Table(print_line=partial(print, flush=True))
    for name in names or MEASUREMENTS:
        table.heading(name)
        MEASUREMENTS[name](table)


if __name__ == "__main__":
    main(sys.argv[1:])
