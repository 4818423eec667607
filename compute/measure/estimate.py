"""How long a measurement will take, before anything runs."""

from compute.counts import count_layer, count_standard
from compute.measure.spec import AnySpec, MeasureSpec
from compute.spec import ConvSpec

ASSUMED_GFLOPS = 20.0  # of each thread, or of a device that nothing is known of
GROUPED = 0.6  # of the rate of dense convolutions that grouped ones reach, about
LEAST_SECONDS = 0.00003  # of one pass
BLOCK_SECONDS = 0.005  # what a block of short passes is filled up to
TRIED_RUNS = 45  # passes of a grouping while its fastest strategy is looked for
CEILING_SECONDS = 5.0
START_SECONDS = 0.3
AGAIN = 1.3  # times the rounds asked for: some are run again
BACKWARD = 3.0  # times the forward's work


def pass_seconds(conv: ConvSpec, spec: AnySpec, gflops: float, standard: bool = False) -> float:
    """Of one pass of the batch."""
    macs = (count_standard(conv) if standard else count_layer(conv)).macs
    grouped = 1.0 if standard or conv.grouping.groups == 1 else GROUPED
    work = 2 * macs * spec.batch * (BACKWARD if spec.backward else 1)
    return max(LEAST_SECONDS, work / (gflops * grouped * 1e9))


def estimate(spec: AnySpec, gflops: float, ceilings_known: bool = True) -> float:
    """Seconds. gflops: what dense convolutions reach on the device."""
    if not isinstance(spec, MeasureSpec):
        seconds = START_SECONDS
        for layer in spec.layers:
            original = pass_seconds(layer.original, spec, gflops)
            variant = pass_seconds(layer.variant, spec, gflops)
            seconds += AGAIN * spec.rounds * (2 * _block(original) + _block(variant)) + TRIED_RUNS * variant
        return seconds
    ceilings = 0.0 if ceilings_known and spec.kind != "ceilings" else CEILING_SECONDS
    if spec.kind == "ceilings":
        return ceilings
    standard = pass_seconds(spec.conv, spec, gflops, standard=True)
    arms = [pass_seconds(spec.with_grouping(grouping), spec, gflops) for grouping in spec.groupings()]
    ways = 6 if spec.kind == "waterfall" else 2
    rounds = AGAIN * spec.rounds * (2 * _block(standard) + sum(ways * _block(arm) for arm in arms))
    tuned = sum(TRIED_RUNS * _block(arm) / 2 for arm in arms) if spec.kind != "parallel" else 0.0
    return START_SECONDS + rounds + tuned + (ceilings if spec.kind == "layer" else 0.0)


def _block(one: float) -> float:
    """A warm pass and a timed block."""
    return one + max(one, BLOCK_SECONDS)
