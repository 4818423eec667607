"""Training grouped networks beside each other, as numbers: arms, widths, bills, schedules, what a difference is worth.

Pure arithmetic, no torch. compute.trainrun trains them.
"""

from compute.training.arms import Arm, arms_of, reference_of
from compute.training.spec import (
    ARMS,
    HOLDS,
    MAX_EPOCHS,
    MAX_MODULES,
    MAX_SEEDS,
    MAX_WIDTH,
    DataShape,
    TrainSpec,
)
from compute.training.verdict import mean_interval, verdict

__all__ = [
    "ARMS",
    "HOLDS",
    "MAX_EPOCHS",
    "MAX_MODULES",
    "MAX_SEEDS",
    "MAX_WIDTH",
    "Arm",
    "DataShape",
    "TrainSpec",
    "arms_of",
    "mean_interval",
    "reference_of",
    "verdict",
]
