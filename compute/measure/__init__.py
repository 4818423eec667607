"""What is measured and what it means: pure arithmetic. compute.measurerun runs it."""

from compute.measure.estimate import ASSUMED_GFLOPS, estimate
from compute.measure.roofline import bound, taps_inside
from compute.measure.spec import (
    DTYPES,
    KINDS,
    MAX_ROUNDS,
    MEMORY_FORMATS,
    MIN_ROUNDS,
    ROUNDS,
    AnySpec,
    MeasureSpec,
    NetworkLayer,
    NetworkMeasureSpec,
    bytes_moved,
    label_of,
    promised,
    sizes_text,
)
from compute.measure.statistics import interval, places, quartiles, ratios

__all__ = [
    "ASSUMED_GFLOPS", "DTYPES", "KINDS", "MAX_ROUNDS", "MEMORY_FORMATS", "MIN_ROUNDS", "ROUNDS", "AnySpec",
    "MeasureSpec", "NetworkLayer", "NetworkMeasureSpec", "bound", "bytes_moved", "estimate", "interval", "label_of",
    "places", "promised", "quartiles", "ratios", "sizes_text", "taps_inside",
]  # fmt: skip
