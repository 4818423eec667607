"""Everything runs once a round, in turning order, the reference twice: what it differs from itself by is the error of
the day, and a round in which that is large is run again."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from statistics import median

import torch

from compute.measurerun.quiet import Quiet
from compute.strategies import clock

Trial = Callable[[], object]
Step = tuple[str, int]
Steps = Generator[Step, bool, "Rounds"]

OFF = 0.05  # the reference against itself, in one round
MORE_ROUNDS = 2  # times as many rounds as asked for, at most, where the machine is busy
BLOCK_SECONDS = 0.005
MOST_UNCLEAN = 0.2  # of the rounds that count
MORE_BLOCKS = 2  # a block that other processes cut into is run again, so often


@dataclass
class Rounds:
    """samples: seconds of one pass, round by round, of each trial; again: of the reference's second run."""

    samples: dict[str, list[float]] = field(default_factory=dict)
    again: list[float] = field(default_factory=list)
    reference: str = ""
    discarded: int = 0
    unclean: int = 0  # rounds that count although they should not: there was no better one

    @property
    def trusted(self) -> bool:
        """The reference agrees with itself, and nearly all rounds were undisturbed: a control alone does not see what
        slows everything down."""
        return abs(self.control - 1) <= OFF and self.unclean <= MOST_UNCLEAN * len(self.again)

    @property
    def control(self) -> float:
        """The reference against itself."""
        return median(a / b for a, b in zip(self.samples[self.reference], self.again, strict=True))


def rotated(trials: Mapping[str, Trial], reference: str, device: torch.device, rounds: int) -> Steps:
    """Yields the name of the trial before each timed block and how many blocks are left, and is sent whether something
    else ran on the device meanwhile: then caches are cold, the block begins with one more untimed pass, and its round
    does not count."""
    found = Rounds({name: [] for name in trials}, reference=reference)
    names = [*trials, ""]  # "": the reference again
    run = {**trials, "": trials[reference]}
    repeats = {}
    for at, name in enumerate(names):
        yield name or reference, len(names) * (rounds + 1) - at
        run[name]()
        repeats[name] = clock.repeats_for(clock.seconds(run[name], device), BLOCK_SECONDS)
    repeats[""] = repeats[reference]
    quiet, turn = Quiet(), 0
    while len(found.again) < rounds:
        at = turn % len(names)
        turn += 1
        times: dict[str, float] = {}
        disturbed = False
        left = len(names) * (rounds - len(found.again))
        for name in [*names[at:], *names[:at]]:
            if (yield name or reference, left - len(times)):
                disturbed = True
                run[name]()
            times[name], waited = _timed(run[name], device, repeats[name], quiet)
            disturbed |= waited
        off = abs(times[reference] / times[""] - 1) > OFF
        if (off or disturbed) and found.discarded < MORE_ROUNDS * rounds:
            found.discarded += 1
            continue
        found.unclean += off or disturbed
        for name, samples in found.samples.items():
            samples.append(times[name])
        found.again.append(times[""])
    return found


def _timed(trial: Trial, device: torch.device, repeats: int, quiet: Quiet) -> tuple[float, bool]:
    """Seconds of one pass, and whether other processes cut into it each time."""
    for _ in range(1 + MORE_BLOCKS):
        trial()  # into the caches
        before = quiet.waited()
        taken = clock.seconds(trial, device, repeats)
        if quiet.waited() - before <= OFF * taken * repeats:
            return taken, False
    return taken, True
