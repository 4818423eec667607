"""Everything runs once a round, in turning order, the reference twice: what it differs from itself by is the error of
the day, and a round in which that is large is run again."""

from collections.abc import Callable, Collection, Generator, Mapping
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
LONG_SECONDS = 0.05  # of a pass: from here on a step is one pass, since others wait for the device meanwhile
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


def rotated(
    trials: Mapping[str, Trial], reference: str, device: torch.device, rounds: int, crowded: Collection[str] = ()
) -> Steps:
    """Yields the name of the trial before each timed block and how many blocks are left, and is sent whether something
    else ran on the device meanwhile: then caches are cold, the block begins with one more untimed pass, and its round
    does not count, as long as there may be another. crowded: trials whose own threads wait for each other's cores."""
    found = Rounds({name: [] for name in trials}, reference=reference)
    names = [*trials, ""]  # "": the reference again
    blocks = {}
    for at, name in enumerate(trials):
        yield name, len(names) * rounds + len(trials) - at
        blocks[name] = Block(trials[name], device)
    blocks[""] = blocks[reference]
    turn = 0
    while len(found.again) < rounds:
        at = turn % len(names)
        turn += 1
        times: dict[str, float] = {}
        again, unclean = found.discarded < MORE_ROUNDS * rounds, False
        left = len(names) * (rounds - len(found.again))
        for name in [*names[at:], *names[:at]]:
            for attempt in range(1 + MORE_BLOCKS):
                disturbed = bool((yield name or reference, left - len(times)))
                unclean |= disturbed
                times[name], quiet = blocks[name].seconds(cold=disturbed or attempt > 0)
                if quiet or name in crowded:
                    break
            else:
                unclean = True
            if unclean and again:
                break
        unclean |= reference in times and "" in times and abs(times[reference] / times[""] - 1) > OFF
        if unclean and again:
            found.discarded += 1
            continue
        found.unclean += unclean
        for name, samples in found.samples.items():
            samples.append(times[name])
        found.again.append(times[""])
    return found


class Block:
    """Passes in a row that are timed together, after an untimed one; of long passes it is one, and it alone."""

    def __init__(self, trial: Trial, device: torch.device) -> None:
        self._trial, self._device, self._quiet = trial, device, Quiet()
        one = clock.seconds(trial, device)
        if one < LONG_SECONDS:  # the first pass orders weights and asks for memory
            one = clock.seconds(trial, device)
        self._long, self._repeats = one >= LONG_SECONDS, clock.repeats_for(one, BLOCK_SECONDS)

    def seconds(self, cold: bool = False) -> tuple[float, bool]:
        """Of one pass, and whether no other process cut into it. cold: something else ran since the trial before."""
        if cold or not self._long:
            self._trial()  # into the caches
        before = self._quiet.waited()
        taken = clock.seconds(self._trial, self._device, self._repeats)
        return taken, self._quiet.waited() - before <= OFF * taken * self._repeats
