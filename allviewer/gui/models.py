"""The models a window uses, one for cells and one for whole fields: loaded once, off the Qt thread, and admitted."""

import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from psygnal import Signal

from allviewer.vocab.errors import AlteredModelError, ModelError
from allviewer.vocab.taxonomy import ALL_HEM, Taxonomy

if TYPE_CHECKING:
    from allviewer.systems import Model

NO_MODEL = "none"
"""What the status line says where cells are found and measured only."""


class Gate(Protocol):
    """Remembers which files models were: the study."""

    def known_models(self, name: str) -> list[str]:
        """Digests of the files that a model's name stood for."""
        ...

    def admit_model(self, name: str, digest: str, *, accepted: bool = False) -> None:
        """Note a model; AlteredModelError where its name stands for another file."""
        ...


class ModelShelf:
    """Loads one choice at its first use; another choice is another shelf.

    Parameters
    ----------
    name : name or file of the model; None classifies nothing. ``device`` : auto, cpu, cuda or mps.
    accepted : names, or digests, of models that a person uses although another file was recorded.

    Attributes
    ----------
    chosen : as it was asked for.
    name : what a person reads.
    model : the model, once loaded.
    """

    def __init__(self, name: str | None, device: str, accepted: Collection[str] = ()) -> None:
        self.chosen, self._device, self._accepted = name, device, frozenset(accepted)
        self.name = NO_MODEL if name is None else name
        self.model: Model | None = None
        self._lock = threading.Lock()

    def load(self, gate: Gate) -> "Model | None":
        """The model, or None where none is wanted.

        Takes a second the first time: call it from a worker. ModelError where it cannot be used; AlteredModelError
        where it is not the file that the program came with or ``gate`` knows, and nobody accepted it.
        """
        if self.chosen is None:
            return None
        from allviewer.systems import load_model
        from allviewer.systems.model import locate_model

        with self._lock:
            if self.model is None:
                known = gate.known_models(locate_model(self.chosen).stem)
                self.model = load_model(self.chosen, self._device, self._accepted.union(known))
                self.name = self.model.name
            model = self.model
        gate.admit_model(model.name, model.digest, accepted=bool({model.name, model.digest} & self._accepted))
        return model

    def taxonomy(self, otherwise: Taxonomy = ALL_HEM) -> Taxonomy:
        """The loaded model's classes; ``otherwise`` where there is none."""
        if self.model is None:
            return otherwise
        return self.model.card.shown_taxonomy

    def is_file(self, path: Path) -> bool:
        """Whether this choice, made by name or by file, is this file."""
        from allviewer.systems.model import locate_model

        if self.chosen is None:
            return False
        try:
            return locate_model(self.chosen).absolute() == path.absolute()
        except ModelError:
            return False


class ModelsInUse:
    """The model that cells are classified with, the one that whole fields are judged with, and how they are changed.

    A model is loaded before it takes the place of the one in use: where it cannot be, nothing changes.

    Parameters
    ----------
    cells, whole : what is chosen at the start, by name or file, or None.
    device, accepted : see `ModelShelf`.
    gate : gives the study of the moment.
    loader : loads off the Qt thread.
    post : runs a call on the Qt thread, from any thread.

    Attributes
    ----------
    shelf : the choice for cells now; ``whole`` : the one for whole fields, None where there is none.
    """

    changed = Signal()  # another model for cells is in use
    whole_changed = Signal()  # another model for whole fields is in use, or none
    failed = Signal(str, object)  # title, error: the one asked for is not
    doubted = Signal(AlteredModelError, str)  # its file is another one; and the choice to repeat once it is accepted

    def __init__(
        self, cells: str | None, whole: str | None, device: str, accepted: Collection[str], gate: Callable[[], Gate],
        loader: ThreadPoolExecutor, post: Callable[[Callable[[], object]], None],
    ) -> None:  # fmt: skip
        self._device, self._accepted, self._gate = device, set(accepted), gate
        self._loader, self._post = loader, post
        self.shelf = self._asked = ModelShelf(cells, device, accepted)
        self.whole: ModelShelf | None = None
        self._begin_with = whole
        self._whole_asked: ModelShelf | None = None

    @property
    def name(self) -> str:
        """What a person reads of the model for cells."""
        return self.shelf.name

    def begin(self) -> None:
        """Load what judges whole fields, where it was asked for; the model for cells is loaded when cells are there."""
        if self._begin_with is not None:
            self.choose(self._begin_with)
            self._whole_asked = self._asked

    def choose(self, chosen: str | None) -> None:
        """Use another model, by name or file, for what its card says it judges; None finds and measures only."""
        shelf = self._asked = ModelShelf(chosen, self._device, self._accepted)
        done = self._loader.submit(shelf.load, self._gate())
        done.add_done_callback(lambda d: self._post(lambda: self._have(shelf, d)))

    def accept(self, digest: str, chosen: str) -> None:
        """A person uses a file although another one was recorded under its name; the study notes who."""
        self._accepted.add(digest)
        self.choose(chosen)

    def _have(self, shelf: ModelShelf, done: "Future[Model | None]") -> None:
        if shelf is not self._asked:  # another was chosen meanwhile
            return
        error = done.exception()
        if isinstance(error, AlteredModelError) and shelf.chosen is not None:
            self.doubted.emit(error, shelf.chosen)
        elif error is not None:
            self.failed.emit("The model was not changed", error)
        elif shelf is self._whole_asked and shelf.model is not None and shelf.model.card.unit != "field":
            error = ModelError(f"the model '{shelf.name}' judges single cells", todo="Give it as --model instead.")
            self.failed.emit("No image is judged as a whole", error)
        elif shelf.model is not None and shelf.model.card.unit == "field":
            self.whole = shelf
            self.whole_changed.emit()
        else:
            self.shelf = shelf
            if shelf.chosen is None and self.whole is not None:
                self.whole = None
                self.whole_changed.emit()
            self.changed.emit()

    def is_used(self, path: Path) -> bool:
        """Whether a file is one of the models in use."""
        return self.shelf.is_file(path) or (self.whole is not None and self.whole.is_file(path))
