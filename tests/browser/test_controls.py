"""Controls stop on legal values, say what is wrong beside themselves, and lose nothing."""

from pathlib import Path

import pytest

from compute import SpecError, legal_groups
from compute.grouping import Grouping
from tests.browser.conftest import Open


@pytest.mark.parametrize("scheme", ["uniform", "logarithmic"])
def test_one_arrow_key_is_one_legal_step(open_page: Open, scheme: str) -> None:
    view = open_page(scheme=scheme, in_channels=60, out_channels=48, groups=1, size=32)
    legal = legal_groups(scheme, 60, 48)
    view.page.focus("#groups")
    seen = [int(view.page.input_value("#groups"))]
    for _ in legal:
        view.page.keyboard.press("ArrowRight")
        seen.append(int(view.page.input_value("#groups")))
    assert seen == [*legal, legal[-1]]
    for _ in legal:
        view.page.keyboard.press("ArrowLeft")
    view.wait(groups=1)


def test_step_up_and_any_drag_end_on_legal_values(open_page: Open) -> None:
    view = open_page(scheme="uniform", groups=4, size=32)
    view.page.locator("#groups").evaluate("(g) => { g.stepUp(); g.dispatchEvent(new Event('input', {bubbles: true})) }")
    view.wait(groups=8)
    for value in (3, 5, 13, 33, 63):
        view.set_range("groups", value)
        assert int(view.page.input_value("#groups")) in legal_groups("uniform", 64, 64)


def test_a_channel_change_moves_n_to_the_nearest_legal_and_says_so(open_page: Open) -> None:
    view = open_page(scheme="uniform", groups=8, size=32)
    view.set_range("in_channels", 60)
    view.wait(in_channels=60, groups=4)  # 1, 2, 4 divide 60 and 64
    assert "8" in view.message("groups")
    assert "4" in view.message("groups")


def test_a_tie_goes_down(open_page: Open) -> None:
    view = open_page(scheme="uniform", in_channels=64, out_channels=120, groups=8, size=32)
    view.set_range("in_channels", 60)
    view.wait(in_channels=60, groups=6)  # 6 and 10 are as near to 8
    assert view.page.input_value("#groups") == "6"
    assert "6 or 10" in view.message("groups")


@pytest.mark.parametrize(("scheme", "shown"), [("standard", "1"), ("depthwise", "64"), ("custom", "4")])
def test_groups_is_read_only_where_the_scheme_decides(open_page: Open, scheme: str, shown: str) -> None:
    view = open_page(size=32)
    view.page.locator(f"#scheme-{scheme}").check()
    view.wait(scheme=scheme)
    assert view.page.locator("#groups").is_disabled()
    assert view.page.locator("#groups-number").is_disabled()
    assert view.page.input_value("#groups") == shown
    view.page.locator("#scheme-logarithmic").check()
    view.wait(scheme="logarithmic", groups=4)


def test_depthwise_names_its_rule_and_a_way_out(open_page: Open) -> None:
    view = open_page(out_channels=100, size=32)
    before = view.tiles()[0]
    view.page.locator("#scheme-depthwise").check()
    message = view.wait_for_message("scheme", "100")
    with pytest.raises(SpecError) as caught:
        Grouping.depthwise(64, 100)
    assert caught.value.message.lower() in message.lower()
    assert (view.tiles()[0] == before).all()
    view.page.locator("#scheme-message .way-out").click()
    view.wait(scheme="depthwise", out_channels=128, groups=64)
    assert view.message("scheme") == ""
    view.assert_maps_are_exact()


@pytest.mark.parametrize("text", ["abc", "0", "-3", "1e3", "NaN", "99999999999", "3.5"])
def test_text_for_a_number_is_answered_beside_the_box(open_page: Open, text: str) -> None:
    view = open_page(size=32)
    before, state = view.tiles()[0], view.state
    view.type_number("in_channels", text)
    assert "in_channels" in view.wait_for_message("in_channels", "in_channels")
    assert view.state == state
    assert (view.tiles()[0] == before).all()
    view.type_number("in_channels", "32")
    view.wait(in_channels=32)
    assert view.message("in_channels") == ""


def test_a_refused_number_leaves_its_slider_as_it_was(open_page: Open) -> None:
    view = open_page(size=32)
    slider = view.page.locator("#in_channels")
    most = slider.get_attribute("max")
    view.type_number("in_channels", "100000")
    view.wait_for_message("in_channels", "100000")
    assert slider.get_attribute("max") == most
    view.type_number("in_channels", "48")
    view.wait(in_channels=48)
    assert (slider.get_attribute("max"), slider.input_value()) == (most, "48")


def test_a_size_past_exact_counts_is_explained_without_any_maps(open_page: Open) -> None:
    view = open_page(scheme="depthwise", in_channels=512, out_channels=512, size=64)
    asked: list[str] = []
    view.page.on("request", lambda request: asked.append(request.url))
    view.type_number("size", "400")
    assert "2^53" in view.wait_for_message("size", "2^53")
    assert not [url for url in asked if "/api/feature-maps" in url]
    view.type_number("size", "99999")
    assert "1 to 1024" in view.wait_for_message("size", "99999")


def test_an_emptied_box_takes_its_value_back(open_page: Open) -> None:
    view = open_page(size=32)
    view.type_number("in_channels", "")
    view.page.locator("#in_channels-number").blur()
    assert view.page.input_value("#in_channels-number") == "64"
    assert view.message("in_channels") == ""


def test_a_kernel_larger_than_the_padded_picture(open_page: Open) -> None:
    view = open_page(size=16)
    before = view.tiles()[0]
    view.type_number("kernel_size", "19")
    assert "kernel must fit in the padded input" in view.wait_for_message("kernel_size", "kernel")
    assert (view.tiles()[0] == before).all()


def test_custom_sizes_that_do_not_match(open_page: Open) -> None:
    view = open_page(size=32)
    view.page.locator("#scheme-custom").check()
    view.wait(scheme="custom", sizes="32x32,16x16,8x8,8x8")
    view.page.fill("#sizes", "32x32,16x16")
    view.page.press("#sizes", "Enter")
    assert "sum to" in view.wait_for_message("sizes", "sum")
    assert view.state["sizes"] == "32x32,16x16,8x8,8x8"
    view.page.fill("#sizes", "40x16,24x48")
    view.page.press("#sizes", "Enter")
    view.wait(sizes="40x16,24x48")
    assert view.message("sizes") == ""
    view.assert_maps_are_exact()


def test_no_way_out_leads_past_the_limits(open_page: Open) -> None:
    view = open_page(size=32)
    view.page.locator("#scheme-custom").check()
    view.wait(scheme="custom")
    view.page.fill("#sizes", "2000x2000,2000x2000")
    view.wait_for_message("sizes", "sum")
    assert view.page.locator("#sizes-message .way-out").count() == 0
    view.page.fill("#sizes", "1000x1000,1000x1000")
    view.page.locator("#sizes-message .way-out").wait_for()
    assert view.page.locator("#sizes-message .way-out").all_inner_texts() == ["Set channels to 2\u202f000 → 2\u202f000"]


def test_a_bad_link_is_reported_and_repaired(open_page: Open) -> None:
    view = open_page(in_channels="many", scheme="uniform", groups=7, stride="0", size=32)
    assert view.state["in_channels"] == "64"
    assert "many" in view.message("in_channels")
    assert int(view.state["groups"]) in legal_groups("uniform", 64, 64)
    assert view.message("groups") != ""


def test_not_a_picture_keeps_the_old_one(open_page: Open, tmp_path: Path) -> None:
    view = open_page(size=32)
    state, before = view.state, view.tiles()[0]
    (tmp_path / "photo.jpg").write_text("not a photograph")
    view.page.set_input_files("#image-file", tmp_path / "photo.jpg")
    view.page.wait_for_function("() => document.getElementById('image-message').innerText !== ''")
    assert view.state == state
    assert (view.tiles()[0] == before).all()
