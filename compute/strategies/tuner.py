"""Chooses the fastest exact strategy by measuring, once for each case, as cuDNN's benchmark mode does."""

import copy
import dataclasses
import json
import math
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from compute.measure.statistics import interval
from compute.strategies import clock
from compute.strategies.case import Case
from compute.strategies.strategy import Run, Strategy, strategies

if TYPE_CHECKING:
    from compute.layers import GroupedConv2d

LEAST_GAIN = 1.05  # a strategy that wins by less is not worth another rounding of the numbers
OFF = 0.05  # the default against itself: further off than this, the machine is busy with something else
LEAST_MACS = 50_000  # of a whole batch: below it there is nothing to gain
FIRST_CUT, SECOND_CUT = 1.8, 1.15  # times the fastest so far: what is slower leaves the race
LEAST_ROUNDS, CUT_AFTER, MOST_ROUNDS = 6, 3, 11  # of fewer than 6 no interval is sure
MORE_ROUNDS = 4  # times as many, while the default is not like itself, or a gain not sure
CONFIDENCE = 0.95  # of the median gain's interval: of 11 rounds all but one must agree, of 44 two thirds
BUDGET_SECONDS = 1.5
SHORT_SECONDS = 0.001
LONG_SECONDS = 0.1  # a run that takes this needs no warm caches, and few rounds
LONG_CUT, LONG_ROUNDS = 1.1, 3
ATTEMPTS = 3  # on a busy machine
PAUSE = 10  # times what an attempt took: so long the next one waits
MOST_SHAPES = 16  # of inputs measured for one layer: beyond them the nearest shape's choice is taken over


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
_not_before: dict[Case, float] = {}
_changes = 0


def changes() -> int:
    """Grows whenever decisions are taken over or forgotten: who keeps one asks whether it still stands."""
    return _changes


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
    if time.monotonic() < _not_before.get(case, 0.0):
        return Decision(default, default, 1.0, "the machine was too busy to tell", settled=False)
    if not _lock.acquire(blocking=False):
        return Decision(default, default, 1.0, "another layer is being tuned", settled=False)
    try:
        near = _nearest(case)
        if near is not None:
            return near
        start = time.monotonic()
        decision = _measured(layer, x, case)
        _not_before[case] = time.monotonic() + PAUSE * (time.monotonic() - start)
        _attempts[case] = _attempts.get(case, 0) + 1
        if _attempts[case] >= ATTEMPTS:
            decision = dataclasses.replace(decision, settled=True)
        if decision.settled:
            _known[case] = decision
        return decision
    finally:
        _lock.release()


def _nearest(case: Case) -> Decision | None:
    """The choice for the shape nearest in size, once many shapes of the same layer were measured: inputs that never
    come twice would be measured for ever."""
    wanted = dataclasses.replace(case, batch=0, height=0, width=0)
    known = [(c, d) for c, d in _known.items() if dataclasses.replace(c, batch=0, height=0, width=0) == wanted]
    if len(known) < MOST_SHAPES:
        return None
    size = case.batch * case.height * case.width
    near, decision = min(known, key=lambda pair: abs(math.log(pair[0].batch * pair[0].height * pair[0].width / size)))
    words = f"as for {near.batch} x {near.height} x {near.width}: {MOST_SHAPES} shapes of this layer were measured"
    return dataclasses.replace(decision, reason=words, samples={})


def work_of(layer: "GroupedConv2d", x: Tensor) -> int:
    """MACs of the batch, at most: those of stride 1."""
    kernel = layer.kernel_size[0] * layer.kernel_size[1]
    return layer.grouping.connections * kernel * x.shape[0] * x.shape[2] * x.shape[3]


def decisions() -> list[tuple[Case, Decision]]:
    """Everything decided so far in this process."""
    return list(_known.items())


def remember(case: Case, decision: Decision) -> None:
    """Take over what was measured elsewhere: by a panel, on another day."""
    global _changes
    _known[case] = decision
    _changes += 1


def forget() -> None:
    global _changes
    for kept in (_known, _attempts, _not_before):
        kept.clear()
    _changes += 1


def save(path: str | Path) -> None:
    """All decisions as JSON. They hold for their own device, threads and torch only: safe to load anywhere."""
    entries = [{"case": dataclasses.asdict(c), "decision": dataclasses.asdict(d)} for c, d in decisions()]
    Path(path).write_text(json.dumps(entries, indent=1))


def load(path: str | Path) -> int:
    """Takes decisions over; returns how many."""
    entries = json.loads(Path(path).read_text())
    for entry in entries:
        case = {name: _tuples(value) for name, value in entry["case"].items()}
        remember(Case(**case), Decision(**entry["decision"]))
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
    race = Race(trials, default, x.device, options)
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

    def __init__(
        self,
        trials: Mapping[str, Callable[[], object]],
        default: str,
        device: torch.device,
        options: Mapping[str, Strategy] | None = None,
    ) -> None:
        self._trials, self._default, self._device = dict(trials), default, device
        self._options = options or {}
        self._samples: dict[str, list[float]] = {name: [] for name in self._trials}
        self._again: list[float] = []
        self._first: dict[str, float] = {}
        self._repeats: dict[str, int] = {}
        self._spent = 0.0
        self._rounds = 0

    @property
    def over(self) -> bool:
        enough = self._rounds >= (LONG_ROUNDS if self._long else LEAST_ROUNDS) and self._spent > BUDGET_SECONDS
        if len(self._trials) == 1 or enough:
            return True
        if self._rounds < MOST_ROUNDS:
            return False
        open_ = self._off or any(gain > LEAST_GAIN and not sure for gain, sure in map(self._gain, self._trials))
        return not open_ or self._rounds >= MORE_ROUNDS * MOST_ROUNDS

    @property
    def _control(self) -> float:
        return statistics.median(a / b for a, b in zip(self._samples[self._default], self._again, strict=True))

    @property
    def _off(self) -> bool:
        return abs(self._control - 1) > OFF

    def _gain(self, name: str) -> tuple[float, bool]:
        """Over the default, the median of the rounds; and whether that it is faster lies outside the spread."""
        twice = zip(self._samples[self._default], self._again, strict=True)
        found = [math.sqrt(a * b) / mine for (a, b), mine in zip(twice, self._samples[name], strict=True)]
        return statistics.median(found), interval(found, CONFIDENCE)[0] > 1

    @property
    def _long(self) -> bool:
        return self._first.get(self._default, 0.0) > LONG_SECONDS

    def blocks(self) -> Iterator[str]:
        """Runs to the end; yields after each timed block, so that others may have the device in between."""
        yield from self._start()
        while not self.over:
            yield from self._round()

    def _start(self) -> Iterator[str]:
        """Each once or twice; long ones first by the default's plan alone, other plans then only as its fastest ran,
        and the loop as the default ran: oneDNN may know a good kernel for one group and none for two."""
        yield from self._tried([self._default])
        others = [name for name in self._trials if name != self._default]
        if self._long and self._options:
            plan = self._options[self._default].plan
            yield from self._tried([name for name in others if self._options[name].plan == plan])
            best = min(self._first, key=self._first.__getitem__)
            others = [n for n in others if self._kind(n) == self._kind(best) or self._is_loop(n)]
        yield from self._tried([name for name in others if name not in self._first])
        self._trials = {name: trial for name, trial in self._trials.items() if name in self._first}
        self._cut(self._first, LONG_CUT if self._long else FIRST_CUT)
        block = clock.BLOCK_SECONDS / 4
        self._repeats = {name: clock.repeats_for(self._first[name], block) for name in self._trials}

    def _kind(self, name: str) -> tuple[str, str]:
        return self._options[name].memory_format, self._options[name].kernel

    def _is_loop(self, name: str) -> bool:
        return self._options[name].plan.name == "loop" and self._kind(name) == self._kind(self._default)

    def _tried(self, names: list[str]) -> Iterator[str]:
        for name in names:
            try:
                taken = self._once(name)  # packs, and warms
                if taken < 3 * min(self._first.values(), default=math.inf):
                    taken = min(taken, self._once(name))
                if taken < SHORT_SECONDS:
                    taken = min(taken, *(self._once(name) for _ in range(3)))
                self._first[name] = taken
                yield name
            except RuntimeError:  # no kernel for this type or shape, or no memory for it
                if name == self._default:
                    raise

    def _once(self, name: str) -> float:
        taken = clock.seconds(self._trials[name], self._device)
        self._spent += taken
        return taken

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
        if not self._long:
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
        control = self._control
        if self._off:
            off = f"the default against itself is off by {abs(control - 1):.0%}"
            return self._stay(f"the machine is too busy to tell: {off}", control, settled=False)
        for name in sorted(self._trials, key=lambda name: statistics.median(self._samples[name])):
            if name == self._default:
                break
            gain, sure = self._gain(name)
            if gain > LEAST_GAIN and sure:
                words = f"{gain:.2f} times as fast as {self._default}"
                return Decision(name, self._default, gain, words, self._samples, control)
        return self._stay("nothing else is faster beyond the spread", control)

    def _stay(self, reason: str, control: float = 1.0, settled: bool = True) -> Decision:
        return Decision(self._default, self._default, 1.0, reason, self._samples, control, settled)
