"""Every way to run a grouped layer is the layer: against plain loops, gradients, NaN and Inf, changed weights."""

import copy
import itertools
import pickle
import random

import pytest
import torch
from torch import Tensor, nn

from compute import Grouping
from compute.layers import GroupedConv2d
from compute.strategies import (
    Case,
    Columns,
    Strategy,
    allocator,
    decide,
    decisions,
    forget,
    load,
    plans,
    remember,
    save,
    strategies,
)
from compute.strategies.tuner import Decision, Race
from tests.compute.oracle import grouped_conv2d

pytestmark = pytest.mark.usefixtures("one_thread")

GROUPINGS = {
    "standard": Grouping.standard(12, 8),
    "uniform": Grouping.uniform(16, 32, 4),
    "narrow": Grouping.uniform(64, 64, 32),
    "depthwise": Grouping.depthwise(8, 16),
    "log 2": Grouping.logarithmic(64, 64, 4),
    "log 2, deep": Grouping.logarithmic(32, 64, 6),
    "log 3": Grouping.logarithmic(27, 27, 3, 3),
    "uneven": Grouping.custom([(3, 5), (7, 2), (2, 9)]),
    "widest last": Grouping.custom([(4, 4), (4, 4), (8, 8), (16, 16)]),
    "widest in the middle": Grouping.custom([(2, 3), (10, 12), (1, 1), (3, 4)]),
    "one channel": Grouping.custom([(1, 1)]),
}
SHAPES = {
    "3x3": {"kernel_size": 3, "padding": 1},
    "1x1": {"kernel_size": 1},
    "strided": {"kernel_size": (3, 2), "stride": (2, 1), "padding": (0, 1), "bias": False},
    "dilated": {"kernel_size": 3, "dilation": 2, "padding": "same"},
    "even, same": {"kernel_size": 2, "padding": "same"},
}


def layer_of(grouping: Grouping, dtype: torch.dtype = torch.float32, **shape: object) -> GroupedConv2d:
    torch.manual_seed(len(grouping.sizes))
    return GroupedConv2d(grouping.in_channels, grouping.out_channels, grouping=grouping, dtype=dtype, **shape)


def input_of(layer: GroupedConv2d, batch: int = 1, side: int = 7, channels_last: bool = False) -> Tensor:
    x = torch.randn(batch, layer.in_channels, side, side + 2, dtype=next(layer.parameters()).dtype)
    return x.contiguous(memory_format=torch.channels_last) if channels_last else x


def offered(layer: GroupedConv2d, x: Tensor) -> list[Strategy]:
    return strategies(layer, Case.of(layer, x))


def looped(layer: GroupedConv2d, x: Tensor) -> Tensor:
    """By the loop-only oracle, image by image, in double precision."""
    padding = layer.padding
    if isinstance(padding, str):  # 'same': what PyTorch's documentation says of it, with the odd zero behind
        whole = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        before = [w // 2 for w in whole]
        x = nn.functional.pad(x, (before[1], whole[1] - before[1], before[0], whole[0] - before[0]))
        padding = (0, 0)
    filters = [w.detach().double().numpy() for w in layer.filters()]
    bias = None if layer.bias is None else layer.bias.detach().double().numpy()
    images = [grouped_conv2d(i.double().numpy(), filters, bias, layer.stride, padding, layer.dilation)[0] for i in x]
    return torch.stack([torch.from_numpy(image) for image in images])


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("grouping", GROUPINGS)
def test_every_strategy_is_the_loop(grouping: str, shape: str) -> None:
    """fp64 within 1e-10, fp32 within 1e-5 of the largest value, in both memory formats."""
    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        layer = layer_of(GROUPINGS[grouping], dtype, **SHAPES[shape])
        x = input_of(layer, batch=2, side=6 if GROUPINGS[grouping].in_channels > 32 else 7)
        with torch.no_grad():
            expected = looped(layer, x)
            for given in (x, x.contiguous(memory_format=torch.channels_last)):
                for strategy in offered(layer, given):
                    answer = strategy.prepare(layer)(given)
                    assert answer.shape == expected.shape, strategy.name
                    off = (answer - expected).abs().max() / expected.abs().max()
                    assert off <= tolerance, (strategy.name, dtype, float(off))
                    format_ = torch.contiguous_format if given.is_contiguous() else torch.channels_last
                    assert answer.is_contiguous(memory_format=format_), strategy.name


def test_random_splits_tile_without_a_gap() -> None:
    """200 random splits: each plan's calls cover each channel once, and hold every group inside one block."""
    rng = random.Random(5)
    for _ in range(200):
        count = rng.randint(1, 9)
        grouping = Grouping.custom([(rng.choice((1, 2, 4, 8, 5)), rng.choice((1, 2, 4, 8, 3))) for _ in range(count)])
        for plan in plans(grouping):
            assert [c.first for c in plan.calls] == [0, *(c.last for c in plan.calls[:-1])], plan
            assert plan.calls[-1].last == count
            covered_in = [i for c in plan.calls for i in range(c.in_start, c.in_start + c.in_channels)]
            covered_out = [i for c in plan.calls for i in range(c.out_start, c.out_start + c.out_channels)]
            assert covered_in == list(range(grouping.in_channels)), plan
            assert covered_out == list(range(grouping.out_channels)), plan
            for call in plan.calls:
                a, b = call.block
                assert (a * call.groups, b * call.groups) == (call.in_channels, call.out_channels)
                for span in grouping.spans[call.first : call.last]:
                    ends = (span.in_start, span.in_start + span.in_channels - 1)
                    outs = (span.out_start, span.out_start + span.out_channels - 1)
                    blocks = {(i - call.in_start) // a for i in ends} | {(o - call.out_start) // b for o in outs}
                    assert len(blocks) == 1, (plan, span)


def test_the_plans_of_the_logarithmic_split() -> None:
    found = {plan.name: plan for plan in plans(Grouping.logarithmic(64, 64, 4))}
    assert set(found) == {"runs", "loop", "widest+rest", "half-blocks", "dense"}
    assert [(c.groups, c.block) for c in found["widest+rest"].calls] == [(1, (32, 32)), (2, (16, 16))]
    assert found["widest+rest"].connections == 0.375 * 64 * 64
    assert found["half-blocks"].connections == 0.5 * 64 * 64
    assert not found["runs"].padded
    assert found["widest+rest"].padded


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("grouping", ["log 2", "narrow", "widest last", "widest in the middle"])
def test_what_is_not_finite_stays_in_its_group(grouping: str, value: float) -> None:
    """In each group's input in turn, and in its weights: no other group's output ever shows it."""
    split = GROUPINGS[grouping]
    layer = layer_of(split, kernel_size=3, padding=1)
    with torch.no_grad():
        for at, span in enumerate(split.spans[:6]):
            x = input_of(layer, side=6)
            x[0, span.in_start, 2, 3] = value
            own = slice(span.out_start, span.out_start + span.out_channels)
            for strategy in offered(layer, x):
                answer = strategy.prepare(layer)(x)
                finite = torch.isfinite(answer[0]).all(dim=2).all(dim=1)
                assert not finite[own].any(), strategy.name
                finite[own] = True
                assert finite.all(), (strategy.name, at)
        spoilt = copy.deepcopy(layer)
        spoilt.filters()[0][0, 0, 1, 1] = value
        x = input_of(layer, side=6)
        expected = torch.isfinite(spoilt._plain(x))
        for strategy in offered(spoilt, x):
            assert torch.equal(torch.isfinite(strategy.prepare(spoilt)(x)), expected), strategy.name


@pytest.mark.parametrize("grouping", ["uniform", "uneven", "log 3"])
def test_gradients_of_every_strategy(grouping: str) -> None:
    layer = layer_of(GROUPINGS[grouping], torch.float64, kernel_size=2, padding=1, stride=2)
    x = input_of(layer, side=3).requires_grad_()
    names = [strategy.name for strategy in offered(layer, x)]
    assert not any("prepacked" in name or "blocks" in name for name in names), "they would drop gradients"
    parameters = list(layer.parameters())
    for strategy in offered(layer, x):
        run = strategy.prepare(layer)
        assert torch.autograd.gradcheck(lambda x, *_, run=run: run(x), (x, *parameters)), strategy.name
        given = torch.randn_like(run(x))
        mine = torch.autograd.grad(run(x), [x, *parameters], given)
        plain = torch.autograd.grad(layer._plain(x), [x, *parameters], given)
        for a, b in zip(mine, plain, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def changes(layer: GroupedConv2d) -> list[tuple[str, object]]:
    def step() -> None:
        optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
        layer._plain(torch.ones(1, layer.in_channels, 4, 4)).sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    def filled() -> None:
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter[..., :1].fill_(0.25)

    other = layer_of(layer.grouping, kernel_size=3, padding=1)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(-2)
    return [
        ("an optimizer's step", step),
        ("load_state_dict", lambda: layer.load_state_dict(other.state_dict())),
        ("fill_ without gradients", filled),
        ("scaled through .data", lambda: [p.data.mul_(3) for p in layer.parameters()]),
        ("new .data", lambda: [setattr(p, "data", p.data + 1) for p in layer.parameters()]),
    ]


@pytest.mark.parametrize("grouping", ["uniform", "log 2", "uneven"])
def test_changed_weights_are_followed(grouping: str) -> None:
    layer = layer_of(GROUPINGS[grouping], kernel_size=3, padding=1)
    x = input_of(layer)
    with torch.no_grad():
        runs = {strategy.name: strategy.prepare(layer) for strategy in offered(layer, x)}
    for what, change in changes(layer):
        with torch.no_grad():
            before = {name: run(x) for name, run in runs.items()}
        change()  # type: ignore[operator]
        with torch.no_grad():
            expected = layer._plain(x)
            for name, run in runs.items():
                assert not torch.allclose(before[name], expected), what
                off = (run(x) - expected).abs().max() / expected.abs().max()
                assert off <= 1e-5, (name, what, float(off))


def test_single_elements_written_past_the_counters_need_repack() -> None:
    layer = layer_of(Grouping.logarithmic(64, 64, 4), kernel_size=3, padding=1)
    layer.strategy = "widest+rest"
    x = input_of(layer, side=12)
    with torch.no_grad():
        layer(x)
        layer.weights[0].data[3, 2, 1, 1] = 50.0
        layer.repack()
        torch.testing.assert_close(layer(x), layer._plain(x))


@pytest.mark.parametrize("name", ["plain", "loop", "widest+rest", "half-blocks·channels_last", "no such strategy"])
def test_a_pinned_strategy_runs_where_it_can(name: str) -> None:
    grouping = Grouping.logarithmic(64, 64, 4)
    layer = GroupedConv2d(64, 64, 3, grouping, padding=1, strategy=name)
    x = input_of(layer, side=9)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), layer._plain(x))
    layer(x).sum().backward()  # training: what is no strategy for gradients is replaced
    assert all(p.grad is not None for p in layer.parameters())


def test_a_layer_survives_copies_pickles_and_conversions() -> None:
    layer = GroupedConv2d(64, 64, 3, Grouping.logarithmic(64, 64, 4), padding=1, strategy="widest+rest")
    x = input_of(layer, side=9)
    with torch.no_grad():
        expected = layer(x)
        for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
            for parameter in layer.parameters():
                parameter.mul_(2)  # the twin has weights of its own
            torch.testing.assert_close(twin(x), expected)
            for parameter in layer.parameters():
                parameter.div_(2)
        double = copy.deepcopy(layer).double()
        torch.testing.assert_close(double(x.double()).float(), expected)
        layer.half().float()
        torch.testing.assert_close(layer(x), expected, rtol=1e-2, atol=1e-2)
    assert set(layer.state_dict()) == {"bias", *(f"weights.{i}" for i in range(4))}


def test_whoever_looks_into_a_forward_sees_plain_torch() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    layer = GroupedConv2d(64, 64, 3, Grouping.logarithmic(64, 64, 4), padding=1, strategy="dense")
    x = input_of(layer, side=9)
    with torch.no_grad():
        counter = FlopCounterMode(display=False)
        with counter:
            layer(x)
        assert counter.get_total_flops() == 2 * 9 * layer.grouping.connections * 9 * 11
        exported = torch.export.export(layer, (x,))
        assert "conv2d" in str(exported.graph)
        torch.testing.assert_close(exported.module()(x), layer(x))
        batched = torch.vmap(layer)(torch.stack([x, 2 * x]))
        torch.testing.assert_close(batched[0], layer(x))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert layer(x).dtype == torch.bfloat16


def test_columns_are_the_layers_one_after_another() -> None:
    split = Grouping.logarithmic(32, 32, 4)
    modules = [m for _ in range(3) for m in (layer_of(split, torch.float64, kernel_size=3, padding=1), nn.ReLU())]
    x = torch.randn(2, 32, 6, 7, dtype=torch.float64, requires_grad=True)
    whole, apart = nn.Sequential(*modules), Columns(modules)
    torch.testing.assert_close(apart(x), whole(x), rtol=1e-12, atol=1e-12)
    assert [tuple(part.shape) for part in apart.columns(x)] == [(2, b, 6, 7) for _, b in split.sizes]
    given = torch.randn(2, 32, 6, 7, dtype=torch.float64)
    for a, b in zip(torch.autograd.grad(apart(x), [x], given), torch.autograd.grad(whole(x), [x], given), strict=True):
        torch.testing.assert_close(a, b)
    with pytest.raises(ValueError, match="what the same group of the layer before made"):
        Columns([layer_of(split, kernel_size=1), layer_of(Grouping.uniform(32, 32, 4), kernel_size=1)])


def work(seconds: float) -> object:
    """Real work of about that long, by the number of its steps."""
    return lambda: sum(range(round(seconds * 2e7)))


def test_the_race_takes_what_is_clearly_faster_and_nothing_else() -> None:
    """Three times the work always loses; the same work again never makes anything switch."""
    device = torch.device("cpu")
    race = Race({"default": work(0.003), "slower": work(0.009), "faster": work(0.001)}, "default", device)
    list(race.blocks())
    decision = race.decision()
    assert decision.strategy in (("faster",) if decision.settled else ("default",))
    assert len(decision.samples["faster"]) >= 5
    for _ in range(5):
        race = Race({"default": work(0.002), "twin": work(0.002)}, "default", device)
        list(race.blocks())
        decision = race.decision()
        assert decision.strategy == "default" or decision.gain > 1.05, decision.reason


def test_decisions_are_remembered_listed_pinned_and_saved(tmp_path: object) -> None:
    forget()
    layer = layer_of(Grouping.logarithmic(64, 64, 4), kernel_size=3, padding=1)
    small, large = input_of(layer, side=1), input_of(layer, side=20)
    with torch.no_grad():
        assert decide(layer, small).reason == "too small to tune"
        assert decisions() == []
        decision = decide(layer, large)
        assert decision.strategy in {strategy.name for strategy in offered(layer, large)}
        case = Case.of(layer, large)
        remember(case, decision)  # a busy machine may have left it open
        assert decide(layer, large) is decision
        assert layer.decision(large) is decision
        file = tmp_path / "decisions.json"  # type: ignore[operator]
        save(file)
        forget()
        assert load(file) == 1
        assert decisions() == [(case, decision)]
        remember(case, Decision("loop", "runs", 1.2, "pinned by a test"))
        torch.testing.assert_close(layer(large), layer._plain(large))
    forget()


def test_a_case_tells_what_changes_the_answer_to_which_is_fastest() -> None:
    layer = layer_of(Grouping.logarithmic(64, 64, 4), kernel_size=3, padding=1)
    x = input_of(layer)
    cases = []
    with torch.no_grad():
        cases.append(Case.of(layer, x))
        cases.append(Case.of(layer, input_of(layer, batch=2)))
        cases.append(Case.of(layer, x.contiguous(memory_format=torch.channels_last)))
        cases.append(Case.of(layer.double(), x.double()))
        layer.float()
        before = allocator()
        allocator("kept")
        cases.append(Case.of(layer, x))
        allocator(before)
        torch.set_num_threads(2)
        cases.append(Case.of(layer, x))
        torch.set_num_threads(1)
    cases.append(Case.of(layer, x))  # with gradients
    assert all(a != b for a, b in itertools.combinations(cases, 2))
