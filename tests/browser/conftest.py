"""Stories in a real Chromium on a real server. Every page is watched: no console message, no error, no breach of the
content security policy, no request to another host. No test sleeps: `data-painted` tells when a panel shows a state."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.measure import Measure
from tests.browser.networks import Networks
from tests.browser.panels import Groupscope
from tests.browser.stack import Stack
from tests.browser.train import Train

HERE = Path(__file__).parent
expect.set_options(timeout=30_000)  # several browsers may share the cores
FLAGS = (
    *("--no-sandbox", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

BREACHES = "addEventListener('securitypolicyviolation', (e) => console.error(`policy: ${e.violatedDirective}`));"

Open = Callable[..., Groupscope]
OpenNetworks = Callable[..., Networks]
OpenStack = Callable[..., Stack]
OpenMeasure = Callable[..., Measure]
OpenTrain = Callable[..., Train]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Last, whatever the order asked for: Playwright keeps an event loop running, and others want to run their own."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")
    items.sort(key=lambda item: HERE in item.path.parents)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = os.environ.get("GROUPSCOPE_CHROMIUM") or shutil.which("chromium")
    if not chromium:
        pytest.fail("no Chromium: install it, or name one with GROUPSCOPE_CHROMIUM; `make test` finds or installs it")
    return browser_type_launch_args | {"executable_path": chromium, "args": list(FLAGS)}


@pytest.fixture
def new_page(browser: Browser, server: str) -> Iterator[Callable[..., Page]]:
    """new_page(address, width=..., height=..., color_scheme=...) -> a watched page of a browser without a past."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def new(address: str, *, width: int = 1440, height: int = 900, color_scheme: Any = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=color_scheme, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        watch(page, server, complaints)
        page.goto(f"{server}{address}")
        return page

    yield new
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def open_page(new_page: Callable[..., Page], server: str) -> Open:
    """open_page(width=..., color_scheme=..., **state) -> a page that shows that state, unless `painted` is False."""

    def open_one(
        *, width: int = 1440, height: int = 900, color_scheme: Any = "light", painted: bool = True, **state: object
    ) -> Groupscope:
        address = f"/?{urlencode(state, safe=',:')}" if state else "/"
        view = Groupscope(new_page(address, width=width, height=height, color_scheme=color_scheme), server)
        return view.wait() if painted else view

    return open_one


@pytest.fixture
def open_networks(new_page: Callable[..., Page], server: str) -> OpenNetworks:
    """The same for the page of networks, whose state has a width of its own; what is no text goes as JSON."""

    def open_one(
        *, screen: tuple[int, int] = (1440, 900), color_scheme: Any = "light", painted: bool = True, **state: object
    ) -> Networks:
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in state.items()}
        address = f"/networks?{urlencode(texts)}" if texts else "/networks"
        page = new_page(address, width=screen[0], height=screen[1], color_scheme=color_scheme)
        view = Networks(page, server)
        return view.wait() if painted else view

    return open_one


@pytest.fixture
def open_stack(new_page: Callable[..., Page], server: str) -> OpenStack:
    """The same for the page of a stack."""

    def open_one(
        *, screen: tuple[int, int] = (1440, 900), color_scheme: Any = "light", painted: bool = True, **state: object
    ) -> Stack:
        texts = {key: str(value).lower() if isinstance(value, bool) else value for key, value in state.items()}
        address = f"/stack?{urlencode(texts, safe=',:')}" if texts else "/stack"
        view = Stack(new_page(address, width=screen[0], height=screen[1], color_scheme=color_scheme), server)
        return view.wait() if painted else view

    return open_one


@pytest.fixture
def open_measure(new_page: Callable[..., Page], server: str) -> OpenMeasure:
    """The same for the page that measures."""

    def open_one(
        *, screen: tuple[int, int] = (1440, 900), color_scheme: Any = "light", painted: bool = True, **state: object
    ) -> Measure:
        texts = {key: str(value).lower() if isinstance(value, bool) else value for key, value in state.items()}
        address = f"/measure?{urlencode(texts, safe=',:')}" if texts else "/measure"
        view = Measure(new_page(address, width=screen[0], height=screen[1], color_scheme=color_scheme), server)
        return view.wait() if painted else view

    return open_one


@pytest.fixture
def open_train(new_page: Callable[..., Page], server: str) -> OpenTrain:
    """The same for the page that trains."""

    def open_one(
        *, screen: tuple[int, int] = (1440, 900), color_scheme: Any = "light", painted: bool = True, **state: object
    ) -> Train:
        texts = {key: str(value).lower() if isinstance(value, bool) else value for key, value in state.items()}
        address = f"/train?{urlencode(texts, safe=',:')}" if texts else "/train"
        view = Train(new_page(address, width=screen[0], height=screen[1], color_scheme=color_scheme), server)
        return view.wait() if painted else view

    return open_one


def watch(page: Page, server: str, complaints: list[str]) -> None:
    page.add_init_script(BREACHES)
    page.on("console", lambda message: complaints.append(f"console {message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((server, "data:", "blob:"))
            else complaints.append(f"another host: {request.url}")
        ),
    )
