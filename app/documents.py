"""Networks of a client's own: documents read within the settings' limits, the last few kept."""

from typing import Any

import orjson

from app.cache import Kept
from app.settings import Settings
from compute.network import Limits, Network, read

KEPT_LAYERS = 4000  # a chart of eight ResNeXt-101; a thousand take 3 MB, and 10 ms of each full garbage collection


class Documents:
    """Reads documents; the table and the chart of one view ask for the same."""

    def __init__(self, settings: Settings) -> None:
        self.limits = Limits(
            settings.max_layers, settings.max_network_channels, settings.max_kernel, settings.max_resolution
        )
        self._networks = Kept[Network](KEPT_LAYERS, lambda network: len(network.layers))

    def read(self, value: Any) -> Network:
        """Raises SpecError, LayerError where it is about a layer."""
        return self._networks.get(spelling(value), lambda: read(value, self.limits))


def spelling(value: Any) -> bytes:
    """One text for one meaning: members in alphabetical order."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
