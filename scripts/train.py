"""Trains the networks that ship with Groupscope and writes what came out of it: `make train`.

Standard, uniform and logarithmic, five seeds each, on the shipped part of Fashion-MNIST, once with equal params and
once with equal MACs (which are the same runs where both ask for the same widths). The first seed's networks become
compute/trained/files; docs/trained.md has the table and docs/trained.json every number. It goes on where it was
stopped.
"""

import argparse
import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from compute.datasets import Facts, shipped
from compute.device import prepare
from compute.training import TrainSpec, arms_of, reference_of
from compute.trainrun import Trainer

PROJECT = Path(__file__).resolve().parent.parent
SPEC: Mapping[str, Any] = {"width": 16, "seeds": 5, "epochs": 8}
ARMS = ("standard", "uniform", "logarithmic")
FILES = PROJECT / "compute" / "trained" / "files"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--folder", type=Path, default=PROJECT / "build" / "train", help="where checkpoints go")
    arguments.add_argument("--threads", type=int, default=0)
    options = arguments.parse_args()
    prepare(options.threads)
    runs: dict[str, Any] = {}
    for hold in ("params", "macs"):
        spec = TrainSpec(arms=ARMS, hold=hold, **SPEC)
        images = shipped()
        trainer = Trainer(spec, images, options.folder / hold)
        arms = _arms(trainer)
        same = next((name for name, run in runs.items() if run["arms"] == arms), None)
        runs[hold] = {"arms": arms, **({"same_as": same} if same else _trained(trainer, hold))}
    for arm in ARMS:
        shutil.copyfile(options.folder / "params" / f"{arm}-0.safetensors", FILES / f"fashion-{arm}.safetensors")
    told = {
        "made_by": "make train",
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "data": {"name": images.facts.name, "digest": images.facts.digest, "train": images.facts.train},
        "runs": runs,
    }
    (FILES / "answer.json").write_text(json.dumps(_answer(runs["params"], images.facts), indent=1) + "\n", "utf-8")
    docs = PROJECT / "docs"
    docs.mkdir(exist_ok=True)
    (docs / "trained.json").write_text(json.dumps(told, separators=(",", ":")) + "\n", encoding="utf-8")
    (docs / "trained.md").write_text(_page(runs, images.facts), encoding="utf-8")


def _trained(trainer: Trainer, hold: str) -> dict[str, Any]:
    began, told = time.monotonic(), 0.0
    steps = trainer.steps()
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            snapshot: dict[str, Any] = end.value
            return {name: snapshot[name] for name in ("history", "verdict")} | {"results": snapshot["arms"]}
        if time.monotonic() - told > 20:
            told = time.monotonic()
            left = event["seconds_left"]
            accuracies = [f"{one['arm']} {one['accuracy'] or 0:.3f}" for one in event["arms"]]
            print(
                f"{hold} {told - began:6.0f} s, {left:5.0f} s left: {event['stage']}; {', '.join(accuracies)}",
                flush=True,
            )


def _arms(trainer: Trainer) -> list[dict[str, Any]]:
    reference = reference_of(trainer.spec, trainer.data)
    assert arms_of(trainer.spec, trainer.data) == trainer.arms
    return [
        {
            "arm": arm.name,
            "label": arm.label,
            "channels": arm.stack.channels,
            "sizes": [a for a, _ in arm.grouping.sizes],
            "params": arm.params,
            "macs": arm.macs,
            "params_ratio": arm.params / reference.params,
            "macs_ratio": arm.macs / reference.macs,
        }
        for arm in trainer.arms
    ]


def _answer(run: Mapping[str, Any], data: Facts) -> dict[str, Any]:
    """What the page that trains shows."""
    names = ("accuracy_mean", "accuracy_low", "accuracy_high")
    arms = [{**arm, **{name: run["results"][arm["arm"]][name] for name in names}} for arm in run["arms"]]
    facts = {
        "data": data.name,
        "train": data.train,
        "test": data.test,
        "seeds": SPEC["seeds"],
        "epochs": SPEC["epochs"],
    }
    return {**facts, "arms": arms, "verdict": run["verdict"]}


def _page(runs: Mapping[str, Any], data: Facts) -> str:
    parts = [
        "# What this data says about uniform and logarithmic groups\n",
        f"{data.name}: {data.train:,} training images, {data.test:,} test images that were never trained on."
        f" {SPEC['seeds']} seeds an arm, {SPEC['epochs']} epochs, the same batches in the same order for every arm;"
        " three residual modules on 28 × 28, 14 × 14 and 7 × 7, no mixing between groups but by the stem and the head."
        " Made by `make train`; every loss and accuracy is in [trained.json](trained.json)."
        " Intervals are of 95 %: of a mean over seeds, Student's t; of a difference, paired by seed, for all three"
        " pairs at once.\n",
    ]
    for hold, title in (("params", "Equal params"), ("macs", "Equal MACs")):
        parts.append(f"## {title}\n")
        if "same_as" in runs[hold]:
            parts.append(
                "At equal MACs every arm has the width that it has at equal params, as near as whole channels come: the"
                " runs are those above, and so is the answer.\n"
            )
            continue
        parts.append(_table(runs[hold]))
        parts.append(f"{runs[hold]['verdict']['sentence']}\n")
    parts.append(
        "Whole channels come no nearer: a uniform split needs a multiple of n, and has a few percent more params and"
        " MACs than the standard network here. The paper's own sets, Multi-PIE and CIFAR-10, are not included, and its"
        " layer table was not available: this is our reading of its module on other images, no repetition of its"
        " experiment.\n"
    )
    return "\n".join(parts)


def _table(run: Mapping[str, Any]) -> str:
    lines = [
        "| arm | channels | groups | params | MACs | test accuracy | 95 % | seed by seed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for arm in run["arms"]:
        found = run["results"][arm["arm"]]
        seeds = ", ".join(f"{100 * one['accuracy']:.1f}" for one in found["seeds"])
        lines.append(
            f"| {arm['label']} | {arm['channels']} | {' + '.join(map(str, arm['sizes']))}"
            f" | {arm['params']:,} ({arm['params_ratio']:.3f}) | {arm['macs']:,} ({arm['macs_ratio']:.3f})"
            f" | {100 * found['accuracy_mean']:.2f} % | {100 * found['accuracy_low']:.2f} –"
            f" {100 * found['accuracy_high']:.2f} | {seeds} |"
        )
    lines += ["", "| difference | points | 95 %, all pairs at once |", "|---|---|---|"]
    for pair in run["verdict"]["pairs"]:
        low, high = 100 * pair["low"], 100 * pair["high"]
        lines.append(f"| {pair['a']} − {pair['b']} | {100 * pair['difference']:+.2f} | {low:+.2f} to {high:+.2f} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
