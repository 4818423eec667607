"""The Triton kernel without a GPU: its tiles, its results in Triton's interpreter, its code from the compiler."""

import importlib.util
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from compute import Grouping
from compute.strategies.cuda.tiles import ALIGNED, BLOCK_K, WIDTHS, tiles

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent


def test_tiles_cover_each_output_channel_once() -> None:
    rng = random.Random(3)
    for _ in range(200):
        sizes = [(rng.randint(1, 80), rng.randint(1, 300)) for _ in range(rng.randint(1, 8))]
        grouping, taps, widest = Grouping.custom(sizes), rng.choice((1, 6, 9, 25)), rng.choice(WIDTHS)
        cut = tiles(grouping, taps, widest)
        covered = [
            column.out_start + i
            for column in cut.columns
            for i in range(column.first, min(column.first + column.width, column.out_channels))
        ]
        assert sorted(covered) == list(range(grouping.out_channels))
        assert all(column.width in WIDTHS and column.width <= widest for column in cut.columns)
        assert all(column.first < column.out_channels for column in cut.columns)
        assert all(column.whole == (column.in_channels % BLOCK_K == 0) for column in cut.columns)
        work = [column.in_channels for column in cut.columns]
        assert work == sorted(work, reverse=True)
        ends = [start + taps * a * b for start, (a, b) in zip(cut.weight_starts, sizes, strict=True)]
        assert all(start % ALIGNED == 0 for start in cut.weight_starts)
        assert all(end <= start for end, start in zip(ends, cut.weight_starts[1:], strict=False))
        assert ends[-1] <= cut.weights
        spans = grouping.spans
        assert all(s.in_start % cut.in_step == s.in_channels % cut.in_step == 0 for s in spans)
        assert all(s.out_start % cut.out_step == s.out_channels % cut.out_step == 0 for s in spans)


def test_tiles_of_the_logarithmic_split() -> None:
    cut = tiles(Grouping.logarithmic(512, 512, 6), 9)
    assert [(c.in_channels, c.out_channels, c.width, c.first) for c in cut.columns] == [
        (256, 256, 128, 0), (256, 256, 128, 128), (128, 128, 128, 0), (64, 64, 64, 0), (32, 32, 32, 0),
        (16, 16, 16, 0), (16, 16, 16, 0),
    ]  # fmt: skip
    assert (cut.in_step, cut.out_step) == (16, 16)


def test_importing_the_strategies_does_not_import_triton() -> None:
    code = "import sys, compute.strategies, compute.strategies.cuda.uneven; sys.exit('triton' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True)


def in_a_process(*command: str, **settings: str) -> str:
    assert importlib.util.find_spec("triton"), "Triton is missing: pip install -c constraints.txt -e '.[test]'"
    env = {**os.environ, "PYTHONPATH": str(PROJECT), "CUDA_VISIBLE_DEVICES": "", **settings}
    done = subprocess.run([sys.executable, *command], cwd=PROJECT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.triton
def test_the_kernel_is_the_loop_in_the_interpreter() -> None:
    answer = in_a_process(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE / "interpreted.py"), TRITON_INTERPRET="1"
    )
    passed = re.search(r"(\d+) passed", answer)
    assert passed is not None, answer
    assert int(passed[1]) >= 40
    assert "skipped" not in answer
    assert "deselected" not in answer


@pytest.mark.triton
def test_the_compiler_uses_the_tensor_cores_and_spills_nothing(tmp_path: Path) -> None:
    """For compute capability 8.0 and 9.0: what the kernel's layout of loops and hints is there for."""
    answer = in_a_process(str(HERE / "compiled.py"), str(tmp_path), TRITON_CACHE_DIR=str(tmp_path))
    half, brain, single, exact = json.loads(answer.splitlines()[-1])
    assert half["products"] == ["wgmma.mma_async"]
    assert brain["products"] == single["products"] == ["mma.sync"]
    assert exact["products"] == []
    assert all(built["wide_copies"] > 0 for built in (half, brain, single, exact))
    assert all(built["spilled_bytes"] == 0 for built in (half, brain, single, exact))
