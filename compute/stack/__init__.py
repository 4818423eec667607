"""Stacks of grouped modules as numbers: shapes, bills, what can reach what. compute.stackrun runs them.

Pure arithmetic, no torch.
"""

from compute.stack.describe import describe_bill, describe_group, describe_stack, receptive_field
from compute.stack.dye import DYES, Dye
from compute.stack.reach import Reach, reach, reaches
from compute.stack.scale import arm_of, arms
from compute.stack.spec import DOWNSAMPLES, MAX_MODULES, MIXINGS, NORMALISATIONS, POINTS, StackSpec

__all__ = [
    "DOWNSAMPLES",
    "DYES",
    "MAX_MODULES",
    "MIXINGS",
    "NORMALISATIONS",
    "POINTS",
    "Dye",
    "Reach",
    "StackSpec",
    "arm_of",
    "arms",
    "describe_bill",
    "describe_group",
    "describe_stack",
    "reach",
    "reaches",
    "receptive_field",
]
