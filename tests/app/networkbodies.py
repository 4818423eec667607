"""What tests of networks send, and how they read what comes back."""

from typing import Any

import orjson
from pydantic import TypeAdapter

ALEXNET = {"network": "alexnet-2012"}
SUBJECT_ROUTES = ("whatif", "memory", "placement", "code", "document")


def strict(model: Any, body: bytes) -> Any:
    """What `body` says, after `model` has checked it."""
    TypeAdapter(model).validate_json(body)
    return orjson.loads(body)


def long_document(layers: int) -> dict[str, Any]:
    conv = {"kind": "Conv2d", "out_channels": 64, "kernel_size": 3, "padding": 1}
    split = {"scheme": "logarithmic", "groups": 4}
    return {
        "input_shape": [64, 56, 56],
        "layers": [{**conv, "grouping": split} if i % 2 == 0 else {"kind": "ReLU"} for i in range(layers)],
    }
