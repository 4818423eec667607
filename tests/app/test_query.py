"""Bad values, one by one: each refusal names the rule, the value and a way out."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ApiError, shown
from app.params import LAYER, MAPS, parameters
from app.query import Query, layer_of, maps_of, pairs
from app.settings import Settings
from app.trainingparams import training_parameters
from compute.grouping import Grouping
from compute.maps import MapsSpec
from compute.spec import ConvSpec

TABLE = parameters(Settings())
QUERY = Query(TABLE, LAYER, max_bytes=100_000)
MAPS_QUERY = Query(TABLE, MAPS, max_bytes=100_000)
IMAGE = "ab" * 32


def refusal(query: str, of: Query = QUERY) -> tuple[str, str | None, str | None]:
    with pytest.raises(ApiError) as caught:
        of.parse(query.encode())
    return caught.value.message, caught.value.field, caught.value.hint


def test_defaults_are_those_of_compute() -> None:
    assert layer_of(QUERY.parse(b"")) == ConvSpec(Grouping.logarithmic(64, 64, groups=4))
    asked = MAPS_QUERY.parse(f"image={IMAGE}".encode())
    assert maps_of(asked) == MapsSpec(ConvSpec(Grouping.logarithmic(64, 64, groups=4)))
    assert (asked["image"], asked["dtype"], asked["tile"], asked["channels"]) == (IMAGE, "uint8", None, None)


@pytest.mark.parametrize("text", ["", "abc", "NaN", "inf", "1e3", "3.0", "+3", " 3", "3 ", "٣", "0x10", "3\0", "--3"])
def test_text_for_a_number(text: str) -> None:
    message, field, hint = refusal(f"in_channels={text.replace('+', '%2B')}")
    assert message == f"in_channels must be a whole number, from 1 to 2048, not {shown(text)}"
    assert (field, hint) == ("in_channels", "write digits only, such as 3")


@pytest.mark.parametrize(
    "text, hint", [("0", "use 1"), ("-1", "use 1"), ("2049", "use 2048"), (str(10**30), "use 2048")]
)
def test_a_number_out_of_range(text: str, hint: str) -> None:
    assert refusal(f"groups={text}") == (f"groups must be from 1 to 2048, not '{text}'", "groups", hint)


def test_thousands_of_digits_are_no_number_and_are_not_repeated() -> None:
    message, _, _ = refusal(f"seed={'9' * 5000}", MAPS_QUERY)
    assert message == f"seed must be a whole number, from 0 to 4294967295, not '{'9' * 40}…'"


@pytest.mark.parametrize(
    "query, message, hint",
    [
        (
            "kernel_size=3,3,3",
            "kernel_size must be one number or a pair height,width, not '3,3,3'",
            "write it as 3 or 3,2",
        ),
        (
            "kernel_size=3,",
            "kernel_size must be one or two whole numbers, from 1 to 64, not ''",
            "write digits only, such as 3",
        ),
        ("stride=0,1", "stride must be from 1 to 64, not '0'", "use 1"),
        ("padding=65", "padding must be from 0 to 64, not '65'", "use 64"),
        ("bias=maybe", "bias must be true or false, not 'maybe'", "write true or false"),
        (
            "scheme=Uniform",
            "scheme must be one of standard, uniform, logarithmic, depthwise, custom, not 'Uniform'",
            "use standard, uniform, logarithmic, depthwise or custom",
        ),
        (
            "sizes=32x32,",
            "sizes must be groups written as IN x OUT channels with commas between, not ''",
            "write them as 32x32,16x16,16x16",
        ),
    ],
)
def test_other_kinds(query: str, message: str, hint: str) -> None:
    assert refusal(query) == (message, query.split("=")[0], hint)


@pytest.mark.parametrize("text", ["16", "16:", ":16", "16:16", "9:3", "-1:3", "0:9999", "a:b"])
def test_ranges_of_channels(text: str) -> None:
    message, field, _ = refusal(f"image={IMAGE}&channels={text}", MAPS_QUERY)
    assert field == "channels"
    assert message.endswith(f"not '{text}'")


@pytest.mark.parametrize("text", ["", "abc", IMAGE.upper(), IMAGE + "0", "../" + IMAGE[3:]])
def test_ids_of_pictures(text: str) -> None:
    message, field, hint = refusal(f"image={text}", MAPS_QUERY)
    assert message.startswith("image must be the id of a picture, 64 lowercase hexadecimal digits, not '")
    assert field == "image"
    assert "POST /api/images" in (hint or "")


def test_ten_thousand_groups_are_refused_before_they_are_read() -> None:
    message, field, _ = refusal("scheme=custom&sizes=" + ",".join(["1x1"] * 10_000))
    assert (message, field) == ("sizes may list at most 2048 groups, not 10000", "sizes")


def test_sums_that_do_not_match() -> None:
    with pytest.raises(ValueError, match="must sum to in_channels: they sum to 48, not 64"):
        layer_of(QUERY.parse(b"scheme=custom&sizes=32x32,16x32"))


def test_names() -> None:
    assert refusal("in_chanels=3") == (
        "'in_chanels' is no parameter of this address",
        "in_chanels",
        f"did you mean in_channels? known here: {', '.join(LAYER)}",
    )
    assert refusal("groups=2&groups=3") == ("groups is given more than once", "groups", "give groups once")
    assert refusal("size=224", MAPS_QUERY) == (
        "image is required: Id of the picture, its SHA-256.",
        "image",
        "add image=",
    )


def test_a_query_has_a_longest_length() -> None:
    message, field, _ = refusal("a" * 100_001)
    assert (message, field) == ("The query must be at most 100000 bytes, not 100001", None)


@given(st.text(alphabet=st.characters()))
def test_what_is_shown_is_short_and_printable(text: str) -> None:
    sentence = shown(text)
    assert sentence.isprintable()
    assert len(sentence) <= 3 + 40 * len("\\U00100000")
    sentence.encode()


@given(st.text(alphabet="ab=&%41+,x٣", max_size=20))
def test_queries_are_read_as_the_standard_library_reads_them(query: str) -> None:
    assert pairs(query.encode()) == parse_qsl(query, keep_blank_values=True)


@given(st.floats(0, 1))
def test_numbers_are_read_as_programs_write_them(number: float) -> None:
    decay = training_parameters(Settings())["weight_decay"]
    for text in (repr(number), repr(number).upper()):
        assert decay.parse(text) == number


@given(st.integers(1, 2048), st.integers(1, 64), st.integers(1, 64), st.booleans())
def test_what_a_parameter_writes_it_reads(channels: int, height: int, width: int, bias: bool) -> None:
    for name, value in {"in_channels": channels, "kernel_size": (height, width), "bias": bias}.items():
        assert TABLE[name].parse(TABLE[name].write(value)) == value
