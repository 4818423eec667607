"""What feature maps are asked for: the numbers only. compute.run makes them."""

from dataclasses import dataclass

from compute.errors import SpecError, integer
from compute.spec import DEFAULTS, ConvSpec

WEIGHTS = ("filter-bank", "random")
GAINS = ("cut", "fan-in")
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class MapsSpec:
    """A grouped layer behind the stem, on a square picture of conv.height = conv.width = size pixels.

    weights: where the numbers come from. gain: `cut` keeps the dense layer's weights as they are, `fan-in` scales
    group j by sqrt(in_channels / a_j). relu: apply ReLU to the maps. Raises SpecError.
    """

    conv: ConvSpec
    weights: str = DEFAULTS["weights"]
    seed: int = DEFAULTS["seed"]
    gain: str = DEFAULTS["gain"]
    relu: bool = DEFAULTS["relu"]

    def __post_init__(self) -> None:
        for field, choices in (("weights", WEIGHTS), ("gain", GAINS)):
            if getattr(self, field) not in choices:
                raise SpecError(f"{field} must be {' or '.join(choices)}, not {getattr(self, field)!r}", field)
        object.__setattr__(self, "seed", integer("seed", self.seed, 0, MAX_SEED))
        if self.conv.height != self.conv.width:
            raise SpecError(f"maps are square: height {self.conv.height} is not width {self.conv.width}", "size")

    @property
    def size(self) -> int:
        return self.conv.height
