"""Whether somebody looks into a forward: what then runs must be plain torch."""

from typing import Any

import torch
from torch.autograd import forward_ad

_jit: Any = torch.jit  # it has no types


def watched() -> bool:
    """A compiler, a tracer, a transform (vmap, grad), derivatives forward, a dispatch mode such as FlopCounterMode, or
    autocast."""
    return (
        torch.compiler.is_compiling()
        or _jit.is_scripting()
        or _jit.is_tracing()
        or torch._C._len_torch_dispatch_stack() > 0
        or forward_ad._current_level >= 0
        or torch._C._functorch.peek_interpreter_stack() is not None
        or torch.is_autocast_enabled("cpu")
        or torch.is_autocast_enabled("cuda")
    )
