"""Accessible, and at home on every screen: axe in both themes and on a phone, nothing scrolls sideways."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Open, OpenNetworks, OpenStack

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
SCREENS = {"wide": (1440, 900), "phone": (390, 844)}


def assert_fine(page: Page, width: int) -> None:
    page.evaluate(AXE.read_text())
    violations = page.evaluate("async () => (await axe.run()).violations")
    found = [(v["id"], [node["html"][:120] for node in v["nodes"]][:3]) for v in violations]
    assert found == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing(open_page: Open, color_scheme: str, screen: str) -> None:
    width, height = SCREENS[screen]
    view = open_page(width=width, height=height, color_scheme=color_scheme, size=64)
    if screen == "phone":
        view.page.locator("#sheet").click()
    view.page.evaluate("() => document.querySelectorAll('details').forEach((d) => (d.open = true))")
    assert_fine(view.page, width)


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_on_the_networks_page(open_networks: OpenNetworks, color_scheme: str, screen: str) -> None:
    """With a form open, an edit, a curve kept, and a sentence about what cannot be."""
    pin = {"network": "vgg-16", "policy": None, "hold": "channels", "edits": {}}
    edits = {"conv4": {"kernel_size": 5, "padding": 2}}
    view = open_networks(screen=SCREENS[screen], color_scheme=color_scheme, pins=[pin], edits=edits, hold="macs")
    view.page.evaluate("() => document.querySelectorAll('details').forEach((d) => (d.open = true))")
    view.edit("conv4")
    view.change("groups" if view.page.locator("#edit-groups").is_visible() else "out_channels", "0")
    view.page.wait_for_function("() => document.querySelector('#edit-message').textContent")
    if screen == "phone":
        view.page.locator("#sheet").click()
    assert_fine(view.page, SCREENS[screen][0])
    view.page.locator("#own-open").click()
    assert_fine(view.page, SCREENS[screen][0])


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_on_the_stack_page(open_stack: OpenStack, color_scheme: str, screen: str) -> None:
    """With two groupings, a shuffle, every table open, and a sentence about what cannot be; then over one value."""
    view = open_stack(
        screen=SCREENS[screen], color_scheme=color_scheme, size=32, in_channels=16, modules=4, module=2, compare=True,
        mixing="shuffle", downsample="average", stage=2,
    )  # fmt: skip
    view.page.evaluate("() => document.querySelectorAll('details').forEach((d) => (d.open = true))")
    view.page.locator("#seed").evaluate("(box) => { box.value = 'x'; box.dispatchEvent(new Event('change')); }")
    view.page.wait_for_function("() => document.querySelector('#seed-message').textContent")
    if screen == "phone":
        view.page.locator("#sheet").click()
    assert_fine(view.page, SCREENS[screen][0])
    if screen == "phone":
        view.page.locator("#sheet").click()
    view.page.locator("#maps-a-cursor").focus()
    view.page.keyboard.press("Enter")
    view.page.wait_for_selector("#inspector[data-painted]")
    assert_fine(view.page, SCREENS[screen][0])


def test_the_phone_paints_and_follows_too(open_page: Open) -> None:
    view = open_page(width=390, height=844, size=64)
    view.set_range("groups", 6)
    view.wait(groups=6)
    view.assert_maps_are_exact()
    view.page.locator("#sheet").click()
    assert view.page.locator("#groups").is_visible()
    assert view.page.locator("#groups").evaluate("(g) => g.getBoundingClientRect().right") <= 390


def test_the_theme_button_turns_the_page(open_page: Open) -> None:
    view = open_page(size=32)
    paper = view.page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
    while "dark" not in view.page.locator("#theme").inner_text():
        view.page.click("#theme")
    assert view.page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor") != paper
    view.assert_maps_are_exact()


def test_a_group_has_one_colour_everywhere(open_page: Open) -> None:
    view = open_page(size=64)
    colours = view.page.evaluate(
        """() => [1, 2, 3, 4].map((n) => getComputedStyle(document.documentElement).getPropertyValue(`--group-${n}`))"""
    )
    assert len(set(colours)) == 4
    bars = view.page.evaluate(
        """() => [...document.querySelectorAll('#maps .map-group')].map((f) => f.style.getPropertyValue('--group'))"""
    )
    assert bars == [f"var(--group-{g + 1})" for g in range(4)]
