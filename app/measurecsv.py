"""Measurements as comma-separated values, RFC 4180: the conditions stand in every row, so that tables can be joined."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.csvtext import csv_text

CONDITIONS = (
    "device", "name", "dtype", "memory_format", "backward", "batch", "threads", "allocator", "spin_count",
    "torch", "tf32", "cudnn_benchmark", "rounds", "discarded", "date",
)  # fmt: skip
TIMES = ("median", "min", "q1", "q3")
LAYER = (
    "arm", "how", "label", "groups", "sizes", "strategy", "calls", "images_per_second", "gflops", "macs", "flops",
    "params", "bytes", "intensity", "promised", "measured", "measured_low", "measured_high", "peak_bytes",
)  # fmt: skip
SWEEP = ("scheme", "groups", "macs", "promised", "measured", "measured_low", "measured_high", "strategy")
Row = dict[str, Any]


def csv_of(result: Mapping[str, Any]) -> str:
    """A row for each run of a layer; else one for each step, number of groups, way or shape. Seconds have their unit in
    the name."""
    conditions = {f"condition_{name}": result["conditions"].get(name, "") for name in CONDITIONS}
    control = {"control_ratio": result["control"]["ratio"], "control_trusted": result["control"]["trusted"]}
    rows = [{**row, **control, **conditions} for row in _ROWS[result["kind"]](result)]
    return csv_text(list(rows[0]), rows)


def _seconds(row: Mapping[str, Any], names: tuple[str, ...] = TIMES) -> Row:
    return {f"{name}_seconds": row[name] for name in names}


def _layer(result: Mapping[str, Any]) -> Iterator[Row]:
    for row in result["rows"]:
        facts = {**{name: row[name] for name in LAYER}, "bound": (row["bound"] or {}).get("name")}
        for number, seconds in enumerate(row["samples"], 1):
            yield {"round": number, "seconds": seconds, **_seconds(row), **facts}


def _waterfall(result: Mapping[str, Any]) -> Iterator[Row]:
    for step in result["steps"]:
        known = step["available"]
        yield {
            "arm": result["arm"],
            "step": step["name"],
            "step_label": step["label"],
            "available": known,
            "factor": step["factor"] if known else None,
            **{name: value if known else None for name, value in _seconds(step, ("median", "q1", "q3")).items()},
            "strategy": step["strategy"],
        }


def _sweep(result: Mapping[str, Any]) -> Iterator[Row]:
    for row in result["rows"]:
        yield {**{name: row[name] for name in SWEEP}, **_seconds(row, (*TIMES, "plain_median", "counted"))}


def _parallel(result: Mapping[str, Any]) -> Iterator[Row]:
    for row in result["rows"]:
        known = row["available"]
        yield {
            "how": row["how"],
            "available": known,
            **{name: value if known else None for name, value in _seconds(row, ("median", "q1", "q3")).items()},
            "speedup": row["speedup"] if known else None,
            "ideal_speedup": result["ideal"],
            "bytes_per_worker": " ".join(map(str, row["bytes_per_worker"])),
        }


def _ceilings(result: Mapping[str, Any]) -> Iterator[Row]:
    for name, unit in (
        ("matmul_gflops", "GFLOP/s"), ("conv_gflops", "GFLOP/s"), ("peak_gflops", "GFLOP/s"),
        ("cache_bytes_per_second", "bytes/s"), ("memory_bytes_per_second", "bytes/s"), ("cache_size_bytes", "bytes"),
        ("call_seconds", "s"),
    ):  # fmt: skip
        yield {"ceiling": name, "value": result[name], "unit": unit}
    for point in result["narrow"]:
        yield {"ceiling": f"groups of {point['width']} channels", "value": point["gflops"], "unit": "GFLOP/s"}


def _network(result: Mapping[str, Any]) -> Iterator[Row]:
    for row in result["rows"]:
        sides = {
            f"{side}_{name}": row[side][key]
            for side in ("original", "variant")
            for name, key in (("sizes", "sizes"), ("macs", "macs"), ("median_seconds", "median"))
        }
        shape = {name: row["layer"][name] for name in ("in_channels", "out_channels", "height", "width")}
        kernel = "x".join(map(str, row["layer"]["kernel_size"]))
        factors = {"promised": row["promised"], "measured": row["measured"], "strategy": row["variant"]["strategy"]}
        yield {"layer": row["name"], "count": row["count"], **shape, "kernel_size": kernel, **sides, **factors}


_ROWS = {
    "layer": _layer,
    "waterfall": _waterfall,
    "sweep": _sweep,
    "parallel": _parallel,
    "ceilings": _ceilings,
    "network": _network,
}
