"""From a raw query string to the specs of `compute`.

An own parser: a model check for each request would halve the throughput.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from app.errors import ApiError, BadParameter, shown
from app.params import GROWTH, SPLIT, Table
from app.stackparams import STACK_NUMBERS
from compute.depth import Stack
from compute.errors import IllegalSplit, SpecError
from compute.grouping import Grouping
from compute.growth import Growth
from compute.maps import MapsSpec
from compute.spec import ConvSpec
from compute.stack import Dye, StackSpec

Values = Mapping[str, Any]


class QueryTooLong(ApiError):
    status = 414
    code = "query_too_long"

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"The query must be at most {limit} bytes, not {length}", hint="send fewer characters")


class UnknownParameter(BadParameter):
    code = "unknown_parameter"

    def __init__(self, name: str, known: Table) -> None:
        near = get_close_matches(name[:40], known, n=1)
        guess = f"did you mean {near[0]}? " if near else ""
        hint = f"{guess}known here: {', '.join(known)}" if known else "leave the query away"
        super().__init__(f"{shown(name)} is no parameter of this address", shown(name)[1:-1], hint)


class RepeatedParameter(BadParameter):
    code = "repeated_parameter"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is given more than once", name, f"give {name} once")


class MissingParameter(BadParameter):
    code = "missing_parameter"

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name} is required: {text}", name, f"add {name}=")


GROUPS_BY_SCHEME = ("standard", "depthwise", "custom")


class Query:
    """The parameters that one address takes."""

    def __init__(self, table: Table, names: tuple[str, ...], max_bytes: int, by_scheme: bool = False) -> None:
        """by_scheme: `groups` (and `b_groups`) is ignored, whatever it says, where the scheme decides the number."""
        self._by_scheme = by_scheme
        self.table: Table = {name: table[name] for name in names}
        self.max_bytes = max_bytes
        self._parsers = {name: parameter.parse for name, parameter in self.table.items()}
        self._defaults = {name: p.default for name, p in self.table.items() if not p.required}
        self._required = tuple(p for p in self.table.values() if p.required)

    def parse(self, raw: bytes) -> dict[str, Any]:
        """Typed values of a raw query string, defaults filled in; raises ApiError."""
        if len(raw) > self.max_bytes:
            raise QueryTooLong(len(raw), self.max_bytes)
        given: dict[str, Any] = {}
        texts = pairs(raw)
        ignored = _ignored(dict(texts)) if self._by_scheme else ()
        for name, text in texts:
            if name in given:
                raise RepeatedParameter(name)
            parser = self._parsers.get(name)
            if parser is None:
                raise UnknownParameter(name, self.table)
            given[name] = self._defaults[name] if name in ignored else parser(text)
        for parameter in self._required:
            if parameter.name not in given:
                raise MissingParameter(parameter.name, parameter.help)
        return {**self._defaults, **given}

    def openapi(self) -> dict[str, Any]:
        """For a route's `openapi_extra`."""
        return {"parameters": [parameter.openapi() for parameter in self.table.values()]}


def _ignored(texts: Mapping[str, str]) -> tuple[str, ...]:
    """Numbers of groups that say nothing: the scheme decides, of either side."""
    return tuple(f"{side}groups" for side in ("", "b_") if texts.get(f"{side}scheme") in GROUPS_BY_SCHEME)


def pairs(raw: bytes) -> list[tuple[str, str]]:
    """Names and texts as urllib.parse.parse_qsl reads them; three times as fast where nothing is escaped."""
    query = raw.decode("utf-8", "replace")
    if "%" in query or "+" in query:
        return parse_qsl(query, keep_blank_values=True)
    parts = [part.partition("=") for part in query.split("&") if part]
    return [(name, text) for name, _, text in parts]


# A slider sends the same split with other numbers around it. Few are kept: one may have thousands of groups.
_grouping = lru_cache(maxsize=64)(Grouping.of)


def grouping_of(values: Values) -> Grouping:
    return _grouping(
        values["scheme"],
        values["in_channels"],
        values["out_channels"],
        values["groups"],
        values["base"],
        values["sizes"],
    )


def conv_of(values: Values, height: int, width: int) -> ConvSpec:
    return ConvSpec(
        grouping_of(values),
        values["kernel_size"],
        values["stride"],
        values["padding"],
        values["dilation"],
        values["bias"],
        height,
        width,
    )


def layer_of(values: Values) -> ConvSpec:
    return conv_of(values, values["height"], values["width"])


def stack_of(values: Values) -> Stack:
    return Stack(
        in_channels=values["in_channels"],
        kernel_size=values["kernel_size"],
        bias=values["bias"],
        height=values["height"],
        width=values["width"],
        groups=values["groups"],
        base=values["base"],
        depth=values["depth"],
        stage=values["stage"],
        halve=values["halve"],
    )


def growth_of(values: Values) -> Growth:
    return Growth(**{name: values[name] for name in GROWTH})


def stack_spec_of(values: Values) -> StackSpec:
    names = (name for name in STACK_NUMBERS if name not in ("in_channels", *SPLIT))
    return StackSpec(_square_grouping(values), **{name: values[name] for name in names})


def other_of(values: Values) -> Grouping | None:
    """The grouping of side b, None where there is no side b."""
    if values["b_scheme"] is None:
        return None
    split = {name: values[f"b_{name}"] for name in SPLIT}
    try:
        return _square_grouping({**split, "in_channels": values["in_channels"]})
    except SpecError as error:  # its way out is a way out for side b
        field = f"b_{error.field}" if error.field in SPLIT else error.field
        raise IllegalSplit(error.message, field, error.hint) from error


def dye_of(values: Values) -> Dye | None:
    """What is dyed, None where nothing is."""
    if values["dye"] is None:
        return None
    return Dye(values["dye"], values["dye_channel"], values["dye_row"], values["dye_column"], values["dye_size"])


def _square_grouping(values: Values) -> Grouping:
    """As many channels out as in: a module's. Raises SpecError."""
    channels = values["in_channels"]
    try:
        return grouping_of({**values, "out_channels": channels})
    except SpecError as error:
        if values["scheme"] != "custom":
            raise
        rule = error.message.replace("out_channels", "in_channels")  # a module has no out_channels to change
        hint = f"make both sides of the groups sum to in_channels = {channels}"
        raise IllegalSplit(rule, "sizes", hint) from error


def maps_of(values: Values) -> MapsSpec:
    conv = conv_of(values, values["size"], values["size"])
    names = "weights", "seed", "gain", "relu", "checkpoint"
    return MapsSpec(conv, **{name: values[name] for name in names})
