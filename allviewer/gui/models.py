"""The model in use, loaded once and off the Qt thread."""

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allviewer.systems import Model


class ModelShelf:
    """Loads the chosen model at its first use.

    Parameters
    ----------
    name : name or file of the model; ``device`` : auto, cpu, cuda or mps.
    """

    def __init__(self, name: str, device: str) -> None:
        self.name, self._device = name, device
        self.model: Model | None = None
        self._lock = threading.Lock()

    def load(self) -> "Model":
        """The model. ModelError where it cannot be used. Takes a second the first time: call it from a worker."""
        from allviewer.systems import load_model

        with self._lock:
            if self.model is None:
                self.model = load_model(self.name, self._device)
                self.name = self.model.name
        return self.model
