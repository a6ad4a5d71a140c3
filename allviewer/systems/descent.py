"""Gradient descent over drawn batches: seeded, resumable at every epoch, weights averaged over the last stretch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from allviewer.systems.bundle import Arrays
from allviewer.systems.training import Pass, Studio
from allviewer.vocab.arrays import Rows

if TYPE_CHECKING:
    from allviewer.systems.system import Defaults

Batch = Callable[[Rows, np.random.Generator], tuple[Tensor, Tensor]]
"""Drawn rows → (what the network takes, what it should answer: class numbers int64, or anything the loss takes)."""
Loss = Callable[[Tensor, Tensor], Tensor]
"""(The network's answer in float32, what it should be) → a scalar."""

M = TypeVar("M", bound=nn.Module)

_OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How a descent goes.

    Attributes
    ----------
    draws : cells an epoch draws.
    precision : ``fp32`` or ``bf16`` (automatic mixed precision; weights and their updates stay float32).
    schedule : ``cosine`` (rises over ``warmup`` of the steps, then falls to 2 %), ``constant``, or ``drop`` (times
        ``factor`` every ``drop_every`` epochs).
    averaging : decay a step of the moving average of weights that is kept; 0 keeps the last weights.
    weight_decay : as the optimiser understands it (coupled L2, but for ``adamw``).
    patience : epochs without gain of the measure before it stops, the best weights kept; None: never.
    """

    epochs: int
    batch: int
    learning_rate: float
    optimiser: str
    seed: int
    device: str
    draws: int
    precision: str = "fp32"
    schedule: str = "cosine"
    warmup: float = 0.05
    factor: float = 0.1
    drop_every: int = 10
    averaging: float = 0.99
    weight_decay: float = 0.0
    patience: int | None = None


def plan_for(studio: Studio, own: "Defaults", **changes: Any) -> Plan:
    """The plan that a system's defaults and what the user asked for make, with a stage's own changes."""
    settings: dict[str, Any] = {
        "epochs": studio.epochs, "batch": own.batch, "learning_rate": studio.learning_rate,
        "optimiser": own.optimiser, "seed": studio.seed, "device": studio.device, "draws": studio.draws,
        "precision": studio.precision, "patience": studio.patience,
    }  # fmt: skip
    return Plan(**(settings | changes))


class Descent:
    """A stage of training: one network, one loss. Make it, run it, then take ``network`` by `settled`.

    Parameters
    ----------
    network : what is trained; of its parameters those that require a gradient.
    batch, loss : see `Batch` and `Loss`.
    weights : (n,) chance of each row to be drawn.
    measure : of the network on cells kept aside, higher is better; None without.
    """

    def __init__(
        self,
        network: nn.Module,
        batch: Batch,
        loss: Loss,
        weights: NDArray[np.float64],
        plan: Plan,
        measure: Callable[[nn.Module], float] | None = None,
    ) -> None:
        self.network, self.plan = network.to(plan.device), plan
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._batch, self._loss, self._weights, self._measure = batch, loss, weights, measure
        self._average = self._floats()
        learning = [p for p in network.parameters() if p.requires_grad]
        more = {"weight_decay": plan.weight_decay} if plan.weight_decay else {}
        self._optimiser = _OPTIMISERS[plan.optimiser](learning, lr=plan.learning_rate, **more)
        self._steps = max(1, -(-plan.draws // plan.batch))
        self._best: dict[str, Tensor] = {}
        self._best_measure, self._since = -np.inf, 0

    @property
    def finished(self) -> bool:
        """The measure has not risen for as long as the plan has patience."""
        return self.plan.patience is not None and self._since >= self.plan.patience

    def epoch(self, number: int) -> Pass:
        """One pass over drawn cells; accuracy where the targets are class numbers."""
        plan = self.plan
        # Everything random in an epoch follows from (seed, epoch), so resuming equals never having stopped.
        rng = np.random.default_rng([plan.seed, number])
        torch.manual_seed(plan.seed * 1_000_003 + number)
        draws = rng.choice(len(self._weights), size=self._steps * plan.batch, p=self._weights)
        self.network.train()
        losses = 0.0
        right: int | None = 0
        for step, rows in enumerate(np.array_split(draws, self._steps)):
            loss, hits = self._step(number * self._steps + step, rows, rng)
            losses += loss
            right = None if right is None or hits is None else right + hits
        return Pass(losses / self._steps, None if right is None else right / len(draws), self._measured())

    def settled(self) -> nn.Module:
        """The network with the weights to keep, ready to predict."""
        kept = self._best or (self._average if self.plan.averaging else {})
        self.network.load_state_dict(kept, strict=False)
        return self.network.eval()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Weights, averages, the optimiser's state, and the best so far."""
        arrays = {f"now/{k}": _numpy(v) for k, v in self.network.state_dict().items()}
        arrays |= {f"average/{k}": _numpy(v) for k, v in self._average.items()}
        arrays |= {f"best/{k}": _numpy(v) for k, v in self._best.items()}
        arrays["watch"] = np.array([self._best_measure, self._since], np.float64)
        for number, state in self._optimiser.state_dict()["state"].items():
            arrays |= {f"optimiser/{number}/{k}": _numpy(v) for k, v in state.items() if isinstance(v, Tensor)}
        return arrays

    def restore(self, arrays: Arrays) -> None:
        """Go on from what `arrays` gave."""
        tensors = {name: torch.from_numpy(a.copy()).to(self.plan.device) for name, a in arrays.items()}

        def part(name: str) -> dict[str, Tensor]:
            return {k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)}

        self.network.load_state_dict(part("now/"))
        self._average, self._best = part("average/"), part("best/")
        self._best_measure, self._since = float(arrays["watch"][0]), int(arrays["watch"][1])
        state: dict[int, dict[str, Any]] = {}
        for name, value in part("optimiser/").items():
            number, key = name.split("/")
            state.setdefault(int(number), {})[key] = value
        groups = self._optimiser.state_dict()["param_groups"]
        self._optimiser.load_state_dict({"state": state, "param_groups": groups})

    def _step(self, number: int, rows: Rows, rng: np.random.Generator) -> tuple[float, int | None]:
        plan = self.plan
        inputs, target = (t.to(plan.device) for t in self._batch(rows, rng))
        for group in self._optimiser.param_groups:
            group["lr"] = plan.learning_rate * self._pace(number)
        with torch.autocast(torch.device(plan.device).type, torch.bfloat16, enabled=plan.precision == "bf16"):
            answer = self.network(inputs)
        answer = answer.float()
        loss = self._loss(answer, target)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        self._follow(number)
        hits = (answer.argmax(1) == target).sum() if target.dtype == torch.int64 else None
        return float(loss.detach()), None if hits is None else int(hits)

    def _pace(self, number: int) -> float:
        """Factor on the learning rate at a step."""
        plan = self.plan
        if plan.schedule == "drop":
            return plan.factor ** (number // self._steps // plan.drop_every)
        if plan.schedule == "constant":
            return 1.0
        total = plan.epochs * self._steps
        rise = max(1, int(total * plan.warmup))
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

    def _measured(self) -> float | None:
        """Measure the weights that would be kept, and keep them if they are the best so far."""
        if self._measure is None:
            return None
        now, trained = self._floats(), self.network.training
        if self.plan.averaging:
            self.network.load_state_dict(self._average, strict=False)
        value = self._measure(self.network.eval())
        if value > self._best_measure:
            self._best_measure, self._since, self._best = value, 0, self._floats()
        else:
            self._since += 1
        self.network.load_state_dict(now, strict=False)
        self.network.train(trained)
        return value

    def _floats(self) -> dict[str, Tensor]:
        return {k: v.detach().clone() for k, v in self.network.state_dict().items() if v.is_floating_point()}


def cell_views(studio: Studio) -> Batch:
    """Batches of augmented views (k, 3, S, S) float32 in 0..255, and class numbers."""
    labels = torch.from_numpy(studio.labels)

    def batch(rows: Rows, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        pixels = torch.from_numpy(studio.views(rows, rng)).permute(0, 3, 1, 2)
        return pixels.float(), labels[torch.from_numpy(rows)]

    return batch


def class_loss(kind: str, smoothing: float = 0.05) -> Loss:
    """``ce``: softmax cross-entropy; ``bce``: binary cross-entropy on a sigmoid a class; labels smoothed."""
    if kind == "ce":
        return lambda logits, labels: nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)

    def binary(logits: Tensor, labels: Tensor) -> Tensor:
        target = nn.functional.one_hot(labels, logits.shape[1]).float() * (1 - smoothing) + smoothing / 2
        return nn.functional.binary_cross_entropy_with_logits(logits, target)

    return binary


def drawn(make: Callable[[], M], seed: int) -> M:
    """A network with Glorot-uniform convolutions and dense layers, from a seed; torch's own generator stays."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = make()
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
    return network


def arrays_of(network: nn.Module) -> dict[str, NDArray[Any]]:
    """A network's weights and running statistics, float32, by name."""
    kept = network.state_dict()
    return {name: kept[name].detach().float().cpu().numpy().copy() for name in kept if "num_batches" not in name}


def best_precision(device: str) -> str:
    """``bf16`` where the processor multiplies it natively, else ``fp32``."""
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    native = device == "cpu" and getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return "bf16" if native else "fp32"


def _numpy(value: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = value.detach().cpu().numpy().copy()
    return array
