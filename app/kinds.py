"""How one query parameter's text becomes a value. Strict: digits are ASCII digits, and nothing is guessed.

Each kind parses, and describes itself to OpenAPI and to the page. What a value means is not known here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from app.errors import BadParameter, shown

_WHOLE = re.compile(r"-?[0-9]{1,40}")
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")
_SIZE = re.compile(r"([0-9]{1,9})x([0-9]{1,9})")
_HASH = re.compile(r"[0-9a-f]{64}")
_CHECKPOINT = re.compile(r"[0-9a-z]{1,64}(-[0-9a-z]{1,20}){0,3}")


@dataclass(frozen=True)
class Parameter:
    """One query parameter. `default` is its value where a query leaves it out; `required` says it may not."""

    name: str
    label: str
    help: str
    default: Any = None
    required: bool = False
    kind: ClassVar[str] = ""

    def parse(self, text: str) -> Any:
        """The value that `text` spells; raises BadParameter."""
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        """JSON schema of the text, for OpenAPI."""
        raise NotImplementedError

    def write(self, value: Any) -> str:
        """`value` as a query spells it."""
        return str(value)

    def boot(self) -> dict[str, Any]:
        """What the page needs to know."""
        facts = {"kind": self.kind, "default": self.default, "min": None, "max": None, "choices": None}
        return {**facts, "label": self.label, "help": self.help}

    def openapi(self) -> dict[str, Any]:
        schema = self.schema()
        if self.default is not None:
            schema["default"] = self.told(self.default)
        commas = {"style": "form", "explode": False} if schema["type"] == "array" else {}
        return {
            "name": self.name,
            "in": "query",
            "required": self.required,
            "description": self.help,
            "schema": schema,
            **commas,
        }

    def told(self, value: Any) -> Any:
        """`value` as an instance of `schema()`."""
        return value

    def refuse(self, rule: str, text: str, hint: str) -> BadParameter:
        return BadParameter(f"{self.name} must be {rule}, not {shown(text)}", self.name, hint)


@dataclass(frozen=True)
class Whole(Parameter):
    """A whole number from `low` to `high`."""

    low: int = 0
    high: int = 2**53 - 1
    kind: ClassVar[str] = "int"

    def parse(self, text: str) -> int:
        number = self.number(text)
        if not self.low <= number <= self.high:
            raise self.refuse(self.range(), text, f"use {self.low if number < self.low else self.high}")
        return number

    def number(self, text: str) -> int:
        if not _WHOLE.fullmatch(text):
            raise self.refuse(f"{self.article()}, {self.range()}", text, "write digits only, such as 3")
        return int(text)

    def article(self) -> str:
        return "a whole number"

    def range(self) -> str:
        return f"from {self.low} to {self.high}"

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}

    def boot(self) -> dict[str, Any]:
        return {**super().boot(), "min": self.low, "max": self.high}


@dataclass(frozen=True)
class Pair(Whole):
    """(height, width) as `3,2`, or one number for both."""

    kind: ClassVar[str] = "pair"

    def parse(self, text: str) -> tuple[int, int]:  # type: ignore[override]  # two of what a Whole is one of
        parts = text.split(",", 2)
        if len(parts) > 2:
            raise self.refuse("one number or a pair height,width", text, "write it as 3 or 3,2")
        numbers = [super(Pair, self).parse(part) for part in parts]
        return numbers[0], numbers[-1]

    def article(self) -> str:
        return "one or two whole numbers"

    def write(self, value: Any) -> str:
        return f"{value[0]},{value[1]}"

    def told(self, value: Any) -> list[int]:
        return list(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": super().schema(), "minItems": 1, "maxItems": 2}


@dataclass(frozen=True)
class Number(Parameter):
    """A number, with decimals or without, from `low` to `high`; `above`: not `low` itself; `below`: not `high`."""

    low: float = 0
    high: float = 1
    above: bool = False
    below: bool = False
    kind: ClassVar[str] = "real"

    def parse(self, text: str) -> float:
        if not _NUMBER.fullmatch(text):
            raise self.refuse("a number", text, "write it as 0.1 or 1e-3")
        number = float(text)
        if not self.low <= number <= self.high:
            raise self.refuse(f"from {self.low:g} to {self.high:g}", text, f"use {self.default:g}")
        return number

    def write(self, value: Any) -> str:
        return f"{value:g}"

    def schema(self) -> dict[str, Any]:
        """What it must be by itself: where an end belongs to the range is for whoever computes with it to refuse."""
        low = "exclusiveMinimum" if self.above else "minimum"
        high = "exclusiveMaximum" if self.below else "maximum"
        return {"type": "number", low: self.low, high: self.high}

    def boot(self) -> dict[str, Any]:
        return {**super().boot(), "min": self.low, "max": self.high}


@dataclass(frozen=True)
class Words(Parameter):
    """Some of a few words, with commas between, each once. Fewer than `least` are refused by whoever compares them."""

    choices: tuple[str, ...] = ()
    least: int = 1
    most: int = 0
    kind: ClassVar[str] = "list"

    def parse(self, text: str) -> tuple[str, ...]:
        words = tuple(text.split(",", len(self.choices)))
        if not set(words) <= set(self.choices) or len(set(words)) < len(words) or len(words) > self.most:
            rule = f"up to {self.most} of {', '.join(self.choices)}, each once, with commas between"
            raise self.refuse(rule, text, f"write it as {','.join(self.choices[:2])}")
        return words

    def write(self, value: Any) -> str:
        return ",".join(value)

    def told(self, value: Any) -> list[str]:
        return list(value)

    def schema(self) -> dict[str, Any]:
        words = {"type": "string", "enum": list(self.choices)}
        return {"type": "array", "items": words, "minItems": self.least, "maxItems": self.most, "uniqueItems": True}

    def boot(self) -> dict[str, Any]:
        return {**super().boot(), "default": self.write(self.default), "choices": list(self.choices)}


@dataclass(frozen=True)
class Switch(Parameter):
    """true or false."""

    kind: ClassVar[str] = "bool"
    WORDS: ClassVar[Mapping[str, bool]] = {"true": True, "false": False, "1": True, "0": False}

    def parse(self, text: str) -> bool:
        value = self.WORDS.get(text.lower())
        if value is None:
            raise self.refuse("true or false", text, "write true or false")
        return value

    def write(self, value: Any) -> str:
        return "true" if value else "false"

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Choice(Parameter):
    """One of a few words."""

    choices: tuple[str, ...] = ()
    kind: ClassVar[str] = "choice"

    def parse(self, text: str) -> str:
        if text not in self.choices:
            *head, last = self.choices
            raise self.refuse(f"one of {', '.join(self.choices)}", text, f"use {', '.join(head)} or {last}")
        return text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.choices)}

    def boot(self) -> dict[str, Any]:
        return {**super().boot(), "choices": list(self.choices)}


@dataclass(frozen=True)
class Sizes(Parameter):
    """Groups of a custom split, `32x32,16x16`: in- times out-channels of each; at most `most` groups."""

    most: int = 0
    kind: ClassVar[str] = "sizes"

    def parse(self, text: str) -> tuple[tuple[int, int], ...]:
        count = text.count(",") + 1
        if count > self.most:
            raise BadParameter(f"{self.name} may list at most {self.most} groups, not {count}", self.name, "merge some")
        return tuple(self._size(part) for part in text.split(","))

    def _size(self, text: str) -> tuple[int, int]:
        match = _SIZE.fullmatch(text)
        if match is None:
            rule = "groups written as IN x OUT channels with commas between"
            raise self.refuse(rule, text, "write them as 32x32,16x16,16x16")
        return int(match[1]), int(match[2])

    def write(self, value: Any) -> str:
        return ",".join(f"{a}x{b}" for a, b in value)

    def told(self, value: Any) -> list[str]:
        return self.write(value).split(",")

    def schema(self) -> dict[str, Any]:
        group = {"type": "string", "pattern": f"^{_SIZE.pattern}$"}
        examples = [["32x32", "16x16", "8x8", "8x8"]]
        return {"type": "array", "items": group, "minItems": 1, "maxItems": self.most, "examples": examples}

    def boot(self) -> dict[str, Any]:
        return {**super().boot(), "max": self.most}


@dataclass(frozen=True)
class Text(Parameter):
    """Any words, at most `most` characters."""

    most: int = 0
    kind: ClassVar[str] = "text"

    def parse(self, text: str) -> str:
        if len(text) > self.most:
            raise self.refuse(f"at most {self.most} characters", text, "shorten it")
        return text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.most}


@dataclass(frozen=True)
class Hash(Parameter):
    """The id of a picture."""

    kind: ClassVar[str] = "hash"

    def parse(self, text: str) -> str:
        if not _HASH.fullmatch(text):
            hint = "use an id from /api/images/samples, or upload the picture with POST /api/images"
            raise self.refuse("the id of a picture, 64 lowercase hexadecimal digits", text, hint)
        return text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[0-9a-f]{64}$"}


@dataclass(frozen=True)
class CheckpointId(Parameter):
    """The id of a trained network."""

    kind: ClassVar[str] = "id"

    def parse(self, text: str) -> str:
        if not _CHECKPOINT.fullmatch(text):
            raise self.refuse("the id of a trained network", text, "use an id from /api/checkpoints")
        return text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{_CHECKPOINT.pattern}$", "examples": ["fashion-logarithmic"]}


@dataclass(frozen=True)
class Slice(Parameter):
    """A half-open range of channels, `0:16`."""

    most: int = 0
    kind: ClassVar[str] = "range"

    def parse(self, text: str) -> tuple[int, int]:
        first, colon, last = text.partition(":")
        if not (colon and _WHOLE.fullmatch(first) and _WHOLE.fullmatch(last)):
            raise self.refuse("a range FIRST:END of channels", text, "write it as 0:16 for the first 16")
        start, stop = int(first), int(last)
        if not 0 <= start < stop <= self.most:
            raise self.refuse(f"a range FIRST:END with 0 <= FIRST < END <= {self.most}", text, "use 0:1 for the first")
        return start, stop

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[0-9]{1,40}:[0-9]{1,40}$", "examples": ["0:16"]}


def is_image_id(text: str) -> bool:
    return _HASH.fullmatch(text) is not None
