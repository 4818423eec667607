"""The query parameters of a measurement: a layer's, and how it is run."""

from dataclasses import replace

from app.kinds import Choice, Switch, Whole
from app.params import LAYER, Table, parameters
from app.settings import Settings
from compute.measure import DTYPES, KINDS, MAX_ROUNDS, MEMORY_FORMATS, MIN_ROUNDS, ROUNDS

MAX_BATCH = 256
SIDE = 56  # a layer of 64 channels on 224 x 224 would take minutes where nothing is known of the device

CONDITIONS = ("batch", "dtype", "memory_format", "backward", "rounds")
MEASURE = (*LAYER, *CONDITIONS, "kind")


def measure_parameters(settings: Settings) -> Table:
    """Every parameter by name, in the order of the page's own query string."""
    table = parameters(settings)
    layer = {name: table[name] for name in LAYER}
    differs = {name: replace(table[name], default=SIDE) for name in ("height", "width")}
    own = (
        Whole("batch", "Batch", "Images of one pass.", 1, low=1, high=MAX_BATCH),
        Choice(
            "dtype",
            "Data type",
            "Of input, weights and output; the device may not have all.",
            "float32",
            choices=DTYPES,
        ),
        Choice(
            "memory_format",
            "Memory format",
            "Of the input: contiguous is NCHW, channel after channel; channels_last is NHWC, pixel after pixel.",
            "contiguous",
            choices=MEMORY_FORMATS,
        ),
        Switch("backward", "Backward", "Forward and backward, as in training, instead of forward alone.", False),
        Whole("rounds", "Rounds", "How often everything is run, in turn.", ROUNDS, low=MIN_ROUNDS, high=MAX_ROUNDS),
        Choice(
            "kind",
            "Kind",
            "layer: each grouping beside the standard layer; waterfall: where the speed-up went; sweep: every number of"
            " groups; parallel: groups side by side; ceilings: what the device can do at most.",
            "layer",
            choices=KINDS,
        ),
    )
    return {**layer, **differs, **{parameter.name: parameter for parameter in own}}
