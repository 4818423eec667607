"""Runs what compute.measure describes, one timed block a step, so that others may use the device in between."""

import datetime
import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack
from statistics import median
from typing import Any

import torch

from compute import device as devices
from compute.counts import count_layer
from compute.errors import SpecError
from compute.grouping import Grouping
from compute.measure import (
    DTYPES,
    AnySpec,
    MeasureSpec,
    NetworkMeasureSpec,
    bound,
    bytes_moved,
    label_of,
    promised,
    ratios,
    sizes_text,
)
from compute.measurerun.ceilings import Ceilings, ceilings
from compute.measurerun.layers import PEAK_WORDS, arm_of, convolution_seconds, peak_bytes, supports
from compute.measurerun.parallel import apart, pool_of, sequential, spread, threaded
from compute.measurerun.results import (
    REFERENCE,
    Result,
    conditions_sentence,
    executed,
    factor,
    layer_facts,
    network_total,
    raised,
    ranking,
    side_by_side,
    steps,
    summed,
    sweep_sentence,
)
from compute.measurerun.rotation import OFF, Rounds, Step, Trial, rotated
from compute.strategies import Strategy, allocator

Event = dict[str, Any]
Inner = Generator[Step, bool, Result]
VERSION = 1
TUNE_BLOCKS, CEILING_BLOCKS = 70, 500  # about: how many steps finding a strategy and the ceilings take


class Measurer:
    """One device; one measurement at a time."""

    def __init__(self, device: str | torch.device = "auto") -> None:
        self.device = device if isinstance(device, torch.device) else devices.choose(device)
        self._dtypes: list[str] | None = None
        self._slowness: dict[str, float] = {"float32": 1.0}

    def describe(self) -> dict[str, Any]:
        return devices.describe(self.device)

    def dtypes(self) -> list[str]:
        """What the device runs, found by running it."""
        if self._dtypes is None:
            self._dtypes = [dtype for dtype in DTYPES if supports(dtype, self.device)]
        return self._dtypes

    def begin(self, spec: AnySpec, known: Ceilings | None = None) -> Generator[Event, bool | None, Result]:
        """Steps of one measurement: each runs at most one timed block and yields how far it is; sent True where
        something else ran on the device since. Returns the result, as JSON can hold it. known: the device's ceilings,
        if they were measured before. close() ends it at any step and leaves torch's settings as they were. Raises
        SpecError for a type that the device does not run."""
        if spec.dtype not in self.dtypes():
            raise SpecError(f"{spec.dtype} does not run on {self.device}", "dtype", f"use {' or '.join(self.dtypes())}")
        inner = self._inner(spec, known)
        total, done, began = _blocks(spec, known is None), 0, time.monotonic()
        try:
            stage, known_left = next(inner)
            while True:
                done += 1
                total = done + known_left if known_left and spec.kind != "network" else max(total, done + 1)
                left = (time.monotonic() - began) / done * (total - done)
                disturbed = yield {"stage": stage, "done": done, "total": total, "seconds_left": left}
                stage, known_left = inner.send(bool(disturbed))
        except StopIteration as stop:
            return {**stop.value, "version": VERSION}
        finally:
            inner.close()

    def _inner(self, spec: AnySpec, known: Ceilings | None) -> Inner:
        yield from _named(f"{spec.dtype} beside float32", self._compare(spec.dtype))
        if isinstance(spec, NetworkMeasureSpec):
            return (yield from self._network(spec))
        kinds: dict[str, Callable[[MeasureSpec, Ceilings | None], Inner]] = {
            "layer": self._layer,
            "waterfall": self._waterfall,
            "sweep": self._sweep,
            "parallel": self._parallel,
            "ceilings": self._ceilings,
        }
        return (yield from kinds[spec.kind](spec, known))

    def _compare(self, dtype: str) -> Generator[str, bool, None]:
        """How many times as long a convolution takes as in float32: some types run, but only just."""
        if dtype not in self._slowness:
            times = {}
            for name in ("float32", dtype):
                yield name
                times[name] = convolution_seconds(name, self.device)
            self._slowness[dtype] = times[dtype] / times["float32"]

    def _ceilings(self, spec: MeasureSpec, known: Ceilings | None) -> Inner:
        found = yield from _named("ceilings", ceilings(self.device, getattr(torch, spec.dtype)))
        common = self._common(spec, None)
        return {**common, "control": {**common["control"], "trusted": found["trusted"]}, **found}

    def _layer(self, spec: MeasureSpec, known: Ceilings | None) -> Inner:
        top = known or (yield from _named("ceilings", ceilings(self.device, getattr(torch, spec.dtype))))
        arms, skipped = spec.legal_arms()
        found: dict[str, tuple[Grouping, Strategy]] = {}
        trials: dict[str, Trial] = {}
        x = None
        for name, grouping in arms.items():
            arm = arm_of(spec.with_grouping(grouping), spec, self.device, x)
            x = arm.x
            best = yield from _named(f"looking for the fastest way: {label_of(grouping)}", arm.tuned())
            found[f"{name} plain"], trials[f"{name} plain"] = (grouping, arm.plain()), arm.as_written()
            found[f"{name} best"], trials[f"{name} best"] = (grouping, best), arm.trial(best)
        rounds = yield from _named("in turn", rotated(trials, REFERENCE, self.device, spec.rounds))
        rows = []
        top = raised(top, spec, {key: (strategy, rounds.samples[key]) for key, (_, strategy) in found.items()})
        for key, (grouping, strategy) in found.items():
            yield "memory", 0
            row = self._row(key, grouping, strategy, spec, rounds, top)
            row["peak_bytes"], row["peak_words"] = self._peak(trials[key])
            rows.append(row)
        return {
            **self._common(spec, rounds),
            "rows": rows,
            "skipped": skipped,
            "ranking": ranking(rows, rounds),
            "ceilings": top,
        }

    def _row(
        self, key: str, grouping: Grouping, strategy: Strategy, spec: MeasureSpec, rounds: Rounds, top: Ceilings
    ) -> Result:
        conv = spec.with_grouping(grouping)
        counts, samples = count_layer(conv), rounds.samples[key]
        arm, how = key.split()
        times = summed(samples)
        work = spec.batch * (3 if spec.backward else 1)
        gflops = counts.flops * work / times["median"] / 1e9
        moved = bytes_moved(counts, spec.batch, spec.dtype)
        held = None
        if not spec.backward:
            held = bound(
                grouping,
                counts.flops * spec.batch,
                moved,
                strategy.calls,
                gflops,
                top,
                executed(conv, strategy),
                not strategy.plan.padded,
            )
        return {
            "arm": arm,
            "how": how,
            "label": label_of(grouping),
            "groups": grouping.groups,
            "sizes": sizes_text(grouping),
            "strategy": strategy.name,
            "strategy_words": strategy.describe(),
            "calls": strategy.calls,
            **times,
            "samples": samples,
            "images_per_second": spec.batch / times["median"],
            "gflops": gflops,
            "macs": counts.macs,
            "flops": counts.flops,
            "params": counts.params,
            "bytes": moved,
            "intensity": counts.flops * spec.batch / moved,
            "promised": promised(conv),
            **factor(rounds, samples),
            "bound": held,
        }

    def _peak(self, work: Callable[[], object]) -> tuple[int | None, str]:
        return peak_bytes(work, self.device), PEAK_WORDS.get(self.device.type, "not known on this device")

    def _waterfall(self, spec: MeasureSpec, known: Ceilings | None) -> Inner:
        """Each step adds one thing to the step before, and ran; what can't be had here says why."""
        grouping = spec.conv.grouping
        standard = arm_of(
            spec.with_grouping(Grouping.standard(grouping.in_channels, grouping.out_channels)), spec, self.device
        )
        arm = arm_of(spec.conv, spec, self.device, standard.x)
        best = yield from _named("looking for the fastest way", arm.tuned())
        offered = arm.offered()
        plain = arm.plain()
        own, other = plain.memory_format, "contiguous" if arm.channels_last else "channels_last"
        formats = {name: Strategy(plain.plan, name) for name in (own, other)}
        packed = {name: f for name in (own, other) if (f := _find(offered, plain.plan.name, name, "prepacked"))}
        trials: dict[str, Trial] = {REFERENCE: standard.as_written(), "loop": arm.as_written()}
        trials["layout"] = arm.trial(formats[other])
        trials |= {f"prepack {name}": arm.trial(strategy) for name, strategy in packed.items()}
        trials["fewer-calls"] = arm.trial(best)
        columns = {}
        if not grouping.equal:  # between layers of one split groups can stay apart, by the best plan or one by one
            for strategy in dict.fromkeys((best, *(packed or formats).values())):
                if work := apart(arm, strategy):
                    key = f"no-cat {strategy.name}"
                    columns[key], trials[key] = strategy, work
        rounds = yield from _named("in turn", rotated(trials, REFERENCE, self.device, spec.rounds))
        return {**self._common(spec, rounds), **steps(spec, rounds, plain, best, own, other, packed, columns)}

    def _sweep(self, spec: MeasureSpec, known: Ceilings | None) -> Inner:
        standard = Grouping.standard(spec.conv.grouping.in_channels, spec.conv.grouping.out_channels)
        reference = arm_of(spec.with_grouping(standard), spec, self.device)
        trials: dict[str, Trial] = {REFERENCE: reference.as_written()}
        found: dict[str, tuple[str, Grouping, Strategy]] = {}
        for scheme, swept in spec.swept().items():
            for grouping in swept:
                arm = arm_of(spec.with_grouping(grouping), spec, self.device, reference.x)
                best = yield from _named(f"looking for the fastest way: {label_of(grouping)}", arm.tuned())
                key = f"{scheme} {grouping.groups}"
                found[key] = scheme, grouping, best
                trials[key], trials[f"{key} plain"] = arm.trial(best), arm.as_written()
        rounds = yield from _named("in turn", rotated(trials, REFERENCE, self.device, spec.rounds))
        rows = []
        for key, (scheme, grouping, strategy) in found.items():
            conv = spec.with_grouping(grouping)
            first = rounds.samples[f"{scheme} 1"]
            macs = count_layer(conv).macs
            rows.append(
                {
                    "scheme": scheme,
                    "groups": grouping.groups,
                    **summed(rounds.samples[key]),
                    "plain_median": median(rounds.samples[f"{key} plain"]),
                    "macs": macs,
                    "counted": median(first) * macs / count_layer(spec.with_grouping(standard)).macs,
                    "strategy": strategy.describe(),
                    "promised": promised(conv),
                    **factor(rounds, rounds.samples[key]),
                }
            )
        return {**self._common(spec, rounds), "rows": rows, "sentence": sweep_sentence(rows, spec)}

    def _parallel(self, spec: MeasureSpec, known: Ceilings | None) -> Inner:
        grouping = spec.conv.grouping
        arm = arm_of(spec.conv, spec, self.device)
        trials: dict[str, Trial] = {"one after another": sequential(arm, grouping)}
        workers, reasons = {"one after another": 1}, {}
        streams = next((strategy for strategy in arm.offered().values() if strategy.kernel == "streams"), None)
        if streams:
            trials["streams"], workers["streams"] = arm.trial(streams), grouping.groups
        else:
            reasons["streams"] = "they need a CUDA device, forward alone and more than one group"
        if len(others := self._devices()) > 1 and grouping.groups > 1:
            trials["devices"], workers["devices"] = spread(arm, grouping, others), min(len(others), grouping.groups)
        else:
            reasons["devices"] = "there is one device" if len(others) == 1 else "there is one group"
        with ExitStack() as stack:
            threads = min(torch.get_num_threads(), grouping.groups)
            if self.device.type == "cpu" and threads > 1:
                pool = stack.enter_context(pool_of(threads))
                trials["threads"], workers["threads"] = threaded(arm, grouping, pool), threads
            elif grouping.groups == 1:
                reasons["threads"] = "there is one group"
            else:
                reasons["threads"] = "there is one core" if self.device.type == "cpu" else "they are for a CPU's cores"
            rounds = yield from _named(
                "in turn", rotated(trials, "one after another", self.device, spec.rounds, ["threads"])
            )
        return {**self._common(spec, rounds), **side_by_side(spec, rounds, reasons, workers)}

    def _devices(self) -> list[torch.device]:
        if self.device.type != "cuda":
            return [self.device]
        first = self.device.index or 0
        others = [i for i in range(torch.cuda.device_count()) if i != first]
        return [torch.device("cuda", i) for i in (first, *others)]

    def _network(self, spec: NetworkMeasureSpec) -> Inner:
        rows, controls, discarded, unclean = [], [], 0, 0
        for layer in spec.layers:
            original, variant = (arm_of(conv, spec, self.device) for conv in (layer.original, layer.variant))
            same = layer.original == layer.variant
            stage = f"{layer.name}"
            trials: dict[str, Trial] = {"original": original.as_written()}
            words = "as it was"
            if not same:
                best = yield from _named(stage, variant.tuned())
                trials["variant"], words = variant.trial(best), best.describe()
            rounds = yield from _named(stage, rotated(trials, "original", self.device, spec.rounds))
            controls.append(rounds.control)
            discarded, unclean = discarded + rounds.discarded, unclean + (not rounds.trusted)
            times = {side: rounds.samples.get(side, rounds.samples["original"]) for side in ("original", "variant")}
            rows.append(
                {
                    "name": layer.name,
                    "count": layer.count,
                    "layer": layer_facts(layer.original, spec),
                    "original": {
                        "sizes": sizes_text(layer.original.grouping),
                        "median": median(times["original"]),
                        "macs": count_layer(layer.original).macs,
                    },
                    "variant": {
                        "sizes": sizes_text(layer.variant.grouping),
                        "median": median(times["variant"]),
                        "macs": count_layer(layer.variant).macs,
                        "strategy": words,
                    },
                    "promised": count_layer(layer.original).macs / count_layer(layer.variant).macs,
                    "measured": 1.0 if same else median(ratios(times["original"], times["variant"])),
                }
            )
        together = Rounds({"original": controls}, [1.0] * len(controls), "original", discarded, unclean)
        return {**self._common(spec, together), "rows": rows, **network_total(rows)}

    def _common(self, spec: AnySpec, rounds: Rounds | None) -> Result:
        told = self.describe()
        conditions = {
            "device": told["device"],
            "name": told["name"],
            "dtype": spec.dtype,
            "memory_format": spec.memory_format,
            "backward": spec.backward,
            "batch": spec.batch,
            "threads": torch.get_num_threads(),
            "allocator": allocator(),
            "spin_count": os.environ.get("GOMP_SPINCOUNT", "default"),
            "torch": told["torch"],
            "tf32": told["tf32"],
            "cudnn_benchmark": bool(torch.backends.cudnn.benchmark) and self.device.type == "cuda",
            "rounds": spec.rounds,
            "discarded": rounds.discarded if rounds else 0,
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }
        conditions["sentence"] = conditions_sentence(conditions, self._slowness[spec.dtype])
        control = {
            "ratio": rounds.control if rounds else 1.0,
            "limit": OFF,
            "trusted": rounds.trusted if rounds else True,
        }
        layer = layer_facts(spec.conv, spec) if isinstance(spec, MeasureSpec) else None
        return {"kind": spec.kind, "conditions": conditions, "layer": layer, "control": control}


def _named(stage: str, steps: Generator[Any, bool, Any]) -> Generator[Step, bool, Any]:
    """The same steps under one name, with how many are left where that is known."""
    sent = None
    try:
        while True:
            step = steps.send(sent) if sent is not None else next(steps)
            sent = yield stage, step[1] if isinstance(step, tuple) else 0
    except StopIteration as stop:
        return stop.value
    finally:
        steps.close()


def _blocks(spec: AnySpec, without_ceilings: bool) -> int:
    """About how many steps it takes."""
    if isinstance(spec, NetworkMeasureSpec):
        return len(spec.layers) * (TUNE_BLOCKS + 3 * (spec.rounds + 1))
    if spec.kind == "ceilings":
        return CEILING_BLOCKS
    arms = len(list(spec.groupings()))
    tuned = 0 if spec.kind == "parallel" else TUNE_BLOCKS * arms
    ways = {"waterfall": 5, "parallel": 2}.get(spec.kind, 2)
    first = CEILING_BLOCKS if spec.kind == "layer" and without_ceilings else 0
    return first + tuned + (spec.rounds + 1) * (ways * arms + 1)


def _find(offered: Mapping[str, Strategy], plan: str, format_: str, kernel: str) -> Strategy | None:
    plans_ = {plan, "runs"} if plan == "loop" else {plan}  # without equal neighbours they are the same
    return next(
        (s for s in offered.values() if s.plan.name in plans_ and (s.memory_format, s.kernel) == (format_, kernel)),
        None,
    )
