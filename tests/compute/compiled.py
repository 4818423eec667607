"""Builds the Triton kernel with Triton's real compiler, which needs no GPU, and says what came out. Run as a script by
test_triton.py: importing the kernel without TRITON_INTERPRET belongs into a process of its own."""

import json
import re
import subprocess
import sys
from pathlib import Path

import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from compute import Grouping
from compute.strategies.cuda import kernel
from compute.strategies.cuda.tiles import BLOCK_K, tiles

POINTERS = ("x", "weight", "bias", "out", "columns")
DIVISIBLE = ("x_n", "x_h", "x_w", "out_n", "out_h", "out_w")  # strides of channels last, for these splits


def build(dtype: str, precision: str, capability: int, grouping: Grouping, block_m: int) -> dict[str, object]:
    """As Uneven launches it: channels last, 3 x 3. spilled_bytes: of a thread; wide_copies: of 16 bytes each."""
    cut = tiles(grouping, 9, 64 if precision == "ieee" else 128)
    known = dict.fromkeys(("STRIDE_H", "STRIDE_W", "PAD_H", "PAD_W", "DILATION_H", "DILATION_W", "x_c", "out_c"), 1)
    known |= {"K_H": 3, "K_W": 3, "HAS_BIAS": True, "ACCUMULATE": tl.float32, "PRECISION": precision}
    known |= {"BLOCK_M": block_m, "BLOCK_K": BLOCK_K, "FORMS": cut.forms}
    known |= {"IN_STEP": cut.in_step, "OUT_STEP": cut.out_step}
    function = kernel.grouped_conv2d
    kinds = {name: "constexpr" if name in known else "i32" for name in function.arg_names}
    kinds |= {name: "*i32" if name == "columns" else f"*{dtype}" for name in POINTERS}
    sixteens = {
        (at,): [["tt.divisibility", 16]]
        for at, name in enumerate(function.arg_names)
        if name in (*POINTERS, *DIVISIBLE)
    }
    source = ASTSource(function, kinds, constexprs=known, attrs=sixteens)
    options = {"num_warps": 4 if block_m < 128 else 8}
    built = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    ptx, cubin = built.asm["ptx"], Path(sys.argv[1]) / "kernel.cubin"
    cubin.write_bytes(built.asm["cubin"])
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    used = subprocess.run([tool, "-res-usage", cubin], capture_output=True, text=True, check=True).stdout
    return {
        "products": sorted(set(re.findall(r"\b(wgmma\.mma_async|mma\.sync|tcgen05\.mma)", ptx))),
        "wide_copies": len(re.findall(r"cp\.async\.cg", ptx)),
        "spilled_bytes": int(re.findall(r"STACK:(\d+)", used)[-1]),
    }


if __name__ == "__main__":
    even, narrow = Grouping.logarithmic(256, 256, 4), Grouping.logarithmic(64, 64, 4)
    cases = [
        ("fp16", "tf32", 90, even, 128),
        ("bf16", "tf32", 80, even, 64),
        ("fp32", "tf32", 80, narrow, 64),
        ("fp32", "ieee", 90, even, 64),
    ]
    sys.stdout.write(json.dumps([build(*case) for case in cases]) + "\n")
