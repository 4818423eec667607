"""Trains grouped networks beside each other, step by step, and keeps them. Needs torch."""

from compute.trainrun.pixels import shape_of
from compute.trainrun.timing import step_seconds
from compute.trainrun.trainer import Diverged, Trainer

__all__ = ["Diverged", "Trainer", "shape_of", "step_seconds"]
