"""Where a choice of strategy could go wrong: weights that are not parameters, other threads, a busy machine, old
decisions, long layers, and zeros between groups that nobody looks at."""

import itertools
import multiprocessing
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.utils import parametrize, prune

from compute import Grouping
from compute.layers import KEPT_RUNS, GroupedConv2d
from compute.strategies import Case, Decision, Strategy, decide, decisions, forget, plans, remember, strategies
from compute.strategies.kept import Kept, guards
from compute.strategies.plan import loop
from compute.strategies.tuner import MOST_SHAPES, Race

pytestmark = pytest.mark.usefixtures("one_thread")

LOG = Grouping.logarithmic(64, 64, 4)


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    forget()
    yield
    forget()


def layer_of(grouping: Grouping = LOG, strategy: str = "auto", **options: object) -> GroupedConv2d:
    torch.manual_seed(7)
    shape = {"kernel_size": 3, "padding": 1} | options
    return GroupedConv2d(grouping.in_channels, grouping.out_channels, grouping=grouping, strategy=strategy, **shape)


def by_groups(layer: GroupedConv2d, x: Tensor) -> Tensor:
    """A convolution a group and cat, from the filters as they are."""
    outputs = []
    for span, weight in zip(layer.grouping.spans, layer.filters(), strict=True):
        bias = None if layer.bias is None else layer.bias[span.out_start : span.out_start + span.out_channels]
        part = x[:, span.in_start : span.in_start + span.in_channels]
        outputs.append(nn.functional.conv2d(part, weight, bias, layer.stride, layer.padding, layer.dilation))
    return torch.cat(outputs, 1)


def offered(layer: GroupedConv2d, x: Tensor) -> dict[str, Strategy]:
    return {strategy.name: strategy for strategy in strategies(layer, Case.of(layer, x))}


def test_every_block_with_zeros_is_looked_at_from_outside_each_of_its_groups() -> None:
    """An Inf in one group shows in the others' channels of its block: at least one of them must be guarded."""
    rng = random.Random(11)
    splits = [LOG, Grouping.uniform(64, 64, 32), Grouping.depthwise(48, 96), Grouping.uniform(96, 96, 24)]
    widths = [[rng.choice((1, 2, 4, 8)) for _ in range(rng.randint(2, 12))] for _ in range(150)]
    splits += [Grouping.custom([(width, width) for width in each]) for each in widths]
    seen = 0
    for split, plan in [(each, plan) for each in splits for plan in plans(each)]:
        watched = {c for piece in guards(plan, split.spans) for c in range(split.out_channels)[piece]}
        assert bool(watched) == plan.padded
        for call in plan.calls:
            _, b = call.block
            for block in range(call.groups if call.padded else 0):
                start = call.out_start + block * b
                inside = [s for s in split.spans[call.first : call.last] if start <= s.out_start < start + b]
                for mine in inside if len(inside) > 1 else ():
                    others = {s.out_start + i for s in inside if s is not mine for i in range(s.out_channels)}
                    assert others & watched, (plan, mine)
                    seen += 1
    assert seen > 500


@pytest.mark.parametrize("grouping", [LOG, Grouping.uniform(24, 48, 6), Grouping.custom([(3, 5), (7, 2), (2, 9)])])
@pytest.mark.parametrize("bias", [True, False])
def test_products_are_the_layer_in_both_memory_formats(grouping: Grouping, bias: bool) -> None:
    layer = layer_of(grouping, kernel_size=1, padding=0, bias=bias)
    with torch.no_grad():
        for batch, format_ in itertools.product((1, 3), (torch.contiguous_format, torch.channels_last)):
            x = torch.randn(batch, grouping.in_channels, 5, 4).contiguous(memory_format=format_)
            products = [s for s in offered(layer, x).values() if s.kernel == "matmul"]
            assert len(products) == len(plans(grouping))
            for strategy in products:
                answer = strategy.prepare(layer)(x)
                assert answer.is_contiguous(memory_format=format_)
                torch.testing.assert_close(answer, by_groups(layer, x), rtol=1e-5, atol=1e-5)


def test_overflowing_sums_and_half_precision_stay_right() -> None:
    """The guard adds up values: sums beyond the type's range must cost time at most."""
    layer = layer_of(strategy="half-blocks")
    x = torch.full((1, 64, 9, 9), 3e37)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), by_groups(layer, x), rtol=1e-4, atol=1e33)
        layer, x = layer.half(), torch.full((1, 64, 9, 9), 3e3, dtype=torch.half)
        torch.testing.assert_close(layer(x), by_groups(layer, x), rtol=1e-2, atol=4)


class Doubled(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return 2 * weight


def test_weights_that_are_computed_are_followed() -> None:
    grouping, x = Grouping.uniform(64, 64, 16), torch.randn(1, 64, 12, 12)
    with torch.no_grad():
        for name, bias in itertools.product(("native·channels_last·prepacked", "supergroups-16"), (True, False)):
            layer = layer_of(grouping, name, bias=bias)
            assert isinstance(layer._chosen(x), Kept)
            before = layer(x)
            prune.custom_from_mask(layer, "weight", torch.zeros_like(layer.weight))
            assert torch.equal(layer(x), by_groups(layer, x))
            assert not torch.equal(layer(x), before)
            layer = layer_of(grouping, name, bias=bias)
            assert torch.allclose(layer(x), before)
            parametrize.register_parametrization(layer, "weight", Doubled())
            torch.testing.assert_close(layer(x), by_groups(layer, x))
            assert not torch.allclose(layer(x), before)


def test_weights_given_for_one_call_are_used_in_it() -> None:
    layer, x = layer_of(strategy="widest+rest"), torch.randn(1, 64, 9, 9)
    with torch.no_grad():
        before = layer(x)
        for factor in (2.0, 3.0, 4.0):  # as torch.func does; addresses of freed tensors come back
            given = {name: factor * p for name, p in layer.named_parameters()}
            torch.testing.assert_close(torch.func.functional_call(layer, given, (x,)), factor * before)
        torch.testing.assert_close(layer(x), before)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # by torch, at its first derivative forward
def test_derivatives_forward_go_through() -> None:
    layer = layer_of(strategy="half-blocks·channels_last·prepacked")
    x, given = torch.randn(1, 64, 7, 7), torch.randn(1, 64, 7, 7)
    with torch.no_grad():
        layer(x)
        with forward_ad.dual_level():
            answer = forward_ad.unpack_dual(layer(forward_ad.make_dual(x, given)))
            assert answer.tangent is not None
            layer.bias = None
            torch.testing.assert_close(answer.tangent, by_groups(layer, given), rtol=1e-4, atol=1e-5)


def test_weights_of_inference_mode_have_no_version_and_are_not_kept() -> None:
    with torch.inference_mode():
        layer = layer_of()
    x = torch.randn(1, 64, 12, 12)
    with torch.no_grad():
        assert not any(isinstance(s.prepare(layer), Kept) for s in offered(layer, x).values())
        before = layer(x)
    with torch.inference_mode():
        layer.weights[0].mul_(2)
        torch.testing.assert_close(layer(x), by_groups(layer, x))
        assert not torch.allclose(layer(x), before)


def test_other_threads_see_whole_answers_only() -> None:
    """Eight threads over more shapes than are kept, while the weights are replaced by equal ones."""
    layer = layer_of(strategy="widest+rest")
    inputs = [torch.randn(1, 64, 4 + side, 5) for side in range(KEPT_RUNS + 2)]
    with torch.no_grad():
        expected = [by_groups(layer, x) for x in inputs]
    failures: list[object] = []

    def run(seed: int) -> None:
        rng = random.Random(seed)
        with torch.no_grad():
            for _ in range(40):
                at = rng.randrange(len(inputs))
                try:
                    answer = layer(inputs[at])
                    if not torch.allclose(answer, expected[at], rtol=1e-4, atol=1e-5):
                        failures.append(answer - expected[at])
                    if seed == 0:
                        layer.weights[1].mul_(1)  # a new version
                    if seed == 1:
                        layer.repack()
                except Exception as error:  # noqa: BLE001  # a thread cannot raise
                    failures.append(error)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(layer._runs) <= KEPT_RUNS + len(threads)


def test_a_layer_asks_anew_when_decisions_or_conditions_change() -> None:
    layer, x = layer_of(), torch.randn(1, 64, 8, 8)
    with torch.no_grad():
        layer(x)
        case = Case.of(layer, x)
        for name, kept in (("half-blocks", True), ("runs", False)):
            remember(case, Decision(name, "runs", 1.0, "as a test wants it"))
            assert isinstance(layer._chosen(x), Kept) is kept
            assert layer.decision(x).strategy == name
        torch.set_num_threads(2)
        remember(Case.of(layer, x), Decision("dense", "runs", 1.0, "for two threads"))
        assert isinstance(layer._chosen(x), Kept)
        torch.set_num_threads(1)
        assert layer._chosen(x) is None
    assert {decision.strategy for _, decision in decisions()} == {"runs", "dense"}


def test_past_many_shapes_the_nearest_ones_choice_is_taken_over() -> None:
    layer = layer_of()
    with torch.no_grad():
        for side in range(20, 20 + MOST_SHAPES):
            name = "half-blocks" if side < 28 else "widest+rest"
            remember(Case.of(layer, torch.empty(1, 64, side, side)), Decision(name, "runs", 2.0, "measured"))
        small, large = torch.randn(1, 64, 19, 19), torch.randn(2, 64, 40, 40)
        assert decide(layer, small).strategy == "half-blocks"
        assert decide(layer, large).strategy == "widest+rest"
        assert decide(layer, small).reason.startswith("as for 1 x 20 x 20: ")
        assert len(decisions()) == MOST_SHAPES
        torch.testing.assert_close(layer(small), by_groups(layer, small), rtol=1e-4, atol=1e-5)


def test_tuning_for_training_leaves_the_layer_as_it_was() -> None:
    layer, x = layer_of(), torch.randn(1, 64, 14, 14)
    calls: list[object] = []
    layer.register_forward_hook(lambda *_: calls.append(0))
    layer.weights[0].register_hook(lambda grad: calls.append(grad))
    before, state = [p.detach().clone() for p in layer.parameters()], torch.get_rng_state()
    decision = layer.decision(x)
    assert decision.strategy in offered(layer, x)
    assert calls == []
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None and torch.equal(p, b) for p, b in zip(layer.parameters(), before, strict=True))


def test_long_layers_try_other_plans_only_as_the_fastest_kind_ran() -> None:
    """Sleeping stands for work that takes 0.11 s, or 0.02 s in channels_last."""
    layer, x = layer_of(), torch.randn(1, 64, 8, 8)
    with torch.no_grad():
        options = offered(layer, x)
    runs: Counter[str] = Counter()

    def work(name: str) -> Callable[[], None]:
        def run() -> None:
            runs[name] += 1
            time.sleep(0.02 if "channels_last" in name else 0.11)

        return run

    race = Race({name: work(name) for name in options}, "runs", x.device, options)
    list(race.blocks())
    decision = race.decision()
    assert decision.strategy != "runs"
    assert "channels_last" in decision.strategy
    others = {options[name].plan.name for name in runs if options[name].memory_format != "channels_last"}
    assert others == {"runs", "loop"}  # of all other plans the loop alone, which anyone would write
    kinds = {options[name].kernel for name in runs if options[name].plan.name not in ("runs", "loop")}
    assert len(kinds) == 1
    assert runs["runs"] <= 2 + 2 * 11


def burn(until: float) -> None:
    while time.monotonic() < until:
        sum(range(10000))


def test_on_a_busy_machine_a_choice_is_legal_and_the_answer_right() -> None:
    """Three processes burn two cores or more: it may refuse, or find what is truly faster; it never breaks."""
    layer, x = layer_of(), torch.randn(1, 64, 20, 20)
    context = multiprocessing.get_context("spawn")
    burners = [context.Process(target=burn, args=(time.monotonic() + 20,), daemon=True) for _ in range(3)]
    for burner in burners:
        burner.start()
    try:
        with torch.no_grad():
            for _ in range(4):
                decision = decide(layer, x)
                assert decision.strategy in offered(layer, x)
                assert decision.settled or decision.strategy == decision.default == "runs"
                assert decision.strategy == "runs" or decision.gain > 1.05
                torch.testing.assert_close(layer(x), by_groups(layer, x), rtol=1e-4, atol=1e-5)
    finally:
        for burner in burners:
            burner.terminate()
            burner.join()


def test_a_slow_strategy_is_never_chosen_and_a_twin_never_switches() -> None:
    """Beside the layer itself: the same five times over, and the same again."""
    layer, x = layer_of(), torch.randn(1, 64, 24, 24)
    plain = Strategy(loop(LOG)).prepare(layer)

    def slow() -> None:
        for _ in range(5):
            plain(x)

    with torch.no_grad():
        for _ in range(3):
            race = Race({"loop": lambda: plain(x), "slow": slow, "twin": lambda: plain(x)}, "loop", x.device)
            list(race.blocks())
            decision = race.decision()
            assert decision.strategy != "slow"
            assert decision.strategy == "loop" or decision.gain > 1.05
