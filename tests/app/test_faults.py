"""Faults from outside a real server, as in `make torture`; how long each takes is told there, not judged here."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.torture.faults import SCENES
from tests.torture.report import Row


@pytest.mark.parametrize(
    "scene",
    [pytest.param(scene, marks=pytest.mark.faketime) if scene.__name__ == "clock_jumps" else scene for scene in SCENES],
    ids=lambda scene: scene.__name__,
)
def test_the_server_holds(scene: Callable[[Path], list[Row]], tmp_path: Path) -> None:
    rows = [row for row in scene(tmp_path) if not row.timed]
    assert rows
    assert [row for row in rows if not row.ok] == []
