"""Grouped convolutions: splitting, counting, running. Usable from a notebook, without the server.

Importing the package never imports torch: the counts are plain arithmetic. The two modules that need it are
loaded when first asked for.
"""

from typing import TYPE_CHECKING, Any

from compute.depth import describe_depth
from compute.describe import describe_layer
from compute.errors import SpecError
from compute.grouping import Grouping, legal_groups
from compute.spec import DEFAULTS, ConvSpec

if TYPE_CHECKING:
    from compute.layers import GroupedConv2d, LogGroupModule

__all__ = [
    "DEFAULTS",
    "ConvSpec",
    "GroupedConv2d",
    "Grouping",
    "LogGroupModule",
    "SpecError",
    "describe_depth",
    "describe_layer",
    "legal_groups",
]


def __getattr__(name: str) -> Any:
    if name in ("GroupedConv2d", "LogGroupModule"):
        import compute.layers

        return getattr(compute.layers, name)
    raise AttributeError(f"module 'compute' has no attribute {name!r}")
