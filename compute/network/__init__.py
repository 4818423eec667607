"""Whole networks as data: layers, shapes, bills, what-if groupings, training memory, placement, PyTorch code.

Pure arithmetic, no torch. The published networks themselves are tables in compute/networks.
"""

from compute.network.bill import analyze
from compute.network.document import Limits, read, write
from compute.network.graph import Layer, LayerError, Network
from compute.network.split import Split

__all__ = ["Layer", "LayerError", "Limits", "Network", "Split", "analyze", "read", "write"]
