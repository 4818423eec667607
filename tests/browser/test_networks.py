"""Networks against depth: a published network, another grouping, an edit by hand, an equal budget, a card's memory."""

import csv
import io
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenNetworks
from tests.browser.networks import Networks
from tests.compute.exported import execute

# The paper's layers: params with bias, MACs.
ALEXNET = {
    "conv1": (34_944, 105_415_200),
    "conv2": (307_456, 223_948_800),
    "conv3": (885_120, 149_520_384),
    "conv4": (663_936, 112_140_288),
    "conv5": (442_624, 74_760_192),
    "fc6": (37_752_832, 37_748_736),
    "fc7": (16_781_312, 16_777_216),
    "fc8": (4_097_000, 4_096_000),
}
SMALL: dict[str, Any] = {
    "name": "mine",
    "input_shape": [3, 32, 32],
    "layers": [
        {"kind": "Conv2d", "name": "stem", "out_channels": 16, "kernel_size": 3, "padding": 1},
        {"kind": "Conv2d", "name": "split", "out_channels": 16, "kernel_size": 3, "padding": 1, "groups": 4},
        {"kind": "Add", "name": "sum", "inputs": ["stem", "split"]},
        {"kind": "ReLU", "name": "relu"},
        {"kind": "AdaptiveAvgPool2d", "name": "pool", "output_size": 1},
        {"kind": "Flatten", "name": "flat"},
        {"kind": "Linear", "name": "head", "out_features": 10},
    ],
}


def subject(view: Networks) -> dict[str, Any]:
    """What the page asks the server for, read from its address alone."""
    state = view.state
    needs = {"uniform": ("groups",), "root": ("groups",), "width": ("width",), "logarithmic": ("groups", "base")}
    numbers = {key: int(state[key]) for key in needs.get(state["policy"], ())}
    policy = None if state["policy"] == "keep" else {"kind": state["policy"], **numbers, "scope": state["scope"]}
    return {"network": state["network"], "policy": policy, "hold": state["hold"], "edits": json.loads(state["edits"])}


def assert_bill(view: Networks) -> dict[str, Any]:
    """Totals and every row on the page against the server's answer to the page's address."""
    answer = dict(view.post("/api/networks/whatif", subject(view)))
    for key in ("params", "macs", "flops", "activations", "weight_bytes", "memory_access_bytes"):
        assert view.value(f"{key}-original", "#bill") == answer["original"]["totals"][key]
        assert view.value(f"{key}-variant", "#bill") == answer["variant"]["totals"][key]
        assert view.value(f"{key}-delta", "#bill") == answer["deltas"][key]
        assert view.value(f"{key}-ratio", "#bill") == answer["ratios"][key]
    metric = view.state["metric"]
    for row, before in zip(answer["variant"]["rows"], answer["original"]["rows"], strict=True):
        if row["kind"] in ("Conv2d", "Linear"):
            cells = view.row(row["name"])
            assert float(cells["variant"]) == row[metric]
            assert float(cells["original"]) == before[metric]
            assert int(cells["params"]) == row["params"]
            assert int(cells["macs"]) == row["macs"]
            assert int(cells["fully_connected_weights"]) == row["fully_connected_weights"]
    return answer


def test_alexnet_as_published(open_networks: OpenNetworks) -> None:
    view = open_networks(network="alexnet-2012", policy="keep")
    for layer, (params, macs) in ALEXNET.items():
        cells = view.row(layer)
        assert (int(cells["params"]), int(cells["macs"])) == (params, macs)
        assert cells["original"] == cells["variant"]
    assert view.value("params-variant", "#bill") == 60_965_224
    assert view.value("macs-variant", "#bill") == 724_406_816
    assert view.value("sum-variant", "#layers tfoot tr:last-child") == 724_406_816
    assert "60\u202f965\u202f224 params and 724\u202f406\u202f816 MACs" in view.text("#bill")
    assert [line["name"] for line in view.curves()] == ["AlexNet (2012)"]
    assert view.row("conv4")["variant"] == "112140288"
    assert "uniform n = 2" in view.text('#layers tr[data-layer="conv4"]')


def test_another_grouping_is_read_beside_the_original(open_networks: OpenNetworks) -> None:
    view = open_networks()
    assert_bill(view)
    view.page.select_option("#network", "resnet-50")
    view.page.select_option("#policy", "uniform")
    view.page.fill("#groups-number", "32")
    view.page.press("#groups-number", "Enter")
    view.wait(network="resnet-50", policy="uniform", groups=32)
    answer = assert_bill(view)
    assert answer["variant"]["totals"]["params"] < answer["original"]["totals"]["params"]
    assert "left alone: groups must divide in_channels: 3 % 32 = 3" in view.text('#layers tr[data-layer="conv1"]')
    assert view.text("#headline h2") == "ResNet-50, uniform n = 32"


def test_an_equal_budget_says_how_close_it_comes(open_networks: OpenNetworks) -> None:
    view = open_networks(network="resnet-50", policy="logarithmic")
    assert view.value("params-ratio", "#bill") < 0.8
    view.page.select_option("#hold", "params")
    view.wait(hold="params")
    answer = assert_bill(view)
    assert abs(answer["hold"]["relative"]) < 0.001
    assert view.value("params-ratio", "#bill") == pytest.approx(1, abs=0.001)
    assert re.search(
        r"Widths × 1\.\d+; params [\d\u202f]+ against 25\u202f557\u202f032, [+−]0\.\d+ %", view.text("#bill")
    )


@pytest.mark.parametrize("metric", ["params", "activations", "arithmetic_intensity"])
def test_the_chart_is_the_rows(open_networks: OpenNetworks, metric: str) -> None:
    view = open_networks(network="squeezenet-1.0", metric=metric, log="false")
    answer = assert_bill(view)
    halves = answer["layers"][0]["halving"]  # of conv1, whose 3 input channels have no half
    assert halves["channels"]["reason"]
    if metric != "arithmetic_intensity":
        assert view.row("conv1")["half-resolution"] == str(halves["resolution"][metric])
    drawn = [line["y"] for line in view.curves()]
    assert drawn == [[row[metric] for row in answer[side]["rows"]] for side in ("original", "variant")]
    view.page.locator("#cumulative").check()
    view.wait(cumulative=True)
    ends = [line["y"][-1] for line in view.curves()]
    assert ends == pytest.approx([answer[side]["totals"][metric] for side in ("original", "variant")])


def test_curves_are_kept_and_dropped(open_networks: OpenNetworks) -> None:
    view = open_networks(network="alexnet-2012", policy="depthwise")
    view.page.click("#pin")
    view.page.select_option("#network", "vgg-16")
    view.page.select_option("#policy", "none")
    view.wait(network="vgg-16", policy="none")
    names = [line["name"] for line in view.curves()]
    assert names == ["VGG-16", "standard", "AlexNet (2012), depthwise"]
    again = open_networks(**view.state)  # the link carries the kept curve
    assert [line["name"] for line in again.curves()] == names
    view.page.locator("#curves .remove").click()
    view.wait(pins=[])
    assert [line["name"] for line in view.curves()] == ["VGG-16", "standard"]


def test_an_edit_by_hand_and_its_undo(open_networks: OpenNetworks) -> None:
    view = open_networks(network="alexnet-2012", policy="keep")
    before = view.row("conv2")
    view.edit("conv2")
    view.change("out_channels", "128")
    view.wait(edits={"conv2": {"out_channels": 128}})
    assert_bill(view)
    assert view.row("conv2")["macs"] == str(int(before["macs"]) // 2)
    assert view.curves()[1]["y"] != view.curves()[0]["y"]
    view.change("scheme", "logarithmic")
    view.change("groups", "3")
    wanted = {"conv2": {"out_channels": 128, "grouping": {"scheme": "logarithmic", "groups": 3, "base": 2}}}
    view.wait(edits=wanted)
    answer = assert_bill(view)
    assert "logarithmic n = 3" in view.text('#layers tr[data-layer="conv2"]')
    assert "conv2: out_channels 128, logarithmic n = 3" in view.text("#edit-list").replace("grouping ", "")
    view.page.keyboard.press("Escape")
    expect(view.page.locator("#layers .editor-form")).to_have_count(0)
    view.page.keyboard.press("Control+z")
    view.page.click("#undo")
    view.wait(edits={"conv2": {"out_channels": 128}})
    view.page.click("#undo")
    view.wait(edits={})
    assert view.row("conv2") == before
    view.page.click("#redo")
    view.page.click("#redo")
    view.page.click("#redo")
    view.wait(edits=wanted)
    assert view.value("params-variant", "#bill") == answer["variant"]["totals"]["params"]
    view.page.click("#drop-edits")
    view.wait(edits={})


def test_an_edit_that_cannot_be_is_explained_and_changes_nothing(open_networks: OpenNetworks) -> None:
    view = open_networks(network="resnet-50", policy="keep")
    before = view.row("layer1.0.conv3")
    view.edit("layer1.0.conv3")
    view.change("out_channels", "250")
    message = view.page.locator("#edit-message")
    expect(message).to_contain_text("Add needs inputs of one shape")
    assert "250 × 56 × 56" in message.inner_text()
    view.change("out_channels", "256")
    expect(message).to_have_text("")
    view.change("kernel_size", "three")
    expect(message).to_contain_text("kernel_size must be a whole number, not 'three'")
    assert view.page.locator("#edit-kernel_size").get_attribute("aria-invalid") == "true"
    view.change("kernel_size", "1")
    view.change("scheme", "uniform")
    view.wait(edits={"layer1.0.conv3": {"out_channels": 256, "kernel_size": 1, "groups": 4}})
    view.change("groups", "7")
    expect(message).to_contain_text("groups must divide in_channels: 64 % 7 = 1")
    after = view.row("layer1.0.conv3")
    assert (before["params"], after["params"]) == (str(64 * 256), str(64 * 256 // 4))


def test_a_change_is_kept_while_the_one_before_is_still_asked(open_networks: OpenNetworks) -> None:
    view = open_networks(network="resnet-50", policy="keep")
    view.edit("layer1.0.conv3")
    held: list[Route] = []
    view.page.route("**/api/networks/whatif", lambda route: held.append(route))
    view.change("kernel_size", "3")
    while not held:
        view.page.evaluate("() => new Promise(requestAnimationFrame)")
    view.change("padding", "1")
    view.page.route("**/api/networks/whatif", lambda route: route.continue_())  # the newest rule counts
    held[0].continue_()  # alone it is refused: the sum after it needs 56 x 56
    view.wait(edits={"layer1.0.conv3": {"kernel_size": 3, "padding": 1}})


def test_rows_and_points_mark_each_other(open_networks: OpenNetworks) -> None:
    view = open_networks(network="alexnet-2012")
    view.page.focus("#curves-chart")
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowLeft"):
        view.page.keyboard.press(key)  # from layer to layer of those in the table
    marked = view.page.locator("#layers tr.marked")
    expect(marked).to_have_attribute("data-layer", "conv2")
    assert view.text("#curves .chart-readout").startswith("conv2 Conv2d, 256 × 27 × 27: original")
    view.page.locator('#layers tr[data-layer="conv5"] th').hover()
    expect(marked).to_have_attribute("data-layer", "conv5")
    view.page.wait_for_function(
        "() => document.querySelector('#curves-chart .hoverlayer').textContent.includes('conv5')"
    )


def test_what_fits_a_card(open_networks: OpenNetworks) -> None:
    view = open_networks(network="vgg-16", policy="keep", batch=21, budget=3)
    body = {**subject(view), "batch": 21, "dtype": "float32", "optimizer": "momentum", "budget_gb": 3}
    answer = view.post("/api/networks/memory", body)
    assert view.value("variant-total_bytes", "#memory") == answer["variant"]["total_bytes"] <= 3 * 2**30
    assert view.value("variant-largest_batch", "#memory") == 21
    assert "it fits into 3 GiB" in view.text("#memory")
    view.page.click('[data-budget="1.5"]')
    view.wait(budget="1.5")
    assert "not even one image fits" in view.text("#memory")
    view.page.select_option("#optimizer", "sgd")
    view.page.select_option("#dtype", "float16")
    view.wait(optimizer="sgd", dtype="float16")
    assert view.value("variant-optimizer_bytes", "#memory") == 0
    assert view.value("variant-weight_bytes", "#memory") == 2 * 138_357_544
    assert view.value("variant-largest_batch", "#memory") > 0


def test_two_gpus_as_in_2012(open_networks: OpenNetworks) -> None:
    view = open_networks(network="alexnet-2012", policy="none")
    crossed = view.page.locator("#devices tbody tr:has([data-name=original-crossing])")
    cells = "(rows) => rows.map((row) => [...row.cells].slice(0, 3).map((c) => c.dataset.value ?? c.textContent))"
    assert crossed.evaluate_all(cells) == [
        ["conv2", "0", str(96 * 27 * 27)],
        ["conv3", "43264", "43264"],
        ["conv4", "0", str(384 * 13 * 13)],
        ["conv5", "0", str(384 * 13 * 13)],
        ["fc6", "9216", "9216"],
        ["fc7", "4096", "4096"],
        ["fc8", "4096", "4096"],
    ]
    text = view.text("#devices")
    assert "3 GB" in text
    assert "1.5 GB" in text
    macs = view.page.locator("#devices [data-name=original-macs]")
    assert sum(int(v) for v in macs.evaluate_all("(c) => c.map((x) => x.dataset.value)")) == 724_406_816
    view.page.select_option("#policy", "logarithmic")
    view.wait(policy="logarithmic")
    assert "1.375×" in view.text("#devices")


def test_growth_says_its_slopes(open_networks: OpenNetworks) -> None:
    view = open_networks()
    assert "Standard: MACs stay the same, ×1 per doubling" in view.text("#growth .slopes")
    view.page.select_option("#growth_metric", "weights")
    view.page.locator("#halve").uncheck()
    view.wait(growth="weights", halve=False)
    slopes = view.text("#growth .slopes")
    assert "Standard: weights grow ×4" in slopes
    assert "Group width 16: weights grow ×2" in slopes
    drawn = view.page.evaluate(
        "() => document.querySelector('#growth-chart').data.map((t) => [t.meta.series, [...t.y]])"
    )
    assert dict(drawn)["standard"] == [9 * (64 << i) ** 2 for i in range(5)]
    assert dict(drawn)["width"] == [9 * 16 * (64 << i) for i in range(5)]


def test_the_law_is_an_analogy(open_networks: OpenNetworks) -> None:
    view = open_networks(channels=99, n=3, log_base=3)
    assert view.text('[data-name="weber-sizes"]').startswith("99 channels in 3 groups of base 3: 66, 22, 11.")
    assert "analogy" in view.text("#weber")
    view.page.fill("#weber_n-number", "60")
    view.page.press("#weber_n-number", "Enter")
    view.wait(n=60)
    assert "There is no room for 60." in view.text("#weber")


def saved(page: Page, button: str, folder: Path) -> str:
    with page.expect_download() as download:
        page.click(button)
    download.value.save_as(folder / "file")
    return (folder / "file").read_text(encoding="utf-8")


def test_what_is_taken_away(open_networks: OpenNetworks, tmp_path: Path) -> None:
    view = open_networks(network="log-group-cnn", policy="uniform", groups=2)
    answer = assert_bill(view)
    rows = list(csv.DictReader(io.StringIO(saved(view.page, "#save-csv", tmp_path))))
    assert [int(row["macs"]) for row in rows] == [row["macs"] for row in answer["variant"]["rows"]]
    assert json.loads(saved(view.page, "#save-json", tmp_path))["variant"] == answer["variant"]
    document = json.loads(saved(view.page, "#save-document", tmp_path))
    assert view.post("/api/networks/analyze", document)["totals"] == answer["variant"]["totals"]
    code = saved(view.page, "#save-code", tmp_path)
    assert code == view.page.locator(".code").text_content()
    names = execute(code)
    network = names[code.rsplit("class ", 1)[1].split("(")[0]]()
    assert sum(p.numel() for p in network.parameters()) == answer["variant"]["totals"]["params"]
    assert network(torch.zeros(1, *answer["variant"]["input_shape"])).shape[1] == 10
    for kind in ("png", "svg"):
        with view.page.expect_download() as download:
            view.page.click(f"#curves-chart-{kind}")
        assert download.value.suggested_filename == f"network-depth.{kind}"


def paste(view: Networks, document: object) -> None:
    view.page.click("#own-open")
    view.page.fill("#own-text", document if isinstance(document, str) else json.dumps(document))
    view.page.click("#own-use")


def test_a_network_of_ones_own(open_networks: OpenNetworks) -> None:
    view = open_networks(policy="keep")
    paste(view, {**SMALL, "layers": [*SMALL["layers"], {"kind": "Conv2d", "name": "late", "kernel_size": 3}]})
    message = view.page.locator("#own-message")
    expect(message).to_contain_text("Layer 8 'late' (Conv2d): Conv2d needs out_channels")
    view.page.fill("#own-text", "{")
    view.page.click("#own-use")
    expect(message).to_contain_text("This is no JSON")
    view.page.fill("#own-text", json.dumps(SMALL))
    view.page.click("#own-use")
    view.wait(network="own")
    assert view.text("#headline h2") == "mine"
    assert view.value("params-variant", "#bill") == 16 * 27 + 16 + 9 * 16 * 4 + 16 + 170
    assert view.rows() == ["stem", "split", "head"]
    view.page.select_option("#rows", "all")
    view.wait(layers="all")
    assert view.rows() == [layer["name"] for layer in SMALL["layers"]]
    view.edit("split")
    view.change("groups", "8")
    view.wait(edits={"split": {"groups": 8}})
    assert view.row("split")["params"] == str(9 * 16 * 2 + 16)
    view.page.reload()
    view.wait(network="own", edits={"split": {"groups": 8}})
    assert view.row("split")["params"] == str(9 * 16 * 2 + 16)


def test_one_own_network_after_another(open_networks: OpenNetworks) -> None:
    view = open_networks(policy="keep")
    paste(view, SMALL)
    view.wait(network="own")
    first = view.page.locator(".code").text_content()
    wider = [{**layer, "out_channels": 64} if "out_channels" in layer else layer for layer in SMALL["layers"]]
    paste(view, {**SMALL, "layers": wider})
    params = 64 * 27 + 64 + 9 * 64 * 16 + 64 + 650
    view.page.wait_for_function(
        "(params) => document.querySelector('[data-name=params-variant]').dataset.value === String(params)", arg=params
    )
    view.page.wait_for_function("(code) => document.querySelector('.code').textContent !== code", arg=first)
    names = execute(view.page.locator(".code").text_content() or "")
    assert sum(p.numel() for p in names["Mine"]().parameters()) == params
    assert view.curves()[0]["y"][0] == 64 * 27 * 32 * 32


def test_an_edit_under_way_is_not_put_into_another_network(open_networks: OpenNetworks) -> None:
    view = open_networks(network="nin", policy="keep")
    view.edit("conv2a")
    view.page.route("**/api/networks/whatif", lambda route: (time.sleep(0.3), route.continue_())[1])
    view.change("out_channels", "100")
    view.page.select_option("#network", "vgg-16")
    view.wait(network="vgg-16", edits={})
    assert view.text("#headline h2") == "VGG-16"
    assert view.value("params-variant", "#bill") == 138_357_544


def test_digits_beyond_what_a_double_holds_stay_exact(open_networks: OpenNetworks) -> None:
    view = open_networks(policy="keep")
    wide = {"kind": "Conv2d", "name": "wide", "out_channels": 4096, "kernel_size": 3, "padding": 1}
    paste(view, {"input_shape": [4096, 1024, 1024], "layers": [wide]})
    view.wait(network="own")
    shown = view.page.locator('[data-name="fully-connected"]')
    exact = (4096 * 1024 * 1024) ** 2
    assert shown.get_attribute("data-value") == str(exact)
    assert shown.inner_text() == f"{exact:,}".replace(",", "\u202f")


def test_edits_of_a_link_that_do_not_fit_are_dropped_and_said_to_be(open_networks: OpenNetworks) -> None:
    view = open_networks(network="alexnet-2012", policy="keep", edits={"conv9": {"groups": 2}}, painted=False)
    view.wait(edits={})
    expect(view.page.locator("#edits-message")).to_contain_text("edits were dropped: 'conv9' is no layer")
    assert view.value("params-variant", "#bill") == 60_965_224


def test_typed_numbers_out_of_range_are_explained(open_networks: OpenNetworks) -> None:
    view = open_networks()
    view.page.fill("#groups-number", "0")
    view.page.press("#groups-number", "Enter")
    expect(view.page.locator("#groups-message")).to_contain_text("must be a whole number from 1 to 1\u202f024, not “0”")
    assert view.state["groups"] == "4"
    view.page.fill("#groups-number", "8")
    view.page.press("#groups-number", "Enter")
    view.wait(groups=8)
    expect(view.page.locator("#groups-message")).to_have_text("")


def test_the_chart_names_its_lines_and_leaves_the_page_where_it_is(open_networks: OpenNetworks) -> None:
    view = open_networks(network="resnet-50", metric="params", cumulative=True, layers="all")
    names = "(labels) => labels.map((label) => label.textContent)"
    assert view.page.locator("#curves-chart .annotation-text").evaluate_all(names) == ["ResNet-50", "logarithmic n = 4"]
    view.page.locator("#curves-chart").scroll_into_view_if_needed()
    before = view.page.evaluate("() => scrollY")
    view.page.locator("#curves-chart .nsewdrag").hover()
    expect(view.page.locator("#layers tr.marked")).to_have_count(1)
    assert view.page.evaluate("() => scrollY") == before


def test_escape_leaves_without_the_change_and_the_form_follows(open_networks: OpenNetworks) -> None:
    view = open_networks(network="alexnet-2012", policy="keep")
    view.edit("conv1")
    view.page.fill("#edit-stride", "9")
    view.page.keyboard.press("Escape")
    expect(view.page.locator("#layers .editor-form")).to_have_count(0)
    assert json.loads(view.state["edits"]) == {}
    view.edit("fc6")
    view.change("out_features", "2048")
    view.wait(edits={"fc6": {"out_features": 2048}})
    view.page.click("#undo")
    view.wait(edits={})
    expect(view.page.locator("#edit-out_features")).to_have_value("4096")
    view.page.fill("#batch-number", "abc")
    view.page.press("#batch-number", "Tab")
    view.page.locator('#layers tr[data-layer="conv5"] th').hover()
    expect(view.page.locator("#batch-number")).to_have_value("abc")
    expect(view.page.locator("#batch-message")).to_contain_text("not “abc”")
