"""A training run as comma-separated values, RFC 4180: a row for each stretch of steps and for each evaluation."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.csvtext import csv_text


def training_csv(record: Mapping[str, Any]) -> str:
    names = (
        "arm", "channels", "sizes", "params", "macs_per_image", "seed", "kind", "step", "loss", "accuracy", "seconds",
        "macs_spent", "data", "device", "created",
    )  # fmt: skip
    return csv_text(names, _rows(record))


def _rows(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    run = {"data": record["data"]["name"], "device": record["device"], "created": record["created"]}
    for arm in record["arms"]:
        facts = {"arm": arm["arm"], **{name: arm[name] for name in ("channels", "sizes", "params")}}
        facts |= {"macs_per_image": arm["macs"], **run}
        for curve in record["history"].get(arm["arm"], []):
            columns = (curve[name] for name in ("steps", "loss", "seconds", "macs"))
            for step, loss, seconds, macs in zip(*columns, strict=True):
                point = {"kind": "training", "step": step, "loss": loss, "seconds": seconds, "macs_spent": macs}
                yield {**facts, "seed": curve["seed"], **point}
            for one in curve["evaluations"]:
                point = {name: one[name] for name in ("step", "loss", "accuracy", "seconds")}
                yield {**facts, "seed": curve["seed"], "kind": "held-out", **point, "macs_spent": one["macs"]}
