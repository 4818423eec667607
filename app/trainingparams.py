"""The query parameters of a training run."""

from app.kinds import Choice, Number, Switch, Whole, Words
from app.params import Table
from app.settings import Settings
from compute.grouping import MAX_BASE, MIN_BASE
from compute.maps import MAX_SEED
from compute.stack import MIXINGS
from compute.training import ARMS, HOLDS, MAX_EPOCHS, MAX_MODULES, MAX_SEEDS, MAX_WIDTH, TrainSpec
from compute.training.spec import MAX_ARMS, MAX_BATCH, MIN_ARMS

DATA = ("fashion-mnist", "own")
NUMBERS = (
    "arms", "groups", "base", "width", "hold", "modules", "stage", "residual", "mixing", "seeds", "seed", "epochs",
    "batch", "learning_rate", "momentum", "weight_decay",
)  # fmt: skip
TRAINING = (*NUMBERS, "data")


def training_parameters(settings: Settings) -> Table:
    """Every parameter by name, in the order of the page's own query string."""
    spec = TrainSpec()
    table = (
        Words(
            "arms",
            "Arms",
            "Two to four groupings that are trained beside each other.",
            spec.arms,
            choices=ARMS,
            least=MIN_ARMS,
            most=MAX_ARMS,
        ),
        Whole(
            "groups",
            "Groups",
            "Number of groups of the uniform and the logarithmic arm.",
            spec.groups,
            low=1,
            high=MAX_WIDTH,
        ),
        Whole(
            "base",
            "Base",
            "Of the logarithmic split: each group but the last takes the share 1 - 1/base of what is left.",
            spec.base,
            low=MIN_BASE,
            high=MAX_BASE,
        ),
        Whole(
            "width",
            "Width",
            "Channels of the standard arm, which the others are measured by.",
            spec.width,
            low=1,
            high=MAX_WIDTH,
        ),
        Choice(
            "hold",
            "Hold equal",
            "What every arm has as much of as the standard one: its width is solved for that.",
            spec.hold,
            choices=HOLDS,
        ),
        Whole("modules", "Modules", "Grouped layers, one behind the other.", spec.modules, low=1, high=MAX_MODULES),
        Whole("stage", "Stage", "Modules between two poolings.", spec.stage, low=1, high=MAX_MODULES),
        Switch("residual", "Residual", "Each module is relu(norm(conv(x)) + x): its input is added.", spec.residual),
        Choice(
            "mixing",
            "Mixing",
            "What stands between modules: nothing, a channel shuffle, a 1 x 1 convolution, or groups that are moved"
            " by a quarter of the channels in every second module. Depthwise always has the 1 x 1.",
            spec.mixing,
            choices=MIXINGS,
        ),
        Whole(
            "seeds",
            "Seeds",
            "How often everything is trained, each time from other weights and in another order.",
            spec.seeds,
            low=1,
            high=MAX_SEEDS,
        ),
        Whole(
            "seed",
            "First seed",
            "Number that weights and order of the first time are made from.",
            spec.seed,
            low=0,
            high=MAX_SEED - MAX_SEEDS,
        ),
        Whole("epochs", "Epochs", "How often each image is seen.", spec.epochs, low=1, high=MAX_EPOCHS),
        Whole("batch", "Batch", "Images of one step.", spec.batch, low=2, high=MAX_BATCH),
        Number(
            "learning_rate",
            "Learning rate",
            "The highest of the run: it rises over the first tenth of the steps, then falls along a cosine to 0.",
            spec.learning_rate,
            low=0,
            high=10,
            above=True,
        ),
        Number("momentum", "Momentum", "Nesterov's, of SGD.", spec.momentum, low=0, high=1, below=True),
        Number(
            "weight_decay",
            "Weight decay",
            "Pulls every parameter towards 0 at each step.",
            spec.weight_decay,
            low=0,
            high=1,
        ),
        Choice(
            "data",
            "Data",
            "Images to learn from: the Fashion-MNIST that ships, or those that the setting GROUPSCOPE_DATA names.",
            DATA[0],
            choices=DATA,
        ),
    )
    return {parameter.name: parameter for parameter in table}
