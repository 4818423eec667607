"""The library of published networks: one readable table a family, its source cited, its totals those of the source."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from compute.network.document import UnknownName
from compute.network.graph import Network
from compute.networks import alexnet, loggroup, mobilenet, nin, resnet, shufflenet, squeezenet, vgg

TABLES: dict[str, Callable[[], Network]] = {
    "alexnet-2012": alexnet.alexnet_2012,
    "alexnet-ungrouped": alexnet.alexnet_ungrouped,
    "alexnet-torchvision": alexnet.alexnet_torchvision,
    "vgg-16": vgg.vgg_16,
    "nin": nin.nin,
    **{f"nin-root-{k}": partial(nin.nin, k) for k in (2, 4, 8, 16)},
    "resnet-50": resnet.resnet_50,
    **{f"resnet-50-root-{k}": partial(resnet.resnet_50_root, k) for k in (2, 4, 8, 16, 32, 64)},
    "resnext-50-32x4d": resnet.resnext_50_32x4d,
    "resnext-101-32x8d": resnet.resnext_101_32x8d,
    "mobilenet-v1": mobilenet.mobilenet_v1,
    "mobilenet-v2": mobilenet.mobilenet_v2,
    **{f"shufflenet-v1-g{g}": partial(shufflenet.shufflenet_v1, g) for g in (1, 2, 3, 4, 8)},
    "squeezenet-1.0": squeezenet.squeezenet_1_0,
    "log-group-cnn": loggroup.log_group_cnn,
}
IDS: tuple[str, ...] = tuple(TABLES)

__all__ = ["IDS", "UnknownNetwork", "catalogue", "load"]


class UnknownNetwork(UnknownName):
    """No network of the library has this id."""

    code = "unknown_network"

    def __init__(self, name: object) -> None:
        super().__init__("network of the library", name, IDS, "network")


def load(name: str) -> Network:
    """The network with this id; raises UnknownNetwork. The same object each time."""
    if not isinstance(name, str) or name not in TABLES:
        raise UnknownNetwork(name)
    return _build(name)


def catalogue() -> list[dict[str, Any]]:
    """[{"id", "name", "source", "params", "macs"}], in the library's order."""
    return [
        {"id": name, "name": network.name, "source": network.source, "params": network.params, "macs": network.macs}
        for name, network in ((name, load(name)) for name in IDS)
    ]


@cache
def _build(name: str) -> Network:
    return TABLES[name]()
