"""A trained network as a file to look through."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from compute import trained
from compute.training import TrainSpec
from compute.trainrun.learner import Learner
from compute.trainrun.saved import write

if TYPE_CHECKING:
    from compute.datasets import Facts


def export(
    folder: Path,
    learner: Learner,
    result: dict[str, Any],
    spec: TrainSpec,
    data: "Facts",
    standard: tuple[tuple[float, ...], tuple[float, ...]],
) -> None:
    """Raises CannotKeep."""
    tensors = {name: tensor.numpy() for name, tensor in learner.network.folded().items()}
    name = f"{learner.arm.name}-{learner.seed}.safetensors"
    write(folder / name, trained.write(tensors, _facts(learner, result, spec, data, standard)))


def _facts(
    learner: Learner,
    result: dict[str, Any],
    spec: TrainSpec,
    data: "Facts",
    standard: tuple[tuple[float, ...], tuple[float, ...]],
) -> dict[str, Any]:
    arm, stack = learner.arm, learner.arm.stack
    grouping = arm.grouping
    return {
        "format": 1,
        "name": f"{data.name}, {arm.label}",
        "data": {
            "id": data.id,
            "name": data.name,
            "credit": data.credit,
            "classes": list(data.classes),
            "channels": data.channels,
            "side": data.side[0],
            "mean": list(standard[0]),
            "std": list(standard[1]),
            "train": data.train,
            "test": data.test,
        },
        "stack": {
            "in_channels": stack.channels,
            "scheme": grouping.scheme,
            "groups": grouping.groups,
            "base": grouping.base or 2,
            "sizes": None,
            "modules": stack.modules,
            "residual": stack.residual,
            "mixing": stack.mixing,
            "downsample": stack.downsample,
            "stage": stack.stage,
            "kernel_size": list(stack.kernel_size),
        },
        "arm": arm.name,
        "seed": learner.seed,
        "epochs": spec.epochs,
        "accuracy": result["accuracy"],
        "params": arm.params,
        "macs": arm.macs,
        "date": datetime.now(UTC).date().isoformat(),
        "torch": str(torch.__version__),
    }
