"""What only a CUDA device can run, against plain loops: streams, graphs, the Triton kernel, the choice among them."""

import copy
import itertools
import logging

import pytest
import torch
from torch import Tensor, nn

from compute import Grouping
from compute.layers import GroupedConv2d
from compute.strategies import Case, Strategy, decide, forget, strategies
from compute.strategies.cuda import KERNELS, Graphs, Uneven
from tests.compute.test_strategies import GROUPINGS, SHAPES, changes, layer_of, looped

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")]

TOLERANCES = {torch.float32: 1e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}  # x the largest value
FORMATS = (torch.contiguous_format, torch.channels_last)
LOG = Grouping.logarithmic(64, 64, 4)


@pytest.fixture(autouse=True)
def exact_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """fp32 in fp32."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", False)


def on_cuda(layer: GroupedConv2d, dtype: torch.dtype = torch.float32) -> GroupedConv2d:
    return copy.deepcopy(layer).to("cuda", dtype)


def pictures(layer: nn.Module, side: int = 7, batch: int = 2, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(batch, layer.in_channels, side, side + 2, device="cuda", dtype=dtype)


def offered(layer: GroupedConv2d, x: Tensor) -> list[Strategy]:
    return strategies(layer, Case.of(layer, x))


def only(layer: GroupedConv2d, x: Tensor, kernel: str) -> Strategy:
    return next(strategy for strategy in offered(layer, x) if strategy.kernel == kernel)


def off(answer: Tensor, expected: Tensor) -> float:
    return float((answer.double().cpu() - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("grouping", GROUPINGS)
def test_every_strategy_is_the_loop(grouping: str, shape: str) -> None:
    """From the same numbers in each precision; three times, since recording differs from replaying."""
    single = layer_of(GROUPINGS[grouping], torch.bfloat16, **SHAPES[shape]).half().float()
    for dtype, tolerance in TOLERANCES.items():
        layer = on_cuda(single, dtype)
        x = pictures(single, 6, dtype=torch.bfloat16).half().to(dtype)
        with torch.no_grad():
            expected = looped(copy.deepcopy(layer).cpu().float(), x.cpu().float())
            for given in (x.contiguous(memory_format=format_) for format_ in FORMATS):
                for strategy in offered(layer, given):
                    assert not strategy.plan.padded, strategy.name
                    run = strategy.prepare(layer)
                    for _ in range(3):
                        assert off(run(given), expected) <= tolerance, (strategy.name, dtype)
                    assert run(given).is_contiguous() == given.is_contiguous(), strategy.name


def test_all_kernels_are_offered() -> None:
    """Triton comes with torch's CUDA build on Linux."""
    layer = on_cuda(layer_of(LOG, kernel_size=3, padding=1))
    x = pictures(layer)
    with torch.no_grad():
        assert {strategy.kernel for strategy in offered(layer, x)} == {"aten", *KERNELS}
    assert {strategy.kernel for strategy in offered(layer, x)} == {"aten", "triton"}


@pytest.mark.parametrize("side", [14, 57])
@pytest.mark.parametrize("channels", [64, 256, 512])
def test_the_kernel_at_real_sizes(channels: int, side: int) -> None:
    """All sizes of tiles, by more programs than there are multiprocessors; the reference is cuDNN's in double."""
    for grouping in (Grouping.logarithmic(channels, channels, 4), Grouping.custom([(33, 50), (channels - 33, 190)])):
        for dtype, tolerance in TOLERANCES.items():
            layer = on_cuda(GroupedConv2d(channels, grouping.out_channels, 3, grouping, padding=1, bias=True), dtype)
            x = pictures(layer, side, 4, dtype)
            with torch.no_grad():
                expected = on_cuda(layer, torch.float64)._plain(x.double()).cpu()
                assert off(Uneven(layer)(x), expected) <= tolerance, (grouping.sizes, dtype)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("grouping", ["log 2", "uneven", "widest in the middle"])
def test_what_is_not_finite_stays_in_its_group(grouping: str, value: float) -> None:
    layer = on_cuda(layer_of(GROUPINGS[grouping], kernel_size=3, padding=1))
    x = pictures(layer)
    with torch.no_grad():
        for at, span in enumerate(layer.grouping.spans):
            own = slice(span.out_start, span.out_start + span.out_channels)
            spoilt_x, spoilt = x.clone(), copy.deepcopy(layer)
            spoilt_x[0, span.in_start, 2, 3] = value
            spoilt.filters()[at].fill_(value)
            for model, given in ((layer, spoilt_x), (spoilt, x)):
                for strategy in offered(model, given):
                    finite = torch.isfinite(strategy.prepare(model)(given)[0]).flatten(1).all(1)
                    assert not finite[own].any(), strategy.name
                    finite[own] = True
                    assert finite.all(), (strategy.name, at)


@pytest.mark.parametrize("grouping", ["uniform", "uneven", "log 2"])
def test_gradients_of_every_strategy(grouping: str) -> None:
    layer = on_cuda(layer_of(GROUPINGS[grouping], kernel_size=3, padding=1, stride=2))
    x = pictures(layer).requires_grad_()
    wanted = [x, *layer.parameters()]
    for strategy in offered(layer, x):
        run = strategy.prepare(layer)
        given = torch.randn_like(run(x))
        plain = torch.autograd.grad(layer._plain(x), wanted, given)
        for mine, theirs in zip(torch.autograd.grad(run(x), wanted, given), plain, strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4 * float(theirs.abs().max()))


@pytest.mark.parametrize("grouping", ["uniform", "log 2", "uneven"])
def test_changed_weights_are_followed(grouping: str) -> None:
    layer = on_cuda(layer_of(GROUPINGS[grouping], kernel_size=3, padding=1))
    x = pictures(layer)
    with torch.no_grad():
        runs = {s.name: s.prepare(layer) for s in offered(layer, x) if s.kernel in KERNELS}
    cpu = copy.deepcopy(layer).cpu()
    for at, (what, _) in enumerate(changes(cpu)):
        with torch.no_grad():
            for run in runs.values():
                run(x)
        changes(cpu)[at][1]()  # type: ignore[operator]
        with torch.no_grad():
            for mine, theirs in zip(layer.parameters(), cpu.parameters(), strict=True):
                if what == "new .data":
                    mine.data = theirs.data.cuda()
                else:
                    mine.data.copy_(theirs)  # past the version counters: the hardest way
            expected = layer._plain(x).double().cpu()
            for name, run in runs.items():
                assert off(run(x), expected) <= 1e-5, (name, what)


@pytest.mark.parametrize("kernel", KERNELS)
def test_answers_outlive_later_calls_and_inputs_may_go(kernel: str) -> None:
    """While the device is kept busy, so that a missing wait would show."""
    layer = on_cuda(layer_of(LOG, kernel_size=3, padding=1))
    with torch.no_grad():
        run = only(layer, pictures(layer, 30), kernel).prepare(layer)
        inputs = [pictures(layer, 30) for _ in range(12)]
        expected = [layer._plain(x).double().cpu() for x in inputs]
        answers = []
        busy = torch.randn(4096, 4096, device="cuda")
        for x in inputs:
            busy = busy @ busy
            answers.append(run(x.clone() * 2 / 2))  # made just now, freed at once
            torch.randn(x.shape, device="cuda")  # takes freed memory and writes over it
        for answer, theirs in zip(answers, expected, strict=True):
            assert off(answer, theirs) <= 1e-5


@pytest.mark.parametrize("kernel", KERNELS)
def test_other_streams_and_graphs_of_the_caller(kernel: str) -> None:
    layer = on_cuda(layer_of(LOG, kernel_size=3, padding=1))
    x = pictures(layer, 20)
    with torch.no_grad():
        expected = layer._plain(x).double().cpu()
        run = only(layer, x, kernel).prepare(layer)
        run(x)
        for _ in range(3):
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                answer = run(x)
            torch.cuda.current_stream().wait_stream(stream)
            assert off(answer, expected) <= 1e-5
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            answer = run(x)
        x.mul_(3)
        graph.replay()
        assert off(answer, layer._plain(x).double().cpu()) <= 1e-5


def test_graphs_keep_a_few_shapes_and_follow_settings() -> None:
    layer = on_cuda(layer_of(LOG, kernel_size=3, padding=1))
    with torch.no_grad():
        run = only(layer, pictures(layer), "graph").prepare(layer)
        for side, _ in itertools.product(range(5, 12), range(2)):
            x = pictures(layer, side)
            assert off(run(x), layer._plain(x).double().cpu()) <= 1e-5
        assert len(run._kept) == 4
        before = next(reversed(run._kept))
        torch.backends.cudnn.allow_tf32 = True
        run(x)
        assert next(reversed(run._kept)) != before


def test_what_cannot_be_recorded_runs_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    layer = on_cuda(layer_of(LOG, kernel_size=3, padding=1))

    def asks(x: Tensor) -> Tensor:
        assert x.sum().item() != 0  # waits for the device: not allowed while recording
        return layer._plain(x)

    x = pictures(layer)
    run = Graphs(layer, asks)
    with torch.no_grad(), caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert off(run(x), layer._plain(x).double().cpu()) <= 1e-5
    assert [record.getMessage()[:31] for record in caplog.records] == ["no CUDA graph of this layer, it"]


def test_a_layer_chooses_and_stays_right() -> None:
    forget()
    layer = on_cuda(GroupedConv2d(256, 256, 3, Grouping.logarithmic(256, 256, 4), padding=1))
    for side, batch in ((14, 1), (28, 8)):
        x = pictures(layer, side, batch)
        with torch.no_grad():
            decision = decide(layer, x)
            assert decision.strategy in {strategy.name for strategy in offered(layer, x)}
            assert off(layer(x), on_cuda(layer, torch.float64)._plain(x.double()).cpu()) <= 1e-5
        layer(x.requires_grad_()).sum().backward()
        assert x.grad is not None
    forget()
