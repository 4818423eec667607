"""Writes the golden tables that the Python tests check against torch and the JavaScript tests check the page against;
for trained networks, in which words the page and the server tell what is not as trained; and of parameters what a page
needs to read them.

Run as `python -m tests.golden.make` after a deliberate change of what a layer is said to cost; the diff is the review.
"""

import json
from pathlib import Path
from typing import Any

from app.measureparams import measure_parameters
from app.params import Table, parameters
from app.settings import Settings
from app.stackparams import stack_parameters
from app.trainingparams import training_parameters
from compute import DEFAULTS, ConvSpec, Grouping, describe_layer, legal_groups
from compute.maps import MapsSpec
from compute.stack import StackSpec
from compute.trained import stack_of
from compute.trained.differences import layer_differences, stack_differences

HERE = Path(__file__).parent
KEYS = (
    *("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation"),
    *("bias", "height", "width", "scheme", "groups", "base"),
)

CASES: list[dict[str, Any]] = [
    {},
    {"groups": 1},
    {"groups": 7},
    {"scheme": "standard"},
    {"scheme": "uniform", "groups": 8},
    {"scheme": "depthwise", "out_channels": 128},
    {"in_channels": 100, "out_channels": 90},
    {"in_channels": 99, "out_channels": 99},
    {"in_channels": 81, "out_channels": 162, "base": 3},
    {"in_channels": 5, "out_channels": 5, "bias": False},
    {"in_channels": 6, "out_channels": 4, "scheme": "uniform", "groups": 2, "kernel_size": [3, 2], "stride": [2, 1]},
    {"in_channels": 96, "out_channels": 256, "scheme": "uniform", "groups": 2, "kernel_size": [5, 5],
     "padding": [2, 2], "height": 27, "width": 27},
    {"in_channels": 12, "out_channels": 9, "scheme": "custom", "sizes": [[1, 2], [1, 2], [4, 1], [6, 4]]},
    {"in_channels": 45, "out_channels": 45, "scheme": "custom", "sizes": [[n, n] for n in range(1, 10)]},
    {"kernel_size": [1, 1], "padding": [0, 0], "height": 56, "width": 40, "dilation": [2, 3]},
    {"kernel_size": [7, 7], "stride": [2, 2], "padding": [3, 3], "dilation": [2, 2], "height": 65, "width": 64},
    {"in_channels": 2048, "out_channels": 2048, "height": 7, "width": 7, "groups": 12},
    {"groups": 2, "base": 64},
]  # fmt: skip

LEGAL = [
    (scheme, a, b, base)
    for scheme in ("standard", "uniform", "logarithmic", "depthwise")
    for a, b in ((1, 1), (2, 3), (5, 5), (60, 60), (64, 64), (64, 96), (97, 97), (100, 90), (512, 384), (7, 2048))
    for base in ((2, 3, 64) if scheme == "logarithmic" else (2,))
]

TRAINED: dict[str, Any] = {
    "in_channels": 24, "scheme": "uniform", "groups": 4, "base": None, "sizes": None, "modules": 3, "residual": True,
    "mixing": "shuffle", "downsample": "max", "stage": 1, "kernel_size": [3, 3],
}  # fmt: skip
PLAIN = {**TRAINED, "scheme": "logarithmic", "groups": 3, "base": 3, "residual": False, "stage": 2, "mixing": "none"}
# Of a stack or of a layer on screen: what of it is not as trained.
SEEN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (TRAINED, {}),
    (TRAINED, {"scheme": "standard", "groups": 1}),
    (TRAINED, {"in_channels": 12, "modules": 2, "groups": 4}),
    (TRAINED, {"scheme": "custom", "groups": 4, "sizes": [[6, 6]] * 4}),
    (TRAINED, {"scheme": "custom", "groups": 2, "sizes": [[4, 20], [20, 4]], "residual": False, "mixing": "rotated"}),
    (TRAINED, {"downsample": "average", "dilation": [2, 1], "normalisation": "sum", "bias": False, "relu": False}),
    (TRAINED, {"stage": 2}),
    (TRAINED, {"modules": 1, "downsample": "none"}),
    (PLAIN, {}),
    (PLAIN, {"base": 2}),
    (PLAIN, {"scheme": "logarithmic", "groups": 1}),
    (PLAIN, {"scheme": "depthwise", "groups": 24, "stage": 3}),
]
SEEN_LAYERS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (TRAINED, {"relu": False}),
    (TRAINED, {}),
    (PLAIN, {}),
    (PLAIN, {"relu": False, "stride": [2, 2], "padding": [0, 0], "dilation": [1, 2], "bias": False}),
    (PLAIN, {"in_channels": 12, "out_channels": 18, "scheme": "uniform", "groups": 6}),
]


def golden_layers() -> list[dict[str, Any]]:
    rows = []
    for case in CASES:
        query = json.loads(json.dumps({key: DEFAULTS[key] for key in KEYS} | case))
        rows.append({"query": query, "expect": describe_layer(spec_of(query))})
    return rows


def golden_legal() -> list[dict[str, Any]]:
    names = ("scheme", "in_channels", "out_channels", "base")
    return [dict(zip(names, row, strict=True)) | {"legal_groups": legal_groups(*row)} for row in LEGAL]


def spec_of(query: dict[str, Any]) -> ConvSpec:
    """The spec that a query (typed JSON, names of the API) describes."""
    split = {key: query[key] for key in ("scheme", "in_channels", "out_channels", "groups", "base")}
    sizes = query.get("sizes")
    grouping = Grouping.of(**split, sizes=[tuple(pair) for pair in sizes] if sizes else None)
    rest = ("kernel_size", "stride", "padding", "dilation", "bias", "height", "width")
    return ConvSpec(grouping, **{key: query[key] for key in rest})


def golden_trained() -> list[dict[str, Any]]:
    """page: whose state `seen` is; trained: the network's stack."""
    rows = []
    for trained, differs in SEEN:
        seen = {**trained, **differs}
        words = stack_differences(stack_of(trained), seen_stack(seen))
        rows.append({"page": "stack", "trained": trained, "seen": seen, "differences": words})
    for trained, differs in SEEN_LAYERS:
        split = {name: trained[name] for name in ("in_channels", "scheme", "groups", "base", "sizes", "kernel_size")}
        seen = {**split, "out_channels": trained["in_channels"], **differs}
        words = layer_differences(stack_of(trained), seen_layer(seen))
        rows.append({"page": "layer", "trained": trained, "seen": seen, "differences": words})
    return rows


def seen_stack(seen: dict[str, Any]) -> StackSpec:
    names = ("modules", "residual", "mixing", "downsample", "stage", "kernel_size")
    more = {name: seen[name] for name in ("dilation", "normalisation", "bias", "relu") if name in seen}
    sizes = {name: tuple(value) if isinstance(value, list) else value for name, value in more.items()}
    grouping = split_of(seen, seen["in_channels"])
    return StackSpec(grouping, **{name: seen[name] for name in names}, **sizes, size=64)


def seen_layer(seen: dict[str, Any]) -> MapsSpec:
    more = {name: seen[name] for name in ("stride", "padding", "dilation", "bias") if name in seen}
    conv = ConvSpec(split_of(seen, seen["out_channels"]), seen["kernel_size"], **more, height=64, width=64)
    return MapsSpec(conv, relu=seen.get("relu", True))


def split_of(seen: dict[str, Any], out_channels: int) -> Grouping:
    sizes = [tuple(pair) for pair in seen["sizes"]] if seen["sizes"] else None
    groups, base = seen["groups"], seen["base"] or 2
    return Grouping.of(seen["scheme"], seen["in_channels"], out_channels, groups, base, sizes)


def server_tables() -> dict[str, Table]:
    """Of each page that has parameters, with the defaults of the settings and a picture's id that is none."""
    settings, image = Settings(), "0" * 64
    return {
        "layer": parameters(settings, image),
        "stack": stack_parameters(settings, image),
        "measure": measure_parameters(settings),
        "train": training_parameters(settings),
    }


def golden_parameters() -> dict[str, dict[str, Any]]:
    """{page: {name: what a page needs to read it}}, without words."""
    facts = ("kind", "default", "min", "max", "choices")
    return {
        page: {name: json.loads(json.dumps({key: one.boot()[key] for key in facts})) for name, one in table.items()}
        for page, table in server_tables().items()
    }


def main() -> None:
    tables = (("layers", golden_layers()), ("legal", golden_legal()), ("trained", golden_trained()))
    for name, rows in tables:
        text = "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"
        (HERE / f"{name}.json").write_text(text, encoding="utf-8")
    (HERE / "parameters.json").write_text(json.dumps(golden_parameters(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
