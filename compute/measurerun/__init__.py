"""Measures what compute.measure describes: with torch, on this device, one timed block a step."""

from compute.measurerun.measurer import Measurer

__all__ = ["Measurer"]
