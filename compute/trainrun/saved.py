"""Files of a run: the checkpoint it goes on from, and the last look. Each is whole or the one before: written aside,
flushed, renamed."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from compute.errors import SpecError

CHECKPOINT, FORMAT = "checkpoint.safetensors", 1


class CannotKeep(SpecError):
    """The disk is full, or read-only."""

    code = "cannot_keep"

    def __init__(self, error: OSError) -> None:
        hint = "make room and resume: the checkpoint before this one is whole"
        super().__init__(f"the run can't be kept: {error.strerror or error}", None, hint)


def write(path: Path, body: bytes) -> None:
    """Whole, or not at all. Raises CannotKeep."""
    aside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(aside, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        raise CannotKeep(error) from None


def save(folder: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Raises CannotKeep."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write(folder / CHECKPOINT, to_bytes(whole, {"format": str(FORMAT), "state": json.dumps(state)}))


def load(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """What `save` wrote; None where there is nothing of this format."""
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != str(FORMAT):
                return None
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(metadata["state"])  # noqa: SIM118
    except SafetensorError as error:
        hint = "delete the run and train again"
        raise SpecError(f"the checkpoint of this run is damaged: {error}", None, hint) from None


def save_probe(folder: Path, arm: str, tensors: dict[str, Tensor], looks: dict[str, Any]) -> None:
    """Raises CannotKeep."""
    write(folder / f"probe-{arm}.safetensors", to_bytes(tensors, {"looks": json.dumps(looks)}))
