"""The pictures of a prepared dataset, as a net is trained on them and as it is validated on them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms.v2 import Compose, RandomHorizontalFlip, RandomResizedCrop

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.dataset.augment.augmentation import Ranges, augmented
from ferstream.training.dataset.prepare.jpeg_store import load
from ferstream.training.dataset.prepare.manifest import Prepared
from ferstream.training.study.records.config import Config
from ferstream.workers.faces.crop import square_crop

Draw = tuple[int, int, int]  # row of the dataset, number of the copy, and the seed of what is drawn for it
Item = tuple[Tensor, Tensor, int]  # pixels (3, side, side) uint8, distribution (8,), label


class Training(Dataset[Item]):
    """Samples to train on, each drawn anew every time.

    A copy is made as `dataset augment` makes it; then come a random crop (Szegedy et al. 2015, https://arxiv.org/abs/1409.4842)
    and a flip.
    """

    def __init__(self, prepared: Prepared, config: Config) -> None:
        self._paths, self._labels, self._digests = prepared.paths, prepared.labels, prepared.column("sha256")
        self._targets = targets_of(prepared, config)
        self._seed = config.seed
        crop = RandomResizedCrop(config.input_size, (config.crop_least, 1.0), antialias=True)
        self._cropped = Compose([crop, RandomHorizontalFlip(0.5 if config.flip else 0.0)])

    def __getitem__(self, draw: Draw) -> Item:
        row, copy, seed = draw
        pixels = load(self._paths[row])
        if copy:
            pixels = augmented(pixels, self._digests[row], copy, self._seed, Ranges())
        picture = torch.from_numpy(pixels).permute(2, 0, 1)
        # torchvision draws from torch's global generator: its state is put back, as this may be the process that trains.
        # torch.manual_seed would see to GPUs too, which takes as long as the picture.
        state = torch.get_rng_state()
        torch.default_generator.manual_seed(seed)
        picture = self._cropped(picture)
        torch.set_rng_state(state)
        return picture, torch.from_numpy(self._targets[row]), int(self._labels[row])


class Validation(Dataset[Item]):
    """Samples to validate on, cut as a worker cuts a face."""

    def __init__(self, prepared: Prepared, config: Config) -> None:
        self._paths, self._labels, self._side = prepared.paths, prepared.labels, config.input_size
        self._targets = targets_of(prepared, config)

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, row: int) -> Item:
        pixels = load(self._paths[row])
        whole = np.array([0, 0, pixels.shape[1], pixels.shape[0]], np.float32)
        crop = torch.from_numpy(square_crop(pixels, whole, self._side, 0.0)).permute(2, 0, 1)
        return crop, torch.from_numpy(self._targets[row]), int(self._labels[row])


def targets_of(prepared: Prepared, config: Config) -> NDArray[np.float32]:
    """What the net should answer (n, 8): the votes where there are some and they are asked for, else the one emotion."""
    return prepared.distributions() if config.soft_labels else np.eye(len(EMOTIONS), dtype=np.float32)[prepared.labels]


def class_weights(labels: NDArray[np.int64]) -> Tensor:
    """What each emotion weighs (8,), so that all weigh the same together and a sample one on average."""
    counts = np.bincount(labels, minlength=len(EMOTIONS))
    weights = np.where(counts > 0, len(labels) / np.maximum(1, counts) / np.count_nonzero(counts), 0)
    return torch.from_numpy(weights.astype(np.float32))
