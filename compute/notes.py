"""What has to be said about a split beside its numbers: rounding, and the honest bill of a logarithmic one."""

from fractions import Fraction

from compute.formulas import digits
from compute.grouping import Grouping


def split_notes(grouping: Grouping) -> list[str]:
    """Sentences, none for a split that needs no comment."""
    notes = []
    if grouping.rounded:
        notes.append(_rounding(grouping))
    if grouping.base is not None and grouping.groups > 1:
        notes.append(_bill(grouping, grouping.base))
    return notes


def _rounding(grouping: Grouping) -> str:
    sides = {"input": [a for a, _ in grouping.sizes], "output": [b for _, b in grouping.sizes]}
    if sides["input"] == sides["output"]:
        sides = {"": sides["input"]}
    parts = [
        f"{digits(sum(shares))} {side} channels into {', '.join(digits(s) for s in shares)}".replace("  ", " ")
        for side, shares in sides.items()
    ]
    return f"Shares were rounded to whole channels: {' and '.join(parts)}."


def _bill(grouping: Grouping, base: int) -> str:
    dense = grouping.in_channels * grouping.out_channels
    ratio, even = Fraction(grouping.connections, dense), Fraction(1, grouping.groups)
    limit = Fraction(base - 1, base + 1)
    word = "more than" if ratio > even else "fewer than" if ratio < even else "as many as"
    floor = f"without rounding no number of groups takes it below {limit.numerator}/{limit.denominator}"
    kept = f"This split keeps {digits(grouping.connections)} of {digits(dense)} connections ({_short(ratio)})"
    return f"{kept}, {word} an even split into {grouping.groups} would ({_short(even)}); {floor}."


def _short(ratio: Fraction) -> str:
    """Four decimals, rounded half up, trailing zeros dropped."""
    text = f"{(ratio.numerator * 20000 + ratio.denominator) // (2 * ratio.denominator):05d}"
    return f"{text[:-4]}.{text[-4:]}".rstrip("0").rstrip(".")
