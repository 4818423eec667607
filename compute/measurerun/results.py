"""What the rounds of a measurement come to: rows, places and sentences that JSON can hold."""

import itertools
import math
from collections.abc import Mapping
from statistics import median
from typing import Any

from compute.counts import count_layer
from compute.grouping import Grouping
from compute.measure import (
    AnySpec,
    MeasureSpec,
    bytes_moved,
    interval,
    label_of,
    places,
    promised,
    quartiles,
    ratios,
    taps_inside,
)
from compute.measurerun.ceilings import Ceilings
from compute.measurerun.parallel import dealt
from compute.measurerun.rotation import Rounds
from compute.spec import ConvSpec
from compute.strategies import Strategy

Result = dict[str, Any]
REFERENCE = "standard plain"
SLOW = 4.0  # times as long as float32: worth a word
APART = "groups kept apart: no cut, no cat"
HOW = {"plain": "as people write it", "best": "at its best"}


def summed(samples: list[float]) -> dict[str, float]:
    first, third = quartiles(samples)
    return {"median": median(samples), "min": min(samples), "q1": first, "q3": third}


def factor(rounds: Rounds, samples: list[float]) -> dict[str, float]:
    """How many times as fast as the standard layer, round by round; both of its runs count."""
    reference = [math.sqrt(a * b) for a, b in zip(rounds.samples[rounds.reference], rounds.again, strict=True)]
    each = ratios(reference, samples)
    low, high = interval(each)
    return {"measured": median(each), "measured_low": low, "measured_high": high}


def raised(top: Ceilings, spec: MeasureSpec, found: Mapping[str, tuple[Strategy, list[float]]]) -> Ceilings:
    """A layer that is faster than every ceiling shows that the device can do more. found: by "arm how"."""
    arms = spec.legal_arms()[0]
    for key, (strategy, samples) in found.items():
        conv = spec.with_grouping(arms[key.split()[0]])
        work = 2 * count_layer(conv).macs * spec.batch * executed(conv, strategy)
        name = "matrix product" if strategy.kernel == "matmul" else "convolution"
        rate = work / median(samples) / 1e9
        if rate > top["peak_gflops"] and not spec.backward:
            which = "matmul_gflops" if name == "matrix product" else "conv_gflops"
            top = {**top, which: rate, "peak_gflops": rate, "peak_from": name}
    return top


def executed(conv: ConvSpec, strategy: Strategy) -> float:
    """Multiply-accumulates that are done at least over those counted: zeros between groups are, padding need not be."""
    return strategy.plan.connections / conv.grouping.connections * taps_inside(conv)


def ranking(rows: list[Result], rounds: Rounds) -> Result:
    keys = {f"{row['arm']} {row['how']}": row for row in rows}
    found = places(rounds.samples, abs(rounds.control - 1))
    named = [[{"arm": keys[key]["arm"], "how": keys[key]["how"]} for key in place] for place in found]

    def words(place: list[str]) -> str:
        names = [f"{keys[key]['label']} {HOW[keys[key]['how']]}" for key in place]
        return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

    if not rounds.trusted:
        sentence = "The machine was too busy: nothing is ranked."
        named = [[{"arm": row["arm"], "how": row["how"]} for row in rows]]
    elif len(found) == 1:
        sentence = "Nothing here can be told apart: all differences lie inside the spread."
    else:
        verb = "is fastest" if len(found[0]) == 1 else "share the first place, too close to be ranked"
        sentence = f"{words(found[0])[0].upper()}{words(found[0])[1:]} {verb}; slowest: {words(found[-1])}."
    return {"places": named, "sentence": sentence}


def steps(
    spec: MeasureSpec,
    rounds: Rounds,
    plain: Strategy,
    best: Strategy,
    own: str,
    other: str,
    packed: Mapping[str, Strategy],
    columns: Mapping[str, Strategy],
) -> Result:
    def step(name: str, label: str, key: str | None, strategy: str, reason: str | None = None) -> Result:
        if key is None:
            empty = dict.fromkeys(("median", "q1", "q3", "factor"), 0.0)
            return {"name": name, "label": label, "strategy": strategy, **empty, "available": False, "reason": reason}
        samples = rounds.samples[key]
        times = summed(samples)
        return {
            "name": name,
            "label": label,
            "strategy": strategy,
            **{each: times[each] for each in ("median", "q1", "q3")},
            "factor": factor(rounds, samples)["measured"],
            "available": True,
            "reason": None,
        }

    reference = median(rounds.samples[REFERENCE])
    promise = promised(spec.conv)
    faster = "layout" if median(rounds.samples["layout"]) < median(rounds.samples["loop"]) else "loop"
    format_ = other if faster == "layout" else own
    keys = sorted((f"prepack {name}" for name in packed), key=lambda key: median(rounds.samples[key]))
    kept = min(columns, key=lambda key: median(rounds.samples[key]), default=None)
    first = "nn.Conv2d(groups=)" if spec.conv.grouping.equal else "a loop of convolutions and cat"
    steps = [
        {
            "name": "promise",
            "label": "what MACs promise",
            "strategy": None,
            "median": reference / promise,
            "q1": reference / promise,
            "q3": reference / promise,
            "factor": promise,
            "available": True,
            "reason": None,
        },
        step("loop", first, "loop", plain.describe()),
        step("layout", f"in the faster memory format: {format_}", faster, Strategy(plain.plan, format_).describe()),
        step("prepack", "weights packed beforehand", keys[0], packed[keys[0].split()[1]].describe())
        if keys
        else step(
            "prepack", "weights packed beforehand", None, "", "oneDNN packs weights for inference on a CPU alone"
        ),
        step("fewer-calls", "the fastest of all ways", "fewer-calls", best.describe()),
        step("no-cat", APART, kept, f"{columns[kept].describe()}, never put together")
        if kept
        else step("no-cat", APART, None, "", "one call does it all: nothing is cut or put together"),
    ]
    label = label_of(spec.conv.grouping)
    found = next(step for step in steps if step["name"] == "fewer-calls")["factor"]
    share = math.log(found) / math.log(promise) if promise > 1 else 1.0
    sentence = (
        f"{label[0].upper()}{label[1:]}: MACs promise ×{promise:.2f}, written plainly it is"
        f" ×{steps[1]['factor']:.2f}, at its best ×{found:.2f}"
        f" ({found / promise:.0%} of the promise{f', {share:.0%} on a logarithmic scale' if 0 < share < 1 else ''})."
    )
    return {
        "arm": spec.conv.grouping.scheme,
        "label": label,
        "promised": promise,
        "reference": reference,
        "steps": steps,
        "sentence": sentence,
    }


def sweep_sentence(rows: list[Result], spec: MeasureSpec) -> str:
    parts = []
    for scheme in ("uniform", "logarithmic"):
        mine = [row for row in rows if row["scheme"] == scheme]
        fastest = min(mine, key=lambda row: row["median"])
        up = [
            after["groups"]
            for before, after in itertools.pairwise(mine)
            if after["q1"] > before["q3"] and after["macs"] <= before["macs"]
        ]
        legal = len(spec.legal_numbers(scheme))
        left = f" ({len(mine)} of its {legal} legal numbers were run)" if legal > len(mine) else ""
        rise = f", although n = {', '.join(map(str, up))} takes longer than the number before it" if up else ""
        parts.append(
            f"{scheme} is fastest at n = {fastest['groups']}"
            f" (×{fastest['measured']:.2f}, promised ×{fastest['promised']:.2f}){rise}{left}"
        )
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def side_by_side(spec: MeasureSpec, rounds: Rounds, reasons: Mapping[str, str], workers: Mapping[str, int]) -> Result:
    """workers: how many threads, streams or devices share the groups."""
    grouping = spec.conv.grouping
    work = [a * b for a, b in grouping.sizes]
    ideal = sum(work) / max(work)
    held = _bytes_of_groups(spec)
    rows: list[Result] = []
    for how in ("one after another", "threads", "streams", "devices"):
        if how not in rounds.samples:
            rows.append(
                {
                    "how": how,
                    "available": False,
                    "reason": reasons[how],
                    "median": 0.0,
                    "q1": 0.0,
                    "q3": 0.0,
                    "speedup": 0.0,
                    "bytes_per_worker": [],
                }
            )
            continue
        samples = rounds.samples[how]
        times = summed(samples)
        rows.append(
            {
                "how": how,
                "available": True,
                "reason": None,
                **{each: times[each] for each in ("median", "q1", "q3")},
                "speedup": median(ratios(rounds.samples["one after another"], samples)),
                "bytes_per_worker": _bytes_each(held, work, workers[how]),
            }
        )
    ran = [row for row in rows if row["available"] and row["how"] != "one after another"]
    each = "; ".join(f"{row['how']}: ×{row['speedup']:.2f}" for row in ran) or "nothing here runs groups side by side"
    sentence = (
        f"Were every group on a device of its own, {label_of(grouping)} could gain ×{ideal:.3f} at most, not"
        f" ×{grouping.groups}: the widest group holds {max(work) / sum(work):.0%} of the work. Measured here, {each}."
    )
    return {"rows": rows, "ideal": ideal, "sentence": sentence}


def _bytes_of_groups(spec: MeasureSpec) -> list[int]:
    """Input, weights and output of each group."""
    conv, found = spec.conv, []
    for a, b in conv.grouping.sizes:
        counts = count_layer(
            ConvSpec(
                Grouping.standard(a, b),
                conv.kernel_size,
                conv.stride,
                conv.padding,
                conv.dilation,
                conv.bias,
                conv.height,
                conv.width,
            )
        )
        found.append(bytes_moved(counts, spec.batch, spec.dtype))
    return found


def _bytes_each(held: list[int], work: list[int], workers: int) -> list[int]:
    each = [0] * workers
    for worker, bytes_ in zip(dealt(work, workers), held, strict=True):
        each[worker] += bytes_
    return each


def network_total(rows: list[Result]) -> Result:
    sums = {
        side: {each: sum(row["count"] * row[side][each] for row in rows) for each in ("median", "macs")}
        for side in ("original", "variant")
    }
    total = {
        **sums,
        "promised": sums["original"]["macs"] / sums["variant"]["macs"],
        "measured": sums["original"]["median"] / sums["variant"]["median"],
    }
    sentence = (
        f"Its convolutions take {1000 * sums['original']['median']:.3g} ms, the variant's"
        f" {1000 * sums['variant']['median']:.3g} ms:"
        f" ×{total['measured']:.2f} where MACs promise ×{total['promised']:.2f}."
    )
    return {"total": total, "sentence": sentence}


def layer_facts(conv: ConvSpec, spec: AnySpec) -> Result:
    return {
        "in_channels": conv.grouping.in_channels,
        "out_channels": conv.grouping.out_channels,
        "kernel_size": list(conv.kernel_size),
        "stride": list(conv.stride),
        "padding": list(conv.padding),
        "dilation": list(conv.dilation),
        "bias": conv.bias,
        "height": conv.height,
        "width": conv.width,
        "batch": spec.batch,
    }


def conditions_sentence(told: Mapping[str, Any], slowness: float = 1.0) -> str:
    """slowness: how many times as long a convolution takes in this type as in float32."""
    name = told["name"] or told["device"]
    spin = f" (GOMP_SPINCOUNT {told['spin_count']})" if told["threads"] > 1 else ""
    threads = f", {told['threads']} thread{'s' if spin else ''}{spin}" if told["device"] == "cpu" else ""
    ways = "forward and backward" if told["backward"] else "forward"
    extra = f", TF32 {'on' if told['tf32'] else 'off'}" if told["device"].startswith("cuda") else ""
    again = f", {told['discarded']} more run again" if told["discarded"] else ""
    slow = f" (which takes {slowness:.0f} times as long as float32 here)" if slowness >= SLOW else ""
    return (
        f"{name}{threads}{extra}; torch {told['torch']}, {told['dtype']}{slow},"
        f" {told['memory_format'].replace('_', ' ')}, {ways}, batch {told['batch']};"
        f" allocator {told['allocator']}; {told['rounds']} rounds{again}."
    )
