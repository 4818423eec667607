"""Training beside a plain loop of torch, maps while a run trains beside maps alone, and the page's default run."""

import json
import random
import time
from collections.abc import Iterator
from http.client import HTTPConnection

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from compute.datasets import Images, shipped
from compute.training import TrainSpec
from compute.trainrun import Trainer
from compute.trainrun.learner import order_of
from tests.benchmarks.maps import SAMPLE, _fetch
from tests.benchmarks.report import Table, percentile, ratio
from tests.benchmarks.serving import serving

TURNS, STEPS = 9, 10
ASKED = 40


class Plain(nn.Module):
    """The standard arm as anyone would write it."""

    def __init__(self, channels: int, modules: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.convs = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
            for _ in range(modules)
        )
        self.head = nn.Linear(channels, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem(x))
        for at, conv in enumerate(self.convs):
            x = F.max_pool2d(x, 2) if at else x
            x = torch.relu(conv(x) + x)
        return self.head(x.mean((2, 3)))


def measure(table: Table) -> None:
    _throughput(table)
    _beside_maps(table)
    _default_run(table)


def _throughput(table: Table) -> None:
    """Images a second of the standard arm, in turn with the loop in both memory formats."""
    images, spec = shipped(), TrainSpec()
    learner = Trainer(spec, images).learners[0]
    pixels, order = Trainer(spec, images).pixels, order_of(0, 0, 10_000)
    loops = {form: _loop(images, spec, form) for form in (torch.contiguous_format, torch.channels_last)}
    times: dict[str, list[float]] = {"ours": [], **{str(form): [] for form in loops}}
    for _ in range(TURNS):
        begin = time.perf_counter()
        for _ in range(STEPS):
            [*learner.learn(pixels, order)]
        times["ours"].append(time.perf_counter() - begin)
        for form, loop in loops.items():
            begin = time.perf_counter()
            for _ in range(STEPS):
                next(loop)
            times[str(form)].append(time.perf_counter() - begin)
    table.row("standard arm", f"{STEPS * spec.batch / percentile(times['ours'], 50):.0f} images/s")
    for form in loops:
        name = f"  beside a plain loop of torch, {str(form).removeprefix('torch.')}"
        table.row(name, f"{ratio(times[str(form)], times['ours']):.2f} times its throughput", "at least 0.9")


def _loop(images: Images, spec: TrainSpec, form: torch.memory_format) -> Iterator[float]:
    network = Plain(spec.width, spec.modules).to(memory_format=form)
    optimiser = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9, weight_decay=0.0005, nesterov=True)
    x, y = torch.from_numpy(images.standardised("train")), torch.from_numpy(images.y_train)
    while True:
        for chosen in torch.randperm(len(x)).split(spec.batch):
            optimiser.zero_grad()
            loss = F.cross_entropy(network(x[chosen].contiguous(memory_format=form)), y[chosen])
            loss.backward()
            optimiser.step()
            yield loss.item()


def _beside_maps(table: Table) -> None:
    """A new seed each time, at moments that nobody knows beforehand: before, while a run trains, and after."""
    with serving() as server:
        connection, chance = server.connection(), random.Random(0)
        alone = _asked(connection, chance, 0)
        run = _post(connection, "/api/trainings?epochs=50")["id"]
        beside = _asked(connection, chance, 1)
        _post(connection, f"/api/trainings/{run}/cancel")
        alone += _asked(connection, chance, 2)
    table.times("maps alone", alone)
    table.times("maps while a run trains", beside)
    table.row("  ratio of medians", f"{percentile(beside, 50) / percentile(alone, 50):.2f}", "at most 2")


def _asked(connection: HTTPConnection, chance: random.Random, turn: int) -> list[float]:
    times = []
    for number in range(ASKED):
        time.sleep(chance.uniform(0.1, 0.5))
        times.append(_fetch(connection, f"/api/feature-maps?image={SAMPLE}&tile=64&seed={1000 * turn + number}"))
    return times[3:]


def _default_run(table: Table) -> None:
    with serving() as server:
        connection = server.connection()
        estimate = _get(connection, "/api/trainings/plan")["estimate_seconds"]
        begin = time.perf_counter()
        run = _post(connection, "/api/trainings")["id"]
        while (record := _get(connection, f"/api/trainings/{run}"))["state"] in ("queued", "running"):
            time.sleep(0.5)
        taken = time.perf_counter() - begin
    training = sum(curves[0]["seconds"][-1] for curves in record["history"].values())
    told = ", ".join(f"{arm['label']} {100 * arm['accuracy_mean']:.1f} %" for arm in record["arms"])
    table.row("the page's default run", f"{taken:.0f} s (told beforehand: {estimate:.0f} s)", "at most 90")
    table.row("  of it in training steps", f"{training:.0f} s")
    table.row("  accuracies", told, "well above 10 %")


def _get(connection: HTTPConnection, path: str) -> dict:
    connection.request("GET", path)
    return json.loads(connection.getresponse().read())


def _post(connection: HTTPConnection, path: str) -> dict:
    connection.request("POST", path)
    body = connection.getresponse().read()
    return json.loads(body) if body else {}
