"""Shapes of the kinds against torch."""

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from compute.errors import KernelTooLarge
from compute.network.kinds import AvgPool2d, MaxPool2d

SIDES = st.tuples(st.integers(1, 14), st.integers(1, 14))
FEW = st.tuples(st.integers(1, 5), st.integers(1, 5))


@pytest.mark.parametrize("kind", [MaxPool2d, AvgPool2d])
@given(SIDES, FEW, st.none() | FEW, FEW, st.booleans(), FEW)
def test_pools_make_what_torch_makes(kind, image, kernel, stride, padding, ceil_mode, dilation):
    padding = tuple(side % (k // 2 + 1) for side, k in zip(padding, kernel, strict=True))
    options = {"padding": padding, "ceil_mode": ceil_mode}
    if kind is MaxPool2d:
        options["dilation"] = dilation
    else:
        dilation = (1, 1)
    theirs = getattr(torch.nn, kind.title())(kernel, stride, **options)
    fits = all(d * (k - 1) + 1 <= side + 2 * p for side, k, p, d in zip(image, kernel, padding, dilation, strict=True))
    ours = kind(kernel, stride, **options)
    if not fits:
        assume(not ceil_mode)  # where torch may let a window hang over on all sides
        with pytest.raises(KernelTooLarge):
            ours.output((3, *image))
        with pytest.raises(RuntimeError):
            theirs(torch.zeros(1, 3, *image))
        return
    assert ours.output((3, *image)) == tuple(theirs(torch.zeros(1, 3, *image)).shape[1:])
