"""Every map of a stack, at every point of every module, against the plain program; two groupings against each other."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from compute import ConvSpec, Grouping, SpecError
from compute.maps import MapsSpec
from compute.run import STATISTICS, Runner
from compute.stackrun import StackRunner
from tests.compute.stackcases import (
    CASES,
    DEFAULT,
    UNEVEN_12,
    case,
    opened,
    photograph,
    recipe_of,
    stem_of,
    tolerance,
    twin_of,
)
from tests.compute.stacktwin import POINTS, Recipe, dealt, energies, mask

pytestmark = pytest.mark.usefixtures("one_thread")

PICTURE = photograph()
OTHERS = {
    "one-more-group": (DEFAULT, Grouping.logarithmic(64, 64, 5)),
    "one-group-cut": (Grouping.custom([(4, 8), (8, 4)]), Grouping.custom([(4, 8), (4, 1), (4, 3)])),
    "walls-within-writes": (
        Grouping.custom([(3, 5), (3, 4), (3, 2), (3, 1)]),
        Grouping.custom([(3, 5), (3, 4), (2, 1), (1, 1), (3, 1)]),
    ),
    "added-to-by-strangers": (  # rotated, a group reads what both share and the identity adds what they do not
        Grouping.custom([(1, 3), (1, 3), (1, 3), (5, 1), (4, 2)]),
        Grouping.custom([(1, 3), (1, 3), (1, 3), (9, 3)]),
    ),
    "dealt-differently": (  # place 6 of the shuffle: channel 4 on one side, 1 on the other, both shared
        Grouping.custom([(3, 3), (3, 3), (1, 1), (2, 2), (3, 3)]),
        Grouping.custom([(3, 3), (3, 3), (1, 1), (2, 2), (1, 1), (2, 2)]),
    ),
    "first-group-cut": (Grouping.custom([(8, 4), (4, 8)]), Grouping.custom([(3, 1), (5, 3), (4, 8)])),
}


@pytest.fixture(scope="module")
def runner():
    return StackRunner(Runner("cpu"))


def made(runner, spec, module, image=PICTURE, key="photograph", **options):
    return runner.maps(opened(image), key, spec, module, **options)


@pytest.fixture(scope="module")
def truths():
    return {name: twin_of(spec).points(stem_of(PICTURE, spec)) for name, spec in CASES.items()}


@pytest.mark.parametrize("name", CASES)
def test_every_point_of_every_module_is_the_plain_programs(runner, truths, name):
    spec = CASES[name]
    for module, points in enumerate(truths[name]):
        for point in POINTS:
            answer, expected = made(runner, spec, module, point=point), points[point]
            assert answer.maps.dtype == np.float32
            assert answer.maps.shape == answer.shape == expected.shape
            assert np.abs(answer.maps - expected).max() <= tolerance(expected, module), (module, point)


@pytest.mark.parametrize("name", ["default", "uneven-6", "one-pixel", "depthwise-20", "uneven-20-signed"])
def test_statistics_are_numpys(runner, truths, name):
    spec = CASES[name]
    for module, points in enumerate(truths[name]):
        for point in POINTS:
            answer = made(runner, spec, module, point=point)
            flat = points[point].reshape(spec.channels, -1)
            expected = {"min": flat.min(1), "max": flat.max(1), "mean": flat.mean(1), "std": flat.std(1)}
            assert set(answer.stats) == set(STATISTICS)
            for statistic, values in expected.items():
                np.testing.assert_allclose(answer.stats[statistic], values, rtol=1e-3, atol=1e-5, err_msg=statistic)
            zeros = (answer.maps == 0).reshape(spec.channels, -1).mean(1)
            np.testing.assert_allclose(answer.stats["zeros"], zeros, atol=1e-9)


def test_floats_are_themselves_and_bytes_the_nearest_step(runner):
    spec = CASES["uneven-20"]
    exact, packed = (made(runner, spec, 3, point="sum", dtype=dtype) for dtype in ("float32", "uint8"))
    assert (exact.scale == 1).all()
    assert (exact.offset == 0).all()
    assert packed.maps.dtype == np.uint8
    values = packed.maps * packed.scale[:, None, None] + packed.offset[:, None, None]
    assert (np.abs(values - exact.maps) <= packed.scale[:, None, None] * 0.5001 + 1e-6).all()
    assert packed.stats == exact.stats


@pytest.mark.parametrize(("name", "module", "tile"), [("default", 2, 8), ("uneven-6", 1, 10), ("uniform-12", 2, 5)])
def test_tiles_are_area_averages(runner, name, module, tile):
    spec = CASES[name]
    whole, tiles = (made(runner, spec, module, tile=t) for t in (None, tile))
    factor = tiles.averaged
    assert factor > 1
    assert max(tiles.maps.shape[1:]) == -(-max(whole.maps.shape[1:]) // factor) <= tile
    for row in range(tiles.maps.shape[1]):
        for column in range(tiles.maps.shape[2]):
            window = whole.maps[:, row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
            np.testing.assert_allclose(tiles.maps[:, row, column], window.mean((1, 2)), rtol=1e-4, atol=1e-5)
    assert tiles.stats == whole.stats
    assert tiles.shape == whole.shape


@pytest.mark.parametrize("channels", [(0, 12), (3, 4), (5, 11), (11, 12)])
@pytest.mark.parametrize("module", [0, 1, 3])
def test_a_range_of_channels_is_a_part_of_the_whole(runner, channels, module):
    spec = CASES["uneven-12-shuffled"]
    whole, part = (made(runner, spec, module, channels=c) for c in (None, channels))
    assert part.channels == channels
    assert part.shape == whole.shape
    np.testing.assert_allclose(part.maps, whole.maps[slice(*channels)], rtol=1e-5, atol=1e-6)
    for statistic in STATISTICS:
        np.testing.assert_allclose(part.stats[statistic], whole.stats[statistic][slice(*channels)], rtol=1e-4)


@pytest.mark.parametrize("gain", ["cut", "fan-in"])
@pytest.mark.parametrize("grouping", [DEFAULT, Grouping.custom([(4, 8), (60, 56)])], ids=["log", "uneven"])
def test_the_first_module_is_the_layer_pages_layer(runner, grouping, gain):
    """At 64 channels the two pages' gains agree as well."""
    spec = case(grouping, 2, (5, 3), dilation=(1, 2), residual=False, gain=gain, seed=7, mixing="rotated")
    conv = ConvSpec(grouping, (5, 3), (1, 1), (2, 2), (1, 2), True, spec.size, spec.size)
    layer = Runner("cpu").feature_maps(
        opened(PICTURE), "photograph", MapsSpec(conv, seed=7, gain=gain), dtype="float32"
    )
    np.testing.assert_allclose(made(runner, spec, 1).maps, layer.maps, rtol=1e-5, atol=1e-6)


def test_the_picture_is_told_by_its_key(runner):
    """Another picture under another key is another answer; the first is still there afterwards."""
    spec = CASES["uneven-12-plain"]
    first, second = photograph(0), photograph(1)
    before = made(runner, spec, 2, first, "first").maps
    other = made(runner, spec, 2, second, "second").maps
    assert np.abs(other - twin_of(spec).outputs(stem_of(second, spec))[2]).max() <= tolerance(other, 2)
    assert np.array_equal(made(runner, spec, 2, first, "first").maps, before)


def test_what_is_handed_out_is_not_what_is_kept(runner):
    """Writing into an answer changes no other answer."""
    spec, other = replace(CASES["uneven-12-shuffled"], relu=False), Grouping.uniform(12, 12, 2)
    for module in (0, 1, 3):
        for options in ({}, {"point": "conv"}, {"side": "b", "other": other}, {"channels": (2, 9)}):
            first = made(runner, spec, module, **options).maps
            kept = first.copy()
            first[:] = np.nan
            assert np.array_equal(made(runner, spec, module, **options).maps, kept), (module, options)
    assert np.isfinite(made(runner, spec, 4).maps).all()


def test_a_runner_that_can_keep_nothing_answers_the_same(runner):
    poor = StackRunner(Runner("cpu", cache_bytes=1), cache_bytes=1)
    for name in ("uneven-12-rotated", "uniform-20", "uneven-6"):
        spec, other = CASES[name], Grouping.uniform(CASES[name].channels, CASES[name].channels, 2)
        for side in ("a", "b", "difference"):
            for module in (3, 1):
                answers = [made(r, spec, module, side=side, other=other).maps for r in (poor, runner)]
                assert np.array_equal(*answers), (name, side, module)


def test_every_setting_makes_its_own_maps(runner):
    """Nothing kept from one stack is taken for another that differs in one setting."""
    base = case(UNEVEN_12, 3, mixing="shuffle", downsample="average", stage=2, normalisation="conv", size=20)
    changes = [
        {"grouping": Grouping.custom([(8, 4), (4, 8)])}, {"kernel_size": (3, 1)}, {"dilation": (1, 2)},
        {"bias": False, "normalisation": "none"}, {"residual": False}, {"mixing": "rotated"}, {"mixing": "pointwise"},
        {"mixing": "none"}, {"downsample": "max"}, {"stage": 1}, {"downsample": "none"}, {"normalisation": "sum"},
        {"normalisation": "none"}, {"relu": False}, {"weights": "random"}, {"seed": 1}, {"gain": "cut"}, {"size": 21},
    ]  # fmt: skip
    for change in [{}, *changes, {}]:
        spec = replace(base, **change)
        expected = twin_of(spec).outputs(stem_of(PICTURE, spec))[3]
        answer = made(runner, spec, 3)
        assert answer.maps.shape == expected.shape, change
        assert np.abs(answer.maps - expected).max() <= tolerance(expected, 3), change


def test_a_kernel_of_even_length_with_even_dilation(runner):
    """Two taps, one on either side: the size stays."""
    spec = case(UNEVEN_12, 2, (2, 4), dilation=(2, 2), seed=5)
    points = twin_of(spec).points(stem_of(PICTURE, spec))
    for module in (1, 2):
        expected = points[module]["sum"]
        answer = made(runner, spec, module, point="sum").maps
        assert np.abs(answer - expected).max() <= tolerance(expected, module)


@pytest.mark.parametrize(
    "options",
    [
        {"module": 5},
        {"module": -1},
        {"channels": (3, 13)},
        {"channels": (4, 4)},
        {"point": "middle"},
        {"dtype": "float16"},
        {"tile": 0},
        {"side": "c"},
    ],
    ids=str,
)
def test_what_is_not_there_is_refused(runner, options):
    spec = CASES["uneven-12-shuffled"]
    with pytest.raises(SpecError) as caught:
        made(runner, spec, **{"module": 1, **options})
    assert caught.value.field == next(iter(options))


def test_a_second_side_needs_a_second_grouping_of_the_same_channels(runner):
    spec = CASES["uneven-12-shuffled"]
    for side in ("b", "difference"):
        with pytest.raises(SpecError):
            made(runner, spec, 1, side=side)
        with pytest.raises(SpecError):
            made(runner, spec, 1, side=side, other=Grouping.uniform(8, 8, 2))
        with pytest.raises(SpecError):
            made(runner, spec, 1, side=side, other=Grouping.custom([(12, 11)]))


@pytest.mark.parametrize("mixing", ["none", "shuffle", "pointwise", "rotated"])
@pytest.mark.parametrize("name", OTHERS)
def test_the_difference_is_what_the_two_sides_differ_by(runner, name, mixing):
    grouping, other = OTHERS[name]
    spec = case(grouping, 3, mixing=mixing, normalisation="conv", downsample="average", stage=2, seed=2, size=20)
    stem = stem_of(PICTURE, spec)
    ours, theirs = twin_of(spec).points(stem), twin_of(spec, other).points(stem)
    for module in range(4):
        for point in POINTS:
            a, b, difference = (
                made(runner, spec, module, point=point, other=other, side=side).maps
                for side in ("a", "b", "difference")
            )
            assert np.array_equal(difference, a - b)
            assert np.array_equal(a, made(runner, spec, module, point=point).maps)  # b changes nothing of a
            for side, expected in ((a, ours[module][point]), (b, theirs[module][point])):
                assert np.abs(side - expected).max() <= tolerance(expected, module)


@pytest.mark.parametrize("mixing", ["none", "shuffle", "rotated", "pointwise"])
@pytest.mark.parametrize("residual", [True, False], ids=["residual", "straight"])
@pytest.mark.parametrize("name", OTHERS)
def test_equal_groups_differ_by_exactly_nothing(runner, name, residual, mixing):
    """Exactly the channels that the two sides have in common, at every point; everything else differs."""
    grouping, other = OTHERS[name]
    normalisation = ("none", "conv", "sum")[len(name) % 3]
    spec = case(
        grouping, 4, residual=residual, mixing=mixing, normalisation=normalisation, relu=False, weights="random",
        downsample="average", stage=2,
    )  # fmt: skip
    for module, expected in enumerate(common(spec, other), 1):
        for point, same in expected.items():
            difference = made(runner, spec, module, point=point, other=other, side="difference").maps
            nothing = np.flatnonzero(np.abs(difference).reshape(spec.channels, -1).max(1) == 0)
            assert nothing.tolist() == sorted(same), (module, point)


def common(spec, other: Grouping) -> list[dict[str, set[int]]]:
    """Of each module and point: the channels that hold the same numbers for both groupings, whatever the weights,
    written by a group that both have."""
    ours, theirs = recipe_of(spec), recipe_of(spec, other)
    every = set(range(spec.channels))
    same, answer = every, []
    for module in range(1, spec.modules + 1):
        u = same
        if module > 1 and spec.mixing == "shuffle":
            u = {i for i, (a, b) in enumerate(zip(dealt(ours), dealt(theirs), strict=True)) if a == b and a in same}
        if module > 1 and spec.mixing == "pointwise":
            u = every if same == every else set()
        a, b = mask(ours, module), mask(theirs, module)
        equal = {o for o in every if np.array_equal(a[o], b[o]) and np.array_equal(writers(a, o), writers(b, o))}
        f = {o for o in equal if set(np.flatnonzero(a[o])) <= u}
        same = f & u if spec.residual else f
        answer.append({"input": u, "conv": f, "sum": same, "output": same})
    return answer


def writers(kept: np.ndarray, channel: int) -> np.ndarray:
    """The channels that read what `channel` reads: its group's outputs."""
    return (kept == kept[channel]).all(1)


@pytest.mark.parametrize("residual", [True, False])
def test_one_module_shows_what_the_cut_connections_would_have_added(runner, residual):
    """Standard against logarithmic, before ReLU: the weights that were cut, applied to the input."""
    standard = Grouping.standard(64, 64)
    spec = case(standard, 1, gain="cut", residual=residual, seed=6, size=32)
    difference = made(runner, spec, 1, point="sum", other=DEFAULT, side="difference").maps
    recipe = recipe_of(spec, DEFAULT)
    cut = torch.from_numpy(recipe.dense[0] * (1 - mask(recipe, 1))[:, :, None, None])
    stem = torch.from_numpy(stem_of(PICTURE, spec))[None]
    expected = torch.nn.functional.conv2d(stem, cut, padding=1)[0].numpy()
    whole = twin_of(spec).points(stem[0].numpy())[1]["sum"]
    assert np.abs(expected).max() > 0.1
    assert np.abs(difference - expected).max() <= 2 * tolerance(whole, 1)


def test_a_difference_survives_tiles_and_bytes(runner):
    spec, other = case(DEFAULT, 2, size=24, seed=9), Grouping.uniform(64, 64, 4)
    whole, tiles, packed = (
        made(runner, spec, 2, other=other, side="difference", point="sum", **options)
        for options in ({}, {"tile": 8}, {"dtype": "uint8"})
    )
    averages = whole.maps.reshape(64, 8, 3, 8, 3).mean((2, 4))
    np.testing.assert_allclose(tiles.maps, averages, rtol=1e-4, atol=1e-5)
    assert tiles.stats == packed.stats == whole.stats
    assert whole.maps.min() < 0 < whole.maps.max()
    np.testing.assert_allclose(whole.stats["min"], whole.maps.reshape(64, -1).min(1))
    values = packed.maps * packed.scale[:, None, None] + packed.offset[:, None, None]
    assert (np.abs(values - whole.maps) <= packed.scale[:, None, None] * 0.5001 + 1e-6).all()


@pytest.mark.parametrize("name", CASES)
def test_energies_sum_to_the_whole(runner, truths, name):
    spec = CASES[name]
    answer = runner.energy(opened(PICTURE), "photograph", spec)
    stem = truths[name][0]["output"]
    assert answer["stem"]["output"] == pytest.approx((stem**2).mean(), rel=1e-4)
    assert [row["module"] for row in answer["modules"]] == list(range(1, spec.modules + 1))
    for row, points in zip(answer["modules"], truths[name][1:], strict=True):
        expected = energies(points, spec.residual)
        for part, value in expected.items():
            loss = 1e-4 * (expected["sum"] + expected["conv"])  # a cross term is a difference of large numbers
            assert row[part] == (None if value is None else pytest.approx(value, rel=1e-4, abs=loss)), (row, part)
        parts = [row[part] for part in ("identity", "conv", "cross") if row[part] is not None]
        assert sum(parts) == pytest.approx(row["sum"], rel=1e-5, abs=1e-5 * max(map(abs, parts)))


def test_energies_of_the_other_side(runner):
    grouping, other = OTHERS["one-group-cut"]
    spec = case(grouping, 3, mixing="shuffle", seed=2)
    answer = runner.energy(opened(PICTURE), "photograph", spec, other=other, side="b")
    for row, points in zip(answer["modules"], twin_of(spec, other).points(stem_of(PICTURE, spec))[1:], strict=True):
        for part, value in energies(points, True).items():
            assert row[part] == pytest.approx(value, rel=1e-4, abs=1e-6), part


def test_dead_maps_and_zeros_are_counted(runner):
    """A single negative weight on a map without negative values, and the map is gone for good."""
    spec = case(Grouping.depthwise(20, 20), 4, (1, 1), residual=False, bias=False, weights="random", seed=1)
    outputs = [made(runner, spec, m).maps.reshape(20, -1) for m in range(5)]
    answer = runner.energy(opened(PICTURE), "photograph", spec)
    deaths = []
    for row, maps in zip([answer["stem"], *answer["modules"]], outputs, strict=True):
        assert row["zeros"] == pytest.approx((maps == 0).mean(), abs=1e-9)
        assert row["dead"] == int((~maps.any(1)).sum())
        deaths.append(row["dead"])
    assert deaths[-1] > deaths[0]


@pytest.mark.parametrize("name", ["default", "uneven-6", "standard-64", "one-pixel"])
def test_the_scale_of_all_six_arms(runner, name):
    spec = CASES[name]
    arms = runner.scale(opened(PICTURE), "photograph", spec)["arms"]
    pairs = [(arm["gain"], arm["normalisation"]) for arm in arms]
    norms = ("conv", "none", "sum") if name != "one-pixel" else ("none",)  # one pixel has no deviation
    assert sorted(pairs) == [(g, n) for g in ("cut", "fan-in") for n in norms]
    for (gain, normalisation), arm in zip(pairs, arms, strict=True):
        assert arm["chosen"] is ((gain, normalisation) == (spec.gain, spec.normalisation))
        changed = replace(spec, gain=gain, normalisation=normalisation)
        expected = [float((x**2).mean()) ** 0.5 for x in twin_of(changed).outputs(stem_of(PICTURE, changed))]
        np.testing.assert_allclose(arm["rms"], expected, rtol=1e-4, atol=1e-7)


def test_the_recipe_cuts_what_the_groups_cut():
    """The twin itself, on numbers small enough to see: rotation moves both walls, gain follows the in-channels."""
    dense = [np.ones((4, 4, 1, 1))] * 2
    recipe = Recipe([(1, 2), (3, 2)], dense, mixing="rotated", gained=False)
    assert mask(recipe, 1).tolist() == [[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 1]]
    assert mask(recipe, 2).tolist() == [[1, 0, 1, 1], [0, 1, 0, 0], [0, 1, 0, 0], [1, 0, 1, 1]]
    assert mask(replace(recipe, gained=True), 1)[0, 0] == 8
