"""The training loop: seeded, resumable at every epoch, weights averaged over the last stretch."""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from allviewer.learning.augment import RECIPES, augment
from allviewer.learning.checkpoint import Arrays, read_checkpoint, write_checkpoint
from allviewer.learning.events import EpochDone
from allviewer.systems.system import System
from allviewer.vocab.arrays import RGB


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides a fit beside its data.

    Attributes
    ----------
    draws : cells an epoch draws; as many as there are where None.
    precision : ``fp32`` or ``bf16`` (automatic mixed precision; weights and their updates stay float32).
    warmup : share of the steps over which the rate rises; then it falls as a cosine.
    averaging : decay a step of the moving average of weights that is kept.
    smoothing : of the labels.
    """

    epochs: int
    batch: int
    learning_rate: float
    optimiser: str
    loss: str
    augmentation: str
    seed: int
    device: str
    draws: int | None = None
    precision: str = "fp32"
    warmup: float = 0.05
    averaging: float = 0.99
    smoothing: float = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Training material: patches (n, P, P, 3) uint8, labels (n,), drawing weights (n,) summing to one."""

    patches: RGB
    labels: NDArray[np.int64]
    weights: NDArray[np.float64]
    white: float


def drawing_weights(labels: NDArray[np.int64], groups: NDArray[np.str_]) -> NDArray[np.float64]:
    """Every class weighs the same; inside it a group weighs the root of its size, so that no session rules."""
    weights: NDArray[np.float64] = np.zeros(len(labels))
    for c in np.unique(labels):
        rows = np.flatnonzero(labels == c)
        _, at, counts = np.unique(groups[rows], return_inverse=True, return_counts=True)
        weights[rows] = (1 / np.sqrt(counts))[at] / np.sqrt(counts).sum()
    weights /= weights.sum()
    return weights


class Fit:
    """One network being trained. Make it, run `epochs`, then take `network`."""

    def __init__(self, system: type[System], classes: int, input_px: int, cells: Cells, plan: Plan) -> None:
        self.plan, self._cells, self._classes, self._size = plan, cells, classes, input_px
        self.network = system.network(classes, plan.seed).to(plan.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._average = {k: v.detach().clone() for k, v in self.network.state_dict().items() if v.is_floating_point()}
        kinds: dict[str, Callable[..., torch.optim.Optimizer]] = {
            "rmsprop": torch.optim.RMSprop,
            "adam": torch.optim.Adam,
        }
        self._optimiser = kinds[plan.optimiser](self.network.parameters(), lr=plan.learning_rate)
        self._done = 0
        self.seconds = 0.0
        self._steps = max(1, -(-(plan.draws or len(cells.labels)) // plan.batch))

    def epochs(self, part: str, checkpoint: Path | None = None, resume: bool = True) -> Iterator[EpochDone]:
        """Train to the end, one event an epoch; a checkpoint is written after each."""
        if checkpoint is not None and resume:
            self._restore(checkpoint)
        while self._done < self.plan.epochs:
            begin = time.perf_counter()
            loss, right = self._epoch(self._done)
            self._done += 1
            took = time.perf_counter() - begin
            self.seconds += took
            if checkpoint is not None:
                facts = {"done": self._done, "plan": self.identity(), "seconds": self.seconds}
                write_checkpoint(checkpoint, self._state(), facts)
            yield EpochDone(part, self._done, self.plan.epochs, loss, right, took)
        self._take_average()

    def identity(self) -> str:
        """Digest of plan and data: a checkpoint of another fit is not continued."""
        text = hashlib.sha256(repr(sorted(asdict(self.plan).items())).encode())
        text.update(self._cells.patches.tobytes())
        text.update(self._cells.labels.tobytes())
        return text.hexdigest()

    def _epoch(self, epoch: int) -> tuple[float, float]:
        """One pass, mean loss and share right."""
        plan = self.plan
        # Everything random in an epoch follows from (seed, epoch), so resuming equals never having stopped.
        rng = np.random.default_rng([plan.seed, epoch])
        torch.manual_seed(plan.seed * 1_000_003 + epoch)
        draws = rng.choice(len(self._cells.labels), size=self._steps * plan.batch, p=self._cells.weights)
        self.network.train()
        losses, right = 0.0, 0
        for step, rows in enumerate(np.array_split(draws, self._steps)):
            loss, hits = self._step(epoch * self._steps + step, rows, rng)
            losses, right = losses + loss, right + hits
        return losses / self._steps, right / len(draws)

    def _step(self, number: int, rows: NDArray[np.int64], rng: np.random.Generator) -> tuple[float, int]:
        plan, cells = self.plan, self._cells
        recipe = RECIPES[plan.augmentation]
        views = np.stack([augment(cells.patches[i], self._size, recipe, rng, cells.white) for i in rows])
        pixels = torch.from_numpy(views).to(plan.device).permute(0, 3, 1, 2).float()
        labels = torch.from_numpy(cells.labels[rows]).to(plan.device)
        for group in self._optimiser.param_groups:
            group["lr"] = plan.learning_rate * self._pace(number)
        with torch.autocast(torch.device(plan.device).type, torch.bfloat16, enabled=plan.precision == "bf16"):
            logits = self.network(pixels)
        loss = self._loss(logits.float(), labels)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        self._follow(number)
        return float(loss.detach()), int((logits.argmax(1) == labels).sum())

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        smoothing = self.plan.smoothing
        if self.plan.loss == "ce":
            return nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)
        target = nn.functional.one_hot(labels, self._classes).float() * (1 - smoothing) + smoothing / 2
        return nn.functional.binary_cross_entropy_with_logits(logits, target)

    def _pace(self, number: int) -> float:
        """Factor on the learning rate: a short rise, then a cosine down to 2 %."""
        total = self.plan.epochs * self._steps
        rise = max(1, int(total * self.plan.warmup))
        if number < rise:
            return (number + 1) / rise
        return 0.02 + 0.98 * 0.5 * (1 + float(np.cos(np.pi * (number - rise) / max(1, total - rise))))

    @torch.no_grad()
    def _follow(self, number: int) -> None:
        """Move the average of weights and running statistics towards the present ones."""
        keep = min(self.plan.averaging, (1 + number) / (10 + number))
        for name, value in self.network.state_dict().items():
            if name in self._average:
                self._average[name].lerp_(value, 1 - keep)

    def _take_average(self) -> None:
        self.network.load_state_dict(self._average, strict=False)
        self.network.eval()

    def _state(self) -> Arrays:
        arrays: Arrays = {f"now/{k}": _numpy(v) for k, v in self.network.state_dict().items()}
        arrays |= {f"average/{k}": _numpy(v) for k, v in self._average.items()}
        for number, state in self._optimiser.state_dict()["state"].items():
            arrays |= {f"optimiser/{number}/{k}": _numpy(v) for k, v in state.items() if isinstance(v, Tensor)}
        return arrays

    def _restore(self, checkpoint: Path) -> None:
        found = read_checkpoint(checkpoint)
        if found is None or found[1].get("plan") != self.identity():
            return
        arrays, facts = found
        tensors = {name: torch.from_numpy(a.copy()).to(self.plan.device) for name, a in arrays.items()}
        self.network.load_state_dict({k.removeprefix("now/"): v for k, v in tensors.items() if k.startswith("now/")})
        self._average = {k.removeprefix("average/"): v for k, v in tensors.items() if k.startswith("average/")}
        whole = self._optimiser.state_dict()
        state: dict[int, dict[str, Any]] = {}
        for name, value in tensors.items():
            if name.startswith("optimiser/"):
                _, number, key = name.split("/")
                state.setdefault(int(number), {})[key] = value
        self._optimiser.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
        self._done, self.seconds = int(facts["done"]), float(facts["seconds"])


def _numpy(value: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = value.detach().cpu().numpy().copy()
    return array


def best_precision(device: str) -> str:
    """``bf16`` where the processor multiplies it natively, else ``fp32``."""
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    native = device == "cpu" and getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return "bf16" if native else "fp32"
