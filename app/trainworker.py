"""Training inside the engine's process: functions that app.engine calls by name, one at a time, between requests."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import worker

if TYPE_CHECKING:
    from collections.abc import Generator

    from compute.datasets import Images
    from compute.training import TrainSpec
    from compute.trainrun import Trainer

# A pool's worker can keep its state nowhere else.
_images: "dict[Path | None, Images]" = {}  # one at most: a set may fill a gigabyte
_run: "tuple[int, Trainer, Generator[dict[str, Any], None, dict[str, Any]]] | None" = None  # by its token


def data(path: Path | None) -> dict[str, Any]:
    """What there is to say of the images at `path`, or of those that ship. Raises SpecError."""
    facts = _read(path).facts
    told = {
        name: getattr(facts, name) for name in ("id", "name", "credit", "channels", "train", "test", "digest", "note")
    }
    return {**told, "classes": list(facts.classes), "side": list(facts.side)}


def step_seconds(spec: "TrainSpec", path: Path | None) -> dict[str, float]:
    """Of one training step of each arm. Raises SpecError, DeviceError."""
    from compute.training import arms_of
    from compute.trainrun import shape_of
    from compute.trainrun import step_seconds as timed

    shape = shape_of(_read(path))
    try:
        return timed(spec, arms_of(spec, shape), shape, worker.device())
    except (RuntimeError, MemoryError) as error:
        raise worker.in_words(error) from None


def begin(token: int, spec: "TrainSpec", path: Path | None, folder: Path, disturbed: bool) -> dict[str, Any]:
    """The first event of a run, new or gone on with from what `folder` holds. Raises SpecError, DeviceError."""
    global _run
    from compute.trainrun import Trainer

    end()
    try:
        trainer = Trainer(spec, _read(path), folder, worker.device())
        _run = token, trainer, trainer.steps()
        worker.training = True
    except (RuntimeError, MemoryError) as error:
        raise worker.in_words(error) from None
    return _advance()


def step(token: int, disturbed: bool) -> dict[str, Any]:
    """The next event, or {"result": the last snapshot}. Raises SpecError, DeviceError."""
    if _run is None or _run[0] != token:
        raise worker.DeviceError("the run was lost with the device's process", fatal=False)
    return _advance()


def end(token: int | None = None) -> dict[str, Any] | None:
    """Stops the run `token`, or whichever there is; it saves where it stands, and tells that. Raises SpecError."""
    global _run
    if _run is None or token not in (None, _run[0]):
        return None
    _, trainer, steps = _run
    _run, worker.training = None, False
    steps.close()
    return trainer.snapshot()


def _advance() -> dict[str, Any]:
    assert _run is not None
    try:
        return next(_run[2])
    except StopIteration as last:
        return {"result": last.value}
    except (RuntimeError, MemoryError) as error:
        raise worker.in_words(error) from None


def _read(path: Path | None) -> "Images":
    if path not in _images:
        from compute.datasets import read, shipped

        _images.clear()
        _images[path] = shipped() if path is None else read(path)
    return _images[path]
