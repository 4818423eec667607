"""Networks over HTTP: compute's own numbers, published ones, and integers that a double cannot hold."""

from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from app.documentschema import DOCUMENT_SAMPLE
from app.growthschemas import GrowthAnswer, WeberFechner
from app.networkschemas import (
    Analysis,
    Comparison,
    Document,
    Memory,
    Placement,
    PolicyLine,
    PublishedAnalysis,
    Summary,
)
from app.schemas import Failure
from app.subjectschema import SUBJECT_SAMPLE
from compute.grouping import Grouping
from compute.growth import Growth, describe_growth
from compute.network import Network, analyze, read, write
from compute.network.code import layer_code, network_code
from compute.network.memory import budget, largest_batch, training_memory
from compute.network.overview import overview
from compute.network.placement import place
from compute.network.policy import POLICIES, Policy
from compute.network.whatif import describe, what_if
from compute.networks import IDS, load
from compute.spec import ConvSpec
from compute.weber import describe_weber
from tests.app.networkbodies import ALEXNET, SUBJECT_ROUTES, long_document, strict


def asked(policy: Policy | None = None, **more: Any) -> Any:
    return what_if(load("alexnet-2012"), policy, **more)


def test_the_library_is_listed_with_its_totals(client: TestClient) -> None:
    listed = strict(list[Summary], client.get("/api/networks").content)
    assert [entry["id"] for entry in listed] == list(IDS)
    totals = {entry["id"]: (entry["params"], entry["macs"]) for entry in listed}
    assert totals["alexnet-2012"] == (60_965_224, 724_406_816)
    assert totals["resnext-101-32x8d"] == (88_791_336, 16_414_015_488)
    assert totals["mobilenet-v2"] == (3_504_872, 300_774_272)


@pytest.mark.parametrize("name", IDS)
def test_a_published_network_is_answered_with_rows_totals_and_document(client: TestClient, name: str) -> None:
    body = strict(PublishedAnalysis, client.get(f"/api/networks/{name}").content)
    document = body.pop("document")
    assert body == {"id": name, **analyze(load(name))}
    again = strict(Analysis, client.post("/api/networks/analyze", json=document).content)
    assert (again["rows"], again["totals"]) == (body["rows"], body["totals"])


def test_an_unknown_network_is_404_with_a_near_match(client: TestClient) -> None:
    answer = client.get("/api/networks/alexnet-2021")
    assert answer.status_code == 404
    error = Failure.model_validate_json(answer.content).error
    assert (error.code, error.field) == ("unknown_network", "network")
    assert error.message == "'alexnet-2021' is no network of the library"
    assert (error.hint or "").startswith("did you mean alexnet-2012? known: alexnet-2012, ")
    assert client.post("/api/networks/whatif", json={"network": "vgg"}).status_code == 404


def test_the_sample_document_is_what_it_says(client: TestClient) -> None:
    body = strict(Analysis, client.post("/api/networks/analyze", json=DOCUMENT_SAMPLE).content)
    assert body == analyze(read(DOCUMENT_SAMPLE))
    rows = {row["name"]: row for row in body["rows"]}
    assert rows["grouped"]["grouping"]["sizes"] == [[32, 32], [16, 16], [8, 8], [8, 8]]
    # 9 (32² + 16² + 8² + 8²) + 64, and those weights at 32 × 32 places
    assert (rows["grouped"]["params"], rows["grouped"]["macs"]) == (12_736, 12_976_128)
    assert body["totals"]["params"] == 1728 + 128 + 12_736 + 128 + 650
    assert body["totals"]["macs"] == 1728 * 1024 + 12_976_128 + 640


def test_what_if_answers_what_compute_says(client: TestClient) -> None:
    body = strict(Comparison, client.post("/api/networks/whatif", json=SUBJECT_SAMPLE).content)
    changed = asked(Policy("logarithmic", groups=4), hold="macs", edits={"conv3": {"groups": 2}})
    assert body == orjson.loads(orjson.dumps(describe(changed)))
    assert body["original"]["totals"]["macs"] == body["hold"]["wanted"] == 724_406_816
    assert [layer["name"] for layer in body["layers"] if layer["edited"]] == ["conv3"]


@pytest.mark.parametrize("body", [ALEXNET, {**ALEXNET, "policy": None, "hold": "channels", "edits": {}}])
def test_a_network_as_it_is_has_no_deltas(client: TestClient, body: dict[str, Any]) -> None:
    said = strict(Comparison, client.post("/api/networks/whatif", json=body).content)
    assert said["original"]["rows"] == said["variant"]["rows"]
    assert set(said["deltas"].values()) == {0}
    assert said["hold"] is None
    assert not any(layer["changed"] for layer in said["layers"])


def test_ungrouping_alexnet_costs_what_was_published(client: TestClient) -> None:
    body = client.post("/api/networks/whatif", json={**ALEXNET, "policy": {"kind": "none"}}).json()
    assert (body["variant"]["totals"]["params"], body["variant"]["totals"]["macs"]) == (62_378_344, 1_135_256_096)
    assert body["deltas"]["params"] == 62_378_344 - 60_965_224


def test_changes_alone_are_the_rows_that_differ(client: TestClient) -> None:
    asked = {"network": "resnet-50", "policy": {"kind": "root", "groups": 8}, "edits": {"fc": {"out_features": 10}}}
    whole = strict(Comparison, client.post("/api/networks/whatif", json=asked).content)
    thin = strict(Comparison, client.post("/api/networks/whatif", json={**asked, "changed_only": True}).content)
    told = [layer["changed"] or layer["edited"] or bool(layer["left_alone"]) for layer in whole["layers"]]
    assert sum(told) == 13 + 1 + 1  # the 3 × 3s of more than one group, the stem left alone, the classifier
    assert thin["layers"] == [layer for layer, kept in zip(whole["layers"], told, strict=True) if kept]
    assert thin["variant"]["rows"] == [row for row, kept in zip(whole["variant"]["rows"], told, strict=True) if kept]
    assert thin["original"]["rows"] == []
    for key in ("deltas", "ratios", "hold", "notes"):
        assert thin[key] == whole[key]
    assert thin["variant"]["totals"] == whole["variant"]["totals"]


def test_every_policy_at_once(client: TestClient) -> None:
    body = {"network": "resnet-50", "groups": 64}
    lines = strict(list[PolicyLine], client.post("/api/networks/policies", json=body).content)
    assert lines == overview(load("resnet-50"), {"groups": 64})
    assert [line["policy"] for line in lines] == list(POLICIES)
    root = next(line for line in lines if line["policy"] == "root")
    assert (root["params"], root["split"], root["left_alone"]) == (load("resnet-50-root-64").params, 16, 1)


def test_memory_of_both_and_the_largest_batch(client: TestClient) -> None:
    body = {
        **ALEXNET,
        "policy": {"kind": "none"},
        "batch": 128,
        "dtype": "float16",
        "optimizer": "adam",
        "budget_gb": 3,
    }
    said = strict(Memory, client.post("/api/networks/memory", json=body).content)
    assert said["budget_bytes"] == budget(3) == 3 * 2**30
    changed = asked(Policy("none"))
    for side, network in (("original", changed.original), ("variant", changed.variant)):
        batch = said[side].pop("largest_batch")
        assert said[side] == training_memory(network, 128, "float16", "adam")
        assert batch == largest_batch(network, 3 * 2**30, "float16", "adam")
    assert said["original"]["weight_bytes"] == 2 * 60_965_224
    assert said["variant"]["optimizer_bytes"] == 2 * 2 * 62_378_344


def test_memory_has_defaults(client: TestClient) -> None:
    said = client.post("/api/networks/memory", json=ALEXNET).json()
    assert (said["original"]["batch"], said["original"]["dtype"], said["original"]["optimizer"]) == (
        1,
        "float32",
        "sgd",
    )
    assert said["budget_bytes"] == 3 * 2**30


def test_two_gpus_exchange_what_alexnets_did(client: TestClient) -> None:
    said = strict(Placement, client.post("/api/networks/placement", json={**ALEXNET, "devices": 2}).content)
    assert said == place(load("alexnet-2012"), 2)
    assert [crossing["elements"] for crossing in said["crossings"] if crossing["layer"] == "conv3"] == [43_264]
    uneven = {**ALEXNET, "policy": {"kind": "logarithmic", "groups": 4}, "devices": 4}
    bounds = client.post("/api/networks/placement", json=uneven).json()["bounds"]
    assert bounds == place(asked(Policy("logarithmic", groups=4)).variant, 4)["bounds"]
    assert bounds


def test_code_and_document_are_of_the_variant(client: TestClient) -> None:
    variant = asked(Policy("logarithmic", groups=4), hold="macs", edits={"conv3": {"groups": 2}}).variant
    code = client.post("/api/networks/code", json=SUBJECT_SAMPLE)
    assert code.headers["content-type"] == "text/x-python; charset=utf-8"
    assert code.text == network_code(variant)
    compile(code.text, "exported.py", "exec")
    document = strict(Document, client.post("/api/networks/document", json=SUBJECT_SAMPLE).content)
    assert document == write(variant)
    assert read(document).layers == variant.layers


def test_code_of_one_layer(client: TestClient) -> None:
    answer = client.get("/api/layer/code?in_channels=48&out_channels=48&scheme=uniform&groups=3&height=9&width=7")
    assert answer.headers["content-type"] == "text/x-python; charset=utf-8"
    assert answer.text == layer_code(ConvSpec(Grouping.uniform(48, 48, 3), height=9, width=7))


def test_curves_have_a_point_a_layer_and_a_reference(client: TestClient) -> None:
    series = [ALEXNET, {**ALEXNET, "policy": {"kind": "none"}, "label": "ungrouped"}, {"network": "vgg-16"}]
    figure = client.post("/api/figures/network", json={"series": series, "metric": "params", "log": False}).json()
    assert [line["name"] for line in figure["data"]] == ["AlexNet (2012)", "ungrouped", load("vgg-16").name]
    assert [line["meta"]["reference"] for line in figure["data"]] == [True, False, False]
    rows = analyze(load("alexnet-2012"))["rows"]
    assert figure["data"][0]["y"] == [row["params"] for row in rows]
    assert sum(figure["data"][1]["y"]) == 62_378_344
    cumulative = client.post(
        "/api/figures/network", json={"series": [ALEXNET], "metric": "macs", "cumulative": True, "log": False}
    ).json()
    assert cumulative["data"][0]["y"][-1] == 724_406_816


def test_growth_and_the_law(client: TestClient) -> None:
    query = "in_channels=32&kernel_size=3,2&height=64&width=48&doublings=3&groups=2&group_width=8&base=3"
    growth = Growth(32, (3, 2), 64, 48, 3, 2, 8, 3)
    assert strict(GrowthAnswer, client.get(f"/api/growth?{query}").content) == describe_growth(growth)
    slopes = {
        (slope["series"], slope["metric"], slope["halve"]): slope["factor"]
        for slope in client.get("/api/growth").json()["slopes"]
    }
    assert slopes["standard", "weights", True] == "4"
    assert slopes["width", "weights", True] == "2"
    assert slopes["standard", "macs", True] == "1"
    assert slopes["width", "macs", True] == "1/2"
    assert slopes["standard", "activations", True] == "1/2"
    figure = client.get(f"/api/figures/growth?{query}&growth=activations&halve=false").json()
    assert figure["data"][0]["y"] == [32 * 64 * 48 << stage for stage in range(4)]
    said = strict(WeberFechner, client.get("/api/weber-fechner?in_channels=64&groups=7").content)
    assert said == describe_weber(64, 7)
    assert [size["channels"] for size in said["sizes"]] == [32, 16, 8, 4, 2, 1, 1]
    assert len(client.get("/api/figures/weber-fechner?in_channels=64&groups=7").json()["data"]) == 3


# The widest layer that limits allow, on the largest image: 65,536² × 64² weights at 4,096² places is 2^32+12+24 MACs.
HUGE = {
    "input_shape": [65_536, 4096, 4096],
    "layers": [
        {"kind": "Conv2d", "name": "wide", "out_channels": 65_536, "kernel_size": 63, "padding": 31, "bias": False}
    ],
}


def test_counts_beyond_2_to_the_53_are_exact_as_text(client: TestClient) -> None:
    body = strict(Analysis, client.post("/api/networks/analyze", json=HUGE).content)
    row = body["rows"][0]
    assert row["params"] == 63**2 * 2**32
    assert row["macs"] == str(63**2 * 2**56)
    assert row["flops"] == body["totals"]["flops"] == str(63**2 * 2**57)
    assert row["fully_connected_weights"] == str(2**80)
    assert row["memory_access_bytes"] == 4 * (2 * 2**40 + 63**2 * 2**32)
    assert row["arithmetic_intensity"] == pytest.approx(63**2 * 2**57 / (4 * (2 * 2**40 + 63**2 * 2**32)))
    compared = client.post("/api/networks/whatif", json={"network": HUGE, "policy": {"kind": "depthwise"}})
    assert strict(Comparison, compared.content)["deltas"]["macs"] == str(63**2 * (2**40 - 2**56))
    memory = client.post("/api/networks/memory", json={"network": HUGE, "batch": 1_000_000}).content
    assert strict(Memory, memory)["original"]["saved_activation_bytes"] == str(4 * 2**40 * 1_000_000)


@pytest.mark.parametrize("route", SUBJECT_ROUTES)
def test_huge_counts_break_no_route(client: TestClient, route: str) -> None:
    assert client.post(f"/api/networks/{route}", json={"network": HUGE}).status_code == 200
    assert client.post("/api/figures/network", json={"series": [{"network": HUGE}]}).status_code == 200


def test_a_thousand_layers_are_answered(client: TestClient) -> None:
    body = client.post("/api/networks/analyze", json=long_document(1000)).json()
    assert len(body["rows"]) == 1000
    assert body["totals"]["params"] == 500 * 12_736


def test_an_answer_is_worked_out_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[Network] = []
    real = what_if

    def counting(network: Network, *rest: Any) -> Any:
        counted.append(network)
        return real(network, *rest)

    monkeypatch.setattr("app.subjects.what_if", counting)
    body = {**ALEXNET, "policy": {"kind": "uniform", "groups": 3}}
    turned = dict(reversed(body.items()))
    first = client.post("/api/networks/whatif", json=body)
    for again in (body, turned):
        assert client.post("/api/networks/whatif", json=again).content == first.content
    client.post("/api/figures/network", json={"series": [turned]})
    client.post("/api/networks/code", json=body)
    assert len(counted) == 1
