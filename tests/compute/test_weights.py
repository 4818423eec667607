import numpy as np
import pytest

from compute import Grouping, SpecError
from compute.maps import SEEDED as SOURCES
from compute.weights import REFERENCE_IN_CHANNELS, bias_block, dense_block, fan_in_gain, stem_weights

KERNELS = [(1, 1), (1, 3), (2, 2), (3, 3), (5, 4)]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kernel_size", KERNELS)
def test_any_block_is_cut_from_one_dense_tensor(source, kernel_size):
    dense = dense_block(source, 7, kernel_size, range(40), range(30))
    assert dense.shape == (40, 30, *kernel_size)
    assert dense.dtype == np.float32
    for rows, columns in ((range(20), range(10)), (range(8, 9), range(30)), (range(31, 40), range(17, 29))):
        block = dense_block(source, 7, kernel_size, rows, columns)
        assert np.array_equal(block, dense[rows.start : rows.stop, columns.start : columns.stop])


@pytest.mark.parametrize("source", SOURCES)
def test_a_seed_names_its_weights(source):
    first, again, other = (dense_block(source, seed, (3, 3), range(8), range(8)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.isclose(first, other).any(axis=(2, 3)).all()


def test_the_numbers_stay_the_same_between_versions():
    block = dense_block("random", 0, (3, 3), range(1), range(1))
    expected = "0.085206 0.009335 -0.046540 -0.032294 -0.024252 0.052394 -0.036826 0.064998 0.034814"
    assert " ".join(f"{v:.6f}" for v in block.ravel()) == expected


def test_random_weights_are_he_normal():
    kernel = dense_block("random", 0, (3, 3), range(256), range(256)).astype(np.float64)
    z = kernel.ravel() / np.sqrt(2 / (REFERENCE_IN_CHANNELS * 9))
    n = len(z)
    assert abs(z.mean()) < 4 / np.sqrt(n)
    assert abs((z**2).mean() - 1) < 4 * np.sqrt(2 / n)
    assert abs((z**4).mean() - 3) < 4 * np.sqrt(96 / n)
    for axis in range(4):  # neighbours, along each axis, are strangers
        pairs = np.moveaxis(z.reshape(kernel.shape), axis, 0)
        assert abs((pairs[1:] * pairs[:-1]).mean()) < 5 / np.sqrt(pairs[1:].size)


@pytest.mark.parametrize("kernel_size", KERNELS[1:])
def test_every_slice_of_the_filter_bank_sums_to_zero(kernel_size):
    block = dense_block("filter-bank", 3, kernel_size, range(64), range(16))
    assert np.abs(block.sum(axis=(2, 3))).max() < 1e-6
    assert np.linalg.norm(block, axis=(2, 3)).min() > 1e-7


def test_the_filter_bank_has_one_pattern_an_output_channel():
    block = dense_block("filter-bank", 3, (3, 3), range(9), range(5)).reshape(9, 5, 9).astype(np.float64)
    for row in block:
        assert np.linalg.matrix_rank(row, tol=1e-6) == 1
    patterns = block[:, 0] / np.linalg.norm(block[:, 0], axis=1, keepdims=True)
    assert (
        np.abs(patterns @ patterns.T - np.eye(9)).max() < 0.9999
    )  # and no two alike until blobs, which have no direction, come round


def test_filter_bank_and_random_have_the_same_energy():
    energies = [(dense_block(s, 0, (3, 3), range(128), range(128)) ** 2).sum() for s in SOURCES]
    assert energies[0] == pytest.approx(energies[1], rel=0.05)


def test_bias_is_never_all_zero_and_nests():
    assert np.array_equal(bias_block(5, range(64))[:7], bias_block(5, range(7)))
    assert all((bias_block(seed, range(1)) != 0).all() for seed in range(500))


@pytest.mark.parametrize("source", SOURCES)
def test_the_stem_nests_and_never_repeats_a_channel_of_another_kind(source):
    stem = stem_weights(source, range(64))
    assert stem.shape == (64, 3, 3, 3)
    assert np.array_equal(stem[5:9], stem_weights(source, range(5, 9)))
    assert len(np.unique(stem.reshape(64, -1).round(5), axis=0)) >= 60  # blobs of one scale are alike, nothing else
    assert (stem**2).sum(axis=(1, 2, 3)).mean() == pytest.approx(2, rel=0.15)  # He's norm


def test_fan_in_gain():
    gains = [fan_in_gain(64, a) for a, _ in Grouping.logarithmic(64, 64, 4).sizes]
    assert gains == pytest.approx([2**0.5, 2, 8**0.5, 8**0.5])


def test_an_unknown_source_is_refused():
    with pytest.raises(SpecError, match="weights must be filter-bank or random, not 'zeros'"):
        dense_block("zeros", 0, (3, 3), range(1), range(1))
