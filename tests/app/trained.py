"""Training runs of seconds on a real server, for tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from tests.app.measured import Event, stream
from tests.compute.traincases import few

# A few hundred steps of milliseconds, on images of 14 x 14.
SMALL: dict[str, Any] = {
    "arms": "standard,uniform", "width": 8, "hold": "channels", "modules": 2, "epochs": 2, "batch": 10, "data": "own",
}  # fmt: skip
QUICK = {**SMALL, "modules": 1, "batch": 100}


def images(folder: Path) -> str:
    """A file of 1,000 images to train on, and 200 to test on."""
    found, path = few(), folder / "own.npz"
    np.savez(path, **{name: getattr(found, name) for name in ("x_train", "y_train", "x_test", "y_test")})
    return str(path)


def events(client: httpx2.Client, training_id: str, **headers: str) -> Iterator[Event]:
    return stream(client, f"/api/trainings/{training_id}/events", **headers)


def begin(client: httpx2.Client, **query: Any) -> str:
    answer = client.post("/api/trainings", params={**SMALL, **query})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def record(client: httpx2.Client, training_id: str) -> dict[str, Any]:
    answer = client.get(f"/api/trainings/{training_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def trained(client: httpx2.Client, **query: Any) -> dict[str, Any]:
    """The record of a run, once it is done."""
    training_id = begin(client, **query)
    *_, last = events(client, training_id)
    assert last.name == "result", last
    return record(client, training_id)


def under_way(client: httpx2.Client, training_id: str, steps: int) -> None:
    """Returns once so many steps are done."""
    for event in events(client, training_id):
        if event.name == "progress" and event.data["done"] >= steps:
            return
    raise AssertionError("the run ended before")
