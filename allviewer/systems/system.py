"""What a classifier system is to the rest of the house."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

from numpy.typing import NDArray

from allviewer.systems.bundle import Arrays
from allviewer.systems.card import SystemCard
from allviewer.systems.training import Fitted, Option, Progress, Studio
from allviewer.vocab.arrays import RGB, Floats


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
    crop_um, white, nucleus : what a crop shows and how its slide is levelled, see `systems.card.SystemCard`.
    optimiser : ``rmsprop``, ``adam`` or ``adamw``.
    augmentation : name of a recipe of `allviewer.learning.augment`.
    epochs, paper_epochs : what is run unless told otherwise, and what the paper ran.
    departures : where this differs from the paper, for the card.
    explains : what its heat explains, where that is not the very score that it predicts by.
    """

    paper: str
    optimiser: str
    learning_rate: float
    batch: int
    epochs: int
    paper_epochs: int
    input_px: int
    crop_um: float = 22.0
    white: float | None = 245.0
    nucleus: tuple[float, float] | None = (0.8, 1.6)
    unit: str = "cell"
    augmentation: str = "stain"
    departures: tuple[str, ...] = ()
    explains: str = ""


class System(Protocol):
    """A classifier system: arrays and a card in, logits and heat out.

    Registered by entry point in the group ``allviewer.systems``.
    """

    key: ClassVar[str]
    defaults: ClassVar[Defaults]
    options: ClassVar[Mapping[str, Option]]
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
    def fit(cls, studio: Studio) -> Progress[Fitted]:
        """Train on the studio's cells; answers what `from_arrays` takes."""
        ...
