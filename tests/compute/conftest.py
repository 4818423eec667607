"""Tests marked `gpu` run where there is a CUDA device, those marked `triton` where Triton can be had (Linux on x86-64,
where the extra `test` brings it, and wherever it is installed). Elsewhere they are left out, by name."""

import importlib.util
import platform
import sys
from collections.abc import Iterator

import pytest
import torch


def _left_out() -> dict[str, str]:
    """{marker: why its tests do not run on this machine}."""
    found = {}
    if not torch.cuda.is_available():
        found["gpu"] = "there is no CUDA device"
    if not importlib.util.find_spec("triton") and (sys.platform, platform.machine()) != ("linux", "x86_64"):
        found["triton"] = f"Triton has no package for {sys.platform} on {platform.machine()}"
    return found


LEFT_OUT = _left_out()
_counted: dict[str, int] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for marker in LEFT_OUT:
        without = [item for item in items if item.get_closest_marker(marker)]
        if without:
            _counted[marker] = len(without)
            config.hook.pytest_deselected(items=without)
            items[:] = [item for item in items if item not in without]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for marker, count in _counted.items():
        terminalreporter.write_line(f"not run: {count} tests marked {marker}: {LEFT_OUT[marker]}", yellow=True)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Pictures this small gain nothing by a second thread, and lose much where the cores are busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
