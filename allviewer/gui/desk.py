"""The desk: opened images, the one on screen, its analysis, the selected cell, every decision. No widget in it."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from psygnal import Signal

from allviewer.engine import RunStore
from allviewer.gui.analysis import Analysis, Found, Told
from allviewer.gui.fields import Failure, Field, Phase, failure_of
from allviewer.gui.looks import Filters
from allviewer.gui.models import ModelsInUse
from allviewer.gui.options import Options
from allviewer.gui.reading import is_synthetic, read_pixels
from allviewer.gui.whole_fields import WholeFields
from allviewer.records import Study
from allviewer.review import ReviewSession
from allviewer.slides import Slide, open_slide
from allviewer.systems import Model
from allviewer.systems.likeness import SlideLikeness, slide_likeness
from allviewer.vocab.arrays import Rows
from allviewer.vocab.errors import AllviewerError, AlteredModelError, ConflictError
from allviewer.vocab.events import CellsClassified, FieldJudged, Finished, Started
from allviewer.vocab.optics import PixelSize, PixelSizeSource
from allviewer.vocab.region import Region
from allviewer.vocab.taxonomy import ALL_HEM, Taxonomy


class Desk:
    """State and verbs of the window; views listen to its signals. Every method is called on the Qt thread.

    Parameters
    ----------
    options : see `options.Options`.
    study : open study.
    post : runs a call on the Qt thread, from any thread.
    """

    worklist = Signal()  # images were added or taken away
    shown = Signal(object)  # Field | None: another image is on screen
    progressed = Signal(object)  # Field: its phase or progress changed
    pixels_ready = Signal(object)  # Field: its pixels can be drawn
    restarted = Signal(object)  # Field: its cells are forgotten, new ones will come
    grown = Signal(object, object)  # Field, Patch: cells were added
    relooked = Signal(object, object)  # Field, rows | None for all: labels, predictions or filters changed
    selected = Signal(object)  # row | None
    failed = Signal(Failure)
    remarked = Signal(str)  # said in passing
    studied = Signal()  # another study is open

    def __init__(self, options: Options, study: Study, post: Callable[[Callable[[], object]], None]) -> None:
        self.options = options
        self.study = study
        self.fields: list[Field] = []
        self.current: Field | None = None
        self.row: int | None = None
        self.walking = False
        self.filters = Filters()
        self._classes: Taxonomy = ALL_HEM
        self.view: Callable[[], Region | None] = lambda: None
        self._post = post
        self._opener = ThreadPoolExecutor(1, thread_name_prefix="opening")
        self.models = ModelsInUse(
            options.model, options.field_model, options.device, options.accepted, lambda: self.study, self._opener, post
        )
        self.models.changed.connect(self._on_remodelled)
        self.models.failed.connect(self._tell)
        self.whole_fields = WholeFields(self.models, self._opener, post)
        self.whole_fields.failed.connect(self._tell)
        self.models.whole_changed.connect(lambda: self.whole_fields.ask(self.fields))
        self.models.begin()
        self._analysis: Analysis | None = None
        self._waiting: list[Field] = []

    # ------------------------------------------------------------------ images
    def open(self, paths: Sequence[Path]) -> None:
        """Put images on the worklist; each is read off the Qt thread, the first is shown."""
        for path in paths:
            known = next((f for f in self.fields if f.path == path and f.phase is not Phase.FAILED), None)
            if known is not None:
                self.show(known)
                continue
            field = Field(path, path.name, synthetic=is_synthetic(path))
            self.fields.append(field)
            self._read(field, partial(open_slide, path))
        self.worklist.emit()
        if self.current is None and self.fields:
            self.show(self.fields[0])

    def open_made(self, name: str, make: Callable[[], Slide]) -> None:
        """Put a picture on the worklist that is rendered here; ``make`` runs off the Qt thread."""
        known = next((f for f in self.fields if f.synthetic and f.name == name), None)
        if known is not None:
            self.show(known)
            return
        field = Field(Path(name), name, synthetic=True)
        self.fields.append(field)
        self._read(field, make)
        self.worklist.emit()
        self.show(field)

    def _read(self, field: Field, opening: Callable[[], Slide]) -> None:
        def work() -> tuple[Slide, object]:
            slide = opening()
            slide.digest  # noqa: B018  hashing a large file belongs to this thread
            return slide, read_pixels(slide)

        self._opener.submit(work).add_done_callback(lambda done: self._post(lambda: self._opened(field, done)))

    def _opened(self, field: Field, done: "Future[tuple[Slide, object]]") -> None:
        if field not in self.fields:
            return
        error = done.exception()
        if error is not None:
            field.phase, field.problem = Phase.FAILED, str(error)
            self._tell(f"{field.name} could not be opened", error)
            self.progressed.emit(field)
            return
        field.slide, field.pixels = done.result()
        field.name = field.slide.path.name if not field.synthetic else field.name
        field.pixel_size = field.slide.pixel_size
        field.phase = Phase.WAITING
        self.pixels_ready.emit(field)
        self.progressed.emit(field)
        self.whole_fields.ask([field])
        if self.options.autostart:
            self.analyse(field)

    def show(self, field: Field | None) -> None:
        """Bring an image on screen."""
        self.select(None)
        self.current = field
        self.shown.emit(field)

    def step_image(self, by: int) -> None:
        """The next or the previous image of the worklist, round its ends."""
        if self.current in self.fields:
            self.show(self.fields[(self.fields.index(self.current) + by) % len(self.fields)])

    def close(self, field: Field) -> None:
        """Take an image off the worklist; its decisions are in the study already."""
        at = self.fields.index(field)
        if self._analysis is not None and self._analysis.field is field:
            self._analysis.cancel()
        self.fields.remove(field)
        self._waiting = [f for f in self._waiting if f is not field]
        if self.current is field:
            self.show(self.fields[min(at, len(self.fields) - 1)] if self.fields else None)
        self.worklist.emit()

    # ------------------------------------------------------------------ analysis
    @property
    def analysing(self) -> Field | None:
        """The image being analysed."""
        return self._analysis.field if self._analysis is not None else None

    def analyse(self, field: Field, pixel_size_um: float | None = None) -> None:
        """Find and classify the cells of an image, after the running analysis; one of the same image is stopped."""
        if field.slide is None:
            return
        if pixel_size_um is not None:
            field.pixel_size = PixelSize(pixel_size_um, PixelSizeSource.GIVEN)
        if self._analysis is not None:
            if self._analysis.field is field:
                self._analysis.cancel()
            if field not in self._waiting:
                self._waiting.append(field)
            return
        given = field.pixel_size.um if field.pixel_size.source is PixelSizeSource.GIVEN else self.options.pixel_size_um
        field.phase, field.problem, field.tiles, field.done, field.seconds = Phase.ANALYSING, "", 0, 0, 0.0
        field.started = time.monotonic()
        first = self.view() if field is self.current else None
        store = RunStore(self.options.runs) if self.options.runs is not None else None
        how = self.options.segmenter, self.options.preprocessing
        self._analysis = Analysis(field, self.models.shelf, how, given, store, first, self._post, self.study)
        self._analysis.told.connect(self._on_told)
        self._analysis.ended.connect(self._on_ended)
        self._analysis.start()
        self.progressed.emit(field)

    def cancel(self) -> None:
        """Stop the running analysis after the tile in work; cells found so far stay."""
        if self._analysis is not None:
            self._analysis.cancel()

    def _on_told(self, field: Field, told: Told) -> None:
        if field not in self.fields:
            return
        match told:
            case Started():
                self._begin(field, told)
            case Found(cells=cells, patch=patch) if field.session is not None:
                field.session.add(cells)
                field.patches.append(patch)
                field.done += 1
                self.grown.emit(field, patch)
            case FieldJudged(quality=quality):
                field.judged.append(quality)
            case CellsClassified() if field.session is not None:
                field.session.classify(told.ids, told.prediction)
                if told.prediction.heat is not None and told.prediction.heat.size:
                    field.heat_top = max(field.heat_top, float(np.nanmax(told.prediction.heat)))
            case Finished():
                field.seconds = time.monotonic() - field.started
        self.progressed.emit(field)

    def _begin(self, field: Field, started: Started) -> None:
        assert field.slide is not None
        assert self._analysis is not None
        field.model = self._analysis.models.model
        self._classes = self._analysis.models.taxonomy(self._classes)
        field.tiles, field.pixel_size, field.recipe = started.tiles, started.pixel_size, started.recipe
        try:
            self.study.add_slide(
                field.slide.digest, field.name, field.slide.path, field.slide.shape, started.pixel_size.um
            )
            session = ReviewSession(self._classes, self.study, field.slide.digest, started.recipe.digest)
        except AllviewerError as error:
            self._tell(f"The decisions on {field.name} cannot be kept", error)
            self.cancel()
            return
        session.changed.connect(lambda rows: self.relooked.emit(field, rows))
        field.session, field.patches, field.judged, field.heat_top = session, [], [], 0.0
        if field is self.current:
            self.select(None)
        self.restarted.emit(field)

    def _on_remodelled(self) -> None:
        """Another model is in use: the image on screen first, then the others that were analysed; no decision moves."""
        others = [f for f in self.fields if f is not self.current and f.phase is not Phase.WAITING]
        for field in [self.current, *others]:
            if field is not None:
                self.analyse(field)

    def _on_ended(self, field: Field, error: BaseException | None) -> None:
        self._analysis = None
        if error is not None:
            field.phase, field.problem = Phase.FAILED, str(error)
            if isinstance(error, AlteredModelError):
                self.models.doubted.emit(error, self.models.shelf.chosen or error.name)
            else:
                self._tell(f"{field.name} could not be analysed", error)
        else:
            field.phase = Phase.DONE if field.seconds else Phase.CANCELLED
        self.progressed.emit(field)
        if self._waiting:
            self.analyse(self._waiting.pop(0))

    # ------------------------------------------------------------------ cells
    @property
    def taxonomy(self) -> Taxonomy:
        """The classes of the image on screen: those of the model that classified it."""
        return self.session.taxonomy if self.session is not None else self._classes

    @property
    def session(self) -> ReviewSession | None:
        """The review of the image on screen, once its analysis has begun."""
        return self.current.session if self.current is not None else None

    @property
    def has_cells(self) -> bool:
        """Whether there is a cell to look at."""
        return self.session is not None and len(self.session) > 0

    @property
    def has_heat(self) -> bool:
        """Whether there are heat maps to look at."""
        prediction = self.session.prediction if self.session is not None else None
        return prediction is not None and prediction.heat is not None

    @property
    def can_undo(self) -> bool:
        """Whether a decision on this image can be taken back."""
        return self.session is not None and self.session.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether an undo on this image can be taken back."""
        return self.session is not None and self.session.can_redo

    def select(self, row: int | None, *, walking: bool = False) -> None:
        """Select one cell of the image on screen, or none."""
        self.row, self.walking = row, walking
        if self.session is not None:
            self.session.selected = row
        self.selected.emit(row)

    def step_uncertain(self, direction: int) -> bool:
        """Select the next (1) or previous (-1) uncertain cell; False where there is none."""
        if self.session is None:
            return False
        row = self.session.next_uncertain(self.row, direction)
        if row is None:
            self.remarked.emit("Every cell here is reviewed.")
            return False
        self.select(row, walking=True)
        return True

    def relabel(self, key: str) -> None:
        """Review the selected cell as a class, as unsure or as not a cell."""
        if self.session is not None and self.row is not None:
            row = np.array([self.row])
            self._act(lambda session: session.relabel(row, key), go_on=self.walking)

    def accept(self) -> None:
        """Confirm the label shown of the selected cell, and go on to the next uncertain one."""
        if self.session is not None and self.row is not None:
            row = np.array([self.row])
            self._act(lambda session: session.accept(row), go_on=True)

    def undo(self) -> None:
        """Take the last decision on this image back."""
        self._act(lambda session: self._back_to(session.undo()), go_on=False)

    def redo(self) -> None:
        """Make the decision again that was taken back."""
        self._act(lambda session: self._back_to(session.redo()), go_on=False)

    def _back_to(self, rows: Rows) -> None:
        """Look at what an undo or a redo changed."""
        if len(rows):
            self.row = int(rows[0])
            self.walking = True

    def _act(self, act: Callable[[ReviewSession], object], *, go_on: bool) -> None:
        session = self.session
        if session is None:
            return
        try:
            act(session)
        except ConflictError as error:
            self._tell("The label was not changed", error)
            return
        except AllviewerError as error:
            self._tell("The decision could not be saved", error)
            return
        if not (go_on and self.step_uncertain(1)):
            self.selected.emit(self.row)

    # ------------------------------------------------------------------ settings
    def set_filters(self, **changes: object) -> None:
        """Show other cells."""
        self.filters = replace(self.filters, **changes)  # type: ignore[arg-type]
        if self.current is not None:
            self.relooked.emit(self.current, None)

    def open_study(self, path: Path) -> None:
        """Keep decisions in another file from now on; opened images begin anew with what it holds."""
        try:
            study = Study.open(path)
        except AllviewerError as error:
            self._tell("The study could not be opened", error)
            return
        self.study.close()
        self.study = study
        self.studied.emit()
        for field in self.fields:
            field.session = None
            field.patches = []
            self.restarted.emit(field)
            self.analyse(field)

    def shut(self) -> None:
        """The window closes: stop work, give the files back."""
        self._waiting = []
        self.cancel()
        self._opener.shutdown(wait=False, cancel_futures=True)
        if self._analysis is not None:
            self._analysis.join(10.0)
        self.study.close()

    @property
    def likeness(self) -> SlideLikeness | None:
        """How the cells on screen stand to their model's training cells; None where nothing can be said."""
        model = self.current.model if self.current is not None else None
        if model is None or self.session is None or self.session.prediction is None:
            return None
        return slide_likeness(model.card, self.session.prediction)

    @property
    def model(self) -> Model | None:
        """The model that classified the image on screen; None where none did."""
        return self.current.model if self.current is not None else None

    def _tell(self, title: str, error: BaseException) -> None:
        self.failed.emit(failure_of(title, error))
