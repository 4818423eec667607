"""Runs stacks of grouped modules on a picture: maps, energies, one value taken apart, redundancy, ink. Needs torch."""

from compute.stackrun.inspect import Pixel
from compute.stackrun.redundancy import Redundancy
from compute.stackrun.runner import StackRunner

__all__ = ["Pixel", "Redundancy", "StackRunner"]
