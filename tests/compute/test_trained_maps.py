"""What is seen through a trained network, against a few lines of torch on the same tensors."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from compute import Grouping, SpecError
from compute.maps import MapsSpec
from compute.picture import square
from compute.run import Runner, feature_maps
from compute.spec import ConvSpec
from compute.stack import Dye, StackSpec
from compute.stackrun import StackRunner
from compute.trained import Checkpoint, read, stack_of, write
from tests.compute.stackcases import opened, photograph
from tests.compute.test_trained import dense_by_loops
from tests.compute.trainedcases import STACK, STACKS, file_of, meta_of, tensors_of

SIZE = 44
CASES = [(name, channels) for name in STACKS for channels in (1, 3)]


def tensors(stack: dict[str, Any], image_channels: int) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array).double() for name, array in tensors_of(stack, image_channels).items()}


def seen_by(stack: dict[str, Any], image_channels: int, image: Image.Image) -> list[torch.Tensor]:
    """Outputs of the stem and of each module, (C, H, W): the network as its format says, group by group, in float64."""
    own, data = tensors(stack, image_channels), meta_of(stack, image_channels)["data"]
    pixels = torch.from_numpy(np.array(square(image, SIZE))).permute(2, 0, 1).double() / 255
    if image_channels == 1:
        pixels = (0.299 * pixels[0] + 0.587 * pixels[1] + 0.114 * pixels[2])[None]
    x = torch.stack([(p - m) / s for p, m, s in zip(pixels, data["mean"], data["std"], strict=True)])[None]
    x = F.relu(F.conv2d(x, own["stem.weight"], own["stem.bias"], padding=1))
    outputs, channels = [x[0]], stack["in_channels"]
    padding = [k // 2 for k in stack["kernel_size"]]
    spans = stack_of(stack).grouping.spans
    for m in range(1, stack["modules"] + 1):
        if m > 1 and (m - 1) % stack["stage"] == 0 and stack["downsample"] != "none":
            x = F.max_pool2d(x, 2) if stack["downsample"] == "max" else F.avg_pool2d(x, 2)
        if m > 1 and stack["mixing"] == "shuffle":
            per = channels // len(spans)
            x = x[:, [group * per + place for place in range(per) for group in range(len(spans))]]
        if m > 1 and stack["mixing"] == "pointwise":
            x = F.relu(F.conv2d(x, own[f"mix.{m}.weight"]))
        turn = channels // 4 if stack["mixing"] == "rotated" and m % 2 == 0 else 0
        turned = x.roll(-turn, 1)
        answers = []
        for j, span in enumerate(spans):
            rows = slice(span.out_start, span.out_start + span.out_channels)
            equal = f"modules.{m}.weight" in own
            weight = own[f"modules.{m}.weight"][rows] if equal else own[f"modules.{m}.weights.{j}"]
            read_by = turned[:, span.in_start : span.in_start + span.in_channels]
            answers.append(F.conv2d(read_by, weight, own[f"modules.{m}.bias"][rows], padding=padding))
        answer = torch.cat(answers, 1).roll(turn, 1)
        x = F.relu(answer + x) if stack["residual"] else F.relu(answer)
        outputs.append(x[0])
    return outputs


def close(found: Any, expected: torch.Tensor) -> None:
    wanted = expected.numpy()
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()


def checkpoint(name: str, image_channels: int = 1) -> Checkpoint:
    return read(file_of(STACKS[name], image_channels), f"{name}-{image_channels}")


@pytest.fixture(scope="module")
def library() -> dict[str, Checkpoint]:
    every = [checkpoint(*case) for case in CASES]
    return {one.id: one for one in every}


@pytest.fixture(scope="module")
def runner(library: dict[str, Checkpoint]) -> Runner:
    return Runner("cpu", checkpoints=library.__getitem__)


@pytest.fixture(scope="module")
def stacks(runner: Runner) -> StackRunner:
    return StackRunner(runner)


def shown(found: Checkpoint, **differs: Any) -> StackSpec:
    return replace(found.spec, size=SIZE, **differs)


@pytest.mark.parametrize("name, image_channels", CASES)
def test_maps_are_those_of_the_network(
    library: dict[str, Checkpoint], stacks: StackRunner, name: str, image_channels: int
) -> None:
    image = photograph()
    spec = shown(library[f"{name}-{image_channels}"])
    for module, expected in enumerate(seen_by(STACKS[name], image_channels, image)):
        close(stacks.maps(opened(image), "photograph", spec, module).maps, expected)


def module_1(found: Checkpoint, **differs: Any) -> MapsSpec:
    """The layer that is the convolution of the network's first module."""
    k_h, k_w = found.kernel_size
    conv = ConvSpec(found.spec.grouping, (k_h, k_w), padding=(k_h // 2, k_w // 2), height=SIZE, width=SIZE)
    return MapsSpec(replace(conv, **differs), weights="trained", checkpoint=found.id, relu=False)


@pytest.mark.parametrize("name, image_channels", CASES)
def test_the_layer_is_module_1(
    library: dict[str, Checkpoint], runner: Runner, stacks: StackRunner, name: str, image_channels: int
) -> None:
    found, image = library[f"{name}-{image_channels}"], photograph()
    layer = runner.feature_maps(opened(image), "photograph", module_1(found), dtype="float32").maps
    module = stacks.maps(opened(image), "photograph", shown(found), 1, point="conv").maps
    assert np.array_equal(layer, module)


@pytest.mark.parametrize("name", STACKS)
def test_another_grouping_only_cuts_connections(library: dict[str, Checkpoint], runner: Runner, name: str) -> None:
    found, image = library[f"{name}-3"], photograph()
    grouping = Grouping.custom([(5, 7), (found.channels - 5, found.channels - 7)])
    spec = module_1(found, grouping=grouping, stride=(2, 1))
    dense = dense_by_loops(STACKS[name], tensors_of(STACKS[name], 3), 1)
    dense[:7, 5:] = 0
    dense[7:, :5] = 0
    own = tensors(STACKS[name], 3)
    stem = seen_by(STACKS[name], 3, image)[0]
    padding = spec.conv.padding
    expected = F.conv2d(
        stem[None], torch.from_numpy(dense).double(), own["modules.1.bias"], stride=(2, 1), padding=padding
    )[0]
    close(runner.feature_maps(opened(image), "photograph", spec, dtype="float32").maps, expected)
    part = runner.feature_maps(opened(image), "photograph", spec, channels=(4, 9), dtype="float32").maps
    close(part, expected[4:9])


def test_fewer_channels_are_the_first_of_the_network(library: dict[str, Checkpoint], stacks: StackRunner) -> None:
    found, image = library["rotated-1"], photograph()
    spec = shown(found, grouping=Grouping.standard(6, 6), modules=2, bias=False)
    own = tensors_of(STACKS["rotated"], 1)
    x = seen_by(STACKS["rotated"], 1, image)[0][:6]
    for module in (1, 2):
        dense = torch.from_numpy(dense_by_loops(STACKS["rotated"], own, module)[:6, :6]).double()
        x = F.max_pool2d(x, 2) if module == 2 else x
        x = F.relu(F.conv2d(x[None], dense, padding=1)[0] + x)
    close(stacks.maps(opened(image), "photograph", spec, 2).maps, x)


def test_the_global_average_is_what_the_head_reads(library: dict[str, Checkpoint], stacks: StackRunner) -> None:
    found, image = library["uneven-logarithmic-1"], photograph()
    pooled = stacks.maps(opened(image), "photograph", shown(found), 3).stats["mean"]
    close(np.array(pooled), seen_by(STACKS["uneven-logarithmic"], 1, image)[-1].mean((1, 2)))


def test_b_sees_the_same_dense_weights(library: dict[str, Checkpoint], stacks: StackRunner) -> None:
    found, image = library["standard-1"], photograph()
    other = Grouping.uniform(12, 12, 4)
    asked = opened(image), "photograph"
    b = stacks.maps(*asked, shown(found), 2, other=other, side="b").maps
    assert np.array_equal(b, stacks.maps(*asked, shown(found, grouping=other), 2).maps)
    a = stacks.maps(*asked, shown(found), 2).maps
    assert np.array_equal(stacks.maps(*asked, shown(found), 2, other=other, side="difference").maps, a - b)


def test_a_value_taken_apart_is_the_value_of_the_map(library: dict[str, Checkpoint], stacks: StackRunner) -> None:
    for name in STACKS:
        found = library[f"{name}-1"]
        spec, asked = shown(found), (opened(photograph()), "photograph")
        module = found.modules
        maps = stacks.maps(*asked, spec, module).maps
        channel, row, column = 5, 3, 2
        pixel = stacks.pixel(*asked, spec, module, channel, row, column)
        assert pixel.facts["output"] == maps[channel, row, column]
        assert max(pixel.facts["sum"], 0) == pytest.approx(maps[channel, row, column], rel=1e-5, abs=1e-6)
        dense = dense_by_loops(STACKS[name], tensors_of(STACKS[name], 1), module)
        assert np.array_equal(pixel.kernel, dense[channel, pixel.facts["inputs"]])
        assert pixel.facts["bias"] == pytest.approx(found.bias(module, range(channel, channel + 1))[0])


def test_seed_and_gain_say_nothing(library: dict[str, Checkpoint]) -> None:
    spec = library["standard-1"].spec
    assert replace(spec, seed=7, gain="fan-in") == spec
    layer = module_1(library["standard-1"])
    assert replace(layer, seed=7, gain="fan-in") == layer
    assert replace(spec, weights="random").checkpoint is None


def test_two_networks_are_not_taken_for_each_other(stacks: StackRunner) -> None:
    """Same stack, same picture: only the checkpoint differs, in everything that is kept on the way."""
    files = {str(seed): read(file_of(STACKS["pointwise"], seed=seed), str(seed)) for seed in (1, 2)}
    both = StackRunner(Runner("cpu", checkpoints=files.__getitem__))
    layers = Runner("cpu", checkpoints=files.__getitem__)
    asked = opened(photograph()), "photograph"
    dye = Dye("patch", 0, 4, 4, 8)
    for name, found in files.items():
        alone = StackRunner(Runner("cpu", checkpoints={name: found}.__getitem__))
        spec = shown(found)
        for module in range(found.modules + 1):
            assert np.array_equal(both.maps(*asked, spec, module).maps, alone.maps(*asked, spec, module).maps)
        assert both.rms(*asked, spec) == alone.rms(*asked, spec)
        assert both.energy(*asked, spec) == alone.energy(*asked, spec)
        assert both.ink(*asked, spec, dye) == alone.ink(*asked, spec, dye)
        assert both.redundancy(*asked, spec, 2).facts == alone.redundancy(*asked, spec, 2).facts
        mine = layers.feature_maps(*asked, module_1(found)).maps
        fresh = Runner("cpu", checkpoints=files.__getitem__).feature_maps(*asked, module_1(found)).maps
        assert np.array_equal(mine, fresh)
    first, second = (both.maps(*asked, shown(found), 3).maps for found in files.values())
    assert np.abs(first - second).max() > 0.01


def test_a_dyed_patch_goes_through_the_networks_own_eye(library: dict[str, Checkpoint], stacks: StackRunner) -> None:
    found, image = library["uniform-3"], photograph()
    small = square(image, SIZE)
    negative = np.array(small)
    negative[4:12, 6:14] = 255 - negative[4:12, 6:14]
    clean, dyed = (seen_by(STACKS["uniform"], 3, each)[2] for each in (small, Image.fromarray(negative)))
    ink = stacks.maps(opened(image), "photograph", shown(found), 2, side="ink", dye=Dye("patch", 0, 4, 6, 8)).maps
    assert np.abs(ink - (dyed - clean).abs().numpy()).max() <= 1e-5 * float(dyed.abs().max())


def test_weights_that_are_not_there_are_refused_before_anything_runs(
    library: dict[str, Checkpoint], runner: Runner, stacks: StackRunner
) -> None:
    asked = opened(photograph()), "photograph"
    found = library["standard-1"]
    with pytest.raises(SpecError, match="has 3 modules, not 5"):
        stacks.maps(*asked, shown(found, modules=5), 1)
    with pytest.raises(SpecError, match="no 1 × 1 convolutions"):
        stacks.rms(*asked, shown(found, mixing="pointwise"))
    with pytest.raises(SpecError, match="has 12 channels, not 16"):
        runner.feature_maps(*asked, module_1(found, grouping=Grouping.standard(8, 16)))
    with pytest.raises(SpecError, match="there are no trained networks here"):
        Runner("cpu").feature_maps(*asked, module_1(found))
    with pytest.raises(SpecError, match="none is named"):
        MapsSpec(ConvSpec(Grouping.standard(8, 8)), weights="trained")


def test_a_notebook_looks_through_a_file() -> None:
    found = read(write(tensors_of(STACK), meta_of(STACK)), "mine")
    maps = feature_maps(photograph(), module_1(found), found)
    assert maps.maps.shape == (12, SIZE, SIZE)
    assert maps.maps.dtype == np.float32
