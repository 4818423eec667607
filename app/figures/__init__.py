"""Numbers of `compute` as Plotly figures: plain dicts that `plotly.graph_objects.Figure` accepts, pure functions.

Plotly itself is not needed here. Colours of groups are set (a notebook has no style sheet); series differ by dash and
marker, and the page gives them its own colours.
"""

from collections.abc import Callable, Mapping
from typing import Any

from app.figures.common import Figure
from app.figures.depth import depth_figure
from app.figures.growth import growth_figure
from app.figures.latency import latency_figure
from app.figures.network import NETWORK_UNITS, network_figure
from app.figures.roofline import roofline_figure
from app.figures.split import split_figure
from app.figures.stack import stack_reach_figure, stack_scale_figure
from app.figures.sweep import sweep_figure
from app.figures.waterfall import parallel_figure, waterfall_figure
from app.figures.weber import weber_figure

# Of each kind of measurement, by the name in the address.
MEASURE_FIGURES: Mapping[str, Mapping[str, Callable[[dict[str, Any]], Figure]]] = {
    "layer": {"latency": latency_figure, "roofline": roofline_figure},
    "waterfall": {"waterfall": waterfall_figure},
    "sweep": {"sweep": sweep_figure},
    "parallel": {"parallel": parallel_figure},
    "ceilings": {"roofline": roofline_figure},
}

__all__ = [
    "MEASURE_FIGURES",
    "NETWORK_UNITS",
    "depth_figure",
    "growth_figure",
    "network_figure",
    "split_figure",
    "stack_reach_figure",
    "stack_scale_figure",
    "weber_figure",
]
