"""Trains the arms of a TrainSpec beside each other: each step of one is followed by the same step of the next, on the
same images, so that their curves grow together. It stops wherever its caller does, and goes on from what was saved."""

import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from compute.errors import SpecError
from compute.training import TrainSpec, arms_of, mean_interval, verdict
from compute.trainrun.export import export
from compute.trainrun.learner import Diverged, Learner, order_of
from compute.trainrun.looks import IMAGES, look, start_of
from compute.trainrun.pixels import Pixels
from compute.trainrun.saved import load, save, save_probe

if TYPE_CHECKING:
    from compute.datasets import Images

__all__ = ["Diverged", "Trainer"]

SLICE_SECONDS = 0.01  # until the caller is asked whether somebody else wants the device
SAVE_SECONDS = 20.0
TOLD_SECONDS = 0.5  # from one snapshot of the curves to the next
TEST_BATCH = 250
Event = dict[str, Any]


class Trainer:
    """One run. folder: where checkpoints go, and where an earlier one is gone on from; None: nothing is kept.

    `steps()` yields events {"stage", "done", "total", "seconds_left", "seed", "arms": [...]}, now and then with a
    "snapshot" of curves and looks, and returns the last snapshot. Raises SpecError (Diverged, CannotKeep among them).
    """

    def __init__(
        self,
        spec: TrainSpec,
        images: "Images",
        folder: Path | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.spec, self._facts, self._folder = spec, images.facts, folder
        self._device, self._dtype = torch.device(device), dtype
        self.pixels = Pixels(images, self._device, dtype)
        self._mean, self._std = images.mean(), images.std()
        self.data = self.pixels.shape
        self.arms = arms_of(spec, self.data)
        self._evaluated = set(spec.evaluated(self.data))
        self._seed_at = 0
        self._past: dict[str, list[dict[str, Any]]] = {arm.name: [] for arm in self.arms}
        self._results: dict[str, list[dict[str, Any]]] = {arm.name: [] for arm in self.arms}
        self._discordant: list[tuple[str, str, int, int]] = []  # of the first seed
        self._looks: dict[str, Any] = {}
        self._looked = 0
        self._test_seconds, self._tests = 0.0, 0
        self._order: tuple[int, int, Tensor] | None = None
        self._saved_at = self._told_at = time.monotonic()
        self.learners = self._begin()
        if folder is not None and (found := load(folder)):
            self._restore(*found)

    def steps(self) -> Generator[Event, None, Event]:
        """Train. Closing it saves what there is; a network that has diverged is not worth it, and the checkpoint before
        stays."""
        try:
            while self._seed_at < self.spec.seeds:
                yield from self._one_seed()
                self._finish_seed()
                self._save()
        except GeneratorExit:
            self._save()
            raise
        return self.snapshot()

    def _one_seed(self) -> Iterator[Event]:
        began = time.monotonic()
        while True:
            learner = min(self.learners, key=lambda one: one.step)
            if learner is self.learners[0] and self._due(self.learners[-1]):  # all stand at the same step
                yield from self._evaluate()
                began = time.monotonic()
            if learner.step == learner.steps:
                return
            with closing(learner.learn(self.pixels, self._order_at(learner.step))) as halves:
                for _ in halves:
                    if time.monotonic() - began >= SLICE_SECONDS:
                        yield self._event(f"training {learner.arm.label}")
                        began = time.monotonic()
            if time.monotonic() - self._saved_at >= SAVE_SECONDS:
                self._save()
            if time.monotonic() - began >= SLICE_SECONDS:
                yield self._event(f"training {learner.arm.label}")
                began = time.monotonic()

    def _due(self, learner: Learner) -> bool:
        """Whether it is to look at the test images before its next step."""
        last = learner.evaluations[-1]["step"] if learner.evaluations else -1
        return learner.step in self._evaluated and last < learner.step

    def _evaluate(self) -> Iterator[Event]:
        for learner in self.learners:
            if learner.evaluations and learner.evaluations[-1]["step"] == learner.step:
                continue  # stopped in the middle of this, the last time
            began, waited = time.perf_counter(), 0.0
            guesses, losses = [], 0.0
            for start in range(0, self.data.test, TEST_BATCH):
                answer = learner.guesses(self.pixels.test(start, start + TEST_BATCH))
                labels = self.pixels.labels[start : start + TEST_BATCH]
                losses += F.cross_entropy(answer, labels, reduction="sum").item()
                guesses.append(answer.argmax(1))
                asked = time.perf_counter()
                yield self._event(f"testing {learner.arm.label}")
                waited += time.perf_counter() - asked
            right = torch.cat(guesses) == self.pixels.labels
            self._look(learner)
            self._test_seconds += time.perf_counter() - began - waited
            self._tests += 1
            learner.evaluations.append(
                {
                    "step": learner.step,
                    "accuracy": int(right.sum()) / self.data.test,
                    "loss": losses / self.data.test,
                    "seconds": learner.seconds,
                    "macs": learner.macs,
                }
            )
            if learner.step == learner.steps:
                self._note_result(learner, torch.cat(guesses))
        self._looked += 1
        self._save()
        yield {**self._event("saved"), "snapshot": self.snapshot()}

    def _look(self, learner: Learner) -> None:
        facts, tensors = look(learner.network, self.pixels.test(0, IMAGES))
        name = learner.arm.name
        start = self._looks[name]["start"] if learner.step else start_of(facts)
        self._looks[name] = {"arm": name, "step": learner.step, "seed": learner.seed, "start": start, **facts}
        if self._folder is not None:
            save_probe(self._folder, name, tensors, self._looks[name])

    def _note_result(self, learner: Learner, guessed: Tensor) -> None:
        """confusion: rows are the true classes, columns the guessed ones."""
        classes = self.data.classes
        labels = self.pixels.labels
        confusion = torch.bincount(labels * classes + guessed, minlength=classes * classes).view(classes, classes)
        last = learner.evaluations[-1]
        self._results[learner.arm.name].append(
            {
                "seed": learner.seed,
                "accuracy": last["accuracy"],
                "loss": last["loss"],
                "confusion": confusion.tolist(),
                "right": [int(at) for at in (guessed == labels).nonzero().flatten()],
            }
        )

    def _finish_seed(self) -> None:
        """Files to look through, and the next seed's networks."""
        if self._seed_at == 0:
            rights = {name: set(results[0]["right"]) for name, results in self._results.items()}
            names = list(rights)
            self._discordant = [
                (a, b, len(rights[a] - rights[b]), len(rights[b] - rights[a]))
                for i, a in enumerate(names)
                for b in names[i + 1 :]
            ]
        for learner in self.learners:
            result = self._results[learner.arm.name][-1]
            result.pop("right")
            if self._folder is not None:
                export(self._folder, learner, result, self.spec, self._facts, (self._mean, self._std))
            self._past[learner.arm.name].append(learner.history())
        self._seed_at += 1
        if self._seed_at < self.spec.seeds:
            self.learners = self._begin()

    def _begin(self) -> list[Learner]:
        seed = self.spec.seed + self._seed_at
        return [Learner(arm, seed, self.spec, self.data, self._device, self._dtype) for arm in self.arms]

    def _order_at(self, step: int) -> Tensor:
        epoch, seed = step // self.spec.steps_per_epoch(self.data), self.spec.seed + self._seed_at
        if self._order is None or self._order[:2] != (seed, epoch):
            self._order = seed, epoch, order_of(seed, epoch, self.data.train)
        return self._order[2]

    # What is told

    @property
    def total(self) -> int:
        """Steps of all arms and seeds."""
        return self.spec.seeds * len(self.arms) * self.learners[0].steps

    @property
    def done(self) -> int:
        current = sum(learner.step for learner in self.learners) if self._seed_at < self.spec.seeds else 0
        return self._seed_at * len(self.arms) * self.learners[0].steps + current

    def _event(self, stage: str) -> Event:
        learner = self.learners[0]
        epoch = min(learner.step // self.spec.steps_per_epoch(self.data) + 1, self.spec.epochs)
        seed = f"seed {min(self._seed_at + 1, self.spec.seeds)} of {self.spec.seeds}, " if self.spec.seeds > 1 else ""
        event = {
            "stage": f"{seed}epoch {epoch} of {self.spec.epochs}: {stage}",
            "done": self.done,
            "total": self.total,
            "seconds_left": self._seconds_left(),
            "seed": learner.seed,
            "arms": [self._arm_event(one) for one in self.learners],
        }
        if time.monotonic() - self._told_at >= TOLD_SECONDS:
            event["snapshot"] = self.snapshot()
        return event

    def _arm_event(self, learner: Learner) -> dict[str, Any]:
        last = learner.evaluations[-1] if learner.evaluations else None
        return {
            "arm": learner.arm.name,
            "label": learner.arm.label,
            "loss": learner.loss if learner.step else None,
            "accuracy": last and last["accuracy"],
            "step": learner.step,
            "seconds": learner.seconds,
        }

    def _seconds_left(self) -> float:
        """From the pace so far."""
        training = 0.0
        for learner in self.learners:
            past = self._past[learner.arm.name]
            seconds = learner.seconds + sum(history["seconds"][-1] for history in past)
            steps = learner.step + len(past) * learner.steps
            ahead = (self.spec.seeds - self._seed_at) * learner.steps - learner.step
            training += ahead * seconds / steps if steps else 0.0
        tests = len(self._evaluated) * self.spec.seeds * len(self.arms) - self._tests
        return training + max(0, tests) * self._test_seconds / max(1, self._tests)

    def snapshot(self) -> dict[str, Any]:
        """{"history": {arm: [a seed's curves, ...]}, "looks": [...], "arms": {arm: results}, "verdict"}."""
        self._told_at = time.monotonic()
        current = self._seed_at < self.spec.seeds
        history = {
            learner.arm.name: [*self._past[learner.arm.name], *([learner.history()] if current else [])]
            for learner in self.learners
        }
        return {
            "done": self.done,
            "total": self.total,
            "history": history,
            "looks": list(self._looks.values()),
            "looks_version": self._looked,
            "arms": {name: self._told(results) for name, results in self._results.items()},
            "verdict": self._verdict(),
        }

    def _told(self, results: list[dict[str, Any]]) -> dict[str, Any]:
        seeds = [{name: value for name, value in one.items() if name != "right"} for one in results]
        if not seeds:
            return {"seeds": [], "accuracy_mean": None, "accuracy_low": None, "accuracy_high": None}
        mean, low, high = mean_interval([one["accuracy"] for one in seeds])
        return {"seeds": seeds, "accuracy_mean": mean, "accuracy_low": low, "accuracy_high": high}

    def _verdict(self) -> dict[str, Any] | None:
        """Of the seeds that have ended."""
        if not self._seed_at:
            return None
        accuracies = {
            name: [one["accuracy"] for one in results[: self._seed_at]] for name, results in self._results.items()
        }
        return verdict(accuracies, {(a, b): (m, n) for a, b, m, n in self._discordant}, self.data.test)

    # What is kept

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        if self._folder is None:
            return
        tensors = {
            f"{learner.arm.name}/{name}": tensor
            for learner in self.learners
            for name, tensor in learner.tensors().items()
        }
        state = {
            "digest": self._facts.digest,
            "seed_at": self._seed_at,
            "learners": {learner.arm.name: learner.state() for learner in self.learners},
            "past": self._past,
            "results": self._results,
            "discordant": self._discordant,
            "looks": self._looks,
            "looked": self._looked,
            "tests": [self._test_seconds, self._tests],
        }
        save(self._folder, tensors, state)

    def _restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        if state["digest"] != self._facts.digest:
            hint = "train anew, or give it the images it began with"
            raise SpecError("the images are not those that this run began with", "data", hint)
        self._seed_at = state["seed_at"]
        self._past, self._results, self._looks = state["past"], state["results"], state["looks"]
        self._discordant = [tuple(one) for one in state["discordant"]]
        self._looked = state["looked"]
        self._test_seconds, self._tests = state["tests"]
        if self._seed_at < self.spec.seeds:
            self.learners = self._begin()
        for learner in self.learners:
            prefix = f"{learner.arm.name}/"
            mine = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
            learner.restore(mine, state["learners"][learner.arm.name])
