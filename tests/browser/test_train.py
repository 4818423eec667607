"""Training by hand: start, watch it grow, pause, go on, read what came of it, look through it, delete it; every number
on screen is the server's."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenTrain
from tests.browser.test_looks import SCREENS, assert_fine

TINY: dict[str, Any] = {
    "width": 8,
    "groups": 2,
    "modules": 1,
    "epochs": 1,
    "arms": "standard,uniform",
    "hold": "channels",
    "batch": 500,
}
SLOW: dict[str, Any] = {**TINY, "epochs": 3, "modules": 2, "width": 16, "seed": 5}


def test_the_plan_is_the_servers(open_train: OpenTrain) -> None:
    view = open_train(width=16, groups=3, modules=2, hold="macs")
    plan = view.plan()
    own = "#plan tbody tr:not(:has-text('for reference'))"
    for name in ("channels", "params", "macs", "params_ratio", "macs_ratio"):
        assert view.values(own, name) == [arm[name] for arm in plan["arms"]]
    assert view.number("channels-uniform", "#headline") == plan["arms"][1]["channels"]
    expect(view.page.locator("#train-estimate")).to_contain_text("on this device")
    expect(view.page.locator("#plan")).to_contain_text("10 000 images to train on, 2 000 held out")
    view.page.locator("#arm-depthwise").check()
    view.wait(arms="standard,uniform,logarithmic,depthwise")
    expect(view.page.locator("#plan tbody tr[data-arm=depthwise]")).to_have_count(1)
    for arm in ("depthwise", "standard", "uniform"):
        view.page.locator(f"#arm-{arm}").click()
    assert "Two arms at least" in view.message("arms")
    expect(view.page.locator("#arm-uniform")).to_be_checked()


def test_a_run_is_started_grows_waits_goes_on_and_ends(open_train: OpenTrain) -> None:
    view = open_train(**SLOW)
    expect(view.page.locator("#curves .blank")).to_be_visible()
    run = view.start()
    view.phase("running")
    view.page.wait_for_function("() => Number(document.getElementById('curves').dataset.points) > 0")
    first = view.points
    view.page.wait_for_function("(n) => Number(document.getElementById('curves').dataset.points) > n", arg=first)
    expect(view.page.locator("#curves .now li")).to_have_count(2)
    expect(view.page.locator("#train-bar .stage")).to_contain_text("left")
    view.page.locator("#train-pause").click()
    view.phase("paused")
    expect(view.page.locator("#train-bar .stage")).to_contain_text("Paused")
    expect(view.page.locator(f'#runs tr[data-id="{run}"]')).to_have_attribute("data-state", "paused")
    view.page.goto(f"{view.server}/train")  # opened anew, it is found
    view.wait(run=run)
    view.phase("paused")
    view.page.locator("#train-pause").click()
    view.phase("running")
    record = view.ended()
    assert view.values("#accuracy", "accuracy") == [arm["accuracy_mean"] for arm in record["arms"]]
    assert view.page.locator("#curves .gist").inner_text() == record["verdict"]["sentence"]
    assert view.values("#curves", "difference") == [pair["difference"] for pair in record["verdict"]["pairs"]]
    assert sum(len(line["steps"]) for lines in record["history"].values() for line in lines) == view.points


def test_what_came_of_a_run_is_read_compared_looked_through_and_deleted(open_train: OpenTrain) -> None:
    view = open_train(**TINY, seed=1)
    first = view.start()
    record = view.ended()
    expect(view.page.locator("#confusion")).to_have_attribute("data-arm", "standard")
    view.open_all()
    matrix = record["arms"][0]["seeds"][0]["confusion"]
    cells = view.page.locator("#confusion tbody td").all()
    assert [int(cell.get_attribute("data-value") or -1) for cell in cells] == [n for line in matrix for n in line]
    heat = view.traces("confusion-chart")[0]
    assert heat["type"] == "heatmap"
    assert view.page.locator("#confusion thead th").all_inner_texts()[1:] == record["data"]["classes"]
    view.page.locator("#confusion-arm").select_option("uniform")
    view.page.wait_for_selector("#confusion[data-arm=uniform]")

    looks = record["looks"]
    look = next(look for look in (looks.values() if isinstance(looks, dict) else looks) if look["arm"] == "uniform")
    view.page.locator("#learn-arm").select_option("uniform")
    view.page.wait_for_selector("#learn[data-arm=uniform]")
    groups = look["modules"][0]["groups"]
    assert view.values("#learn", "weight_energy") == [group["weight_energy"] for group in groups]
    assert view.values("#learn", "activation_energy") == [group["activation_energy"] for group in groups]
    assert "equally wide" in view.page.locator('[data-name="widest-sentence"]').inner_text()
    expect(view.page.locator("#learn .filter-arm canvas")).to_have_count(2)
    expect(view.page.locator("#learn .filter-table tbody tr")).to_have_count(16)
    view.page.locator("#blocks").focus()
    view.page.keyboard.press("ArrowDown")
    assert "covariance" in view.page.locator("#learn .matrix-readout").inner_text()

    chart = view.page.locator("#curves-chart")
    chart.focus()
    chart.press("End")
    assert "standard" in view.page.locator("#curves .chart-readout").inner_text().lower()
    view.page.locator("#curves-y").select_option("loss")
    view.page.locator("#curves-x").select_option("macs")
    view.wait(y="loss", x="macs", run=first)

    view.set_range("seeds", 1)
    view.type_number("width", "6")
    view.wait(width=6)
    second = view.start()
    view.ended()
    view.page.locator(f'#runs tr[data-id="{first}"] [data-act="compare"]').click()
    view.wait(compare=first, run=second)
    assert len(view.traces("curves-chart")) >= 4
    link = view.page.locator('#runs .through li[data-arm="uniform"] a').last
    checkpoint = view.record()["arms"][1]["seeds"][0]["checkpoint"]
    assert f"checkpoint={checkpoint}" in (link.get_attribute("href") or "")
    with view.page.expect_download() as csv:
        view.page.locator(f'#runs tr[data-id="{second}"]').get_by_text("CSV").click()
    assert csv.value.path().read_text().count("\n") > 40
    view.page.locator(f'#runs tr[data-id="{first}"] a').first.click()
    view.wait(run=first, width=8)
    for run in (first, second):
        view.page.locator(f'#runs tr[data-id="{run}"] [data-act="delete"]').click()
        expect(view.page.locator(f'#runs tr[data-id="{run}"]')).to_have_count(0)
    expect(view.page.locator("#curves .blank")).to_be_visible()
    view.page.wait_for_function("() => !new URLSearchParams(location.search).get('run')")  # written a moment later


def test_a_cancelled_run_is_kept_and_can_go_on(open_train: OpenTrain) -> None:
    view = open_train(**{**SLOW, "seed": 9})
    run = view.start()
    view.phase("running")
    view.page.wait_for_function("() => Number(document.getElementById('curves').dataset.points) > 0")
    view.page.locator("#train-cancel").click()
    view.phase("cancelled")
    expect(view.page.locator(f'#runs tr[data-id="{run}"]')).to_have_attribute("data-state", "cancelled")
    view.page.locator("#train-resume").click()
    view.phase("running", "queued")
    view.ended()
    view.page.locator(f'#runs tr[data-id="{run}"] [data-act="delete"]').click()
    expect(view.page.locator("#curves .blank")).to_be_visible()


def test_the_link_of_a_finished_network_opens_it(open_train: OpenTrain) -> None:
    view = open_train(**TINY, seed=3)
    view.start()
    view.ended()
    checkpoint = view.record()["arms"][1]["seeds"][0]["checkpoint"]
    view.page.locator('#runs .through li[data-arm="uniform"] a').last.click()
    view.page.wait_for_selector("#maps[data-painted]", timeout=60_000)
    assert view.state["checkpoint"] == checkpoint
    assert (view.state["weights"], view.state["scheme"], view.state["modules"]) == ("trained", "uniform", "1")


def test_what_cannot_be_trained_is_said_beside_its_field(open_train: OpenTrain) -> None:
    view = open_train(**TINY)
    view.open_all()
    box = view.page.locator("#learning_rate")
    box.fill("fast")
    box.press("Enter")
    assert "must be a number" in view.message("learning_rate")
    expect(box).to_have_attribute("aria-invalid", "true")
    box.fill("0")
    box.press("Enter")
    expect(view.page.locator("#learning_rate-message")).to_contain_text("earn")
    box.fill("0.05")
    box.press("Enter")
    view.wait(learning_rate=0.05)
    assert view.message("learning_rate") == ""
    view.type_number("groups", "50")
    view.page.wait_for_function("() => document.getElementById('groups-message').textContent")
    expect(view.page.locator("#train-run")).to_be_disabled()
    view.type_number("groups", "2")
    expect(view.page.locator("#train-run")).to_be_enabled()
    assert view.message("groups") == ""


def test_what_takes_too_long_says_so_beforehand_and_what_fits(open_train: OpenTrain) -> None:
    view = open_train(**{**TINY, "width": 64, "modules": 8, "stage": 8, "epochs": 100, "seeds": 5})
    expect(view.page.locator("#train-estimate")).to_contain_text("the limit is")
    expect(view.page.locator("#epochs-message")).to_contain_text("would take")
    expect(view.page.locator("#train-run")).to_be_disabled()
    for name, value in (("modules", 1), ("seeds", 1), ("epochs", 1)):
        view.set_range(name, value)
    view.type_number("width", "8")
    expect(view.page.locator("#train-run")).to_be_enabled()
    assert view.message("epochs") == ""


def test_a_link_to_a_run_that_is_gone_says_so(open_train: OpenTrain) -> None:
    view = open_train(run="0" * 32, painted=False)
    assert "not kept here" in view.wait_for_message("train", "not kept")
    expect(view.page.locator("#train-run")).to_be_enabled()


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_on_the_page_that_trains(open_train: OpenTrain, color_scheme: str, screen: str) -> None:
    """With a run on screen, every table open, and a sentence about what cannot be."""
    view = open_train(screen=SCREENS[screen], color_scheme=color_scheme, **TINY, seed=2)
    if not view.run:
        view.start()
    view.ended()
    if screen == "phone":
        view.page.locator("#sheet").click()
    view.open_all()
    view.type_number("epochs", "none")
    assert_fine(view.page, SCREENS[screen][0])
