"""A grouped convolution in plain loops: slow, and too simple to be wrong. Nothing of the project is used here."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def grouped_conv2d(
    x: Array,
    filters: list[Array],
    bias: Array | None,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
) -> tuple[Array, int]:
    """x: (C_in, H, W); filters[j]: (b_j, a_j, k_h, k_w). Returns the output (C_out, H', W') and the number of
    multiplications done, those with padding's zeros included."""
    k_h, k_w = filters[0].shape[2:]
    _, height, width = x.shape
    padded = np.zeros((x.shape[0], height + 2 * padding[0], width + 2 * padding[1]))
    padded[:, padding[0] : padding[0] + height, padding[1] : padding[1] + width] = x
    rows = range(0, padded.shape[1] - dilation[0] * (k_h - 1), stride[0])
    columns = range(0, padded.shape[2] - dilation[1] * (k_w - 1), stride[1])
    maps, multiplications, in_start = [], 0, 0
    for group in filters:
        for kernel in group:
            image = np.zeros((len(rows), len(columns)))
            for r, top in enumerate(rows):
                for c, left in enumerate(columns):
                    for i in range(kernel.shape[0]):
                        for u in range(k_h):
                            for v in range(k_w):
                                pixel = padded[in_start + i, top + dilation[0] * u, left + dilation[1] * v]
                                image[r, c] += kernel[i, u, v] * pixel
                                multiplications += 1
            maps.append(image + (bias[len(maps)] if bias is not None else 0))
        in_start += group.shape[1]
    return np.stack(maps), multiplications
