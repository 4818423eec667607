"""Names at the ends of lines, where they fit; a legend where they do not."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.figures.common import MARGIN, Figure

PLACES = {"top right": -12, "middle right": 0, "bottom right": 12}  # and how far down that is, in CSS pixels
LINE_HEIGHT, LETTER = 16, 7  # CSS pixels
WIDTH, HEIGHT = 640, 280  # CSS pixels between the axes of a chart as the page draws it
Line = Sequence[float | None]


@dataclass(frozen=True)
class Label:
    """A name at point `end` of its line; place: Plotly's textposition. right: CSS pixels it needs beyond the axes."""

    name: str
    end: int
    place: str
    right: float

    def text(self) -> list[str]:
        """Of a trace: nothing up to the end, and there the name."""
        return [*[""] * self.end, self.name]


Labels = dict[int, Label]  # by the line's place among the lines


def end_labels(names: Sequence[str], lines: Sequence[Line], log: bool, most: int) -> Labels:
    """A label for every line that has a point, none over another; none at all where one finds no room, or is longer
    than `most` letters. A line's points stand at equal steps from the left."""
    ends = {i: end for i, line in enumerate(lines) if (end := _end(line)) is not None}
    values = [value for line in lines for value in line if value]
    low, high = (min(values), max(values)) if values else (1, 1)
    longest = max([1, *(len(line) - 1 for line in lines)])
    labels: Labels = {}
    taken: list[tuple[float, float, float]] = []  # left, right, and pixels from the top
    for i in sorted(ends, key=lambda i: -(lines[i][ends[i]] or 0)):
        left = WIDTH * ends[i] / longest
        right, top = left + LETTER * (len(names[i]) + 2), _top(lines[i][ends[i]] or 0, low if log else 0, high)
        free = [place for place, down in PLACES.items() if not _covered((left, right, top + down), taken)]
        if not free or len(names[i]) > most:
            return {}
        labels[i] = Label(names[i], ends[i], free[0], max(0, right - WIDTH))
        taken.append((left, right, top + PLACES[free[0]]))
    return labels


def room_for(labels: Labels) -> Figure:
    """The part of a layout that labels, or their absence, ask for."""
    if not labels:
        legend = {"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"}
        return {"showlegend": True, "legend": legend, "margin": {**MARGIN, "b": 2 * MARGIN["b"]}}
    right = math.ceil(max(label.right for label in labels.values()))
    return {"showlegend": False, "margin": {**MARGIN, "r": max(MARGIN["r"], right)}}


def _end(line: Line) -> int | None:
    return max((i for i, value in enumerate(line) if value is not None), default=None)


def _top(value: float, low: float, high: float) -> float:
    """CSS pixels from the highest value down; low: the bottom of a logarithmic axis, 0 for a linear one."""
    if low:
        return HEIGHT * math.log(high / value) / math.log(high / low) if high > low else 0.0
    return HEIGHT * (1 - value / high)


def _covered(box: tuple[float, float, float], taken: list[tuple[float, float, float]]) -> bool:
    left, right, top = box
    return any(a < right and left < b and abs(top - c) < LINE_HEIGHT for a, b, c in taken)
