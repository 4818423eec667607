"""Chooses the fastest exact strategy by measuring, once for each case, as cuDNN's benchmark mode does."""

import copy
import dataclasses
import json
import math
import statistics
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from compute.strategies import clock
from compute.strategies.case import Case
from compute.strategies.strategy import Run, strategies

if TYPE_CHECKING:
    from compute.layers import GroupedConv2d

LEAST_GAIN = 1.05  # a strategy that wins by less is not worth another rounding of the numbers
OFF = 0.05  # the default against itself: further off than this, the machine is busy with something else
LEAST_MACS = 50_000  # of a whole batch: below it there is nothing to gain
FIRST_CUT, SECOND_CUT = 1.8, 1.15  # times the fastest so far: what is slower leaves the race
LEAST_ROUNDS, CUT_AFTER, MOST_ROUNDS = 5, 3, 11
BUDGET_SECONDS = 1.5
ATTEMPTS = 3  # on a busy machine


@dataclass(frozen=True)
class Decision:
    """strategy, default: names. gain: how many times faster than the default it was measured. samples: seconds of each
    strategy that was in the race, round by round; control: the default against itself. settled: it
    stands, and is not asked again."""

    strategy: str
    default: str
    gain: float
    reason: str
    samples: Mapping[str, list[float]] = field(default_factory=dict)
    control: float = 1.0
    settled: bool = True


_lock = threading.Lock()
_known: dict[Case, Decision] = {}
_attempts: dict[Case, int] = {}


def decide(layer: "GroupedConv2d", x: Tensor) -> Decision:
    """What runs the layer on inputs like x (N, C_in, H, W): known, or measured now. On a busy machine, or while another
    thread measures, the default, and the question stays open."""
    case = Case.of(layer, x)
    known = _known.get(case)
    if known is not None:
        return known
    default = strategies(layer, case)[0].name
    if work_of(layer, x) < LEAST_MACS:
        return Decision(default, default, 1.0, "too small to tune")
    if not _lock.acquire(blocking=False):
        return Decision(default, default, 1.0, "another layer is being tuned", settled=False)
    try:
        decision = _measured(layer, x, case)
        _attempts[case] = _attempts.get(case, 0) + 1
        if _attempts[case] >= ATTEMPTS:
            decision = dataclasses.replace(decision, settled=True)
        if decision.settled:
            _known[case] = decision
        return decision
    finally:
        _lock.release()


def work_of(layer: "GroupedConv2d", x: Tensor) -> int:
    """MACs of the batch, at most: those of stride 1."""
    kernel = layer.kernel_size[0] * layer.kernel_size[1]
    return layer.grouping.connections * kernel * x.shape[0] * x.shape[2] * x.shape[3]


def decisions() -> list[tuple[Case, Decision]]:
    """Everything decided so far in this process."""
    return list(_known.items())


def remember(case: Case, decision: Decision) -> None:
    """Take over what was measured elsewhere: by a panel, on another day."""
    _known[case] = decision


def forget() -> None:
    _known.clear()
    _attempts.clear()


def save(path: str | Path) -> None:
    """All decisions as JSON. They hold for their own device, threads and torch only: safe to load anywhere."""
    entries = [{"case": dataclasses.asdict(c), "decision": dataclasses.asdict(d)} for c, d in decisions()]
    Path(path).write_text(json.dumps(entries, indent=1))


def load(path: str | Path) -> int:
    """Takes decisions over; returns how many."""
    entries = json.loads(Path(path).read_text())
    for entry in entries:
        case = {name: _tuples(value) for name, value in entry["case"].items()}
        _known[Case(**case)] = Decision(**entry["decision"])
    return len(entries)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _measured(layer: "GroupedConv2d", x: Tensor, case: Case) -> Decision:
    options = {strategy.name: strategy for strategy in strategies(layer, case)}
    default = next(iter(options))
    if len(options) == 1:
        return Decision(default, default, 1.0, "nothing else is exact here")
    model, inputs = layer, x
    if case.grad:  # copies: the layer's own gradients and hooks stay as they are
        model, inputs = copy.deepcopy(layer), x.detach().clone(memory_format=torch.preserve_format)
        inputs.requires_grad_(x.requires_grad)
    trials = {name: trial(option.prepare(model), model, inputs, case.grad) for name, option in options.items()}
    race = Race(trials, default, x.device)
    for _ in race.blocks():
        pass
    return race.decision()


def trial(run: Run, layer: torch.nn.Module, x: Tensor, grad: bool) -> Callable[[], object]:
    """One run as it is timed: forward, or forward and the gradients of weights and input, which are dropped."""
    if not grad:
        return lambda: run(x)
    wanted = [p for p in [*layer.parameters(), x] if p.requires_grad]

    def both() -> object:
        with torch.enable_grad():
            out = run(x)
            return torch.autograd.grad(out, wanted, torch.ones_like(out))

    return both


class Race:
    """Strategies run in turn, the default twice; the slow ones leave early."""

    def __init__(self, trials: Mapping[str, Callable[[], object]], default: str, device: torch.device) -> None:
        self._trials, self._default, self._device = dict(trials), default, device
        self._samples: dict[str, list[float]] = {name: [] for name in self._trials}
        self._again: list[float] = []
        self._repeats: dict[str, int] = {}
        self._spent = 0.0
        self._rounds = 0

    @property
    def over(self) -> bool:
        enough = self._rounds >= LEAST_ROUNDS and self._spent > BUDGET_SECONDS
        return self._rounds >= MOST_ROUNDS or enough or len(self._trials) == 1

    def blocks(self) -> Iterator[str]:
        """Runs to the end; yields after each timed block, so that others may have the device in between."""
        yield from self._start()
        while not self.over:
            yield from self._round()

    def _start(self) -> Iterator[str]:
        first: dict[str, float] = {}
        for name, trial in list(self._trials.items()):
            try:
                trial()
                first[name] = min(clock.seconds(trial, self._device) for _ in range(2))
                yield name
            except RuntimeError:  # no kernel for this type or shape, or no memory for it
                if name == self._default:
                    raise
                del self._trials[name], self._samples[name]
        self._cut(first, FIRST_CUT)
        self._repeats = {name: clock.repeats_for(first[name], clock.BLOCK_SECONDS / 4) for name in self._trials}

    def _round(self) -> Iterator[str]:
        names = list(self._trials)
        turn = self._rounds % len(names)
        for name in [*names[turn:], *names[:turn]]:
            self._samples[name].append(self._timed(name))
            yield name
        self._again.append(self._timed(self._default))
        yield self._default
        self._rounds += 1
        if self._rounds == CUT_AFTER:
            self._cut({name: statistics.median(self._samples[name]) for name in names}, SECOND_CUT)

    def _timed(self, name: str) -> float:
        trial = self._trials[name]
        trial()  # into the caches
        taken = clock.seconds(trial, self._device, self._repeats[name])
        self._spent += taken * (self._repeats[name] + 1)
        return taken

    def _cut(self, times: Mapping[str, float], limit: float) -> None:
        most = limit * min(times.values())
        for name in list(self._trials):
            if times[name] > most and name != self._default:
                del self._trials[name]

    def decision(self) -> Decision:
        """Settled unless the machine was too busy to tell."""
        if not self._again:
            return self._stay("nothing else came near")
        twice = list(zip(self._samples[self._default], self._again, strict=True))
        control = statistics.median(a / b for a, b in twice)
        if not 1 - OFF <= control <= 1 + OFF:
            off = f"the default against itself is off by {abs(control - 1):.0%}"
            return self._stay(f"the machine is too busy to tell: {off}", control, settled=False)
        default = [math.sqrt(a * b) for a, b in twice]
        for name in sorted(self._trials, key=lambda name: statistics.median(self._samples[name])):
            if name == self._default:
                break
            ratios = sorted(a / b for a, b in zip(default, self._samples[name], strict=True))
            gain = statistics.median(ratios)
            if gain > LEAST_GAIN and ratios[1] > 1:  # outside the spread: all rounds but one agree
                words = f"{gain:.2f} times as fast as {self._default}"
                return Decision(name, self._default, gain, words, self._samples, control)
        return self._stay("nothing else is faster beyond the spread", control)

    def _stay(self, reason: str, control: float = 1.0, settled: bool = True) -> Decision:
        return Decision(self._default, self._default, 1.0, reason, self._samples, control, settled)
