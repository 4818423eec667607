"""The query parameters of a stack: a layer's, where they mean the same, and its own."""

from dataclasses import replace

from app.kinds import Choice, Sizes, Switch, Whole
from app.params import SPLIT, Table, parameters
from app.settings import Settings
from compute.grouping import MAX_BASE, MIN_BASE, SCHEMES
from compute.spec import DEFAULTS
from compute.stack import DOWNSAMPLES, DYES, MAX_MODULES, MIXINGS, NORMALISATIONS, POINTS, Dye, StackSpec

STACK_NUMBERS = (
    "size", "in_channels", "kernel_size", "dilation", "bias", *SPLIT, "modules", "residual", "mixing", "downsample",
    "stage", "normalisation", "relu", "weights", "checkpoint", "seed", "gain",
)  # fmt: skip
STACK = ("image", *STACK_NUMBERS)
STACK_B = ("b_scheme", "b_groups", "b_base", "b_sizes")
STACK_REACH = (*STACK_NUMBERS, "module")
STACK_SIDE = (*STACK, *STACK_B, "side")
DYE = ("dye", "dye_channel", "dye_row", "dye_column", "dye_size")
STACK_MAPS = (*STACK_SIDE, "module", "point", "dtype", "tile", "channels", *DYE, "dyed")
STACK_PIXEL = (*STACK_SIDE, "module", "channel", "row", "column")
STACK_REDUNDANCY = (*STACK_SIDE, "module")
STACK_INK = (*STACK_SIDE, *DYE)
STACK_FIGURE = (*STACK_NUMBERS, *STACK_B)
MAP_SIDES = ("a", "b", "difference", "ink")


def stack_parameters(settings: Settings, first_image: str | None = None) -> Table:
    """Every parameter by name, in the order of the page's own query string."""
    table = parameters(settings, first_image)
    channels, size = settings.max_channels, settings.max_size
    differs = {
        "size": replace(table["size"], default=StackSpec.size),
        "gain": replace(
            table["gain"],
            default=StackSpec.gain,
            help="fan-in: each filter has He's deviation for the channels its own group reads; cut: the dense numbers.",
        ),
        "stage": Whole("stage", "Stage", "Modules between two poolings.", StackSpec.stage, low=1, high=MAX_MODULES),
        "kernel_size": replace(table["kernel_size"], help="Height and width of each filter; odd, so that sizes stay."),
    }
    own = (
        Whole(
            "modules", "Modules", "Grouped layers, one behind the other.", StackSpec.modules, low=1, high=MAX_MODULES
        ),
        Switch("residual", "Residual", "Each module is relu(conv(x) + x): its input is added.", StackSpec.residual),
        Choice(
            "mixing",
            "Mixing",
            "What stands between modules: nothing, a channel shuffle, a 1 x 1 convolution, or groups that are moved by"
            " a quarter of the channels in every second module.",
            StackSpec.mixing,
            choices=MIXINGS,
        ),
        Choice(
            "downsample", "Downsampling", "2 x 2 pooling between stages.", StackSpec.downsample, choices=DOWNSAMPLES
        ),
        Choice(
            "normalisation",
            "Normalisation",
            "Each map minus its mean, divided by its deviation, as BatchNorm does on this picture: of the"
            " convolution's answer, or of the sum.",
            StackSpec.normalisation,
            choices=NORMALISATIONS,
        ),
        Choice("b_scheme", "Scheme of B", "Split of side b; left out, there is no side b.", choices=SCHEMES),
        Whole("b_groups", "Groups of B", "Number of groups of side b.", DEFAULTS["groups"], low=1, high=channels),
        Whole("b_base", "Base of B", "Of a logarithmic split.", DEFAULTS["base"], low=MIN_BASE, high=MAX_BASE),
        Sizes("b_sizes", "Group sizes of B", "Of a custom split: IN x OUT channels of each group.", most=channels),
        Whole("module", "Module", "Which module is looked at; 0 is the stem.", 1, low=0, high=MAX_MODULES),
        Choice("side", "Side", "The first grouping or the second.", "a", choices=("a", "b")),
        Choice(
            "point",
            "Point",
            "Of the module: what enters, the convolution's answer, the sum before ReLU, or what leaves.",
            "output",
            choices=POINTS,
        ),
        Choice("dye", "Dye", "What is dyed: one channel of the stem, or a patch of the picture.", choices=DYES),
        Whole("dye_channel", "Channel dyed", "Number of the stem's channel.", Dye.channel, low=0, high=channels - 1),
        Whole("dye_row", "Row", "Top of the patch, in pixels of the square picture.", Dye.row, low=0, high=size),
        Whole("dye_column", "Column", "Left of the patch.", Dye.column, low=0, high=size),
        Whole("dye_size", "Patch", "Side of the patch.", Dye.size, low=1, high=size),
        Choice("dyed", "Side dyed", "Whose ink, where side is ink.", "a", choices=("a", "b")),
        Whole("channel", "Channel", "Number of the map.", 0, low=0, high=channels - 1),
        Whole("row", "Row", "Of the value, from the top.", 0, low=0, high=size - 1),
        Whole("column", "Column", "Of the value, from the left.", 0, low=0, high=size - 1),
    )
    return {**table, **differs, **{parameter.name: parameter for parameter in own}}
