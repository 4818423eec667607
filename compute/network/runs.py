"""Channels on devices: where a tensor's channels lie, and how many of them are wanted elsewhere."""

from collections.abc import Iterable, Sequence

from compute.network.patience import check

Runs = list[tuple[int, int]]  # (device, channels), in the order of the channels


def even_counts(number: int, devices: int) -> list[int]:
    """`number` things over devices, the first ones taking one more where it does not divide."""
    return [number // devices + (device < number % devices) for device in range(devices)]


def evenly(channels: int, devices: int) -> Runs:
    return [(device, share) for device, share in enumerate(even_counts(channels, devices)) if share]


def balanced(work: Sequence[int], devices: int) -> list[int]:
    """The device of each group, in order: a device takes groups until one more would leave it further from its fair
    share of what was left to it and those after it. None stays empty while there are groups enough."""
    places: list[int] = []
    left = sum(work)
    device, load = 0, 0
    for index, amount in enumerate(work):
        fair = left / (devices - device)
        full = abs(load + amount - fair) > abs(load - fair) or len(work) - index < devices - device
        if load and full and device < devices - 1:
            left, device, load = left - load, device + 1, 0
        places.append(device)
        load += amount
    return places


def merged(runs: Iterable[tuple[int, int]]) -> Runs:
    """Neighbouring runs of one device taken together, empty ones left out."""
    joined: Runs = []
    for device, channels in runs:
        if channels and joined and joined[-1][0] == device:
            joined[-1] = (device, joined[-1][1] + channels)
        elif channels:
            joined.append((device, channels))
    return joined


def moved(held: Runs, wanted: Runs) -> int:
    """Channels that are wanted on another device than the one that holds them."""
    check()
    if held is wanted:
        return 0
    count, index, rest = 0, 0, wanted[0][1]
    for device, channels in held:
        while channels:
            step = min(channels, rest)
            if wanted[index][0] != device:
                count += step
            channels, rest = channels - step, rest - step
            if not rest and index + 1 < len(wanted):
                index += 1
                rest = wanted[index][1]
    return count


def aligned(runs: Runs, size: int) -> bool:
    """No group of `size` channels lies on two devices."""
    end = 0
    for _, channels in runs:
        end += channels
        if end % size:
            return False
    return True
