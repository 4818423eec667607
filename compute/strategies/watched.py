"""Whether somebody looks into a forward: what then runs must be plain torch."""

from typing import Any

import torch
from torch.autograd import forward_ad

_C: Any = torch._C  # it has no types, and its own functions cost a tenth of those in front of them


def watched() -> bool:
    """A compiler, a tracer, a transform (vmap, grad), derivatives forward, a dispatch mode such as FlopCounterMode, or
    autocast."""
    return (
        torch.compiler.is_compiling()
        or _C._get_tracing_state() is not None
        or _C._len_torch_dispatch_stack() > 0
        or forward_ad._current_level >= 0
        or _C._functorch.peek_interpreter_stack() is not None
        or _C._is_any_autocast_enabled()
    )
