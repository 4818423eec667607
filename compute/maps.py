"""What feature maps are asked for: the numbers only. compute.run makes them."""

from dataclasses import dataclass
from typing import Any

from compute.errors import SpecError, integer
from compute.spec import DEFAULTS, ConvSpec

SEEDED = ("filter-bank", "random")
WEIGHTS = (*SEEDED, "trained")
GAINS = ("cut", "fan-in")
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class MapsSpec:
    """A grouped layer behind the stem, on a square picture of conv.height = conv.width = size pixels.

    weights: where the numbers come from; `trained`: the first module of the network in the file `checkpoint`, whose
    numbers no seed and no gain changes. gain: `cut` keeps the dense layer's weights as they are, `fan-in` scales group
    j by sqrt(in_channels / a_j). relu: apply ReLU to the maps. Raises SpecError.
    """

    conv: ConvSpec
    weights: str = DEFAULTS["weights"]
    seed: int = DEFAULTS["seed"]
    gain: str = DEFAULTS["gain"]
    relu: bool = DEFAULTS["relu"]
    checkpoint: str | None = None

    def __post_init__(self) -> None:
        for field, choices in (("weights", WEIGHTS), ("gain", GAINS)):
            if getattr(self, field) not in choices:
                raise SpecError(f"{field} must be {' or '.join(choices)}, not {getattr(self, field)!r}", field)
        object.__setattr__(self, "seed", integer("seed", self.seed, 0, MAX_SEED))
        settle_source(self)
        if self.conv.height != self.conv.width:
            raise SpecError(f"maps are square: height {self.conv.height} is not width {self.conv.width}", "size")

    @property
    def size(self) -> int:
        return self.conv.height


def settle_source(spec: Any) -> None:
    """Trained weights are of a checkpoint and leave seed and gain out; others have no checkpoint. So what is computed
    alike is equal. Raises SpecError."""
    if spec.weights != "trained":
        object.__setattr__(spec, "checkpoint", None)
        return
    if not isinstance(spec.checkpoint, str) or not spec.checkpoint:
        raise SpecError("trained weights are those of a checkpoint, and none is named", "checkpoint", "name one")
    object.__setattr__(spec, "seed", 0)
    object.__setattr__(spec, "gain", "cut")
