"""Signing in to a server that has an access token, and what a page makes of a session that has ended."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from tests.app.measured import serving
from tests.browser.conftest import watch
from tests.browser.panels import Groupscope
from tests.browser.test_looks import SCREENS, assert_fine

TOKEN = "tulips-and-25-groups-of-them"
ENDED = "The session has ended, and this server asks for its access token again; sign in at /login"
REFUSED = "console error: Failed to load resource: the server responded with a status of 401 (Unauthorized)"

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of a server that asks for TOKEN."""
    with serving(tmp_path_factory.mktemp("guarded"), environment={"GROUPSCOPE_TOKEN": TOKEN}) as server:
        yield server.url


@pytest.fixture
def visit(browser: Browser, guarded: str) -> Iterator[OpenPage]:
    """visit(address, screen=..., color_scheme=...) -> a watched page of a browser that has not signed in."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def new(address: str, *, screen: tuple[int, int] = (1440, 900), **more: Any) -> Page:
        context = browser.new_context(viewport={"width": screen[0], "height": screen[1]}, **more)
        contexts.append(context)
        page = context.new_page()
        watch(page, guarded, complaints)
        page.goto(f"{guarded}{address}")
        return page

    yield new
    for context in contexts:
        context.close()
    # A browser writes the answer to a wrong token on its console, as it does any form's answer with such a status.
    assert [complaint for complaint in complaints if complaint != REFUSED] == []


def give(page: Page, token: str) -> None:
    page.locator("#token:focus").wait_for()  # on its own
    page.keyboard.type(token)
    page.keyboard.press("Enter")


def sign_in(page: Page) -> None:
    give(page, TOKEN)
    page.locator("#sign-out").wait_for()


def test_a_wrong_token_is_told_beside_the_field_and_the_right_one_leads_where_one_was_going(visit: OpenPage) -> None:
    page = visit("/?size=32&scheme=uniform&groups=8")
    assert page.locator("#token").evaluate("(field) => field === document.activeElement")
    give(page, "not the token")
    expect(page.get_by_role("alert")).to_have_text("This is not the access token of this server; ask whoever runs it.")
    expect(page.get_by_label("Access token")).to_have_attribute("aria-invalid", "true")
    sign_in(page)
    view = Groupscope(page, "").wait(size=32, scheme="uniform", groups=8)
    shown, groups = view.tiles()
    assert shown.shape[0] == 64
    assert set(groups) == set(range(8))
    assert shown.std() > 0


def test_signing_out_closes_the_door(visit: OpenPage, guarded: str) -> None:
    page = visit("/measure")
    sign_in(page)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{guarded}/login")
    page.goto(f"{guarded}/stack?size=32")
    assert page.url == f"{guarded}/login?next=%2Fstack%3Fsize%3D32"
    assert page.context.cookies() == []


def test_it_needs_no_script(visit: OpenPage, guarded: str) -> None:
    page = visit("/train?width=8", java_script_enabled=False)
    sign_in(page)
    page.wait_for_url(f"{guarded}/train?width=8")
    assert page.get_by_role("button", name="Sign out").is_visible()


def test_the_cookie_is_for_the_server_only(visit: OpenPage) -> None:
    page = visit("/measure")
    sign_in(page)
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["path"], cookie["httpOnly"], cookie["sameSite"]) == ("groupscope", "/", True, "Lax")
    assert page.evaluate("() => document.cookie") == ""


def test_axe_finds_nothing(visit: OpenPage) -> None:
    page = visit("/?size=32&in_channels=4&out_channels=4&groups=2")
    give(page, "not the token")
    page.get_by_role("alert").wait_for()
    looks = [(screen, scheme) for screen in SCREENS.values() for scheme in ("light", "dark")]

    def look() -> None:
        for (width, height), scheme in looks:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            assert_fine(page, width)

    look()
    sign_in(page)
    Groupscope(page, "").wait()
    look()


def test_who_guesses_is_told_how_long_to_wait(browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    with serving(tmp_path, environment={"GROUPSCOPE_TOKEN": TOKEN}) as server:
        page.goto(f"{server.url}/measure")
        for n in range(5):
            with page.expect_event("load"):
                give(page, f"guess {n}")
        give(page, TOKEN)
        told = re.compile(r"5 wrong access tokens came from this address within 60 s; try again in \d+ s\.")
        expect(page.get_by_role("alert")).to_have_text(told)
        assert page.url == f"{server.url}/login?next=%2Fmeasure"
    context.close()


def test_each_page_sends_an_id_of_its_own(visit: OpenPage, guarded: str) -> None:
    page = visit("/?size=32")
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.resource_type in ("fetch", "xhr"):
            sent.append(request.headers["groupscope-client"])

    page.on("request", note)
    sign_in(page)
    Groupscope(page, "").wait()
    page.locator("#image input[type=file]").set_input_files(Path(__file__).parents[2] / "static/samples/brick.jpg")
    page.locator(".image-name", has_text=re.compile("brick", re.IGNORECASE)).wait_for()
    (first,) = set(sent)
    sent.clear()
    page.reload()
    Groupscope(page, "").wait()
    (second,) = set(sent)
    assert re.fullmatch(r"[A-Za-z0-9_-]{16,64}", first)
    assert first != second


def test_a_session_that_ends_takes_nothing_away(visit: OpenPage, guarded: str) -> None:
    page = visit("/?size=32&groups=4")
    sign_in(page)
    view = Groupscope(page, "").wait()
    before, _ = view.tiles()
    page.context.clear_cookies()
    page.context.add_cookies([{"name": "groupscope", "value": "1.2", "url": guarded}])
    view.set_range("groups", 6)
    view.wait_for_message("maps", ENDED)
    after, _ = view.tiles()
    assert (after == before).all()  # the last good picture stays
    page.wait_for_function("() => location.search.includes('groups=6')")  # and so does what was asked for
    with page.context.expect_page() as opening:
        page.locator("#maps-message a", has_text="/login").click()
    other = opening.value
    sign_in(other)
    other.close()
    page.locator("#maps-message").get_by_role("button", name="Try again").click()
    view.wait_for_message("depth", ENDED)
    page.locator("#depth-message").get_by_role("button", name="Try again").click()
    view.wait(groups=6)
    assert view.message("maps") == ""


def test_what_is_written_and_not_yet_used_stays_too(visit: OpenPage) -> None:
    page = visit("/networks")
    sign_in(page)
    page.locator("#bill[data-painted], #bill [data-painted]").first.wait_for()
    page.locator("#own-open").click()
    page.locator("#own-text").fill('{"layers": [{"kind": "Conv2d", "out_channels": 4, "kernel_size": 3}]}')
    page.context.clear_cookies()
    page.locator("#own-use").click()
    expect(page.locator("#own-message")).to_contain_text("sign in at /login")
    assert page.locator("#own-text").input_value().startswith('{"layers"')
    with page.context.expect_page() as opening:
        page.locator("#own-message a").click()
    sign_in(opening.value)
    page.locator("#own-use").click()
    expect(page.locator("#own-dialog")).to_be_hidden()


def test_another_token_after_a_restart_ends_the_session(browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    with serving(tmp_path, environment={"GROUPSCOPE_TOKEN": TOKEN}) as first:
        page.goto(f"{first.url}/measure")
        sign_in(page)
        kept = context.cookies()
        port = first.url.rpartition(":")[2]
    for token, path in ((TOKEN, "/measure"), (f"{TOKEN}, renewed", "/login")):
        with serving(tmp_path, "--port", port, environment={"GROUPSCOPE_TOKEN": token}) as again:
            page.goto(f"{again.url}/measure")
            assert page.url.startswith(f"{again.url}{path}")
            assert context.cookies() == kept
    context.close()
