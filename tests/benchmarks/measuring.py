"""The panel's ratios beside those of torch.utils.benchmark, for the same layers in the same minutes."""

from statistics import median

import torch
from torch import nn
from torch.utils.benchmark import Timer

from compute.grouping import Grouping
from compute.measure import MeasureSpec, label_of
from compute.measurerun import Measurer
from compute.spec import ConvSpec
from tests.benchmarks.report import Table

LAYERS = ((64, 56, 3, 1), (128, 28, 3, 1), (256, 14, 3, 1), (64, 28, 1, 8), (96, 40, 5, 1))
PAIRS = 3  # panel and timer one after the other: what a layer takes beside another drifts by a third in minutes here
TURNS = 5
SECONDS = 0.05  # of each of Timer's blocks


@torch.no_grad()
def measure(table: Table) -> None:
    """Standard, uniform and logarithmic as people write them: what the panel says over what torch's timer says."""
    measurer = Measurer("cpu")
    known = _finished(measurer, MeasureSpec(ConvSpec(Grouping.standard(8, 8), height=8, width=8), "ceilings"), None)
    for channels, side, kernel, batch in LAYERS:
        conv = ConvSpec(
            Grouping.logarithmic(channels, channels, 4), kernel, padding=kernel // 2, height=side, width=side
        )
        pairs = []
        for _ in range(PAIRS):
            rows = _finished(measurer, MeasureSpec(conv, batch=batch), known)["rows"]
            panel = {row["arm"]: row["measured"] for row in rows if row["how"] == "plain"}
            pairs.append((panel, _timed(conv, batch)))
        for arm in ("uniform", "logarithmic"):
            name = (
                f"{channels} at {side}, k {kernel}, batch {batch}, {label_of(Grouping.of(arm, channels, channels, 4))}"
            )
            said = ", ".join(f"×{panel[arm]:.3f} / ×{theirs[arm]:.3f}" for panel, theirs in pairs)
            quotient = median(panel[arm] / theirs[arm] for panel, theirs in pairs)
            table.row(name, f"{said}: {quotient:.3f}", "within 0.85 to 1.15")


class Parts(nn.Module):
    """A convolution a group, and cat: written here once more, so that nothing of ours is timed."""

    def __init__(self, widths: list[int], kernel: int, padding: int) -> None:
        super().__init__()
        self.widths = widths
        self.convs = nn.ModuleList(nn.Conv2d(width, width, kernel, padding=padding) for width in widths)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([conv(part) for conv, part in zip(self.convs, x.split(self.widths, 1), strict=True)], 1)


def _finished(measurer: Measurer, spec: MeasureSpec, known: dict[str, object] | None) -> dict[str, object]:
    steps = measurer.begin(spec, known)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def _timed(conv: ConvSpec, batch: int) -> dict[str, float]:
    """Medians of torch's own timer, in turn, as ratios to nn.Conv2d."""
    c, k = conv.grouping.in_channels, conv.kernel_size
    x = torch.randn(batch, c, conv.height, conv.width)
    modules = {
        "standard": nn.Conv2d(c, c, k, padding=conv.padding),
        "uniform": nn.Conv2d(c, c, k, padding=conv.padding, groups=4),
        "logarithmic": Parts([width for width, _ in conv.grouping.sizes], k, conv.padding),
    }
    timers = {
        name: Timer("module(x)", globals={"module": module, "x": x}, num_threads=torch.get_num_threads())
        for name, module in modules.items()
    }
    times: dict[str, list[float]] = {name: [] for name in timers}
    for _ in range(TURNS):
        for name, timer in timers.items():
            times[name].append(timer.blocked_autorange(min_run_time=SECONDS).median)
    reference = times["standard"]
    return {
        name: sorted(a / b for a, b in zip(reference, mine, strict=True))[TURNS // 2] for name, mine in times.items()
    }
