"""How long a training step takes here, found by doing two."""

import time
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from compute.training import Arm, DataShape, TrainSpec
from compute.training.spec import BACKWARD
from compute.trainrun.network import GroupedNetwork

MOST_MACS = 2_000_000_000  # of one trial: longer steps are tried with fewer images


def step_seconds(spec: TrainSpec, arms: Sequence[Arm], data: DataShape, device: torch.device) -> dict[str, float]:
    """Of one step of each arm, forward, backward and update: the mean of two, after a first."""
    return {arm.name: _of(spec, arm, data, device) for arm in arms}


def _of(spec: TrainSpec, arm: Arm, data: DataShape, device: torch.device) -> float:
    images = max(2, min(spec.batch, MOST_MACS // (BACKWARD * arm.macs)))
    network = GroupedNetwork(arm.stack, data.channels, data.classes).to(device)
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-6, momentum=0.9)
    x = torch.zeros(images, data.channels, data.side, data.side, device=device)
    y = torch.zeros(images, dtype=torch.int64, device=device)
    found = []
    for _ in range(3):
        began = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        F.cross_entropy(network(x), y).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        network.head.bias[0].item()  # waits for the device
        found.append(time.perf_counter() - began)
    return sum(found[1:]) / 2 * spec.batch / images
