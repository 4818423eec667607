"""How alike maps are, against numpy.corrcoef, numpy.cov and numpy's eigenvalues."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from compute import Grouping, SpecError
from compute.run import Runner
from compute.stackrun import StackRunner
from tests.compute.stackcases import (
    CASES,
    DEFAULT,
    case,
    noise,
    opened,
    photograph,
    pixels_of,
    stem_filters,
    stem_of,
    twin_of,
)
from tests.compute.stacktwin import dealt, effective_rank, enlarged, group_of, stem_sums

pytestmark = pytest.mark.usefixtures("one_thread")

PICTURE = photograph(2)
DYING = case(Grouping.depthwise(20, 20), 4, (1, 1), residual=False, bias=False, weights="random", mixing="shuffle")


@pytest.fixture(scope="module")
def runner():
    return StackRunner(Runner("cpu"))


def measured(runner, spec, module, **options):
    return runner.redundancy(opened(PICTURE), "photograph", spec, module, **options)


def flat(maps):
    return maps.reshape(len(maps), -1).astype(np.float64)


def live(maps) -> list[int]:
    return [c for c, row in enumerate(flat(maps)) if row.max() > row.min()]


def outputs(runner, spec, **options):
    """The runner's own maps of every module: they are held to the twin elsewhere."""
    return [runner.maps(opened(PICTURE), "photograph", spec, m, **options).maps for m in range(spec.modules + 1)]


NAMES = [name for name, spec in CASES.items() if name != "one-pixel"]


@pytest.mark.parametrize("name", NAMES)
def test_correlation_is_numpys(runner, name):
    spec = CASES[name]
    maps = outputs(runner, spec)
    for module in sorted({1, 2, spec.modules}):
        answer = measured(runner, spec, module)
        kept = live(maps[module])
        dead = sorted(set(range(spec.channels)) - set(kept))
        assert answer.facts["dead"] == dead
        assert answer.correlation.shape == (spec.channels, spec.channels)
        expected = np.abs(np.corrcoef(flat(maps[module])[kept]))
        np.testing.assert_allclose(answer.correlation[np.ix_(kept, kept)], expected, atol=1e-5)
        assert (answer.correlation[dead] == 0).all()
        assert (answer.correlation[:, dead] == 0).all()
        assert np.isfinite(answer.covariance).all()


@pytest.mark.parametrize("name", NAMES)
def test_covariance_between_layers_is_numpys(runner, name):
    """Rows: the maps before; columns: after, enlarged to the larger map's pixels."""
    spec = CASES[name]
    maps = outputs(runner, spec)
    for module in sorted({1, 2, spec.modules}):
        before, after = maps[module - 1], maps[module]
        answer = measured(runner, spec, module)
        after = enlarged(after, *before.shape[1:])
        c = spec.channels
        expected = np.cov(flat(before), flat(after))[:c, c:]
        np.testing.assert_allclose(answer.covariance, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
        assert answer.facts["samples"] == before[0].size
        assert answer.facts["dead_before"] == sorted(set(range(c)) - set(live(before)))


def test_the_covariance_is_the_twins(runner):
    """From the photograph to the number without the runner's maps in between, once, with a halving in it."""
    spec = CASES["log-20-pooled"]
    before, after = twin_of(spec).outputs(stem_of(PICTURE, spec))[2:4]
    assert before.shape[1:] == (23, 23)
    assert after.shape[1:] == (11, 11)
    expected = np.cov(flat(before), flat(enlarged(after, 23, 23)))[:20, 20:]
    np.testing.assert_allclose(measured(runner, spec, 3).covariance, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", NAMES)
def test_effective_ranks_are_those_of_numpys_eigenvalues(runner, name):
    spec = CASES[name]
    maps = outputs(runner, spec)

    def rank(values):
        rows = flat(values)[live(values)]
        return pytest.approx(effective_rank(np.cov(rows)), rel=1e-3) if len(rows) else None

    for module in sorted({1, 2, spec.modules}):
        ranks = measured(runner, spec, module).facts["rank"]
        assert ranks["layer"] == rank(maps[module])
        assert ranks["before"] == rank(maps[module - 1])
        assert ranks["stem"] == rank(maps[0])
        assert ranks["stem_most"] == min(27, spec.channels)
        turn = spec.channels // 4 if spec.mixing == "rotated" and module % 2 == 0 else 0
        outs = [span.out_channels for span in spec.grouping.spans]
        groups = [group_of((channel - turn) % spec.channels, outs) for channel in range(spec.channels)]
        assert len(ranks["groups"]) == len(outs)
        for group, value in enumerate(ranks["groups"]):
            assert value == rank(maps[module][[g == group for g in groups]]), (module, group)


def test_dead_maps_are_left_out_and_named(runner):
    maps = outputs(runner, DYING)
    answer = measured(runner, DYING, 4)
    dead = [c for c in range(20) if not maps[4][c].any()]
    assert 0 < len(dead) < 20
    assert answer.facts["dead"] == dead
    assert answer.facts["dead_before"] == [c for c in range(20) if not maps[3][c].any()]
    assert (answer.correlation[dead] == 0).all()
    assert (answer.covariance[:, dead] == 0).all()
    assert (answer.covariance[answer.facts["dead_before"]] == 0).all()
    alive = sorted(set(range(20)) - set(dead))
    assert np.diag(answer.correlation)[alive].tolist() == [1] * len(alive)
    assert [value is None for value in answer.facts["rank"]["groups"]] == [c in dead for c in range(20)]
    assert answer.facts["rank"]["layer"] <= len(alive)


def test_a_constant_map_correlates_with_nothing(runner):
    """Not zero but flat: what a dead input and a bias leave behind."""
    spec = replace(DYING, bias=True)
    maps = outputs(runner, spec)
    flats = [c for c in range(20) if maps[4][c].max() == maps[4][c].min() > 0]
    assert flats
    answer = measured(runner, spec, 4)
    assert set(flats) <= set(answer.facts["dead"])
    assert (answer.correlation[flats] == 0).all()


def test_one_pixel_has_nothing_to_correlate(runner):
    spec = replace(CASES["one-pixel"], normalisation="none")
    answer = measured(runner, spec, 4)
    assert answer.facts["dead"] == list(range(12))
    assert answer.facts["samples"] == 4
    assert answer.facts["rank"]["layer"] is None
    assert (answer.correlation == 0).all()
    assert (answer.covariance == 0).all()


@pytest.mark.parametrize("name", ["uneven-12-shuffled", "uneven-12-rotated", "default", "uniform-12", "uneven-20"])
def test_the_order_is_the_one_the_groups_read_in(runner, name):
    """Which channel of the layer before stands first, second, ... when the groups' inputs are laid side by side."""
    spec = CASES[name]
    for module in (1, 2, 3):
        expected = list(range(spec.channels))
        if spec.mixing == "shuffle" and module > 1:
            expected = dealt(twin_of(spec).recipe)
        if spec.mixing == "rotated" and module % 2 == 0:
            quarter = spec.channels // 4
            expected = expected[quarter:] + expected[:quarter]
        assert measured(runner, spec, module).facts["order_before"] == expected


@pytest.mark.parametrize("grouping", [Grouping.uniform(12, 12, 2), DEFAULT], ids=["12", "64"])
def test_the_most_a_stem_can_have_is_what_its_linear_filters_reach(runner, grouping):
    """Random 3 x 3 filters over three colours on a picture of noise: as many as there are, or 27."""
    spec = case(grouping, 1, size=32, weights="random")
    sums = stem_sums(torch.from_numpy(pixels_of(noise(32), 32)), stem_filters(spec)).numpy()
    assert measured(runner, spec, 1).facts["rank"]["stem_most"] == np.linalg.matrix_rank(flat(sums))


def test_a_picture_of_the_pages_size(runner):
    """12,544 samples a pair, as the page has them: sums that long keep their digits."""
    spec = case(DEFAULT, 1, size=112)
    before, after = outputs(runner, spec)
    answer = measured(runner, spec, 1)
    assert answer.facts["dead"] == []
    np.testing.assert_allclose(answer.correlation, np.abs(np.corrcoef(flat(after))), atol=1e-5)
    expected = np.cov(flat(before), flat(after))[:64, 64:]
    np.testing.assert_allclose(answer.covariance, expected, atol=1e-5 * np.abs(expected).max())
    assert answer.facts["rank"]["layer"] == pytest.approx(effective_rank(np.cov(flat(after))), rel=1e-4)


def test_the_other_side(runner):
    spec, other = CASES["default"], Grouping.uniform(64, 64, 16)
    maps = outputs(runner, spec, other=other, side="b")
    answer = measured(runner, spec, 3, other=other, side="b")
    kept = live(maps[3])
    expected = np.abs(np.corrcoef(flat(maps[3])[kept]))
    np.testing.assert_allclose(answer.correlation[np.ix_(kept, kept)], expected, atol=1e-5)
    assert len(answer.facts["rank"]["groups"]) == 16


@pytest.mark.parametrize("module", [0, 5])
def test_a_module_that_is_not_there_is_refused(runner, module):
    with pytest.raises(SpecError, match=f"module must be from 1 to 4, not {module}; use 1 to 4"):
        measured(runner, CASES["default"], module)
