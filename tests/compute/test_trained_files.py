"""The networks that ship, and what is said of them: counted again, and the same in every place."""

import json
import re

import pytest
import torch
from safetensors import safe_open

from app.settings import PROJECT
from compute.datasets import shipped
from compute.training import mean_interval
from tests.compute.traincases import guesses

FILES = PROJECT / "compute" / "trained" / "files"
ARMS = {"standard": [16], "uniform": [8] * 4, "logarithmic": [13, 7, 3, 4]}


@pytest.fixture(scope="module")
def log() -> dict:
    return json.loads((PROJECT / "docs" / "trained.json").read_text("utf-8"))


@pytest.mark.parametrize("arm", ARMS)
def test_accuracy_is_that_of_the_file(arm: str, log: dict) -> None:
    images = shipped()
    with safe_open(FILES / f"fashion-{arm}.safetensors", "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        facts = json.loads(file.metadata()["groupscope"])
    x = (torch.from_numpy(images.x_test).float() / 255 - images.mean()[0]) / images.std()[0]
    right = (guesses(tensors, ARMS[arm], "none", x) == images.y_test).mean()
    assert facts["accuracy"] == right
    assert log["runs"]["params"]["results"][arm]["seeds"][0]["accuracy"] == right
    assert (facts["seed"], facts["arm"], facts["data"]["test"]) == (0, arm, 2000)


def test_page_and_table_tell_what_the_log_holds(log: dict) -> None:
    run = log["runs"]["params"]
    answer = json.loads((FILES / "answer.json").read_text("utf-8"))
    table = (PROJECT / "docs" / "trained.md").read_text("utf-8")
    assert answer["verdict"] == run["verdict"]
    assert run["verdict"]["sentence"] in table
    for arm, told in zip(run["arms"], answer["arms"], strict=True):
        accuracies = [seed["accuracy"] for seed in run["results"][arm["arm"]]["seeds"]]
        assert len(accuracies) == 5
        mean, low, high = mean_interval(accuracies)
        assert (told["accuracy_mean"], told["accuracy_low"], told["accuracy_high"]) == (mean, low, high)
        row = next(line for line in table.splitlines() if line.startswith(f"| {arm['label']} "))
        assert re.findall(r"\d\d\.\d\d", row)[:3] == [f"{100 * value:.2f}" for value in (mean, low, high)]
    assert log["data"]["digest"] == shipped().facts.digest


def test_both_ways_of_holding_are_there(log: dict) -> None:
    assert set(log["runs"]) == {"params", "macs"}
    assert log["runs"]["macs"]["same_as"] == "params"
    assert [arm["channels"] for arm in log["runs"]["macs"]["arms"]] == [16, 32, 27]
