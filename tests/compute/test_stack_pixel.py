"""One value of a map taken apart: products that sum to it, the channels and the pixels it hangs on."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from compute import Grouping, SpecError
from compute.run import Runner
from compute.stack import reach
from compute.stackrun import StackRunner
from tests.compute.stackcases import (
    CASES,
    DEFAULT,
    UNEVEN_12,
    case,
    noise,
    opened,
    photograph,
    pixels_of,
    stem_filters,
    stem_of,
    twin_of,
)
from tests.compute.stacktwin import stem_output, stem_sums

pytestmark = pytest.mark.usefixtures("one_thread")

PICTURE = photograph(1)
FIELDS = {
    "plain": case(UNEVEN_12, 2, size=17),
    "one-tap": case(UNEVEN_12, 3, (1, 1), size=9),
    "tall": case(UNEVEN_12, 3, (3, 1), dilation=(2, 1), size=17),
    "even": case(UNEVEN_12, 2, (2, 2), dilation=(2, 2), size=17, residual=False),
    "even-added": case(UNEVEN_12, 2, (2, 2), dilation=(4, 6), size=19),
    "dilated": case(UNEVEN_12, 2, (3, 5), dilation=(3, 2), size=19),
    "alone": case(UNEVEN_12, 1, dilation=(4, 4), size=19, residual=False),
    "pooled": case(Grouping.uniform(12, 12, 2), 4, downsample="average", stage=1, size=31),
    "pooled-twice": case(Grouping.uniform(12, 12, 2), 5, mixing="shuffle", downsample="average", stage=2, size=23),
    "pooled-dilated": case(
        Grouping.uniform(12, 12, 2), 3, dilation=(2, 1), mixing="rotated", downsample="average", stage=1, size=23
    ),
    "largest": case(Grouping.uniform(12, 12, 2), 3, mixing="pointwise", downsample="max", stage=1, size=23),
}


@pytest.fixture(scope="module")
def runner():
    return StackRunner(Runner("cpu"))


def taken_apart(runner, spec, module, channel, row, column, image=PICTURE, key="photograph", **options):
    return runner.pixel(opened(image), key, spec, module, channel, row, column, **options)


def places(height: int, width: int) -> list[tuple[int, int]]:
    """Corners, edges, the middle."""
    rows, columns = sorted({0, height // 2, height - 1}), sorted({0, width // 2, width - 1})
    return [(row, column) for row in rows for column in columns]


@pytest.mark.parametrize("name", CASES)
def test_the_products_sum_to_the_value_everywhere(runner, name):
    spec = CASES[name]
    twin = twin_of(spec)
    points = twin.points(stem_of(PICTURE, spec))
    for module in sorted({1, 2, spec.modules}):
        truth = points[module]
        largest = {point: float(np.abs(maps).max()) for point, maps in truth.items()}
        for step, (row, column) in enumerate(places(*truth["output"].shape[1:])):
            channel = (7 * step + module) % spec.channels
            answer = taken_apart(runner, spec, module, channel, row, column)
            facts, products = answer.facts, answer.patch.astype(np.float64) * answer.kernel
            assert facts["sums"] == pytest.approx(products.sum((1, 2)), rel=1e-5, abs=1e-5 * np.abs(products).max())
            bias = 0.0 if twin.recipe.biases is None else twin.recipe.biases[module - 1][channel]
            assert (facts["bias"] or 0.0) == pytest.approx(bias, rel=1e-6, abs=1e-12)
            whole = abs(products).sum() + abs(bias)
            assert facts["conv"] == pytest.approx(products.sum() + bias, rel=1e-5, abs=1e-6 * whole)
            allowed = 1e-5 * module**0.5
            for fact, point in (
                ("conv", "raw"),
                ("normalised", "conv"),
                ("identity", "input"),
                ("sum", "sum"),
                ("output", "output"),
            ):
                if fact == "identity" and not spec.residual:
                    assert facts["identity"] is None
                    continue
                expected = truth[point][channel, row, column]
                assert facts[fact] == pytest.approx(expected, rel=1e-5, abs=allowed * largest[point]), (fact, module)
            check_steps(spec, facts)


def check_steps(spec, facts):
    """What is shown adds up by itself, whatever the twin says."""
    mean, deviation, normalised = facts["mean"], facts["deviation"], facts["normalised"]
    value = facts["conv"]
    if spec.normalisation == "conv":
        value = (value - mean) / deviation
    assert normalised == pytest.approx(value, rel=1e-4, abs=1e-4)
    value = normalised + facts["identity"] if spec.residual else normalised
    if spec.normalisation == "sum":
        value = (value - mean) / deviation
    if spec.normalisation == "none":
        assert mean is None
        assert deviation is None
    assert facts["sum"] == pytest.approx(value, rel=1e-4, abs=1e-4)
    assert facts["output"] == pytest.approx(max(facts["sum"], 0) if spec.relu else facts["sum"], rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", [name for name, spec in CASES.items() if spec.normalisation != "none"])
def test_mean_and_deviation_are_those_of_the_map(runner, name):
    """As batch normalisation takes them: over all pixels, 1e-5 added to the variance."""
    spec = CASES[name]
    points = twin_of(spec).points(stem_of(PICTURE, spec))
    normalised = "raw" if spec.normalisation == "conv" else "added"
    for module in (1, spec.modules):
        for channel in (0, spec.channels - 1):
            facts = taken_apart(runner, spec, module, channel, 0, 0).facts
            values = points[module][normalised][channel]
            size = np.abs(values).max()
            assert facts["mean"] == pytest.approx(values.mean(), rel=1e-4, abs=1e-5 * size)
            assert facts["deviation"] == pytest.approx(np.sqrt(values.var() + 1e-5), rel=1e-3)


@pytest.mark.parametrize("name", ["default", "uneven-12-rotated", "uneven-12-shuffled", "depthwise-20", "uneven-20"])
def test_the_value_is_the_maps(runner, name):
    """The inspector and the wall of maps show one number."""
    spec = CASES[name]
    module = spec.modules
    maps = {p: runner.maps(opened(PICTURE), "photograph", spec, module, point=p).maps for p in ("sum", "output")}
    for row, column in places(*maps["sum"].shape[1:]):
        facts = taken_apart(runner, spec, module, 5, row, column).facts
        for point, values in maps.items():
            loss = 1e-5 * float(np.abs(values).max())
            assert facts[point] == pytest.approx(float(values[5, row, column]), rel=1e-5, abs=loss)
        assert facts["shape"] == list(maps["sum"].shape)


@pytest.mark.parametrize("name", ["uneven-12-shuffled", "uneven-12-rotated", "depthwise-6", "uneven-20", "log-6"])
def test_patch_and_kernel_are_the_twins(runner, name):
    """The patch is the module's input with zeros outside, the kernel the twin's own weights, in the order listed."""
    spec = CASES[name]
    twin = twin_of(spec)
    points = twin.points(stem_of(PICTURE, spec))
    for module in (1, 2, 3):
        u = points[module]["input"]
        weights = twin.layers[module - 1].conv.weight.detach().numpy()
        (p_h, p_w), (k_h, k_w) = spec.padding, spec.kernel_size
        padded = np.pad(u, ((0, 0), (p_h, p_h), (p_w, p_w)))
        for channel in range(0, spec.channels, 2):
            for row, column in ((0, 0), (u.shape[1] - 1, u.shape[2] // 2)):
                answer = taken_apart(runner, spec, module, channel, row, column)
                inputs = answer.facts["inputs"]
                rows = [row + spec.dilation[0] * i for i in range(k_h)]
                columns = [column + spec.dilation[1] * j for j in range(k_w)]
                patch = padded[inputs][:, rows][:, :, columns]
                assert answer.patch.dtype == answer.kernel.dtype == np.float32
                np.testing.assert_allclose(answer.patch, patch, rtol=1e-4, atol=1e-5 * np.abs(u).max() * module)
                np.testing.assert_allclose(answer.kernel, weights[channel, inputs], rtol=1e-5, atol=1e-9)
                assert answer.facts["patch_at"] == [row - p_h, column - p_w]


@pytest.mark.parametrize(
    "name", ["uneven-12-shuffled", "uneven-12-rotated", "depthwise-6", "uneven-20", "log-20-pooled"]
)
def test_inputs_are_exactly_the_channels_that_move_the_value(runner, name):
    spec = replace(CASES[name], weights="random")
    twin = twin_of(spec)
    points = twin.points(stem_of(PICTURE, spec))
    for module in (1, 2, 3):
        u = torch.from_numpy(points[module]["input"])[None]
        convolve = twin.layers[module - 1].conv
        with torch.no_grad():
            before = convolve(u)[0]
            moved = np.zeros((spec.channels, spec.channels), bool)
            for i in range(spec.channels):
                other = u.clone()
                other[:, i] += 1
                moved[:, i] = (convolve(other)[0] != before).flatten(1).any(1)
        for channel in range(spec.channels):
            facts = taken_apart(runner, spec, module, channel, 3, 2).facts
            assert sorted(facts["inputs"]) == np.flatnonzero(moved[channel]).tolist(), (module, channel)
            assert facts["stem_channels"] == reach(spec, module).rows[channel].bit_count()


@pytest.mark.parametrize("relu", [False, True], ids=["signed", "relu"])
@pytest.mark.parametrize("name", FIELDS)
def test_the_receptive_field_is_what_moves_the_value(runner, name, relu):
    """Every pixel outside replaced: the same value to the last bit. Each of its four edges replaced: another value
    (a ReLU or a maximum may swallow a change, so the edges are for stacks, and a stem, without)."""
    spec = replace(FIELDS[name], weights="random", relu=relu, bias=relu)
    twin, filters = twin_of(spec), stem_filters(spec)
    picture, other = (pixels_of(noise(spec.size, seed), spec.size) for seed in (1, 2))

    def values(pixels):
        stem = stem_output(pixels, filters) if relu else stem_sums(torch.from_numpy(pixels), filters).numpy()
        return twin.outputs(stem)[spec.modules]

    before = values(picture)
    for row, column in places(*before.shape[1:]):
        facts = taken_apart(runner, spec, spec.modules, 4, row, column, noise(spec.size, 1), "noise").facts
        top, left, bottom, right = facts["receptive_field"]
        assert 0 <= top < bottom <= spec.size
        assert 0 <= left < right <= spec.size
        outside = other.copy()
        outside[:, top:bottom, left:right] = picture[:, top:bottom, left:right]
        assert values(outside)[4, row, column] == before[4, row, column], (row, column)
        if relu or spec.downsample == "max":
            continue
        for edge in (np.s_[:, top, left:right], np.s_[:, bottom - 1, left:right],
                     np.s_[:, top:bottom, left], np.s_[:, top:bottom, right - 1]):  # fmt: skip
            changed = picture.copy()
            changed[edge] = other[edge]
            assert values(changed)[4, row, column] != before[4, row, column], (row, column, edge)


@pytest.mark.parametrize("name", FIELDS)
def test_the_receptive_field_is_where_the_gradient_lives(runner, name):
    """The same from the other end, on the whole diagonal: the box around the pixels that the value's gradient knows."""
    spec = replace(FIELDS[name], weights="random", relu=False, bias=False)
    if spec.downsample == "max":
        spec = replace(spec, downsample="average")
    twin, filters = twin_of(spec), stem_filters(spec)
    pixels = torch.from_numpy(pixels_of(noise(spec.size, 1), spec.size)).requires_grad_()
    values = twin(stem_sums(pixels, filters)[None])[-1]["output"][0]
    for place in range(values.shape[1]):
        row, column = place, values.shape[2] - 1 - place * 3 % values.shape[2]
        (gradient,) = torch.autograd.grad(values[7, row, column], pixels, retain_graph=True)
        rows, columns = np.nonzero(gradient.abs().sum(0).numpy())
        facts = taken_apart(runner, spec, spec.modules, 7, row, column).facts
        box = [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]
        assert facts["receptive_field"] == box, (row, column)


@pytest.mark.parametrize("residual", [True, False], ids=["residual", "straight"])
def test_a_kernel_whose_taps_all_lie_beyond_the_border(runner, residual):
    """Two taps eight pixels apart on a picture of four: what is left is the bias, and the pixel that is added."""
    spec = case(UNEVEN_12, 1, (2, 2), dilation=(8, 8), size=4, residual=residual)
    stem = stem_of(noise(4), spec)
    answer = taken_apart(runner, spec, 1, 5, 0, 1, noise(4), "four")
    top, left, bottom, right = answer.facts["receptive_field"]
    assert not answer.patch.any()
    assert answer.facts["conv"] == pytest.approx(answer.facts["bias"])
    if residual:
        assert answer.facts["identity"] == pytest.approx(stem[5, 0, 1], rel=1e-5)
        assert (top, left, bottom, right) == (0, 0, 2, 3)
    else:
        assert top >= bottom or left >= right  # no pixel at all


def test_the_runners_own_value_ignores_what_lies_outside(runner):
    spec = replace(FIELDS["pooled-dilated"], weights="random")
    picture, other = np.asarray(noise(23, 1)), np.asarray(noise(23, 2))
    before = runner.maps(opened(noise(23, 1)), "noise", spec, 3, point="sum").maps
    for row, column in places(*before.shape[1:]):
        top, left, bottom, right = taken_apart(runner, spec, 3, 2, row, column, noise(23, 1), "noise").facts[
            "receptive_field"
        ]
        changed = other.copy()
        changed[top:bottom, left:right] = picture[top:bottom, left:right]
        image = Image.fromarray(changed)
        after = runner.maps(opened(image), f"outside {row} {column}", spec, 3, point="sum").maps
        assert after[2, row, column] == pytest.approx(before[2, row, column], rel=1e-5, abs=1e-5)


def test_the_other_side_is_taken_apart_on_its_own_groups(runner):
    spec, other = case(DEFAULT, 3, mixing="shuffle", seed=2), Grouping.uniform(64, 64, 16)
    truth = twin_of(spec, other).points(stem_of(PICTURE, spec))[3]
    for channel in (0, 13, 63):
        answer = taken_apart(runner, spec, 3, channel, 5, 6, other=other, side="b")
        facts = answer.facts
        assert facts["inputs"] == list(range(channel // 4 * 4, channel // 4 * 4 + 4))
        assert facts["stem_channels"] == reach(replace(spec, grouping=other), 3).rows[channel].bit_count()
        largest = float(np.abs(truth["sum"]).max())
        assert facts["sum"] == pytest.approx(truth["sum"][channel, 5, 6], rel=1e-5, abs=2e-5 * largest)
        assert (answer.patch.astype(float) * answer.kernel).sum() + facts["bias"] == pytest.approx(
            truth["raw"][channel, 5, 6], rel=1e-5, abs=2e-5 * largest
        )


@pytest.mark.parametrize(
    "where, field",
    [
        ((0, 0, 0, 0), "module"),
        ((5, 0, 0, 0), "module"),
        ((1, 12, 0, 0), "channel"),
        ((1, -1, 0, 0), "channel"),
        ((1, 0, 24, 0), "row"),
        ((1, 0, -1, 0), "row"),
        ((1, 0, 0, 24), "column"),
    ],
)
def test_a_pixel_that_is_not_there_is_refused(runner, where, field):
    with pytest.raises(SpecError) as caught:
        taken_apart(runner, CASES["uneven-12-shuffled"], *where)
    assert caught.value.field == field


def test_rows_end_where_the_pooled_map_ends(runner):
    """After a halving the numbers of the first module's pixels are out of range."""
    spec = FIELDS["pooled"]
    assert taken_apart(runner, spec, 2, 0, 14, 14).facts["shape"] == [12, 15, 15]
    with pytest.raises(SpecError, match=r"row must be from 0 to 14, not 15; use 0 to 14"):
        taken_apart(runner, spec, 2, 0, 15, 0)
