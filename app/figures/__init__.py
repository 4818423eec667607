"""Numbers of `compute` as Plotly figures: plain dicts that `plotly.graph_objects.Figure` accepts, pure functions.

Plotly itself is not needed here. Colours of groups are set (a notebook has no style sheet); series differ by dash and
marker, and the page gives them its own colours.
"""

from app.figures.depth import depth_figure
from app.figures.growth import growth_figure
from app.figures.network import NETWORK_UNITS, network_figure
from app.figures.split import split_figure
from app.figures.stack import stack_reach_figure, stack_scale_figure
from app.figures.weber import weber_figure

__all__ = [
    "NETWORK_UNITS",
    "depth_figure",
    "growth_figure",
    "network_figure",
    "split_figure",
    "stack_reach_figure",
    "stack_scale_figure",
    "weber_figure",
]
