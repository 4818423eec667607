"""The Triton kernel in Triton's interpreter, against plain loops.

test_triton.py runs this file in a process of its own: TRITON_INTERPRET=1 must be set before triton is imported, and
then holds for the whole process."""

import copy
import os
import random

import pytest
import torch
from torch import Tensor

from compute import Grouping
from compute.strategies.cuda.tiles import tiles
from compute.strategies.cuda.uneven import Uneven
from tests.compute.test_strategies import GROUPINGS, SHAPES, layer_of, looped

assert os.environ.get("TRITON_INTERPRET") == "1", "run tests/compute/test_triton.py: it sets TRITON_INTERPRET=1"

pytestmark = pytest.mark.usefixtures("one_thread")

TOLERANCES = {torch.float32: 1e-5, torch.float16: 2e-3}  # x the largest value
WIDE = {
    **GROUPINGS,
    "whole blocks and not": Grouping.custom([(32, 20), (5, 3), (33, 17), (1, 9)]),
    "blocks of 16 and 64": Grouping.custom([(32, 8), (33, 64), (32, 50)]),
    "one beside many": Grouping.custom([(1, 100), (40, 1)]),
    "many beside one": Grouping.custom([(1, 1), (32, 100)]),
}
PAIRS = [(g, s) for g in WIDE for s in SHAPES if s == "3x3" or g == "uneven"]  # an interpreter takes a second each
CHOICES = {
    "kernel_size": (1, 2, 3, (1, 4), (5, 2)),
    "stride": (1, 2, (1, 3), (2, 1)),
    "padding": (0, 1, (2, 0), (0, 3)),
    "dilation": (1, 2, (1, 3)),
    "bias": (True, False),
}


@pytest.fixture(autouse=True)
def exact_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def pictures(
    channels: int, height: int = 5, width: int = 6, batch: int = 2, dtype: torch.dtype = torch.float32
) -> Tensor:
    return torch.randn(batch, channels, height, width, dtype=dtype)


def off(answer: Tensor, expected: Tensor) -> float:
    return float((answer - expected).abs().max() / expected.abs().max())


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("grouping, shape", PAIRS)
def test_the_kernel_is_the_loop(grouping: str, shape: str) -> None:
    """From the same numbers in each precision; the accumulator of fp16 is fp32."""
    half = layer_of(WIDE[grouping], torch.float16, **SHAPES[shape])
    x = pictures(half.in_channels, 4, 5, dtype=torch.float16)
    with torch.no_grad():
        expected = looped(half, x)
        for dtype, tolerance in TOLERANCES.items():
            layer, given = copy.deepcopy(half).to(dtype), x.to(dtype)
            if dtype == torch.float32:
                given = given.contiguous(memory_format=torch.channels_last)
            answer = Uneven(layer)(given)
            assert (answer.shape, answer.dtype) == (expected.shape, dtype)
            assert answer.is_contiguous() == given.is_contiguous()
            assert off(answer, expected) <= tolerance, dtype


@pytest.mark.parametrize("seed", range(5))
def test_random_layers(seed: int) -> None:
    rng = random.Random(seed)
    sizes = [(rng.choice((1, 3, 8, 16, 32, 37)), rng.choice((1, 2, 8, 16, 19, 64))) for _ in range(rng.randint(1, 5))]
    shape = {name: rng.choice(choices) for name, choices in CHOICES.items()}
    layer = layer_of(Grouping.custom(sizes), **shape)
    x = pictures(layer.in_channels, rng.randint(9, 13), rng.randint(9, 13), rng.randint(1, 3))
    with torch.no_grad():
        assert off(Uneven(layer)(x), looped(layer, x)) <= 1e-5, (sizes, shape)


def test_many_pixels_are_cut_into_large_tiles() -> None:
    for dtype in (torch.float16, torch.float32):
        layer = layer_of(Grouping.custom([(32, 32), (3, 16)]), dtype, kernel_size=3, padding=1)
        x = pictures(35, 17, 16, dtype=dtype)
        with torch.no_grad():
            assert off(Uneven(layer)(x), layer.double()._plain(x.double())) <= TOLERANCES[dtype]


@pytest.mark.filterwarnings("ignore:invalid value encountered in matmul")
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("grouping", ["log 2", "uneven", "whole blocks and not"])
def test_what_is_not_finite_stays_in_its_group(grouping: str, value: float) -> None:
    """The others' outputs are, bit for bit, those of a clean input, and of clean weights."""
    layer = layer_of(WIDE[grouping], kernel_size=3, padding=1)
    x, last = pictures(layer.in_channels, 3, 4), layer.grouping.groups - 1
    with torch.no_grad():
        clean = Uneven(layer)(x)
        for at in (0, last // 2, last):
            span = layer.grouping.spans[at]
            own = slice(span.out_start, span.out_start + span.out_channels)
            others = [i for i in range(layer.out_channels) if not own.start <= i < own.stop]
            spoilt_x, spoilt_layer = x.clone(), copy.deepcopy(layer)
            spoilt_x[0, span.in_start : span.in_start + span.in_channels] = value
            spoilt_layer.filters()[at].fill_(value)
            for answer in (Uneven(layer)(spoilt_x), Uneven(spoilt_layer)(x)):
                assert not torch.isfinite(answer[0, own]).any()
                assert torch.equal(answer[:, others], clean[:, others])
            assert torch.equal(Uneven(layer)(spoilt_x)[1], clean[1])


@pytest.mark.filterwarnings("ignore:invalid value encountered in matmul")
@pytest.mark.parametrize("grouping", ["uneven", "whole blocks and not"])
def test_one_spoilt_pixel_shows_where_the_kernel_covers_it(grouping: str) -> None:
    layer = layer_of(WIDE[grouping], kernel_size=(1, 2), dilation=2)
    for row, column in ((0, 0), (1, 3), (2, 1)):
        x = pictures(layer.in_channels, 3, 6)
        x[0, :, row, column] = float("nan")
        with torch.no_grad():
            assert torch.equal(Uneven(layer)(x).isnan(), layer._plain(x).isnan())


def test_views_are_read_where_they_lie() -> None:
    layer = layer_of(Grouping.custom([(16, 8), (5, 3)]), kernel_size=3, padding=1, stride=2)
    wide = pictures(40, 9, 10, 4).contiguous(memory_format=torch.channels_last)
    views = {
        "channels of a wider one": wide[:, 7:28],
        "every other row": wide[:, :21, ::2],
        "mirrored axes": wide[:, :21].transpose(2, 3),
        "one picture for all": wide[:1, :21].expand(3, -1, -1, -1),
        "contiguous": wide[:, :21].contiguous(),
    }
    with torch.no_grad():
        for name, view in views.items():
            torch.testing.assert_close(Uneven(layer)(view), layer._plain(view), rtol=0, atol=2e-5, msg=name)
        assert Uneven(layer)(wide[:0, :21]).shape == (0, 11, 5, 5)
        with pytest.raises(RuntimeError, match="spans 3 pixels, the padded input has 2"):
            Uneven(layer)(torch.zeros(1, 21, 0, 9))


def test_nothing_is_written_beside_the_output() -> None:
    """Into the middle of the channels of a larger tensor, in both orders."""
    layer = layer_of(Grouping.custom([(32, 17), (5, 3), (3, 20)]), kernel_size=3)
    x = pictures(40, 7, 8)
    for format_ in (torch.contiguous_format, torch.channels_last):
        around = torch.full((2, 60, 7, 8), 123.0).contiguous(memory_format=format_)
        with torch.no_grad():
            Uneven(layer)._launch(x, around[:, 9:49, 1:6, 1:7])
            torch.testing.assert_close(around[:, 9:49, 1:6, 1:7], layer._plain(x), rtol=0, atol=2e-5)
        around[:, 9:49, 1:6, 1:7] = 123.0
        assert (around == 123.0).all()


@pytest.mark.parametrize("grouping", ["uniform", "uneven", "log 3"])
def test_gradients(grouping: str) -> None:
    """By differences, twice, and with each input in turn the only one that wants them."""
    layer = layer_of(GROUPINGS[grouping], torch.float64, kernel_size=2, padding=1, stride=(2, 1), dilation=(1, 2))
    x = pictures(layer.in_channels, 2, 3, 1, torch.float64).requires_grad_()
    run = Uneven(layer)
    inputs = [x, *layer.parameters()]
    assert torch.autograd.gradcheck(lambda x, *_: run(x), inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda x, *_: run(x), inputs, fast_mode=True)
    given = torch.randn_like(run(x))
    expected = torch.autograd.grad(layer._plain(x), inputs, given)
    for mine, theirs in zip(torch.autograd.grad(run(x), inputs, given), expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-11, atol=1e-12)
    for one, theirs in zip(inputs, expected, strict=True):
        for other in inputs:
            other.requires_grad_(other is one)
        torch.testing.assert_close(torch.autograd.grad(run(x), one, given)[0], theirs, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("grouping", ["uniform", "log 2", "uneven"])
def test_changed_weights_are_followed(grouping: str) -> None:
    layer = layer_of(GROUPINGS[grouping], kernel_size=3, padding=1)
    x, run = pictures(layer.in_channels), Uneven(layer)

    def check() -> None:
        torch.testing.assert_close(run(x), layer._plain(x), rtol=0, atol=5e-5)

    with torch.no_grad():
        check()
        for parameter in layer.parameters():
            parameter.data.view(-1)[-1] = 7  # past the version counters
        check()
        for parameter in layer.parameters():
            parameter.mul_(-2)
        check()
        for parameter in layer.parameters():
            parameter.data = parameter.data + 1
        check()
        layer.to(memory_format=torch.channels_last)
        check()
    with torch.inference_mode():
        check()


def test_the_interpreter_saw_every_form() -> None:
    """Each width of a tile, with terms in whole blocks and not."""
    seen = 0
    for grouping in WIDE.values():
        seen |= tiles(grouping, 9).forms
    assert f"{seen:b}" == "11111111"
