"""In what a stack or a layer on screen is not the network as trained: a few words for each.

The page says the same of its own numbers while they move; one table of cases holds both.
"""

from collections.abc import Iterator

from compute.grouping import Grouping
from compute.maps import MapsSpec
from compute.spec import Pair
from compute.stack.spec import StackSpec


def stack_differences(trained: StackSpec, seen: StackSpec) -> list[str]:
    """`seen` beside the network; picture and size are not the network's. What stands between modules counts as far as
    both go."""
    common = min(seen.modules, trained.modules)
    pools = [_pooling(spec, common) for spec in (seen, trained)]
    mixings = (seen.mixing, trained.mixing) if common > 1 else ("", "")
    return [
        *_channels("channels", seen.channels, trained.channels),
        *_split(seen.grouping, trained.grouping),
        *_words("modules", str(seen.modules), str(trained.modules)),
        *_words("residual", _on(seen.residual), _on(trained.residual)),
        *_words("mixing", *mixings),
        *_words("downsampling", *pools),
        *_words("dilation", _pair(seen.dilation), "1 × 1"),
        *_words("normalisation", seen.normalisation, "none"),
        *_words("bias", _on(seen.bias), "on"),
        *_words("ReLU", _on(seen.relu), "on"),
    ]


def layer_differences(trained: StackSpec, seen: MapsSpec) -> list[str]:
    """`seen` beside the convolution of the network's first module, whose answer ReLU follows at once where nothing is
    added to it."""
    conv, why = seen.conv, ", for what enters is added first" if trained.residual else ""
    return [
        *_channels("input channels", conv.grouping.in_channels, trained.channels),
        *_channels("output channels", conv.grouping.out_channels, trained.channels),
        *_split(conv.grouping, trained.grouping),
        *_words("stride", _pair(conv.stride), "1 × 1"),
        *_words("padding", _pair(conv.padding), _pair(trained.padding)),
        *_words("dilation", _pair(conv.dilation), "1 × 1"),
        *_words("bias", _on(conv.bias), "on"),
        *_words("ReLU", _on(seen.relu), _on(not trained.residual), why),
    ]


def _channels(what: str, seen: int, trained: int) -> Iterator[str]:
    yield from _words(what, str(seen), str(trained))


def _split(seen: Grouping, trained: Grouping) -> Iterator[str]:
    if seen.sizes != trained.sizes:
        yield from _words("split", _named(seen), _named(trained))


def _named(grouping: Grouping) -> str:
    """`logarithmic into 4 groups`."""
    if grouping.scheme in ("standard", "depthwise"):
        return grouping.scheme
    base = f" of base {grouping.base}" if grouping.base not in (None, 2) else ""
    return f"{grouping.scheme} into {grouping.groups} {'group' if grouping.groups == 1 else 'groups'}{base}"


def _pooling(spec: StackSpec, modules: int) -> str:
    """Where there is none up to the last of `modules`, the stage says nothing."""
    if not any(spec.pooled(module) for module in range(2, modules + 1)):
        return "none"
    return f"{spec.downsample} every {spec.stage}"


def _words(what: str, seen: str, trained: str, why: str = "") -> Iterator[str]:
    if seen != trained:
        yield f"{what} {seen}, trained with {trained}{why}"


def _on(value: bool) -> str:
    return "on" if value else "off"


def _pair(pair: Pair) -> str:
    return "{} × {}".format(*pair)
