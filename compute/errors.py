"""What can be wrong with a layer's description. Every error names the rule, the values and a way out."""

import operator
from collections.abc import Sequence


class SpecError(ValueError):
    """A number, or a combination of numbers, that no convolution can have.

    `field` is the parameter to change (its name in PyTorch and in the API) or None; `hint` is the way out.
    """

    code = "invalid"

    def __init__(self, message: str, field: str | None = None, hint: str | None = None) -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message, self.field, self.hint = message, field, hint

    def __reduce__(self) -> tuple[object, ...]:  # survives the trip from a worker process
        return (_rebuild, (type(self), self.message, self.field, self.hint))


def _rebuild(kind: type[SpecError], message: str, field: str | None, hint: str | None) -> SpecError:
    error = kind.__new__(kind)
    SpecError.__init__(error, message, field, hint)
    return error


class NotAnInteger(SpecError):
    code = "not_an_integer"

    def __init__(self, field: str, value: object, hint: str = "write digits only, such as 64") -> None:
        super().__init__(f"{field} must be a whole number, not {value!r}", field, hint)


class OutOfRange(SpecError):
    code = "out_of_range"

    def __init__(self, field: str, value: object, low: int, high: int | None = None) -> None:
        rule = f"at least {low}" if high is None else f"from {low} to {high}"
        way_out = f"use {low} or more" if high is None else f"use {low} to {high}"
        super().__init__(f"{field} must be {rule}, not {value}", field, way_out)


class IllegalGroups(SpecError):
    """`groups` does not fit the channels; `legal` holds every number that does."""

    code = "illegal_groups"

    def __init__(self, rule: str, groups: int, legal: Sequence[int]) -> None:
        self.legal = tuple(legal)
        super().__init__(rule, "groups", f"use {_choices(groups, self.legal)}" if legal else None)


class IllegalSplit(SpecError):
    code = "illegal_split"


class KernelTooLarge(SpecError):
    code = "kernel_too_large"

    def __init__(self, axis: str, extent: int, padded: int) -> None:
        super().__init__(
            f"the kernel must fit in the padded input: dilation × (kernel_size − 1) + 1 = {extent}"
            f" is more than {axis} + 2 × padding = {padded}",
            "kernel_size",
            "use a smaller kernel_size or dilation, or more padding",
        )


def integer(field: str, value: object, low: int, high: int | None = None) -> int:
    """`value` as an int within [low, high]; floats, text and booleans are refused, NumPy's integers are not."""
    if isinstance(value, bool):
        raise NotAnInteger(field, value)
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise NotAnInteger(field, value) from None
    if number < low or (high is not None and number > high):
        raise OutOfRange(field, number, low, high)
    return number


def printable(text: str, most: int = 40) -> str:
    """What a client wrote, fit to be repeated in a sentence: short, and nothing in it that does not print."""
    cut = text if len(text) <= most else f"{text[:most]}…"
    return "".join(c if c.isprintable() else "�" for c in cut)


def _choices(wanted: int, legal: tuple[int, ...]) -> str:
    """All legal values when they are few, else the neighbours of the one that was asked for."""
    if len(legal) > 8:
        below = [n for n in legal if n < wanted][-1:]
        above = [n for n in legal if n > wanted][:1]
        legal = (*below, *above)
    *head, last = map(str, legal)
    return f"{', '.join(head)} or {last}" if head else last
