"""A stack of equal grouped modules behind the stem, described by numbers alone; no torch.

Module m counts from 1; 0 is the stem. What enters module m is, in this order, halved (`downsample`), mixed (`mixing`)
and then read by the grouped convolution, and, in a residual module, added to what that convolution answers:

    u = mix(pool(output of module m - 1)),  f = norm(conv(u)),  s = norm(f + u),  output = relu(s)

with at most one of the two norms. Mixers stand between modules, so the first module is the grouped layer itself.
"""

from dataclasses import dataclass, fields
from functools import cached_property

from compute.errors import SpecError, integer
from compute.grouping import Grouping
from compute.maps import GAINS, MAX_SEED, WEIGHTS, settle_source
from compute.spec import DEFAULTS, Pair, pair

MAX_MODULES = 16
MIXINGS = ("none", "shuffle", "pointwise", "rotated")
DOWNSAMPLES = ("none", "average", "max")
NORMALISATIONS = ("none", "conv", "sum")
POINTS = ("input", "conv", "sum", "output")


@dataclass(frozen=True)
class StackSpec:
    """`modules` grouped convolutions, channels -> channels, stride 1, padded so that the size stays.

    residual: each module is relu(conv(x) + x). mixing, between modules: `shuffle` deals one channel from each group in
    turn until all are used; `pointwise` is a dense 1 x 1 convolution without bias (and ReLU, if `relu`); `rotated`
    moves the borders of the groups by channels // 4 in every second module. downsample: 2 x 2 pooling before module
    stage + 1, 2 stage + 1 and so on. normalisation: none, of the convolution's answer (`conv`), or of the sum (`sum`):
    each channel minus its mean, divided by its deviation over this picture, as BatchNorm2d trains. gain: `fan-in` gives
    each filter He's deviation for the channels its own group reads, `cut` leaves the dense tensor's numbers as they
    are. weights: `trained` takes them from the network in the file `checkpoint`, module by module, whatever seed and
    gain say. Raises SpecError.
    """

    grouping: Grouping
    modules: int = 8
    kernel_size: Pair = DEFAULTS["kernel_size"]
    dilation: Pair = DEFAULTS["dilation"]
    bias: bool = DEFAULTS["bias"]
    residual: bool = True
    mixing: str = "none"
    downsample: str = "none"
    stage: int = 4
    normalisation: str = "none"
    relu: bool = DEFAULTS["relu"]
    weights: str = DEFAULTS["weights"]
    seed: int = DEFAULTS["seed"]
    gain: str = "fan-in"
    size: int = 112
    checkpoint: str | None = None

    def __post_init__(self) -> None:
        for field, choices in (
            ("mixing", MIXINGS),
            ("downsample", DOWNSAMPLES),
            ("normalisation", NORMALISATIONS),
            ("weights", WEIGHTS),
            ("gain", GAINS),
        ):
            if getattr(self, field) not in choices:
                rule = f"{field} must be one of {', '.join(choices)}, not {getattr(self, field)!r}"
                raise SpecError(rule, field, f"use {choices[0]}")
        for field in ("kernel_size", "dilation"):
            object.__setattr__(self, field, pair(field, getattr(self, field), 1))
        for field, low, high in (("modules", 1, MAX_MODULES), ("stage", 1, MAX_MODULES), ("seed", 0, MAX_SEED)):
            object.__setattr__(self, field, integer(field, getattr(self, field), low, high))
        object.__setattr__(self, "size", integer("size", self.size, 1))
        settle_source(self)
        self._check_channels()
        self._check_kernel()
        self._check_halvings()
        if self.normalisation != "none" and self.side(self.modules) == 1:
            raise SpecError(
                "a normalisation needs more than one pixel of each map, and the last module has 1 × 1",
                "normalisation",
                "use none, or a larger size",
            )

    @property
    def channels(self) -> int:
        return self.grouping.in_channels

    @property
    def padding(self) -> Pair:
        """dilation × (kernel_size − 1) / 2: what leaves the size as it is."""
        return _half(self.kernel_size[0], self.dilation[0]), _half(self.kernel_size[1], self.dilation[1])

    @cached_property
    def key(self) -> tuple[object, ...]:
        """Equal for stacks that are the same as far as they go: everything but the number of modules."""
        named = (getattr(self, field.name) for field in fields(self) if field.name not in ("modules", "grouping"))
        return self.grouping.sizes, *named

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Of a shuffle: channel i of what comes out is channel order[i] of what went in."""
        outputs = [range(span.out_start, span.out_start + span.out_channels) for span in self.grouping.spans]
        longest = max(map(len, outputs))
        return tuple(channels[turn] for turn in range(longest) for channels in outputs if turn < len(channels))

    def pooled(self, module: int) -> bool:
        """Whether what enters `module` was halved just before."""
        return self.downsample != "none" and module > 1 and (module - 1) % self.stage == 0

    def mixed(self, module: int) -> bool:
        """Whether a shuffle or a 1 x 1 convolution stands before `module`."""
        return self.mixing in ("shuffle", "pointwise") and module > 1

    def side(self, module: int) -> int:
        """Height and width of what `module` gives, in pixels; 0 is the stem."""
        return self.size >> sum(self.pooled(m) for m in range(1, module + 1))

    def rotation(self, module: int) -> int:
        """By how many channels the groups of `module` are moved."""
        return self.channels // 4 if self.mixing == "rotated" and module > 0 and module % 2 == 0 else 0

    def module(self, module: int, low: int = 0) -> int:
        """`module`, if there is such a one. Raises SpecError."""
        return integer("module", module, low, self.modules)

    def _check_channels(self) -> None:
        grouping = self.grouping
        if grouping.in_channels != grouping.out_channels:
            raise SpecError(
                f"the modules of a stack keep the channels: the split has {grouping.in_channels} in"
                f" and {grouping.out_channels} out",
                "sizes",
                f"make both sides sum to {grouping.in_channels}",
            )
        if self.mixing == "rotated" and self.channels < 4:
            rule = f"a split rotated by a quarter of the channels needs at least 4 of them, not {self.channels}"
            raise SpecError(rule, "in_channels", "use 4 channels, or another mixing")

    def _check_kernel(self) -> None:
        for length, dilation in zip(self.kernel_size, self.dilation, strict=True):
            if dilation * (length - 1) % 2:
                raise SpecError(
                    f"the modules of a stack keep the size: dilation × (kernel_size − 1) must be even,"
                    f" and {dilation} × ({length} − 1) = {dilation * (length - 1)} is odd",
                    "kernel_size",
                    f"use an odd kernel_size such as {length - 1}, or an even dilation",
                )

    def _check_halvings(self) -> None:
        for module in range(1, self.modules + 1):
            if self.side(module) == 0:
                halvings = sum(self.pooled(m) for m in range(1, module + 1))
                raise SpecError(
                    f"module {module} would have no pixels left: a size of {self.size} can't be halved"
                    f" {halvings} times",
                    "stage",
                    f"use a stage of {(self.modules - 1) // halvings + 1} or more, or fewer than {module} modules",
                )


def _half(length: int, dilation: int) -> int:
    return dilation * (length - 1) // 2
