"""Labelled pictures to train on: one set that ships with the project, or your own. No torch in here.

What is read is whole and fits: counts, classes and sizes are checked, and everything wrong is a SpecError.
"""

from compute.datasets.fashion import shipped
from compute.datasets.images import Facts, Images, Part
from compute.datasets.limits import Limits
from compute.datasets.reading import read

__all__ = ["Facts", "Images", "Limits", "Part", "read", "shipped"]
