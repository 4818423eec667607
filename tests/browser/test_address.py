"""The address says what the page shows, whichever way it came to change."""

from tests.browser.conftest import Open


def test_back_keeps_the_layer_and_the_address_says_so(open_page: Open) -> None:
    view = open_page(size=32)
    view.page.locator("nav a", has_text="Maps").click()
    view.type_number("groups", "6")
    view.wait(groups=6)
    view.page.go_back()
    view.page.wait_for_function("() => location.hash === ''")
    view.wait(groups=6)
    assert view.page.locator("#groups").input_value() == "6"
    assert view.state["groups"] == "6"
    view.page.go_forward()
    view.page.wait_for_function("() => location.hash === '#maps'")
    view.wait(groups=6)


def test_a_pointer_that_passes_gives_the_selection_back(open_page: Open) -> None:
    view = open_page(size=32)
    view.page.locator(".split-figure").focus()
    view.page.keyboard.press("End")
    readout = view.page.locator("#split .readout")
    assert readout.inner_text().startswith("Group 4")
    view.page.locator("#maps canvas[data-group='1']").hover(position={"x": 20, "y": 20})
    assert readout.inner_text().startswith("Group 2")
    view.page.locator("#maps h2").hover()
    assert readout.inner_text().startswith("Group 4")


def test_a_press_on_a_ribbon_selects_after_the_lightbox(open_page: Open) -> None:
    view = open_page(size=32)
    view.page.locator("#maps canvas[data-group='1']").click(position={"x": 20, "y": 20})
    view.page.locator("#lightbox[data-channel]").wait_for()
    view.page.keyboard.press("Escape")
    ribbons = view.page.locator("canvas.ribbons")
    ribbons.scroll_into_view_if_needed()
    ribbons.click(position={"x": 200, "y": 60})
    assert view.page.locator("#split .readout").inner_text().startswith("Group 1")


def test_the_theme_button_first_leads_to_the_other_one(open_page: Open) -> None:
    for shown, names in {"light": ["dark", "light", "auto"], "dark": ["light", "dark", "auto"]}.items():
        button = open_page(size=32, color_scheme=shown).page.locator("#theme")
        for name in names:
            button.click()
            assert button.inner_text() == f"Theme: {name}"
