"""Walks a picture through a stack, module by module, and answers what is asked about the way.

The last outputs are kept, so that looking at another depth computes nothing twice. A run that follows another (the
other grouping of a pair, a dyed stem) takes over what both have in common: see compute.stack.sharing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from compute import picture
from compute.errors import SpecError
from compute.grouping import Grouping
from compute.run import FeatureMaps, Runner, TensorCache, averaged, finish, wanted
from compute.stack.dye import Dye
from compute.stack.reach import reaches
from compute.stack.scale import arm_of, arms
from compute.stack.sharing import Shared, shared
from compute.stack.spec import POINTS, StackSpec
from compute.stackrun import energy, inspect, redundancy
from compute.stackrun.filters import Filters
from compute.stackrun.module import Parts, Taken, entering, parts, through

CACHE_BYTES = 192 << 20  # sixteen modules of 64 channels at 112 x 112, for both groupings of a pair
SIDES = ("a", "b")
MAP_SIDES = (*SIDES, "difference", "ink")
LARGEST = 1e30  # float32 ends at 3.4e38: ranges, and sums over all the pixels of a map, have to stay below
Opener = Callable[[], Image.Image]


@dataclass(frozen=True)
class Scene:
    """One run of one stack on one picture. leader: the run it follows."""

    image: Opener
    key: str
    spec: StackSpec
    dye: Dye | None = None
    leader: "Scene | None" = None

    def named(self, module: int) -> tuple[object, ...]:
        """What the output of `module` depends on, to the last digit."""
        return module, self.key, self.spec.key, self.dye, self.leader and self.leader.named(module)


class StackRunner:
    """Holds what a Runner holds, and the last outputs; one thread at a time. cache_bytes bounds what is kept of them on
    the device.

    In every method `image` opens the picture that `key` names. `other`: the grouping of side b, the same stack on the
    same dense weights. All raise SpecError.
    """

    def __init__(self, runner: Runner | None = None, cache_bytes: int = CACHE_BYTES) -> None:
        self._runner = runner or Runner()
        self._outputs = TensorCache(cache_bytes)
        self._filters = Filters(self._runner.device, self._runner.trained)

    @torch.inference_mode()
    def maps(
        self,
        image: Opener,
        key: str,
        spec: StackSpec,
        module: int,
        *,
        other: Grouping | None = None,
        side: str = "a",
        point: str = "output",
        dye: Dye | None = None,
        dyed: str = "a",
        channels: tuple[int, int] | None = None,
        tile: int | None = None,
        dtype: str = "float32",
    ) -> FeatureMaps:
        """Maps of `module` (0: the stem, which has an output only), as Runner.feature_maps gives them. side: `a`, `b`,
        `difference` (a - b), or `ink`: |dyed - clean| of side `dyed`."""
        spec.module(module)
        _check(point, POINTS, "point")
        _check(side, MAP_SIDES, "side")
        start, stop = wanted(channels, spec.channels, dtype, tile)
        scene = self._scene(image, key, spec, other, dyed if side == "ink" else "b" if side == "difference" else side)
        if side == "ink":
            y = self._minus(_dyed(scene, dye), scene, module, point).abs_()
        elif side == "difference":
            assert scene.leader is not None  # b follows a
            y = self._minus(scene.leader, scene, module, point)
        else:
            y = self._at(scene, module, point)
        height, width = y.shape[1:]
        factor = averaged(height, width, tile)
        y = y[start:stop]
        if dtype == "float32" and factor == 1:
            y = y.clone()  # what is handed out must not be what is kept
        made = finish(y, False, factor, dtype)
        for least, most in zip(made[3]["min"], made[3]["max"], strict=True):
            _check_range(least, most, module)
        return FeatureMaps(*made, (start, stop), (spec.channels, height, width), factor)

    @torch.inference_mode()
    def energy(
        self, image: Opener, key: str, spec: StackSpec, *, other: Grouping | None = None, side: str = "a"
    ) -> dict[str, Any]:
        """The body of GET /api/stack/energy: mean squares module by module."""
        scene = self._scene(image, key, spec, other, side)
        modules = [
            energy.of_module(self._filters, scene.spec, m, self._output(scene, m - 1), self._output(scene, m))
            for m in range(1, spec.modules + 1)
        ]
        return {"stem": energy.of_output(self._output(scene, 0)), "modules": modules}

    def scale(self, image: Opener, key: str, spec: StackSpec) -> dict[str, Any]:
        """The body of GET /api/stack/scale: the root mean square against depth, for every gain and normalisation."""
        return {"arms": [{**arm_of(spec, arm), "rms": self.rms(image, key, arm)} for arm in arms(spec)]}

    @torch.inference_mode()
    def rms(self, image: Opener, key: str, spec: StackSpec) -> list[float | None]:
        """Root mean square of all maps, from the stem on; None where it is no finite number. Keeps no outputs."""
        x = self._output(self._scene(image, key, spec, None, "a"), 0)
        found = [energy.root_mean_square(x)]
        for module in range(1, spec.modules + 1):
            x = through(self._filters, spec, module, x)
            found.append(energy.root_mean_square(x))
        return found

    @torch.inference_mode()
    def pixel(
        self,
        image: Opener,
        key: str,
        spec: StackSpec,
        module: int,
        channel: int,
        row: int,
        column: int,
        *,
        other: Grouping | None = None,
        side: str = "a",
    ) -> inspect.Pixel:
        """One value of one map taken apart: see compute.stackrun.inspect."""
        spec.module(module, 1)
        inspect.check(spec, module, channel, row, column)
        scene = self._scene(image, key, spec, other, side)
        u = _finite(entering(self._filters, scene.spec, module, self._output(scene, module - 1)), module)
        output = _finite(self._output(scene, module), module)
        return inspect.pixel(self._filters, scene.spec, module, u, output, channel, row, column)

    @torch.inference_mode()
    def redundancy(
        self, image: Opener, key: str, spec: StackSpec, module: int, *, other: Grouping | None = None, side: str = "a"
    ) -> redundancy.Redundancy:
        """How alike the maps of `module` are: see compute.stackrun.redundancy."""
        spec.module(module, 1)
        scene = self._scene(image, key, spec, other, side)
        stem, before, after = (_finite(self._output(scene, m), m) for m in (0, module - 1, module))
        return redundancy.redundancy(scene.spec, module, stem, before, after)

    @torch.inference_mode()
    def ink(
        self, image: Opener, key: str, spec: StackSpec, dye: Dye, *, other: Grouping | None = None, side: str = "a"
    ) -> dict[str, Any]:
        """The body of GET /api/stack/ink: |dyed - clean| of every channel, from the stem on."""
        clean = self._scene(image, key, spec, other, side)
        dyed = _dyed(clean, dye)
        rows = []
        for module, reach in enumerate(reaches(clean.spec)):
            ink = _finite(self._minus(dyed, clean, module, "output"), module).abs_().flatten(1)
            most = ink.amax(1)
            rows.append(
                {
                    "module": module,
                    "max": most.tolist(),
                    "mean": ink.mean(1).tolist(),
                    "changed": int((most > 0).sum()),
                    "reachable": sum(row >> dye.channel & 1 for row in reach.rows) if dye.kind == "channel" else None,
                }
            )
        return {"stem": rows[0], "modules": rows[1:]}

    def _scene(self, image: Opener, key: str, spec: StackSpec, other: Grouping | None, side: str) -> Scene:
        self._runner.trained(spec)  # before anything is computed
        scene = Scene(image, key, spec)
        _check(side, SIDES, "side")
        if side == "a":
            return scene
        if other is None:
            raise SpecError("there is no side b: no second grouping is given", "b_scheme", "such as b_scheme=standard")
        if (other.in_channels, other.out_channels) != (spec.channels, spec.channels):
            raise SpecError(
                f"both sides split the same channels: a {spec.channels} -> {spec.channels},"
                f" b {other.in_channels} -> {other.out_channels}",
                "b_sizes",
                f"make both sides of the groups sum to {spec.channels}",
            )
        return Scene(image, key, replace(spec, grouping=other), leader=scene)

    def _minus(self, first: Scene, second: Scene, module: int, point: str) -> Tensor:
        return self._at(first, module, point) - self._at(second, module, point)

    def _at(self, scene: Scene, module: int, point: str) -> Tensor:
        """(C, H, W); not to be written into."""
        if point == "output" or module == 0:
            return self._output(scene, module)
        found: Tensor = getattr(self._parts(scene, module), point)
        return found

    def _output(self, scene: Scene, module: int) -> Tensor:
        """(C, H, W) after `module`; not to be written into."""
        return self._outputs.get(scene.named(module), lambda: self._run(scene, module))

    def _run(self, scene: Scene, module: int) -> Tensor:
        if module == 0:
            return self._stem(scene)
        x = self._output(scene, module - 1)
        if scene.leader is None:
            return through(self._filters, scene.spec, module, x)
        common = self._shared(scene, module)
        if len(common.output) == scene.spec.channels:
            return self._output(scene.leader, module)
        crossed = set(common.conv) - set(common.output)  # the same answer, added to another identity
        taken = _taken(common, self._parts(scene.leader, module), crossed) if crossed else Taken(common.run, (), None)
        y = through(self._filters, scene.spec, module, x, taken)
        return _replaced(y, self._output(scene.leader, module), common.output) if common.output else y

    def _parts(self, scene: Scene, module: int) -> Parts:
        x = self._output(scene, module - 1)
        if scene.leader is None:
            return parts(self._filters, scene.spec, module, x)
        common, theirs = self._shared(scene, module), self._parts(scene.leader, module)
        ours = parts(self._filters, scene.spec, module, x, _taken(common, theirs, common.conv))
        sums = (_replaced(getattr(ours, name), getattr(theirs, name), common.output) for name in ("sum", "output"))
        return Parts(ours.input, ours.conv, *sums)

    def _shared(self, scene: Scene, module: int) -> Shared:
        assert scene.leader is not None
        dye, channels = scene.dye, range(scene.spec.channels)
        dyed = set() if dye is None else set(channels) if dye.kind == "patch" else {dye.channel}
        return shared(scene.spec, scene.leader.spec, frozenset(channels) - dyed)[module - 1]

    def _stem(self, scene: Scene) -> Tensor:
        spec, dye = scene.spec, scene.dye
        arguments = scene.image, scene.key, spec.size
        source = spec.channels, spec.weights, spec.checkpoint
        if dye is None:
            return self._runner.stem(*arguments, *source)[0]
        dye.check(spec)
        if dye.kind == "patch":
            pixels = self._runner.square(*arguments).clone()
            part = pixels[:, :, dye.row : dye.row + dye.size, dye.column : dye.column + dye.size]
            part.copy_(picture.negative(part))
            return self._runner.seen(pixels, *source)[0]
        stem = self._runner.stem(*arguments, *source)[0].clone()
        noise = np.random.default_rng(dye.channel).standard_normal((spec.size, spec.size), np.float32)
        strength = energy.root_mean_square(stem) or 1.0
        stem[dye.channel] += torch.from_numpy(noise).to(stem.device) * strength
        return stem


def _dyed(scene: Scene, dye: Dye | None) -> Scene:
    if dye is None:
        raise SpecError("there is no ink: nothing is dyed", "dye", "give dye=channel or dye=patch")
    dye.check(scene.spec)
    return Scene(scene.image, scene.key, scene.spec, dye, scene)


def _taken(common: Shared, theirs: Parts, channels: Iterable[int]) -> Taken:
    """The convolution's answer in `channels`, from the other run."""
    chosen = tuple(channels)
    return Taken(common.run, chosen, theirs.conv[list(chosen)])


def _replaced(ours: Tensor, theirs: Tensor, channels: Sequence[int]) -> Tensor:
    """`ours` with `channels` taken from `theirs`."""
    ours[list(channels)] = theirs[list(channels)]
    return ours


def _finite(y: Tensor, module: int) -> Tensor:
    rows = y.flatten(1)
    _check_range(float(rows.amin(1).amin()), float(rows.amax(1).amax()), module)
    return y


def _check_range(least: float, most: float, module: int) -> None:
    if not -LARGEST <= least <= most <= LARGEST:  # nor where one is NaN
        raise SpecError(
            f"the values of module {module} have passed 1e30, near the end of float32", "gain", redundancy.SMALLER
        )


def _check(word: str, words: tuple[str, ...], field: str) -> None:
    if word not in words:
        raise SpecError(f"{field} must be one of {', '.join(words)}, not {word!r}", field, f"use {words[0]}")
