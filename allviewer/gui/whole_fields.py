"""Asking a model of whole fields about opened images, off the Qt thread."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from psygnal import Signal

from allviewer.engine.optics import overview
from allviewer.gui.fields import Field
from allviewer.gui.models import ModelsInUse
from allviewer.slides import Slide
from allviewer.systems import Model
from allviewer.systems.fields import FieldSuggestion, suggest_for_field


class WholeFields:
    """Keeps every opened image's suggestion that of the model in use for whole fields; no cell has a part in it.

    Parameters
    ----------
    models : tells the model.
    worker : takes the work.
    post : runs a call on the Qt thread, from any thread.
    """

    said = Signal(Field)  # its suggestion changed
    failed = Signal(str, object)  # title, error

    def __init__(
        self, models: ModelsInUse, worker: ThreadPoolExecutor, post: Callable[[Callable[[], object]], None]
    ) -> None:
        self._models, self._worker, self._post = models, worker, post

    def ask(self, fields: Iterable[Field]) -> None:
        """Ask about some images; what was said of them before goes."""
        shelf = self._models.whole
        for field in fields:
            field.suggestion = None
            self.said.emit(field)
            if shelf is not None and shelf.model is not None and field.slide is not None:
                self._submit(field, shelf.model, field.slide)

    def _submit(self, field: Field, model: Model, slide: Slide) -> None:
        done = self._worker.submit(_suggest, model, slide)
        done.add_done_callback(lambda d: self._post(lambda: self._have(field, model, d)))

    def _have(self, field: Field, model: Model, done: "Future[FieldSuggestion]") -> None:
        now = self._models.whole
        if now is None or now.model is not model:  # another was chosen meanwhile
            return
        error = done.exception()
        if error is not None:
            self.failed.emit(f"{field.name} could not be judged as a whole", error)
            return
        field.suggestion = done.result()
        self.said.emit(field)


def _suggest(model: Model, slide: Slide) -> FieldSuggestion:
    return suggest_for_field(model, overview(slide)[0])
