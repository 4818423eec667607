"""Networks of a client's own: documents read within the settings' limits, the last few kept."""

from hashlib import blake2b
from typing import Any

import orjson

from app.cache import Kept
from app.settings import Settings
from compute.network import Limits, Network, read

KEPT_BYTES = 24_000_000  # a chart of eight ResNeXt-101; a thousand layers take 10 ms of each full garbage collection
# What one takes with its row and its groups, about.
NETWORK_BYTES, LAYER_BYTES, GROUP_BYTES, INPUT_BYTES = 2000, 3000, 300, 150


class Documents:
    """Reads documents; the table and the chart of one view ask for the same."""

    def __init__(self, settings: Settings) -> None:
        self.limits = Limits(
            settings.max_layers, settings.max_network_channels, settings.max_kernel, settings.max_resolution
        )
        self._networks = Kept[Network](KEPT_BYTES, weight)

    def read(self, value: Any) -> Network:
        """Raises SpecError, LayerError where it is about a layer."""
        return self._networks.get(mark(value), lambda: read(value, self.limits))


def mark(value: Any) -> bytes:
    """32 bytes for one meaning: the hash of its text with members in alphabetical order."""
    return blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=32).digest()


def weight(network: Network) -> int:
    """Bytes that a network takes, with what is worked out of it and kept."""
    groups = sum(len(kind.split.sizes or ()) for _, kind, _ in network.convolutions())
    inputs = sum(len(layer.inputs) for layer in network.layers)
    layers = LAYER_BYTES * len(network.layers)
    return NETWORK_BYTES + layers + GROUP_BYTES * groups + INPUT_BYTES * inputs
