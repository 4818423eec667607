"""Files of trained networks to look through: safetensors whose names, shapes and facts are checked. No torch.

What looks through them is compute.run and compute.stackrun, whatever grouping is laid over them.
"""

from compute.trained.checkpoint import Checkpoint, read, rewritten, write
from compute.trained.facts import sentence
from compute.trained.layout import MAX_CHANNELS, layer_query, layout, stack_dict, stack_of, stack_query

__all__ = [
    "MAX_CHANNELS",
    "Checkpoint",
    "layer_query",
    "layout",
    "read",
    "rewritten",
    "sentence",
    "stack_dict",
    "stack_of",
    "stack_query",
    "write",
]
