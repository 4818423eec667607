"""The trainer against a plain loop of torch, its accuracies against a few lines of their own, and what it keeps."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from compute.datasets import read
from compute.errors import SpecError
from compute.training import ARMS, TrainSpec
from compute.trainrun import Trainer, step_seconds
from compute.trainrun.looks import look
from compute.trainrun.network import GroupedNetwork
from compute.trainrun.trainer import Diverged
from tests.compute.traincases import few, guesses, trained


class Plain(nn.Module):
    """The same network once more: modules of torch alone, one convolution a group."""

    def __init__(self, channels: int, sizes: list[int], modules: int, residual: bool) -> None:
        super().__init__()
        self.sizes, self.residual = sizes, residual
        self.stem, self.stem_norm = nn.Conv2d(1, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        self.groups = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(size, size, 3, padding=1, bias=False) for size in sizes) for _ in range(modules)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(modules))
        self.head = nn.Linear(channels, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem_norm(self.stem(x)))
        for at, (groups, norm) in enumerate(zip(self.groups, self.norms, strict=True)):
            if at:
                x = F.max_pool2d(x, 2)
            y = norm(torch.cat([conv(part) for conv, part in zip(groups, x.split(self.sizes, 1), strict=True)], 1))
            x = torch.relu(y + x) if self.residual else torch.relu(y)
        return self.head(x.mean((2, 3)))

    def start_as(self, network: GroupedNetwork) -> None:
        self.stem.load_state_dict(network.stem.state_dict())
        self.head.load_state_dict(network.head.state_dict())
        for groups, conv in zip(self.groups, network.convs.values(), strict=True):
            for one, weight in zip(groups, conv.filters(), strict=True):
                one.weight.data.copy_(weight)


def test_losses_are_those_of_a_plain_loop() -> None:
    """50 steps in double precision: same start, same images in the same order, same optimiser."""
    images = few(200, 40)
    spec = TrainSpec(arms=ARMS[:3], width=8, hold="channels", modules=2, epochs=5, batch=20)
    trainer = Trainer(spec, images, dtype=torch.float64)
    sizes = {"standard": [8], "uniform": [2, 2, 2, 2], "logarithmic": [4, 2, 1, 1]}
    plain = {}
    for learner in trainer.learners:
        plain[learner.arm.name] = Plain(8, sizes[learner.arm.name], 2, True).double()
        plain[learner.arm.name].start_as(learner.network)
    history = trained(trainer)["history"]

    pixels = torch.from_numpy(images.x_train).double() / 255
    pixels = (pixels - pixels.mean()) / pixels.std(correction=0)
    labels = torch.from_numpy(images.y_train)
    for name, network in plain.items():
        optimiser = torch.optim.SGD(network.parameters(), lr=1.0, momentum=0.9, weight_decay=0.0005, nesterov=True)
        losses = []
        for step in range(50):
            if step % 10 == 0:
                order = torch.randperm(200, generator=torch.Generator().manual_seed(step // 10))
            rate = 0.1 * (step + 1) / 5 if step < 5 else 0.05 * (1 + math.cos(math.pi * (step - 5) / 45))
            optimiser.param_groups[0]["lr"] = rate
            chosen = order[step % 10 * 20 :][:20]
            optimiser.zero_grad()
            loss = nn.CrossEntropyLoss()(network(pixels[chosen]), labels[chosen])
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        assert history[name][0]["steps"] == list(range(1, 51))
        assert history[name][0]["loss"] == pytest.approx(losses, abs=1e-5), name


def test_the_same_seed_starts_as_torch_does() -> None:
    trainer = Trainer(TrainSpec(arms=ARMS[:2], width=8, hold="channels", modules=1, seed=7), few())
    torch.manual_seed(7)
    assert torch.equal(nn.Conv2d(1, 8, 3, padding=1, bias=False).weight, trainer.learners[0].network.stem.weight)
    assert torch.equal(nn.Conv2d(8, 8, 3, bias=False).weight, trainer.learners[0].network.convs["1"].weight)


@pytest.mark.parametrize("mixing", ["none", "shuffle", "pointwise", "rotated"])
def test_accuracy_is_counted_again_from_the_file(mixing: str, tmp_path: Path) -> None:
    """The exported tensors, without BatchNorm, convolved group by group in a few lines of their own."""
    images = few()
    spec = TrainSpec(arms=("standard", "logarithmic"), width=9, mixing=mixing, epochs=2, batch=50, groups=3)
    trainer = Trainer(spec, images, tmp_path)
    arms = trained(trainer)["arms"]
    x = (torch.from_numpy(images.x_test).float() / 255 - images.mean()[0]) / images.std()[0]
    for arm in trainer.arms:
        tensors = load_file(tmp_path / f"{arm.name}-0.safetensors")
        guessed = guesses(tensors, [a for a, _ in arm.grouping.sizes], mixing, x)
        [result] = arms[arm.name]["seeds"]
        assert result["accuracy"] == (guessed == images.y_test).mean()
        confusion = np.zeros((10, 10), int)
        np.add.at(confusion, (images.y_test, guessed), 1)
        assert result["confusion"] == confusion.tolist()


def test_learns_something() -> None:
    arms = trained(Trainer(TrainSpec(width=8, hold="channels", modules=2, epochs=3, batch=20), few()))["arms"]
    assert all(0.4 < arm["accuracy_mean"] < 0.95 for arm in arms.values()), arms  # chance is 0.1


def test_test_images_are_never_trained_on() -> None:
    images = few()
    spec = TrainSpec(arms=ARMS[:2], width=8, hold="channels", modules=1, epochs=1)
    other = replace(images, x_test=255 - images.x_test, y_test=images.y_test[::-1].copy())
    first, second = (trained(Trainer(spec, each))["history"] for each in (images, other))
    assert [run["loss"] for run in first["uniform"]] == [run["loss"] for run in second["uniform"]]
    assert first["uniform"][0]["evaluations"] != second["uniform"][0]["evaluations"]


@pytest.mark.parametrize("every", [2, 5, 9])
def test_a_run_that_is_stopped_ends_with_the_same_numbers(
    every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after each few events, in the middle of rounds and tests, and gone on with by another trainer."""
    monkeypatch.setattr("compute.trainrun.trainer.SLICE_SECONDS", 0)  # an event after each step of each arm
    spec = TrainSpec(
        arms=("standard", "logarithmic"), width=8, modules=3, epochs=1, seeds=2, mixing="shuffle", batch=125
    )
    whole = trained(Trainer(spec, few(), tmp_path / "whole"))
    stops = 0
    while True:
        steps = Trainer(spec, few(), tmp_path / "parts").steps()
        try:
            for _ in range(every):
                next(steps)
        except StopIteration as end:
            parts = end.value
            break
        steps.close()
        stops += 1
    assert stops > 3
    assert _numbers(parts) == _numbers(whole)
    for name in ("standard-1", "logarithmic-0"):
        first, second = (load_file(tmp_path / part / f"{name}.safetensors") for part in ("whole", "parts"))
        assert all(torch.equal(first[key], second[key]) for key in first | second)


def _numbers(snapshot: dict) -> dict:
    """All but seconds."""
    text = json.dumps({name: snapshot[name] for name in ("history", "arms", "verdict", "done", "total", "looks")})

    def without(pairs: list) -> dict:
        return {name: value for name, value in pairs if name != "seconds"}

    return json.loads(text, object_pairs_hook=without)


def test_done_runs_end_at_once(tmp_path: Path) -> None:
    spec = TrainSpec(arms=ARMS[:2], width=8, hold="channels", modules=1, epochs=1)
    whole = trained(Trainer(spec, few(), tmp_path))
    again = Trainer(spec, few(), tmp_path)
    assert _numbers(trained(again)) == _numbers(whole)


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    """Each step multiplies every parameter by 1 - 10, and more."""
    spec = TrainSpec(arms=ARMS[:2], width=8, hold="channels", modules=1, epochs=20, learning_rate=10, weight_decay=1)
    trainer = Trainer(spec, few(), tmp_path)
    with pytest.raises(Diverged) as refused:
        trained(trainer)
    kept = load_file(tmp_path / "checkpoint.safetensors")
    assert all(bool(tensor.isfinite().all()) for tensor in kept.values())  # what was saved before is not overwritten
    losses = [loss for runs in trainer.snapshot()["history"].values() for run in runs for loss in run["loss"]]
    assert losses
    assert all(map(math.isfinite, losses))
    assert refused.value.field == "learning_rate"
    assert refused.value.message.startswith("the loss of standard is no finite number after step ")
    assert refused.value.hint == "lower learning_rate, to 1 say"


def test_a_folder_that_takes_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    spec = TrainSpec(arms=ARMS[:2], width=8, hold="channels", modules=1, epochs=1)
    with pytest.raises(SpecError, match=r"the run can't be kept: .*; make room and resume") as refused:
        trained(Trainer(spec, few(), tmp_path / "file" / "run"))
    assert refused.value.code == "cannot_keep"


def test_colour_of_another_shape_trains_unchanged(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    labels = chance.integers(0, 3, (300, 1))
    pixels = chance.integers(0, 60, (300, 32, 32, 3), np.uint8) + (60 * labels[:, :, None, None]).astype(np.uint8)
    np.savez(tmp_path / "own.npz", images=pixels, labels=labels)
    images = read(tmp_path / "own.npz")
    trainer = Trainer(TrainSpec(width=8, hold="channels", modules=2, epochs=3, batch=25), images, tmp_path / "run")
    arms = trained(trainer)["arms"]
    assert {arm["accuracy_mean"] for arm in arms.values()} == {1.0}  # brightness alone tells the classes apart
    with safe_open(tmp_path / "run" / "uniform-0.safetensors", "np") as file:
        assert file.get_slice("stem.weight").get_shape() == [8, 3, 3, 3]


def test_what_is_seen_is_what_loops_find() -> None:
    trainer = Trainer(
        TrainSpec(arms=("standard", "logarithmic"), width=8, groups=3, modules=2, mixing="rotated"), few()
    )
    learner = trainer.learners[1]
    for _ in range(5):
        [*learner.learn(trainer.pixels, torch.arange(1000))]
    network, pixels = learner.network, trainer.pixels.test(0, 6)
    facts, tensors = look(network, pixels)
    with torch.no_grad():
        _, before, after = (x.double().numpy() for x in network.outputs(pixels))
    sizes = [a for a, _ in learner.arm.grouping.sizes]
    channels = sum(sizes)
    starts = np.cumsum([0, *sizes])
    groups = [[(starts[j] + channels // 4 + i) % channels for i in range(size)] for j, size in enumerate(sizes)]
    large = after.repeat(2, 2).repeat(2, 3)
    flat = [x.transpose(1, 0, 2, 3).reshape(channels, -1) for x in (before, large)]
    a, b = (x - x.mean(1, keepdims=True) for x in flat)
    covariance = a @ b.T / (a.shape[1] - 1)
    assert tensors["covariance.2"].numpy() == pytest.approx(covariance, abs=1e-4 * np.abs(covariance).max())
    inside = sum((covariance[np.ix_(group, group)] ** 2).sum() for group in groups)
    [_, module] = facts["modules"]
    assert module["inside"] == pytest.approx(inside / (covariance**2).sum(), rel=1e-3)
    assert module["inside_expected"] == pytest.approx(sum(size**2 for size in sizes) / channels**2)
    energies = [(after[:, group] ** 2).sum() for group in groups]
    assert [g["activation_energy"] for g in module["groups"]] == pytest.approx(
        np.array(energies) / sum(energies), rel=1e-4
    )
    squares = [float(w.detach().square().sum()) for w in network.convs["2"].filters()]
    assert [g["weight_energy"] for g in module["groups"]] == pytest.approx(
        [s / sum(squares) for s in squares], rel=1e-4
    )
    dead = [sum(np.ptp(after[:, c]) == 0 for c in group) for group in groups]
    assert [g["dead"] for g in module["groups"]] == dead


def test_steps_are_timed_for_each_arm() -> None:
    spec = TrainSpec(arms=ARMS, width=8, hold="channels", batch=20)
    trainer = Trainer(spec, few())
    found = step_seconds(spec, trainer.arms, trainer.data, torch.device("cpu"))
    assert list(found) == list(ARMS)
    assert all(0 < seconds < 5 for seconds in found.values())


@pytest.mark.gpu
def test_trains_on_a_gpu() -> None:
    arms = trained(Trainer(TrainSpec(width=8, hold="channels", modules=2, epochs=6, batch=25), few(), device="cuda"))[
        "arms"
    ]
    assert all(0.45 < arm["accuracy_mean"] < 0.95 for arm in arms.values())


def test_a_run_goes_on_with_its_own_images_only(tmp_path: Path) -> None:
    spec = TrainSpec(arms=ARMS[:2], width=8, hold="channels", modules=1, epochs=1)
    trained(Trainer(spec, few(), tmp_path))
    other = replace(few(), facts=replace(few().facts, digest="another"))
    with pytest.raises(SpecError, match="the images are not those that this run began with") as refused:
        Trainer(spec, other, tmp_path)
    assert refused.value.field == "data"


def test_a_damaged_checkpoint_is_said_to_be_one(tmp_path: Path) -> None:
    spec = TrainSpec(arms=ARMS[:2], width=8, hold="channels", modules=1, epochs=1)
    trained(Trainer(spec, few(), tmp_path))
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(SpecError, match=r"the checkpoint of this run is damaged: .*; delete the run and train again"):
        Trainer(spec, few(), tmp_path)
