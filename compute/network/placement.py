"""One network spread over several devices, as AlexNet was over two GPUs in 2012: who holds what, and what must travel.

The model: every tensor's channels lie on devices in runs, one run after the other. A convolution or linear layer of one
group gives each device an even share of its output channels, and each needs all of the input; groups are placed whole,
in order, and need their own input channels. Layers that work channel by channel leave everything where it is. An
element crosses when a device needs it and another one holds it; forward, one image, both directions together. What has
once reached every device stays there. The network's input is on every device from the start.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from compute.counts import BYTES_PER_ELEMENT
from compute.errors import SpecError, integer
from compute.formulas import digits
from compute.network.graph import CHANGED, INPUT, Layer, LayerError, Network
from compute.network.kinds import Add, ChannelShuffle, Concat, Conv2d, Flatten, GroupNorm, Linear, LocalResponseNorm
from compute.network.patience import check
from compute.network.runs import Runs, aligned, balanced, even_counts, evenly, merged, moved

MAX_DEVICES = 64
MAX_RUNS = 4096  # of one tensor; far beyond any published network
ALEXNET = "AlexNet (2012)"
HISTORY = (
    "AlexNet's paper trained it on two GTX 580 with 3 GB each. The often retold 1.5 GB a GPU, for a model that needs"
    " just under 3 GB, is a retelling.",
    "In 2012 the two GPUs exchanged activations only before conv3 and the dense layers.",
)


def place(network: Network, devices: int = 2) -> dict[str, Any]:
    """`network` over `devices`: POST /api/networks/placement.

    {"devices": [{"index", "params", "weight_bytes", "activations", "macs"}], "crossings": [{"layer", "elements",
    "why"}], "crossing_elements", "speedup", "bounds": [{"layer", "speedup"}] of uneven splits, "notes"}. The devices'
    numbers sum to the network's. activations: output elements of every layer, without the copies that a device
    receives. speedup: the network's MACs to those of each layer's busiest device; None without MACs.
    """
    devices = integer("devices", devices, 1, MAX_DEVICES)
    spread = _Spread(network, devices)
    for number, layer in enumerate(network.layers, 1):
        check()
        try:
            spread.add(layer)
        except SpecError as error:
            raise LayerError(layer.name, number, layer.kind.title(), error) from None
    return {
        "devices": [
            {
                "index": index,
                "params": spread.params[index],
                "weight_bytes": BYTES_PER_ELEMENT * spread.params[index],
                "activations": spread.activations[index],
                "macs": spread.macs[index],
            }
            for index in range(devices)
        ],
        "crossings": spread.crossings,
        "crossing_elements": sum(crossing["elements"] for crossing in spread.crossings),
        "speedup": spread.work / spread.busiest if spread.busiest else None,
        "bounds": spread.bounds,
        "notes": list(_notes(network, spread)),
    }


@dataclass
class _Spread:
    """The network placed layer by layer; per device, what it holds and does so far."""

    network: Network
    devices: int
    runs: dict[str, Runs] = field(default_factory=dict)  # by tensor; none for what is everywhere from the start
    everywhere: set[str] = field(default_factory=lambda: {INPUT})
    crossings: list[dict[str, Any]] = field(default_factory=list)
    bounds: list[dict[str, Any]] = field(default_factory=list)
    responses: list[str] = field(default_factory=list)  # layers that normalise over neighbours on two devices
    statistics: list[str] = field(default_factory=list)  # layers that normalise over groups on two devices

    work: int = 0  # MACs of all layers
    busiest: int = 0  # of each layer's busiest device

    def __post_init__(self) -> None:
        self.params, self.macs, self.activations = ([0] * self.devices for _ in range(3))

    def add(self, layer: Layer) -> None:
        kind, reads = layer.kind, self.network.feeds[layer.name]
        runs = self._read(reads[0])
        if isinstance(kind, Conv2d):
            runs = self._convolution(layer, kind, reads[0], runs)
        elif isinstance(kind, Linear):
            runs = self._dense(layer, kind.out_features, reads[0], runs)
        elif isinstance(kind, Add):
            runs = self._sum(layer, reads)
        elif isinstance(kind, Concat):
            runs = merged(run for name in reads for run in self._read(name))
        elif isinstance(kind, ChannelShuffle):
            runs = self._shuffled(layer, kind.groups, reads[0], runs)
        elif isinstance(kind, Flatten):
            pixels = prod(self.network.shapes[reads[0]][1:])
            runs = [(device, channels * pixels) for device, channels in runs]
        if len(runs) > MAX_RUNS:
            rule = f"its channels would lie in {digits(len(runs))} runs on the devices, and at most {digits(MAX_RUNS)}"
            raise SpecError(f"{rule} can be followed", None, "use fewer devices, or join fewer tensors")
        if isinstance(kind, LocalResponseNorm) and kind.size > 1 and len(runs) > 1:
            self.responses.append(layer.name)
        if isinstance(kind, GroupNorm) and not aligned(runs, self.network.shapes[layer.name][0] // kind.num_groups):
            self.statistics.append(layer.name)
        self._hold(layer, runs)

    def _read(self, name: str) -> Runs:
        """Where a tensor lies; one that is everywhere is worked on in even shares."""
        return self.runs.get(name) or evenly(self.network.shapes[name][0], self.devices)

    def _hold(self, layer: Layer, runs: Runs) -> None:
        self.runs[layer.name] = runs
        shape, counts = self.network.shapes[layer.name], self.network.counts[layer.name]
        shares = self._shares(runs)
        weighted = self.network.weighted(layer)
        for device, channels in enumerate(shares):
            self.activations[device] += channels * (counts.output_elements // shape[0])
            if not weighted:
                self.params[device] += channels * (counts.params // shape[0])

    def _convolution(self, layer: Layer, kind: Conv2d, name: str, runs: Runs) -> Runs:
        channels = self.network.shapes[name][0]
        groups = kind.split.count(channels)
        if groups == 1:
            return self._dense(layer, kind.out_channels, name, runs)
        if kind.split.scheme in ("uniform", "depthwise"):
            counts = even_counts(groups, self.devices)
            wanted = [(device, n * (channels // groups)) for device, n in enumerate(counts)]
            output = [(device, n * (kind.out_channels // groups)) for device, n in enumerate(counts)]
            work = [n * (channels // groups) * (kind.out_channels // groups) for n in counts]
        else:
            sizes = kind.split.on(channels, kind.out_channels).sizes
            places = balanced([a * b for a, b in sizes], self.devices)
            wanted = [(device, a) for device, (a, _) in zip(places, sizes, strict=True)]
            output = [(device, b) for device, (_, b) in zip(places, sizes, strict=True)]
            work = [0] * self.devices
            for device, (a, b) in zip(places, sizes, strict=True):
                work[device] += a * b
            if len({a * b for a, b in sizes}) > 1:
                most = max(a * b for a, b in sizes)
                self.bounds.append({"layer": layer.name, "speedup": sum(a * b for a, b in sizes) / most})
        self._work(layer, kind.taps, work, merged(output), kind.bias)
        if name not in self.everywhere:
            pixels = prod(self.network.shapes[name][1:])
            elements = pixels * moved(runs, merged(wanted))
            self._cross(layer, elements, "a group reads channels that lie on another device")
        return merged(output)

    def _dense(self, layer: Layer, out_channels: int, name: str, runs: Runs) -> Runs:
        """Every output sees every input."""
        output = evenly(out_channels, self.devices)
        shape, kind = self.network.shapes[name], layer.kind
        assert isinstance(kind, Conv2d | Linear)
        taps = kind.taps if isinstance(kind, Conv2d) else 1
        self._work(layer, taps, [shape[0] * share for share in self._shares(output)], output, kind.bias)
        if name not in self.everywhere:
            held = self._shares(runs)
            missing = sum(shape[0] - held[device] for device, _ in output)
            self._cross(layer, missing * prod(shape[1:]), "every output reads every input, from all devices")
            if len(output) == self.devices:
                self.everywhere.add(name)
        return output

    def _work(self, layer: Layer, taps: int, connections: Sequence[int], output: Runs, bias: bool) -> None:
        pixels = prod(self.network.shapes[layer.name][1:])
        self.work += taps * sum(connections) * pixels
        self.busiest += taps * max(connections) * pixels
        for device, count in enumerate(connections):
            self.params[device] += taps * count
            self.macs[device] += taps * count * pixels
        for device, channels in output if bias else []:
            self.params[device] += channels

    def _sum(self, layer: Layer, reads: Sequence[str]) -> Runs:
        """Where its first input lies that is not everywhere anyway; the others come there, each once."""
        home = next((name for name in reads if name not in self.everywhere), reads[0])
        runs = self._read(home)
        pixels = prod(self.network.shapes[layer.name][1:])
        channels = sum(moved(self._read(name), runs) for name in {*reads} - self.everywhere)
        self._cross(layer, channels * pixels, "the summands lie on different devices")
        return runs

    def _shuffled(self, layer: Layer, groups: int, name: str, runs: Runs) -> Runs:
        """Even shares again: output channel k g + i is input channel i C/g + k."""
        channels, *image = self.network.shapes[name]
        output, rows = evenly(channels, self.devices), channels // groups
        if groups * len(output) > MAX_RUNS:
            rule = f"shuffling {digits(groups)} groups over {self.devices} devices cannot be followed"
            raise SpecError(rule, "groups", f"use at most {MAX_RUNS // len(output)} groups, or fewer devices")
        if name not in self.everywhere:
            wanted = []
            for group in range(groups):
                first = end = 0
                for device, share in output:
                    end += share
                    last = min(rows, max(0, -(-(end - group) // groups)))  # of this group's, those that go before `end`
                    wanted.append((device, last - first))
                    first = last
            self._cross(layer, prod(image) * moved(runs, merged(wanted)), "the shuffle takes channels to other devices")
        return output

    def _cross(self, layer: Layer, elements: int, why: str) -> None:
        if elements:
            self.crossings.append({"layer": layer.name, "elements": elements, "why": why})

    def _shares(self, runs: Runs) -> list[int]:
        """Channels on each device."""
        shares = [0] * self.devices
        for device, channels in runs:
            shares[device] += channels
        return shares


def _notes(network: Network, spread: _Spread) -> Iterator[str]:
    if spread.devices > 1:
        yield (
            "The network's input is replicated: every device has all of it, and it counts in no device's activations."
            " Copies that a device receives are not counted there either."
        )
    if spread.responses:
        yield (
            f"{', '.join(spread.responses)}: normalised within each device, as AlexNet's GPUs did; channels at the"
            " border of two devices do without their neighbours, and nothing crosses."
        )
    if spread.statistics:
        yield (
            f"{', '.join(spread.statistics)}: groups lie on two devices, which exchange two sums a group for their mean"
            " and variance; these are not counted."
        )
    if spread.bounds:
        yield (
            "A group is never cut: an uneven split keeps at most sum / largest devices busy, however many there are."
        )
    if network.name.removesuffix(CHANGED) == ALEXNET:
        yield from HISTORY
