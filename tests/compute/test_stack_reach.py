"""What can reach what, against wiggling one channel of the plain program; and ink, which shows the same in numbers."""

import numpy as np
import pytest

from compute import Grouping, SpecError
from compute.picture import square
from compute.run import Runner
from compute.stack import Dye, reach
from compute.stackrun import StackRunner
from tests.compute.stackcases import (
    CASES,
    DEFAULT,
    UNEVEN_12,
    case,
    normalised,
    opened,
    photograph,
    random_spec,
    stem_filters,
    stem_of,
    tolerance,
    twin_of,
)
from tests.compute.stacktwin import stem_output

pytestmark = pytest.mark.usefixtures("one_thread")

PICTURE = photograph()
SEEDS = range(50)


@pytest.fixture(scope="module")
def runner():
    return StackRunner(Runner("cpu"))


def wiggled(spec, stem) -> np.ndarray:
    """(modules + 1, C, C): [m, o, i] whether the twin's channel o after module m moves with stem channel i."""
    twin = twin_of(spec)
    clean = twin.outputs(stem)
    moved = np.zeros((spec.modules + 1, spec.channels, spec.channels), bool)
    for i in range(spec.channels):
        other = stem.copy()
        other[i] += np.random.default_rng(i).normal(size=stem[0].shape)
        for m, after in enumerate(twin.outputs(other)):
            moved[m, :, i] = (after != clean[m]).reshape(spec.channels, -1).any(1)
    return moved


def reachable(spec) -> np.ndarray:
    rows = [reach(spec, m).rows for m in range(spec.modules + 1)]
    return np.array([[[row >> i & 1 for i in range(spec.channels)] for row in module] for module in rows], bool)


@pytest.mark.parametrize("seed", SEEDS)
def test_without_relu_a_channel_moves_if_and_only_if_it_is_reached(seed):
    spec = random_spec(seed, relu=False)
    stem = np.random.default_rng(seed).normal(size=(spec.channels, spec.size, spec.size))
    moved, reached = wiggled(spec, stem), reachable(spec)
    assert np.array_equal(moved, reached)
    for module in range(spec.modules + 1):
        answer = reach(spec, module)
        assert answer.connected == moved[module].sum()
        assert answer.share == pytest.approx(moved[module].mean())


def test_the_random_stacks_are_of_every_kind():
    """Fifty draws that happened to leave out a mixing, say, would prove little."""
    specs = [random_spec(seed) for seed in SEEDS]
    for field, least in {"mixing": 4, "downsample": 3, "normalisation": 3, "residual": 2, "modules": 6}.items():
        assert len({getattr(spec, field) for spec in specs}) >= least, field
    shares = [reach(spec, spec.modules).share for spec in specs]
    assert sum(0 < share < 1 for share in shares) >= 20
    assert sum(len(set(spec.grouping.sizes)) > 1 and spec.mixing == "shuffle" for spec in specs) >= 3


@pytest.mark.parametrize("seed", SEEDS)
def test_with_relu_what_moves_is_reached(seed):
    spec = random_spec(seed, relu=True)
    stem = np.abs(np.random.default_rng(seed).normal(size=(spec.channels, spec.size, spec.size)))
    moved, reached = wiggled(spec, stem), reachable(spec)
    assert not (moved & ~reached).any()
    assert moved[1].any()


def test_walls_stand_until_something_mixes():
    """Four equal groups of three: nothing crosses by itself, a shuffle joins three of the four at once."""
    shares = {}
    for mixing in ("none", "shuffle", "pointwise", "rotated"):
        spec = case(Grouping.uniform(12, 12, 4), 3, mixing=mixing, residual=False)
        shares[mixing] = [reach(spec, m).connected for m in range(4)]
    assert shares["none"] == [12, 36, 36, 36]
    assert shares["pointwise"] == [12, 36, 144, 144]
    assert shares["shuffle"] == [12, 36, 108, 144]  # three of the four groups' channels fit into a group of three
    assert shares["rotated"] == [12, 36, 36, 36]  # a quarter of 12 is 3: walls move onto walls


@pytest.mark.parametrize("module", [-1, 4])
def test_a_module_that_is_not_there_is_refused(module):
    with pytest.raises(SpecError, match=f"module must be from 0 to 3, not {module}; use 0 to 3") as caught:
        reach(case(UNEVEN_12, 3), module)
    assert caught.value.field == "module"


def ink(runner, spec, dye, **options):
    return runner.ink(opened(PICTURE), "photograph", spec, dye, **options)


@pytest.mark.parametrize("seed", range(0, 50, 3))
@pytest.mark.parametrize("relu", [False, True], ids=["signed", "relu"])
def test_ink_stops_at_the_walls(runner, seed, relu):
    spec = random_spec(seed, relu=relu, size=16)
    stem_channel = seed % spec.channels
    answer = ink(runner, spec, Dye("channel", channel=stem_channel))
    assert np.flatnonzero(answer["stem"]["max"]).tolist() == [stem_channel]
    for row in answer["modules"]:
        reached = [rows >> stem_channel & 1 == 1 for rows in reach(spec, row["module"]).rows]
        inked = [value > 0 for value in row["max"]]
        assert row["reachable"] == sum(reached)
        assert row["changed"] == sum(inked)
        if relu:
            assert all(there for there, seen in zip(reached, inked, strict=True) if seen)
        else:
            assert inked == reached, row["module"]
        assert [value > 0 for value in row["mean"]] == inked


WALLED = {  # a group reads clean channels only, and the identity brings ink to one of those it writes
    "five": (Grouping.custom([(1, 2), (1, 2), (3, 1)]), 2),
    "six": (Grouping.custom([(1, 2), (1, 2), (1, 1), (3, 1)]), 3),
    "runs": (Grouping.custom([(2, 3), (2, 3), (2, 3), (6, 3)]), 5),
}


@pytest.mark.parametrize("mixing", ["none", "shuffle", "rotated"])
@pytest.mark.parametrize("name", WALLED)
def test_ink_is_exactly_nothing_where_nothing_can_reach(runner, name, mixing):
    """Channel by channel, not group by group: a group's answer to clean channels is clean, whatever is added to it."""
    grouping, stem_channel = WALLED[name]
    spec = case(grouping, 4, mixing=mixing, weights="random", relu=False)
    twin = twin_of(spec)
    stem = stem_of(PICTURE, spec)
    wet = stem.copy()
    wet[stem_channel] += np.random.default_rng(0).normal(size=stem[0].shape)
    clean, dyed = twin.points(stem), twin.points(wet)
    for module in range(1, 5):
        for point in ("input", "conv", "sum", "output"):
            expected = (dyed[module][point] != clean[module][point]).reshape(spec.channels, -1).any(1)
            maps = runner.maps(
                opened(PICTURE), "photograph", spec, module, point=point, side="ink", dye=Dye(channel=stem_channel)
            ).maps
            inked = maps.reshape(spec.channels, -1).max(1) > 0
            assert inked.tolist() == expected.tolist(), (module, point)


def noisy_stem(spec, stem, channel):
    """The channel plus normal noise, seeded with its number, as strong as the whole stem."""
    dyed = stem.copy()
    noise = np.random.default_rng(channel).standard_normal(stem[0].shape, np.float32)
    dyed[channel] += noise * np.sqrt((stem**2).mean())
    return dyed


@pytest.mark.parametrize("side", ["a", "b"])
@pytest.mark.parametrize("name", ["default", "uneven-12-rotated", "uneven-6", "uniform-20", "depthwise-20"])
def test_ink_in_a_channel_is_the_twins(runner, name, side):
    spec = CASES[name]
    other = Grouping.custom([(spec.channels // 2, 1), (spec.channels - spec.channels // 2, spec.channels - 1)])
    stem, channel = stem_of(PICTURE, spec), 3
    twin = twin_of(spec, other if side == "b" else None)
    clean, dyed = twin.points(stem), twin.points(noisy_stem(spec, stem, channel))
    answer = ink(runner, spec, Dye("channel", channel=channel), other=other, side=side)
    check_ink(runner, spec, answer, clean, dyed, Dye("channel", channel=channel), other=other, dyed=side)


def check_ink(runner, spec, answer, before, after, dye, **options):
    for module in range(spec.modules + 1):
        row = answer["modules"][module - 1] if module else answer["stem"]
        for point in ("input", "conv", "sum", "output"):
            expected = np.abs(after[module][point] - before[module][point])
            maps = runner.maps(
                opened(PICTURE), "photograph", spec, module, side="ink", point=point, dye=dye, **options
            ).maps
            allowed = 2 * tolerance(after[module][point], module)
            assert np.abs(maps - expected).max() <= allowed, (module, point)
        flat = expected.reshape(spec.channels, -1)
        np.testing.assert_allclose(row["max"], flat.max(1), rtol=1e-4, atol=allowed)
        np.testing.assert_allclose(row["mean"], flat.mean(1), rtol=1e-4, atol=allowed)


def test_the_noise_is_as_strong_as_the_stem(runner):
    spec = case(DEFAULT, 1, size=40)
    noise, stem = (
        runner.maps(opened(PICTURE), "photograph", spec, 0, **options).maps
        for options in ({"side": "ink", "dye": Dye(channel=9)}, {})
    )
    assert np.sqrt((noise[9] ** 2).mean()) == pytest.approx(np.sqrt((stem**2).mean()), rel=0.1)
    assert not np.delete(noise, 9, 0).any()


@pytest.mark.parametrize("name", ["default", "uneven-12-rotated", "uneven-6", "uniform-20", "depthwise-20"])
def test_a_patch_of_ink_is_the_twins(runner, name):
    """The square shown as its negative, dyed minus clean, module by module and map by map."""
    spec = CASES[name]
    dye = Dye("patch", row=5, column=2, size=7)
    clean, dyed = twin_of(spec).points(stem_of(PICTURE, spec)), twin_of(spec).points(negative_stem(spec, dye))
    answer = ink(runner, spec, dye)
    check_ink(runner, spec, answer, clean, dyed, dye)
    assert all(row["reachable"] is None for row in answer["modules"])  # a patch dyes every channel of the stem


@pytest.mark.parametrize(
    "dye, field",
    [(Dye("channel", channel=12), "dye_channel"), (Dye("patch", row=20, size=5), "dye_row"), (Dye("drop"), "dye")],
)
def test_ink_outside_is_refused(runner, dye, field):
    spec = case(UNEVEN_12, 2)
    for paint in (
        lambda: ink(runner, spec, dye),
        lambda: runner.maps(opened(PICTURE), "photograph", spec, 1, side="ink", dye=dye),
    ):
        with pytest.raises(SpecError) as caught:
            paint()
        assert caught.value.field == field


def test_ink_needs_a_dye(runner):
    with pytest.raises(SpecError, match="there is no ink: nothing is dyed; give dye=channel or dye=patch"):
        runner.maps(opened(PICTURE), "photograph", case(UNEVEN_12, 2), 1, side="ink")


def negative_stem(spec, dye):
    picture = np.array(square(PICTURE, spec.size))
    there = np.s_[dye.row : dye.row + dye.size, dye.column : dye.column + dye.size]
    picture[there] = 255 - picture[there]
    return stem_output(normalised(picture), stem_filters(spec))
