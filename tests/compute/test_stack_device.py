"""A stack on the GPU: the CPU's maps, values, energies and ink, and exactly nothing where nothing can differ."""

import numpy as np
import pytest

from compute import Grouping
from compute.run import Runner
from compute.stack import Dye
from compute.stackrun import StackRunner
from tests.compute.stackcases import CASES, opened, photograph

PICTURE = photograph()
NAMES = ("default", "uneven-12-shuffled", "uneven-20", "uniform-20", "log-20-pooled")


@pytest.fixture(scope="module")
def pair():
    return StackRunner(Runner("cuda")), StackRunner(Runner("cpu"))


@pytest.mark.gpu
@pytest.mark.parametrize("name", NAMES)
def test_the_device_answers_what_the_cpu_does(pair, name):
    spec = CASES[name]
    last = spec.modules
    cuda, cpu = (runner.maps(opened(PICTURE), "photograph", spec, last).maps for runner in pair)
    np.testing.assert_allclose(cuda, cpu, rtol=1e-3, atol=1e-4 * np.abs(cpu).max())
    energies = [runner.energy(opened(PICTURE), "photograph", spec)["modules"] for runner in pair]
    for one, other in zip(*energies, strict=True):
        assert one["output"] == pytest.approx(other["output"], rel=1e-3)
    values = [runner.pixel(opened(PICTURE), "photograph", spec, last, 1, 2, 3).facts["conv"] for runner in pair]
    assert values[0] == pytest.approx(values[1], rel=1e-3, abs=1e-4)
    ranks = [runner.redundancy(opened(PICTURE), "photograph", spec, last).facts["rank"]["layer"] for runner in pair]
    assert ranks[0] == pytest.approx(ranks[1], rel=1e-2)


@pytest.mark.gpu
def test_ink_and_difference_are_exactly_nothing_beyond_the_walls(pair):
    spec = CASES["default"]
    ink = pair[0].ink(opened(PICTURE), "photograph", spec, Dye("channel", channel=3))
    assert all(value == 0 for row in ink["modules"] for value in row["max"][32:])
    other = Grouping.logarithmic(64, 64, 5)
    difference = pair[0].maps(opened(PICTURE), "photograph", spec, spec.modules, other=other, side="difference")
    assert (difference.maps[:56] == 0).all()
