"""Feature maps against torch's own modules, on a real photograph."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from compute import ConvSpec, GroupedConv2d, Grouping, SpecError
from compute.maps import MapsSpec
from compute.picture import MEAN, STD, square
from compute.run import ENTRY_BYTES, Runner, feature_maps
from compute.weights import bias_block, dense_block, stem_weights

SAMPLES = Path(__file__).parents[2] / "static/samples"
SPLITS = [
    Grouping.logarithmic(32, 24, 4),
    Grouping.uniform(32, 24, 8),
    Grouping.depthwise(32, 32),
    Grouping.standard(32, 24),
    Grouping.custom([(20, 2), (1, 1), (1, 1), (10, 20)]),
]


@pytest.fixture(scope="module")
def photograph():
    index = json.loads((SAMPLES / "samples.json").read_text())
    return Image.open(SAMPLES / index[0]["file"]).convert("RGB")


@pytest.fixture(scope="module")
def runner():
    return Runner("cpu")


def expected_maps(photograph, spec):
    """The same maps from nn.Conv2d with a dense weight whose off-diagonal blocks are zero, in float64."""
    pixels = torch.from_numpy(np.asarray(square(photograph, spec.size), np.float64) / 255).permute(2, 0, 1)
    pixels = (pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    grouping, conv = spec.conv.grouping, spec.conv
    stem = torch.from_numpy(stem_weights(spec.weights, range(grouping.in_channels))).double()
    x = F.relu(F.conv2d(pixels[None].double(), stem, padding=1))
    rows, columns = range(grouping.out_channels), range(grouping.in_channels)
    dense = torch.from_numpy(dense_block(spec.weights, spec.seed, conv.kernel_size, rows, columns)).double()
    keep = torch.zeros(len(rows), len(columns))
    for s in grouping.spans:
        gain = (grouping.in_channels / s.in_channels) ** 0.5 if spec.gain == "fan-in" else 1
        keep[s.out_start : s.out_start + s.out_channels, s.in_start : s.in_start + s.in_channels] = gain
    layer = torch.nn.Conv2d(
        len(columns), len(rows), conv.kernel_size, conv.stride, conv.padding, conv.dilation
    ).double()
    layer.weight.data = dense * keep[:, :, None, None]
    layer.bias.data = torch.from_numpy(bias_block(spec.seed, rows)).double() * conv.bias
    y = layer(x)[0].detach()
    return (F.relu(y) if spec.relu else y).numpy()


@pytest.mark.parametrize("grouping", SPLITS, ids=lambda g: g.scheme)
@pytest.mark.parametrize(
    "options",
    [{}, {"weights": "random", "seed": 9, "gain": "fan-in"}, {"relu": False, "seed": 2**32 - 1}],
    ids=["default", "random", "signed"],
)
def test_maps_are_torchs(photograph, runner, grouping, options):
    conv = ConvSpec(grouping, (3, 2), (2, 1), (1, 1), (1, 2), options.get("relu", True), 60, 60)
    spec = MapsSpec(conv, **options)
    made = runner.feature_maps(lambda: photograph, "photograph", spec, dtype="float32")
    expected = expected_maps(photograph, spec)
    assert made.maps.shape == made.shape == expected.shape
    np.testing.assert_allclose(made.maps, expected, rtol=1e-4, atol=1e-5)
    flat = expected.reshape(len(expected), -1)
    for name, values in {"min": flat.min(1), "max": flat.max(1), "mean": flat.mean(1), "std": flat.std(1)}.items():
        np.testing.assert_allclose(made.stats[name], values, rtol=1e-3, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(made.stats["zeros"], (made.maps == 0).reshape(len(flat), -1).mean(1), atol=1e-9)


def test_a_slider_step_reshuffles_nothing(photograph, runner):
    """From n to n + 1 groups only the last group changes."""
    before, after = (
        runner.feature_maps(
            lambda: photograph,
            "photograph",
            MapsSpec(ConvSpec(Grouping.logarithmic(64, 64, n), height=64, width=64)),
            dtype="float32",
        ).maps
        for n in (4, 5)
    )
    np.testing.assert_allclose(before[:56], after[:56], rtol=1e-5, atol=1e-6)
    assert np.abs(before[56:] - after[56:]).max() > 0.01


@pytest.mark.parametrize("channels", [(0, 24), (5, 6), (11, 13), (3, 24)])
@pytest.mark.parametrize("grouping", SPLITS[:2], ids=lambda g: g.scheme)
def test_a_range_of_channels_is_a_part_of_the_whole(photograph, runner, grouping, channels):
    spec = MapsSpec(ConvSpec(grouping, height=48, width=48))
    whole = runner.feature_maps(lambda: photograph, "photograph", spec, dtype="float32")
    part = runner.feature_maps(lambda: photograph, "photograph", spec, channels=channels, dtype="float32")
    np.testing.assert_allclose(part.maps, whole.maps[slice(*channels)], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(part.stats["std"], whole.stats["std"][slice(*channels)], rtol=1e-4)
    assert part.shape == whole.shape


@pytest.mark.parametrize(("size", "tile"), [(64, 16), (61, 20), (60, 64)])
def test_tiles_are_area_averages(photograph, runner, size, tile):
    spec = MapsSpec(ConvSpec(SPLITS[0], height=size, width=size))
    whole, tiles = (
        runner.feature_maps(lambda: photograph, "photograph", spec, tile=t, dtype="float32") for t in (None, tile)
    )
    factor = tiles.averaged
    assert max(tiles.maps.shape[1:]) <= tile
    for row in range(tiles.maps.shape[1]):
        for column in range(tiles.maps.shape[2]):
            window = whole.maps[:, row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
            np.testing.assert_allclose(tiles.maps[:, row, column], window.mean((1, 2)), rtol=1e-4, atol=1e-5)
    assert tiles.stats == whole.stats


def test_bytes_are_the_nearest_step(photograph, runner):
    spec = MapsSpec(ConvSpec(SPLITS[0], height=64, width=64), relu=False)
    exact, packed = (
        runner.feature_maps(lambda: photograph, "photograph", spec, tile=32, dtype=dtype)
        for dtype in ("float32", "uint8")
    )
    assert packed.maps.dtype == np.uint8
    values = packed.maps * packed.scale[:, None, None] + packed.offset[:, None, None]
    assert (np.abs(values - exact.maps) <= packed.scale[:, None, None] * 0.5001 + 1e-6).all()
    assert (packed.maps.reshape(24, -1).max(1) == 255).all()
    assert (packed.maps.reshape(24, -1).min(1) == 0).all()


def test_a_constant_map_is_its_offset(runner):
    spec = MapsSpec(ConvSpec(Grouping.standard(4, 4), (1, 1), padding=0, height=8, width=8), relu=False)
    grey = Image.new("RGB", (8, 8), (128, 128, 128))
    made = runner.feature_maps(lambda: grey, "grey", spec, channels=(0, 4))
    inner = MapsSpec(ConvSpec(Grouping.standard(4, 4), (9, 9), padding=0, height=9, width=9))
    single = runner.feature_maps(lambda: grey, "grey", inner)
    assert single.maps.shape == (4, 1, 1)
    assert (single.maps == 0).all()
    assert np.isfinite(made.scale).all()
    np.testing.assert_allclose(single.offset, single.stats["mean"], rtol=1e-6)


@pytest.mark.parametrize("size", [(640, 480), (301, 777), (5000, 7), (3, 1), (1, 1), (224, 224)])
def test_the_square_is_the_resized_centre(size):
    rng = np.random.default_rng(1)
    image = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    shorter = min(size)
    resized = image.resize([max(64, round(n * 64 / shorter)) for n in size], Image.Resampling.BILINEAR)
    left, top = ((n - 64) // 2 for n in resized.size)
    expected = resized.crop((left, top, left + 64, top + 64))
    difference = np.asarray(square(image, 64), int) - np.asarray(expected, int)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize(
    "options",
    [{"weights": "zeros"}, {"gain": "loud"}, {"seed": -1}, {"seed": 2**32}, {"seed": 1.0}],
)
def test_wrong_options(options):
    with pytest.raises(SpecError) as caught:
        MapsSpec(ConvSpec(SPLITS[0]), **options)
    assert caught.value.field == next(iter(options))


@pytest.mark.parametrize("channels", [(0, 0), (-1, 3), (3, 25)])
def test_wrong_channels(photograph, runner, channels):
    with pytest.raises(SpecError, match="channels must lie within 0:24"):
        runner.feature_maps(lambda: photograph, "photograph", MapsSpec(ConvSpec(SPLITS[0])), channels=channels)


def test_the_stem_is_kept_within_bounds(photograph):
    runner = Runner("cpu", cache_bytes=3 * (32 * 64 * 64 * 4 + ENTRY_BYTES))
    for key in "abcdef":
        runner.feature_maps(lambda: photograph, key, MapsSpec(ConvSpec(SPLITS[0], height=64, width=64)))
    assert len(runner._stems._kept) == 3


def test_from_a_notebook(photograph):
    made = feature_maps(photograph, MapsSpec(ConvSpec(SPLITS[0], height=32, width=32)))
    assert made.maps.dtype == np.float32
    assert made.maps.shape == (24, 32, 32)


def test_the_module_makes_the_same_maps(photograph, runner):
    """GroupedConv2d loaded with the same weights, behind the same stem."""
    grouping = SPLITS[0]
    spec = MapsSpec(ConvSpec(grouping, height=32, width=32))
    layer = GroupedConv2d(32, 24, 3, grouping, padding=1)
    dense = torch.from_numpy(dense_block("filter-bank", 0, (3, 3), range(24), range(32)))
    with torch.no_grad():
        for weight, s in zip(layer.weights, grouping.spans, strict=True):
            rows = slice(s.out_start, s.out_start + s.out_channels)
            weight.copy_(dense[rows, s.in_start : s.in_start + s.in_channels])
        layer.bias.copy_(torch.from_numpy(bias_block(0, range(24))))
    stem = runner.stem(lambda: photograph, "photograph", spec.size, 32, spec.weights)
    made = runner.feature_maps(lambda: photograph, "photograph", spec, dtype="float32")
    torch.testing.assert_close(torch.from_numpy(made.maps), F.relu(layer(stem))[0].detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_the_device_makes_the_cpus_maps(photograph, runner, dtype):
    spec = MapsSpec(ConvSpec(SPLITS[0], height=128, width=128), relu=False)
    cuda, cpu = (
        r.feature_maps(lambda: photograph, "photograph", spec, tile=64, dtype=dtype) for r in (Runner("cuda"), runner)
    )
    for name in cpu.stats:
        np.testing.assert_allclose(cuda.stats[name], cpu.stats[name], rtol=1e-3, atol=1e-4)
    values = [m.maps * m.scale[:, None, None] + m.offset[:, None, None] for m in (cuda, cpu)]
    np.testing.assert_allclose(*values, rtol=1e-3, atol=1e-3 + float(cpu.scale.max()))
