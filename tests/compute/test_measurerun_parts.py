"""What is timed computes the layer it is timed for, and its memory is counted as torch's own profiler counts it."""

import itertools
import threading

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from compute.grouping import Grouping
from compute.measure import MeasureSpec, taps_inside
from compute.measurerun.layers import Arm, Written, allocated, arm_of, peak_bytes
from compute.measurerun.parallel import apart, dealt, pool_of, sequential, spread, threaded
from compute.spec import ConvSpec
from compute.strategies import Strategy

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
SPLITS = [
    Grouping.standard(12, 12),
    Grouping.uniform(12, 18, 3),
    Grouping.logarithmic(16, 16, 4),
    Grouping.custom([(3, 5), (3, 5), (6, 1), (2, 2)]),
]


def arm(split: Grouping, backward: bool = False, memory_format: str = "contiguous", **window: int) -> Arm:
    conv = ConvSpec(split, **{"padding": 1, "height": 9, "width": 7, **window})  # type: ignore[arg-type]
    return arm_of(conv, MeasureSpec(conv, batch=2, backward=backward, memory_format=memory_format), CPU)


def dense(of: Arm) -> Tensor:
    """The layer's answer from one dense filter whose other blocks are zero."""
    layer = of.layer
    weight = torch.zeros(layer.out_channels, layer.in_channels, *layer.kernel_size)
    for span, own in zip(layer.grouping.spans, layer.filters(), strict=True):
        weight[
            span.out_start : span.out_start + span.out_channels, span.in_start : span.in_start + span.in_channels
        ] = own
    return F.conv2d(of.x, weight, layer.bias, layer.stride, layer.padding, layer.dilation)  # type: ignore[arg-type]


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize("split", SPLITS)
def test_as_written_is_the_layer_with_its_gradients(split: Grouping, memory_format: str) -> None:
    of = arm(split, backward=True, memory_format=memory_format, stride=2)
    module, expected = Written(of.layer), dense(of)
    assert all(type(conv) is nn.Conv2d for conv in module.convs)
    assert len(module.convs) == (1 if split.equal else split.groups)
    out = module(of.x)
    torch.testing.assert_close(out, expected)
    mine = torch.autograd.grad(out.square().sum(), list(module.parameters()))
    theirs = torch.autograd.grad(expected.square().sum(), list(of.layer.parameters()))
    assert sum(g.abs().sum() for g in mine) == pytest.approx(float(sum(g.abs().sum() for g in theirs)), rel=1e-4)
    assert len(of.as_written()()) == len(mine) + 1, "of weights, biases and input"  # type: ignore[arg-type]


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize("split", [split for split in SPLITS if not split.equal])
def test_groups_kept_apart_are_the_layer_in_pieces(split: Grouping, memory_format: str) -> None:
    of = arm(split, memory_format=memory_format)
    seen = 0
    for strategy in of.offered().values():
        work = apart(of, strategy)
        assert (work is None) == (strategy.calls == 1)
        if work:
            parts: list[Tensor] = work()  # type: ignore[assignment]
            assert len(parts) == strategy.calls
            torch.testing.assert_close(torch.cat(parts, 1), dense(of))
            seen += 1
    assert seen >= 4


def test_groups_side_by_side_are_the_layer() -> None:
    of = arm(Grouping.logarithmic(16, 16, 4))
    split, expected = of.layer.grouping, dense(of)
    torch.testing.assert_close(torch.cat(sequential(of, split)(), 1), expected)  # type: ignore[arg-type]
    torch.testing.assert_close(spread(of, split, [CPU, CPU, CPU])(), expected)
    with pool_of(2) as pool:
        answers: list[Tensor] = threaded(of, split, pool)()  # type: ignore[assignment]
    torch.testing.assert_close(torch.cat(answers, 1), expected, msg="the widest first is the order already")


def test_work_is_dealt_to_whoever_has_least() -> None:
    assert dealt([1, 8, 4, 4], 2) == [0, 0, 1, 1]
    assert dealt([5, 5], 1) == [0, 0]
    for work in itertools.product((1, 3, 4), repeat=4):
        loads = [0, 0]
        for worker, amount in zip(dealt(work, 2), work, strict=True):
            loads[worker] += amount
        best = min(max(sum(part), sum(work) - sum(part)) for n in range(5) for part in itertools.combinations(work, n))
        assert max(loads) <= 7 / 6 * best, "Graham's bound for two workers"


def test_threads_of_a_pool_have_one_thread_each_and_nobody_else_has() -> None:
    torch.set_num_threads(2)
    try:
        with pool_of(2) as pool:
            assert torch.get_num_threads() == 2
            together = threading.Barrier(2)
            inside = pool.map(lambda _: (together.wait(), torch.get_num_threads())[1], range(2))
            assert list(inside) == [1, 1]
            assert (
                "mkl_get_max_threads() : 2" in torch.__config__.parallel_info() or not torch.backends.mkl.is_available()
            )
        with pytest.raises(KeyError), pool_of(2):
            raise KeyError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_inputs_are_shared_between_arms() -> None:
    first = arm(SPLITS[2])
    spec = MeasureSpec(ConvSpec(SPLITS[2], padding=1, height=9, width=7), batch=2)
    again = arm_of(spec.conv, spec, CPU, first.x)
    assert again.x is first.x
    assert all(torch.equal(a, b) for a, b in zip(first.layer.parameters(), again.layer.parameters(), strict=True))


@pytest.mark.parametrize("backward", [False, True])
def test_memory_is_counted_as_torchs_new_profiler_does(backward: bool) -> None:
    of = arm(Grouping.logarithmic(16, 16, 4), backward=backward)
    works = {name: of.trial(strategy) for name, strategy in of.offered().items()} | {"as written": of.as_written()}
    for work in works.values():
        work()
    mine = {name: peak_bytes(work, CPU) for name, work in works.items()}
    theirs = {}
    for name, work in works.items():
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
            work()
        events = seen.profiler.kineto_results.events()  # type: ignore[union-attr]
        changes = sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]")
        theirs[name] = max(itertools.accumulate(change for _, change in changes))
    assert mine == theirs
    output = 4 * 2 * 16 * 9 * 7
    assert all(peak >= output for peak in mine.values() if peak is not None)


def test_memory_of_known_operators() -> None:
    """By torch's own operators, whose output is all they take."""
    x = torch.ones(2, 16, 63)
    assert max(allocated(lambda: torch.matmul(torch.ones(16, 16), x))) == 4 * (2 * 16 * 63 + 16 * 16)
    assert allocated(lambda: torch.ones(10).neg_()) == [40, 0]


@pytest.mark.parametrize(
    "window",
    [
        {"kernel_size": 3, "padding": 1, "height": 5, "width": 4},
        {"kernel_size": 5, "padding": 4, "height": 2, "width": 3},
        {"kernel_size": (3, 2), "stride": (2, 3), "padding": (2, 0), "dilation": (2, 1), "height": 7, "width": 9},
        {"kernel_size": 1, "padding": 3, "height": 1, "width": 1},
    ],
)
def test_taps_inside_the_image_by_convolving_ones(window: dict[str, int]) -> None:
    conv = ConvSpec(Grouping.standard(1, 1), **window)  # type: ignore[arg-type]
    ones = torch.ones(1, 1, conv.height, conv.width)
    seen = F.conv2d(ones, torch.ones(1, 1, *conv.kernel_size), None, conv.stride, conv.padding, conv.dilation)
    assert taps_inside(conv) == pytest.approx(
        float(seen.sum()) / (seen.numel() * conv.kernel_size[0] * conv.kernel_size[1])
    )


def test_a_strategy_is_named_for_what_runs_as_written() -> None:
    for split in SPLITS:
        plain = arm(split).plain()
        assert isinstance(plain, Strategy)
        assert plain.calls == len(Written(arm(split).layer).convs)
