# mypy: ignore-errors
"""The Triton kernels: a convolution over uneven groups in one launch, and the order of weights that it reads.

Importing this needs Triton; nothing else here imports it. TRITON_INTERPRET=1, set before, runs them on the CPU.
"""

import triton
import triton.language as tl


@triton.jit
def pack_weights(
    sources, packed,
    K_H: tl.constexpr, K_W: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Each group's filter (b, a, k_h, k_w), wherever it lies, as (b, k_h, k_w, a) at its place in `packed`.

    sources: int64 (groups, 8): address, its four strides, a, b, place in `packed`. Programs: (groups, blocks)."""
    row = sources + tl.program_id(0) * 8
    address = tl.load(row).to(packed.dtype)
    stride_b, stride_a = tl.load(row + 1), tl.load(row + 2)
    stride_h, stride_w = tl.load(row + 3), tl.load(row + 4)
    a, b, place = tl.load(row + 5), tl.load(row + 6), tl.load(row + 7)
    terms = K_H * K_W * a
    element = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    n, k = element // terms, element % terms
    tap, channel = k // a, k % a
    mask = n < b
    offset = n * stride_b + channel * stride_a + (tap // K_W) * stride_h + (tap % K_W) * stride_w
    tl.store(packed + place + element, tl.load(address + offset, mask=mask), mask=mask)


@triton.jit
def _tile(
    x, weight, bias, out, pixel_start, pixels, in_start, a, out_start, b, weight_start, first,
    height, width, out_height, out_width,
    x_n, x_c, x_h, x_w, out_n, out_c, out_h, out_w,
    K_H: tl.constexpr, K_W: tl.constexpr, STRIDE_H: tl.constexpr, STRIDE_W: tl.constexpr,
    PAD_H: tl.constexpr, PAD_W: tl.constexpr, DILATION_H: tl.constexpr, DILATION_W: tl.constexpr,
    HAS_BIAS: tl.constexpr, ACCUMULATE: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip
    """BLOCK_M pixels of BLOCK_N output channels. What lies outside the image, the group or the sum is never read."""
    if WHOLE:
        a = a // BLOCK_K * BLOCK_K  # says to the compiler what is so, as below: it may read many neighbours at once
    m = pixel_start + tl.arange(0, BLOCK_M)
    per_image = out_height * out_width
    image, pixel = m // per_image, m % per_image
    row, column = pixel // out_width, pixel % out_width
    top, left = row * STRIDE_H - PAD_H, column * STRIDE_W - PAD_W
    origin = image * x_n + top * x_h + left * x_w + in_start * x_c
    n = first // BLOCK_N * BLOCK_N + tl.arange(0, BLOCK_N)
    terms = K_H * K_W * a
    accumulator = tl.zeros((BLOCK_M, BLOCK_N), dtype=ACCUMULATE)
    for start in range(0, terms, BLOCK_K):
        k = start + tl.arange(0, BLOCK_K)
        if WHOLE:  # one tap for all terms: a scalar, and neighbouring channels
            tap = start // a
            channel = (start - tap * a) + tl.arange(0, BLOCK_K)
            y, z = top + (tap // K_W) * DILATION_H, left + (tap % K_W) * DILATION_W
            inside = ((m < pixels) & (y >= 0) & (y < height) & (z >= 0) & (z < width))[:, None]
            moved = origin + (tap // K_W) * DILATION_H * x_h + (tap % K_W) * DILATION_W * x_w
            offset = moved[:, None] + (channel * x_c)[None, :]
            kept = (n < b)[None, :]
        else:
            tap, channel = k // a, k % a
            down, right = (tap // K_W) * DILATION_H, (tap % K_W) * DILATION_W
            y, z = top[:, None] + down[None, :], left[:, None] + right[None, :]
            inside = (m < pixels)[:, None] & (k < terms)[None, :]
            inside = inside & (y >= 0) & (y < height) & (z >= 0) & (z < width)
            offset = origin[:, None] + (channel * x_c + down * x_h + right * x_w)[None, :]
            kept = (n < b)[None, :] & (k < terms)[:, None]
        inputs = tl.load(x + offset, mask=inside, other=0.0)
        filters = tl.load(weight + weight_start + (n * terms)[None, :] + k[:, None], mask=kept, other=0.0)
        accumulator = tl.dot(inputs, filters, accumulator, input_precision=PRECISION, out_dtype=ACCUMULATE)
    if HAS_BIAS:
        accumulator += tl.load(bias + out_start + n, mask=n < b, other=0.0).to(ACCUMULATE)[None, :]
    place = (image * out_n + row * out_h + column * out_w)[:, None] + ((out_start + n) * out_c)[None, :]
    tl.store(out + place, accumulator.to(out.dtype.element_ty), mask=(m < pixels)[:, None] & (n < b)[None, :])


@triton.jit
def grouped_conv2d(
    x, weight, bias, out, columns, column_count, blocks, pixels,
    height, width, out_height, out_width,
    x_n, x_c, x_h, x_w, out_n, out_c, out_h, out_w,
    K_H: tl.constexpr, K_W: tl.constexpr, STRIDE_H: tl.constexpr, STRIDE_W: tl.constexpr,
    PAD_H: tl.constexpr, PAD_W: tl.constexpr, DILATION_H: tl.constexpr, DILATION_W: tl.constexpr,
    HAS_BIAS: tl.constexpr, ACCUMULATE: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_K: tl.constexpr, IN_STEP: tl.constexpr, OUT_STEP: tl.constexpr,
    FORMS: tl.constexpr,
):  # fmt: skip
    """x (N, C_in, H, W) and out (N, C_out, H', W') with strides x_* and out_*; weight: pack_weights's.

    columns: int32 (column_count, 8), see tiles.Column. blocks: of BLOCK_M pixels, pixels: N x H' x W'. Persistent:
    each program takes every so-manieth tile, the longest first. FORMS: which pairs of width and order of terms occur.
    IN_STEP, OUT_STEP: powers of two up to 16 that every group's bounds among the channels are multiples of.
    """
    for tile in range(tl.program_id(0), column_count * blocks, tl.num_programs(0)):
        field = columns + (tile // blocks) * 8
        in_start, a = tl.load(field) // IN_STEP * IN_STEP, tl.load(field + 1)
        out_start, b = tl.load(field + 2) // OUT_STEP * OUT_STEP, tl.load(field + 3) // OUT_STEP * OUT_STEP
        weight_start = tl.load(field + 4) // 16 * 16
        first, form = tl.load(field + 5), tl.load(field + 6)
        for known in tl.static_range(8):
            if (FORMS >> known) & 1:  # noqa: SIM102  # this is known when it is compiled, the next when it runs
                if form == known:
                    _tile(
                        x, weight, bias, out, (tile % blocks) * BLOCK_M, pixels,
                        in_start, a, out_start, b, weight_start, first,
                        height, width, out_height, out_width,
                        x_n, x_c, x_h, x_w, out_n, out_c, out_h, out_w,
                        K_H, K_W, STRIDE_H, STRIDE_W, PAD_H, PAD_W, DILATION_H, DILATION_W,
                        HAS_BIAS, ACCUMULATE, PRECISION,
                        BLOCK_M, 16 << (known // 2), BLOCK_K, known % 2 == 0,
                    )  # fmt: skip
