"""What a network has made of its channels so far: weights and activations group by group, dead maps, covariance between
what a module reads and what it gives. On the same few held-out images each time."""

from typing import Any

import torch
from torch import Tensor

from compute.layers import GroupedConv2d
from compute.stackrun.redundancy import Redundancy, redundancy
from compute.trainrun.network import GroupedNetwork

IMAGES = 32


@torch.no_grad()
def look(network: GroupedNetwork, images: Tensor) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """({"stem", "modules": [...]}, {"stem": (C, image channels, 3, 3), "covariance.m", "correlation.m": (C, C)}).

    Of each group: `weight_energy`, its share of the module's sum of squared weights, and `weight_rms`; of what it
    writes after ReLU `activation_energy`, its share of the sum of squares, and `activation_rms`; dead channels;
    effective rank. `blocks`: mean |covariance| between what group i reads and group j writes, the largest 1; `inside`:
    the share of squared covariance within the groups' own blocks, `inside_expected`: the share of channel pairs there.
    `order_before`: channels before the module as its groups read them; `rotation`: where the first group writes.
    """
    network.eval()
    outputs = [_side_by_side(x) for x in network.outputs(images)]
    tensors = {"stem": network.stem.weight.detach().cpu().contiguous()}
    modules = []
    for module in range(1, network.stack.modules + 1):
        found = redundancy(network.stack, module, outputs[0], outputs[module - 1], outputs[module])
        tensors[f"covariance.{module}"] = torch.from_numpy(found.covariance)
        tensors[f"correlation.{module}"] = torch.from_numpy(found.correlation)
        modules.append(_of_module(network, module, outputs[module], found))
    return {"stem": {"dead": _dead(outputs[0])}, "modules": modules}, tensors


def start_of(facts: dict[str, Any]) -> dict[str, Any]:
    """Of a look before the first step, what later ones are compared with, module by module: untrained networks have
    blocks too, since a group's outputs are made of its own inputs."""
    return {
        "inside": [module["inside"] for module in facts["modules"]],
        "activation_energy": [
            [group["activation_energy"] for group in module["groups"]] for module in facts["modules"]
        ],
    }


def _side_by_side(x: Tensor) -> Tensor:
    """(N, C, H, W) to (C, N H, W): one tall picture a channel; pooling by two stays exact."""
    return x.transpose(0, 1).flatten(1, 2).float().contiguous()


def _of_module(network: GroupedNetwork, module: int, output: Tensor, found: Redundancy) -> dict[str, Any]:
    stack, conv = network.stack, network.convs[str(module)]
    assert isinstance(conv, GroupedConv2d)
    turn, channels = stack.rotation(module), stack.channels
    filters = [weight.detach().float() for weight in conv.filters()]
    weights = [float(weight.square().sum()) for weight in filters]
    energies = output.flatten(1).square().mean(1)
    spans = stack.grouping.spans
    written = [[(s.out_start + turn + i) % channels for i in range(s.out_channels)] for s in spans]
    activations = [float(energies[rows].sum()) for rows in written]
    dead = set(found.facts["dead"])
    groups = [
        {
            "index": span.index,
            "in_channels": span.in_channels,
            "out_channels": span.out_channels,
            "weight_energy": _share(weights[j], weights),
            "weight_rms": (weights[j] / filters[j].numel()) ** 0.5,
            "activation_energy": _share(activations[j], activations),
            "activation_rms": (activations[j] / span.out_channels) ** 0.5,
            "dead": len(dead & set(written[j])),
            "rank": found.facts["rank"]["groups"][j],
        }
        for j, span in enumerate(spans)
    ]
    order = found.facts["order_before"]
    read = [order[span.in_start : span.in_start + span.in_channels] for span in spans]
    facts = {
        "module": module,
        "rank": found.facts["rank"]["layer"],
        "dead": len(dead),
        "groups": groups,
        "order_before": list(order),
        "rotation": turn,
    }
    return {**facts, **_blocks(torch.from_numpy(found.covariance), read, written)}


def _blocks(covariance: Tensor, read: list[list[int]], written: list[list[int]]) -> dict[str, Any]:
    """Rows are channels before the module, columns those after it."""
    size = covariance.abs()
    means = [[float(size[rows][:, columns].mean()) for columns in written] for rows in read]
    most = max(map(max, means)) or 1.0
    squares = covariance.square()
    total = float(squares.sum())
    inside = sum(float(squares[rows][:, columns].sum()) for rows, columns in zip(read, written, strict=True))
    pairs = sum(len(rows) * len(columns) for rows, columns in zip(read, written, strict=True))
    return {
        "blocks": [[mean / most for mean in row] for row in means],
        "inside": inside / total if total else None,
        "inside_expected": pairs / covariance.numel(),
    }


def _share(one: float, every: list[float]) -> float:
    return one / sum(every) if sum(every) else 0.0


def _dead(x: Tensor) -> int:
    flat = x.flatten(1)
    return int((flat.amin(1) == flat.amax(1)).sum())
