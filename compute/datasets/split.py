"""Which pictures are kept back for the test."""

import numpy as np
from numpy.typing import NDArray

from compute.datasets.images import Labels
from compute.errors import SpecError, integer

Places = NDArray[np.intp]


def split(y: Labels, seed: int, test_share: float) -> tuple[Places, Places]:
    """Places of the training and of the test pictures, both ascending; raises SpecError.

    Drawn within each class: `test_share` of its pictures, rounded, but at least one and never all. Every class in `y`
    has at least two. RandomState, since its numbers never change between NumPy's versions (NEP 19).
    """
    integer("seed", seed, 0, 2**32 - 1)
    if not 0 < test_share < 1:
        hint = "use 0.1 to 0.3"
        raise SpecError(f"test_share must be more than 0 and less than 1, not {test_share}", "test_share", hint)
    chance = np.random.RandomState(seed)
    train, test = [], []
    for label in np.unique(y):
        places = chance.permutation(np.flatnonzero(y == label))
        kept = min(max(round(len(places) * test_share), 1), len(places) - 1)
        test.append(places[:kept])
        train.append(places[kept:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(test))
