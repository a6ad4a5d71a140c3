"""What one call of `train` works on."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from allviewer.learning.samples import Samples
from allviewer.learning.splits import Split
from allviewer.systems.system import System
from allviewer.systems.training import Option
from allviewer.vocab.arrays import RGB
from allviewer.vocab.errors import DataError


@dataclass(frozen=True, eq=False)
class Job:
    """A system, its cells and how it is to be trained.

    Attributes
    ----------
    split : how it is judged; None: not at all.
    options : the system's own, defaults filled in.
    patience : epochs without gain on cells kept aside before a stage stops; None: no cells are kept aside.
    folder : where checkpoints lie until the model is written.
    patches, crops : of every sample, see `patches.cut_patches`; may lie on disk.
    note : for readers of the card's figures.
    """

    system: type[System]
    samples: Samples
    split: Split | None
    epochs: int
    learning_rate: float
    seed: int
    device: str
    folder: Path
    patches: RGB
    crops: RGB
    options: Mapping[str, str]
    patience: int | None = None
    note: str = ""

    @cached_property
    def digest(self) -> str:
        """Knows the same job again, so that no checkpoint of another one is gone on from."""
        own = (self.system.key, self.system.defaults, self.epochs, self.learning_rate, self.seed, self.device)
        text = repr((own, sorted(self.options.items()), self.patience, self.samples.digest))
        total = hashlib.sha256(text.encode())
        for row in self.patches:
            total.update(row.tobytes())
        return total.hexdigest()


def checked_options(system: type[System], given: Mapping[str, str]) -> dict[str, str]:
    """A system's options with defaults filled in.

    Raises
    ------
    DataError : the system has no such option, or it does not take this value.
    """
    known: Mapping[str, Option] = system.options
    for name, value in given.items():
        if name not in known:
            raise DataError(
                f"{system.key} has no option '{name}'", expected=", ".join(sorted(known)) or "none: it has no options"
            )
        choices = known[name].choices
        if choices and value not in choices:
            raise DataError(f"{system.key} does not take {name}={value}", expected=", ".join(choices))
    return {name: given.get(name, option.default) for name, option in known.items()}
