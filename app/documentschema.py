"""The JSON schema of a network's document, made from the kinds of layers themselves, and a document that is worked out.

The sample is small and real: the residual module of a log-group network between a stem and a classifier.
"""

from dataclasses import MISSING, Field, fields
from inspect import getdoc
from typing import Any

from app.settings import Settings
from compute.grouping import MAX_BASE, MIN_BASE, SCHEMES
from compute.network.document import MAX_INPUTS, MAX_NAME, STATED, Limits
from compute.network.graph import MAX_WORDS
from compute.network.kinds import KINDS, Kind

DOCUMENT_SAMPLE: dict[str, Any] = {
    "name": "a log-group module",
    "input_shape": [3, 32, 32],
    "layers": [
        {"kind": "Conv2d", "name": "stem", "out_channels": 64, "kernel_size": 3, "padding": 1, "bias": False},
        {"kind": "BatchNorm2d", "name": "stem_norm"},
        {"kind": "ReLU", "name": "stem_relu"},
        {
            "kind": "Conv2d",
            "name": "grouped",
            "out_channels": 64,
            "kernel_size": 3,
            "padding": 1,
            "grouping": {"scheme": "logarithmic", "groups": 4, "base": 2},
        },
        {"kind": "BatchNorm2d", "name": "norm"},
        {"kind": "Add", "name": "sum", "inputs": ["norm", "stem_relu"]},
        {"kind": "ReLU", "name": "relu"},
        {"kind": "AdaptiveAvgPool2d", "name": "pool", "output_size": 1},
        {"kind": "Flatten", "name": "flat"},
        {"kind": "Linear", "name": "classes", "out_features": 10},
    ],
}
DOCUMENT = {"$ref": "#/components/schemas/NetworkDocument"}  # document_schema, once for all routes
NAME = {"type": "string", "minLength": 1, "maxLength": MAX_NAME}
PAIRS = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1, "output_size": 1}  # and the least of each side


def document_schema(settings: Settings) -> dict[str, Any]:
    """The component NetworkDocument."""
    channels, resolution = settings.max_network_channels, settings.max_resolution
    return {
        "type": "object",
        "description": "Layers in order. Each reads the one before it, or the earlier ones that `inputs` names.",
        "required": ["layers"],
        "additionalProperties": False,
        "properties": {
            **{name: {"type": "string", "maxLength": MAX_WORDS} for name in ("name", "source", "convention")},
            "input_shape": {
                "description": "[channels, height, width], or [features].",
                "oneOf": [_sides(channels), _sides(channels, resolution, resolution)],
                "default": [3, 224, 224],
            },
            "layers": {
                "type": "array",
                "minItems": 1,
                "maxItems": settings.max_layers,
                "items": {"oneOf": [_layer(kind, settings) for kind in KINDS.values()]},
            },
        },
    }


def _layer(kind: type[Kind], settings: Settings) -> dict[str, Any]:
    own = {f.name: _parameter(f, settings) for f in fields(kind) if f.name != "split"}
    rules: dict[str, Any] = {}
    if kind.title() == "Conv2d":
        own |= {"groups": _whole(settings.max_network_channels) | {"default": 1}, "grouping": _grouping(settings)}
        rules = {"not": {"required": ["groups", "grouping"]}}
    if kind.title() in STATED:
        own[STATED[kind.title()]] = {"type": "integer", "minimum": 1, "description": "Follows from its input; checked."}
    return {
        "type": "object",
        "title": kind.title(),
        "description": getdoc(kind),
        "required": ["kind", *(f.name for f in fields(kind) if f.name != "split" and f.default is MISSING)],
        "additionalProperties": False,
        "properties": {
            "kind": {"const": kind.title()},
            "name": {
                **NAME,
                "pattern": r"\S",
                "description": "Of its own, in printable characters; left out, layer1, layer2 …",
            },
            "inputs": _inputs(kind),
            **own,
        },
        **rules,
    }


def _inputs(kind: type[Kind]) -> dict[str, Any]:
    """One may be named without a list; null, as left out, is the layer before: too few for Add and Concat."""
    most = MAX_INPUTS if kind.many else 1
    several = {"type": "array", "items": NAME, "minItems": 2 if kind.many else 1, "maxItems": most}
    words = 'Earlier layers, or "input"'
    if kind.many:
        return {**several, "description": f"{words}."}
    return {"description": f"{words}; left out, the layer before.", "oneOf": [several, NAME, {"type": "null"}]}


def _sides(*most: int) -> dict[str, Any]:
    sides = [_whole(high) for high in most]
    return {"type": "array", "prefixItems": sides, "minItems": len(sides), "maxItems": len(sides)}


def _parameter(field: Field[Any], settings: Settings) -> dict[str, Any]:
    schema = _type(field, settings)
    if field.default is not MISSING and field.default is not None:
        schema["default"] = field.default[0] if isinstance(field.default, tuple) else field.default
    return schema


def _type(field: Field[Any], settings: Settings) -> dict[str, Any]:
    if field.name in PAIRS:
        low = PAIRS[field.name]
        high = settings.max_resolution if field.name == "output_size" else settings.max_kernel
        side = {"type": "integer", "minimum": low, "maximum": high}
        both = {"type": "array", "items": side, "minItems": 2, "maxItems": 2, "description": "[height, width]"}
        optional = [{"type": "null"}] if field.default is None else []  # of a pooling's stride: kernel_size
        return {"oneOf": [side, both, *optional]}
    if field.type is bool:
        return {"type": "boolean"}
    if field.type is float:
        return {"type": "number", "minimum": 0, "exclusiveMaximum": 1}
    return _whole(settings.max_network_channels)


def _whole(most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most}


def _grouping(settings: Settings) -> dict[str, Any]:
    """One form for each way to say it: what a scheme has no use for may stand there too, but for sizes."""
    pair = {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 2, "maxItems": 2}
    sizes = {"type": "array", "items": pair, "minItems": 1, "maxItems": Limits.groups}
    numbers = {
        "groups": _whole(settings.max_network_channels),
        "base": {"type": "integer", "minimum": MIN_BASE, "maximum": MAX_BASE, "default": 2},
    }

    def form(schemes: list[str], required: list[str], **more: Any) -> dict[str, Any]:
        properties = {"scheme": {"enum": schemes}, **numbers, **more}
        return {
            "type": "object",
            "required": ["scheme", *required],
            "additionalProperties": False,
            "properties": properties,
        }

    numbered = ["uniform", "logarithmic"]
    plain = [scheme for scheme in SCHEMES if scheme not in (*numbered, "custom")]
    return {
        "description": "Any split; instead of groups. sizes: [in, out] of each group.",
        "oneOf": [form(plain, []), form(numbered, ["groups"]), form(["custom"], ["sizes"], sizes=sizes)],
    }
