"""Images on the device, as bytes; standardised a batch at a time, so that memory stays small."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from compute.training import DataShape

if TYPE_CHECKING:
    from compute.datasets import Images


class Pixels:
    """A data set on the device: images (N, C, H, W) uint8, labels (N,) int64."""

    def __init__(self, images: "Images", device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        self._train, self._test = (torch.from_numpy(x).to(device) for x in (images.x_train, images.x_test))
        self._train_labels, self.labels = (torch.from_numpy(y).to(device) for y in (images.y_train, images.y_test))
        mean, std = (torch.tensor(v, dtype=dtype, device=device)[:, None, None] for v in (images.mean(), images.std()))
        self._scale, self._shift = 1 / (255 * std), -mean / std
        self.shape = shape_of(images)

    def train(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Images (n, C, H, W), standardised, and labels (n,)."""
        chosen = chosen.to(self._train.device)
        return self._standardised(self._train[chosen]), self._train_labels[chosen]

    def test(self, start: int, stop: int) -> Tensor:
        return self._standardised(self._test[start:stop])

    def _standardised(self, images: Tensor) -> Tensor:
        return images.to(self._scale.dtype).mul_(self._scale).add_(self._shift)


def shape_of(images: "Images") -> DataShape:
    facts = images.facts
    return DataShape(facts.channels, facts.side[0], len(facts.classes), facts.train, facts.test)
