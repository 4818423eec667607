"""The JSON schema of a subject, alone and with what single routes add to it; each with a sample that is answered."""

from typing import Any

from app.documentschema import DOCUMENT
from app.measureparams import MAX_BATCH as MAX_MEASURED_BATCH
from app.networkanswers import (
    DEFAULT_BATCH,
    DEFAULT_BUDGET_GB,
    DEFAULT_DEVICES,
    MAX_BATCH,
    MAX_LABEL,
    MAX_SERIES,
    NETWORK_METRICS,
)
from app.settings import Settings
from compute.grouping import MAX_BASE, MIN_BASE
from compute.measure import DTYPES as MEASURED_DTYPES
from compute.measure import MAX_ROUNDS, MEMORY_FORMATS, MIN_ROUNDS, ROUNDS
from compute.network.memory import DTYPES, MAX_GIGABYTES, OPTIMIZERS
from compute.network.placement import MAX_DEVICES
from compute.network.policy import POLICIES, SCOPES, Policy
from compute.network.whatif import HOLDS
from compute.networks import IDS

SUBJECT_SAMPLE: dict[str, Any] = {
    "network": "alexnet-2012",
    "policy": {"kind": "logarithmic", "groups": 4},
    "hold": "macs",
    "edits": {"conv3": {"groups": 2}},
}


CURVES_SAMPLE: dict[str, Any] = {
    "series": [
        {"network": "alexnet-2012", "label": "AlexNet"},
        {"network": "alexnet-2012", "policy": {"kind": "depthwise"}, "label": "depthwise"},
    ],
    "metric": "params",
}


def json_body(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    """`requestBody` of a route."""
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}


def subject_schema(settings: Settings, **more: Any) -> dict[str, Any]:
    """`more`: properties that one route adds."""
    return {
        "type": "object",
        "description": "A network and what is changed in it: the policy first, then the edits, then the widths.",
        "required": ["network"],
        "additionalProperties": False,
        "properties": {
            "network": {
                "description": "Id of a published network, or a document.",
                "oneOf": [{"type": "string", "enum": list(IDS)}, DOCUMENT],
            },
            "policy": {
                "description": "One rule of grouping for every convolution it fits; null leaves all as they are.",
                "oneOf": [{"type": "null"}, _policy(settings.max_network_channels)],
            },
            "hold": choice(HOLDS, "What the variant must keep: its widths change until params or MACs match."),
            "edits": {
                "description": "By layer, the parameters changed by hand, as a document spells them; null: none.",
                "oneOf": [{"type": "null"}, {"type": "object", "additionalProperties": {"type": "object"}}],
            },
            **more,
        },
    }


def comparison_schema(settings: Settings) -> dict[str, Any]:
    text = "Leave out the original's rows, and those of layers that are what they were."
    return subject_schema(settings, changed_only={"type": "boolean", "default": False, "description": text})


def overview_schema(settings: Settings) -> dict[str, Any]:
    """A subject whose policies are all of them: their numbers stand beside the network."""
    schema = subject_schema(settings, **_numbers(settings.max_network_channels))
    del schema["properties"]["policy"]
    return schema


def memory_schema(settings: Settings) -> dict[str, Any]:
    budget = {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_GIGABYTES, "default": DEFAULT_BUDGET_GB}
    return subject_schema(
        settings,
        batch=whole(1, MAX_BATCH, DEFAULT_BATCH, "Images of one training step."),
        dtype=choice(DTYPES, "Of weights, gradients and activations alike."),
        optimizer=choice(OPTIMIZERS, "sgd keeps no state, momentum one number a weight, adam two."),
        budget_gb={**budget, "description": "Memory of the card in GB, of 2^30 bytes."},
    )


def measurement_schema(settings: Settings) -> dict[str, Any]:
    rounds = whole(MIN_ROUNDS, MAX_ROUNDS, ROUNDS, "How often everything is run, in turn.")
    backward = {"type": "boolean", "default": False, "description": "Forward and backward, as in training."}
    return subject_schema(
        settings,
        batch=whole(1, MAX_MEASURED_BATCH, 1, "Images of one pass."),
        dtype=choice(MEASURED_DTYPES, "Of input, weights and output; the device may not have all."),
        memory_format=choice(MEMORY_FORMATS, "Of the input."),
        backward=backward,
        rounds=rounds,
    )


def placement_schema(settings: Settings) -> dict[str, Any]:
    return subject_schema(settings, devices=whole(1, MAX_DEVICES, DEFAULT_DEVICES, "How many share the groups."))


def curves_schema(settings: Settings) -> dict[str, Any]:
    label = {"type": "string", "maxLength": MAX_LABEL, "description": "Name of the line; left out, the network's."}
    return {
        "type": "object",
        "required": ["series"],
        "additionalProperties": False,
        "properties": {
            "series": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_SERIES,
                "items": subject_schema(settings, label=label),
                "description": "A network as it is, beside a change of it, is drawn as its reference.",
            },
            "metric": {"enum": list(NETWORK_METRICS), "default": "macs", "description": "What is drawn."},
            "cumulative": {"type": "boolean", "default": False, "description": "All layers up to each one."},
            "log": {"type": "boolean", "default": True, "description": "Powers of ten at equal distances."},
        },
    }


def _policy(most: int) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["kind"],
        "additionalProperties": False,
        "properties": {"kind": {"enum": list(POLICIES)}, **_numbers(most)},
    }


def _numbers(most: int) -> dict[str, Any]:
    return {
        "groups": whole(1, most, Policy.groups, "Of uniform, logarithmic and root."),
        "width": whole(1, most, Policy.width, "Input channels a group, of width."),
        "base": whole(MIN_BASE, MAX_BASE, Policy.base, "Of logarithmic."),
        "scope": choice(SCOPES, "Kernels larger than 1 × 1, or every convolution."),
    }


def whole(low: int, high: int, default: int, text: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high, "default": default, "description": text}


def choice(choices: tuple[str, ...], text: str) -> dict[str, Any]:
    return {"enum": list(choices), "default": choices[0], "description": text}
