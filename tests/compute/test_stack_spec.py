"""What no stack can be: each refusal says the rule, the values and a way out."""

import pytest

from compute import Grouping, SpecError
from compute.grouping import legal_groups
from compute.stack import Dye, StackSpec

TWELVE = Grouping.uniform(12, 12, 3)
THREE = Grouping.uniform(3, 3, 3)

REFUSALS = [
    ({"kernel_size": (2, 3)}, "kernel_size",
     "the modules of a stack keep the size: dilation × (kernel_size − 1) must be even,"
     " and 1 × (2 − 1) = 1 is odd; use an odd kernel_size such as 1,"
     " or an even dilation"),
    ({"kernel_size": (3, 4), "dilation": (1, 3)}, "kernel_size",
     "the modules of a stack keep the size: dilation × (kernel_size − 1) must be even,"
     " and 3 × (4 − 1) = 9 is odd; use an odd kernel_size such as 3,"
     " or an even dilation"),
    ({"grouping": Grouping.custom([(4, 8), (8, 8)])}, "sizes",
     "the modules of a stack keep the channels: the split has 12 in and 16 out; make both sides sum to 12"),
    ({"grouping": THREE, "mixing": "rotated"}, "in_channels",
     "a split rotated by a quarter of the channels needs at least 4 of them, not 3; use 4 channels, or another mixing"),
    ({"modules": 6, "downsample": "max", "stage": 1, "size": 10}, "stage",
     "module 5 would have no pixels left: a size of 10 can't be halved 4 times;"
     " use a stage of 2 or more, or fewer than 5 modules"),
    ({"modules": 2, "downsample": "average", "stage": 1, "size": 1}, "stage",
     "module 2 would have no pixels left: a size of 1 can't be halved 1 times;"
     " use a stage of 2 or more, or fewer than 2 modules"),
    ({"modules": 4, "downsample": "max", "stage": 1, "size": 8, "normalisation": "sum"}, "normalisation",
     "a normalisation needs more than one pixel of each map, and the last module has 1 × 1;"
     " use none, or a larger size"),
    ({"mixing": "stir"}, "mixing",
     "mixing must be one of none, shuffle, pointwise, rotated, not 'stir'; use none"),
    ({"downsample": "median"}, "downsample",
     "downsample must be one of none, average, max, not 'median'; use none"),
    ({"normalisation": "batch"}, "normalisation",
     "normalisation must be one of none, conv, sum, not 'batch'; use none"),
    ({"weights": "zeros"}, "weights",
     "weights must be one of filter-bank, random, trained, not 'zeros'; use filter-bank"),
    ({"gain": "loud"}, "gain", "gain must be one of cut, fan-in, not 'loud'; use cut"),
    ({"modules": 0}, "modules", "modules must be from 1 to 16, not 0; use 1 to 16"),
    ({"modules": 17}, "modules", "modules must be from 1 to 16, not 17; use 1 to 16"),
    ({"modules": 2.0}, "modules", "modules must be a whole number, not 2.0; write digits only, such as 64"),
    ({"stage": 0}, "stage", "stage must be from 1 to 16, not 0; use 1 to 16"),
    ({"stage": 17}, "stage", "stage must be from 1 to 16, not 17; use 1 to 16"),
    ({"seed": -1}, "seed", "seed must be from 0 to 4294967295, not -1; use 0 to 4294967295"),
    ({"seed": 2**32}, "seed", "seed must be from 0 to 4294967295, not 4294967296; use 0 to 4294967295"),
    ({"size": 0}, "size", "size must be at least 1, not 0; use 1 or more"),
    ({"kernel_size": (0, 3)}, "kernel_size", "kernel_size must be at least 1, not 0; use 1 or more"),
    ({"dilation": (1, 0)}, "dilation", "dilation must be at least 1, not 0; use 1 or more"),
]  # fmt: skip


@pytest.mark.parametrize("settings, field, message", REFUSALS, ids=lambda part: str(part)[:40])
def test_refusals(settings, field, message):
    with pytest.raises(SpecError) as caught:
        StackSpec(**{"grouping": TWELVE, **settings})
    assert (caught.value.field, str(caught.value)) == (field, message)


@pytest.mark.parametrize("stage", [1, 2, 3, 5])
@pytest.mark.parametrize("modules", [2, 5, 9, 16])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 31])
def test_the_way_out_of_too_many_halvings_is_one(size, modules, stage):
    """What the message offers is accepted, and the next worse is not."""

    def build(modules, stage):
        return StackSpec(TWELVE, modules=modules, stage=stage, downsample="average", size=size)

    halvings = (modules - 1) // stage
    if size >> halvings:
        assert build(modules, stage).side(modules) == size >> halvings
        return
    with pytest.raises(SpecError) as caught:
        build(modules, stage)
    words = caught.value.hint.split()
    least, most = int(words[4]), int(words[-2]) - 1
    assert build(modules, least).side(modules) >= 1
    assert build(most, stage).side(most) >= 1
    for worse in ({"modules": modules, "stage": least - 1}, {"modules": most + 1, "stage": stage}):
        with pytest.raises(SpecError, match="would have no pixels left"):
            build(**worse)


def test_what_can_just_be():
    assert StackSpec(Grouping.uniform(4, 4, 4), modules=16, mixing="rotated").rotation(2) == 1
    assert StackSpec(TWELVE, modules=16, size=8, downsample="max", stage=4).side(16) == 1
    assert StackSpec(TWELVE, kernel_size=(2, 4), dilation=(2, 4)).padding == (1, 6)
    assert StackSpec(THREE, modules=1, size=1, downsample="average", stage=1).side(1) == 1


@pytest.mark.parametrize("channels", [4, 6, 12, 20])
def test_a_shuffle_of_equal_groups_is_shufflenets(channels):
    """Reshape to (groups, n), transpose, flatten."""
    for groups in legal_groups("uniform", channels, channels):
        grid = [list(range(g * channels // groups, (g + 1) * channels // groups)) for g in range(groups)]
        dealt = [channel for column in zip(*grid, strict=True) for channel in column]
        assert list(StackSpec(Grouping.uniform(channels, channels, groups), mixing="shuffle").order) == dealt


def test_an_uneven_shuffle_goes_on_with_the_groups_that_are_left():
    """The channels dealt are those that the module before wrote: out sides of 1, 4 and 2."""
    spec = StackSpec(Grouping.custom([(3, 1), (3, 4), (1, 2)]), mixing="shuffle")
    assert spec.order == (0, 1, 5, 2, 6, 3, 4)


DYES = [
    (Dye("paint"), "dye", "dye must be channel or patch, not 'paint'; use channel"),
    (Dye("channel", channel=12), "dye_channel", "dye_channel must be from 0 to 11, not 12; use 0 to 11"),
    (Dye("channel", channel=-1), "dye_channel", "dye_channel must be from 0 to 11, not -1; use 0 to 11"),
    (Dye("patch", size=0), "dye_size", "dye_size must be from 1 to 32, not 0; use 1 to 32"),
    (Dye("patch", size=33), "dye_size", "dye_size must be from 1 to 32, not 33; use 1 to 32"),
    (Dye("patch", row=17), "dye_row", "dye_row must be from 0 to 16, not 17; use 0 to 16"),
    (Dye("patch", column=-1), "dye_column", "dye_column must be from 0 to 16, not -1; use 0 to 16"),
]


@pytest.mark.parametrize("dye, field, message", DYES, ids=lambda part: str(part)[:40])
def test_dyes_outside_the_picture_are_refused(dye, field, message):
    with pytest.raises(SpecError) as caught:
        dye.check(StackSpec(TWELVE, size=32))
    assert (caught.value.field, str(caught.value)) == (field, message)
