"""What a classifier system is to the rest of the house."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from numpy.typing import NDArray

from allviewer.systems.bundle import Arrays
from allviewer.systems.card import SystemCard
from allviewer.vocab.arrays import RGB, Floats

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """What a network says before calibration.

    Attributes
    ----------
    logits : (n, C) float32.
    embedding : (n, d) float32, what the last layer sees.
    heat : (n, C, h, w) float32 raw Grad-CAM of each class's logit, >= 0, or None where not asked for.
    """

    logits: Floats
    embedding: Floats
    heat: Floats | None


@dataclass(frozen=True, slots=True)
class Defaults:
    """A system's own way of training: the paper's optimiser, schedule and augmentation.

    Attributes
    ----------
    optimiser : ``rmsprop`` or ``adam``.
    loss : ``bce`` (a sigmoid an output) or ``ce`` (softmax).
    augmentation : name of a recipe of `allviewer.learning.augment`.
    epochs, paper_epochs : what is run unless told otherwise, and what the paper ran.
    departures : where this differs from the paper, for the card.
    """

    paper: str
    optimiser: str
    learning_rate: float
    loss: str
    batch: int
    epochs: int
    paper_epochs: int
    input_px: int
    crop_um: float
    white: float | None
    nucleus: tuple[float, float] | None
    unit: str
    augmentation: str
    departures: tuple[str, ...] = ()


class System(Protocol):
    """A classifier system: arrays and a card in, logits and heat out.

    Registered by entry point in the group ``allviewer.systems``.
    """

    key: ClassVar[str]
    defaults: ClassVar[Defaults]
    card: SystemCard
    device: str

    @classmethod
    def from_arrays(cls, card: SystemCard, arrays: Arrays, device: str = "auto") -> Self:
        """Make ready to predict; ModelError where arrays and card do not fit each other."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything to save."""
        ...

    def run(self, crops: RGB, *, heat: bool = False) -> Raw:
        """Logits, embedding and, on request, heat of crops (n, S, S, 3) uint8."""
        ...

    @classmethod
    def network(cls, classes: int, seed: int) -> "nn.Module":
        """A fresh network to train: (n, 3, S, S) float32 in 0..255 → (n, C) logits."""
        ...

    @classmethod
    def arrays_of(cls, network: "nn.Module") -> dict[str, NDArray[Any]]:
        """What `from_arrays` takes, from a network that `network` made."""
        ...
