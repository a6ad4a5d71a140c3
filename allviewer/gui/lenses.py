"""Other ways to look at the place on screen, one at a time: stain normalised, or a step of the segmentation."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from typing import TypeVar

from PySide6.QtCore import QTimer

from allviewer.gui.canvas import SlideView
from allviewer.gui.desk import Desk
from allviewer.gui.fields import Field, failure_of
from allviewer.gui.lens_pictures import (
    WHOLE,
    Picture,
    Route,
    Step,
    area,
    normalised,
    slide_appearance,
    slide_route,
    steps,
)
from allviewer.gui.panels.stain_bar import NAMES, StainBar
from allviewer.gui.panels.steps import StepsPanel
from allviewer.gui.threads import step_behind
from allviewer.pixels.normalise import Appearance
from allviewer.segment.pixel_size import ASSUMED_UM
from allviewer.vocab.recipe import Recipe
from allviewer.vocab.region import Region

SETTLE_MS = 60
"""Milliseconds the camera stands still before what it shows is worked out."""


T = TypeVar("T")


class Lens(StrEnum):
    """What can be looked through."""

    STAIN = "stain"
    STEPS = "steps"


class Lenses:
    """Works pictures out off the Qt thread and shows the latest answer; older ones are dropped.

    Attributes
    ----------
    on : the lens in use, or None.
    row : which step is shown.
    """

    def __init__(
        self, desk: Desk, view: SlideView, stain: StainBar, panel: StepsPanel,
        post: Callable[[Callable[[], object]], None],
    ) -> None:  # fmt: skip
        self.on: Lens | None = None
        self.row = 0
        self._desk, self._view, self._stain, self._panel, self._post = desk, view, stain, panel, post
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="lens", initializer=step_behind)
        self._asked = 0
        self._pending: Future[object] | None = None
        self._shown: tuple[Field, str, Region, float] | None = None
        self._steps: tuple[Step, ...] = ()
        # measured once a slide; only the worker's one thread reads and writes them
        self._appearance: tuple[Field, Appearance] | None = None
        self._route: tuple[Field, Recipe, Route] | None = None
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._timer.timeout.connect(self.look)
        view.moved.connect(self._soon)
        stain.method.currentIndexChanged.connect(lambda _: self.look())
        panel.chosen.connect(self.choose)

    # ------------------------------------------------------------------ verbs
    def toggle(self, lens: Lens) -> None:
        """Look through a lens, or stop."""
        self.use(None if self.on is lens else lens)

    def use(self, lens: Lens | None) -> None:
        """Look through a lens, or through none."""
        self.on = lens
        self._forget()
        self.look()

    def next_method(self) -> None:
        """Normalise the stain by the other method."""
        if self.on is Lens.STAIN:
            self._stain.choose_next()
        else:
            self.use(Lens.STAIN)

    def walk(self, by: int) -> None:
        """Show the next or the previous step, round the ends; the first time, the one shown last."""
        if self.on is not Lens.STEPS:
            self.use(Lens.STEPS)
        elif self._steps:
            self.choose((self.row + by) % len(self._steps))

    def choose(self, row: int) -> None:
        """Show one step."""
        self.row = row
        if self._steps:
            step = self._steps[row]
            self._panel.explain(row)
            self._view.lens.show(step.picture.rgba, step.picture.region, f"Step: {step.title}")

    def restart(self) -> None:
        """Another image, pixel size or study: what was worked out is of no use any more."""
        self._forget()
        self.look()

    def shut(self) -> None:
        """The window closes."""
        self._timer.stop()
        self.on = None
        self._asked += 1
        self._worker.shutdown(wait=False, cancel_futures=True)

    # ------------------------------------------------------------------ looking
    def _forget(self) -> None:
        self._asked += 1
        self._shown, self._steps = None, ()
        self._view.lens.clear()
        self._panel.forget()

    def _soon(self) -> None:
        if self.on is not None:
            self._timer.start()

    def look(self) -> None:
        """Work out what the lens in use shows of the place on screen, where that is not on screen already."""
        field, view = self._desk.current, self._view.region()
        ready = field is not None and field.slide is not None and view is not None and not view.empty
        self._stain.setVisible(ready and self.on is Lens.STAIN)
        self._panel.setVisible(ready and self.on is Lens.STEPS)
        if not ready or field is None or view is None or self.on is None:
            return
        if self.on is Lens.STAIN:
            self._stain.appear()
            self._look_at_stain(field, view)
        else:
            self._panel.wait()
            if field.recipe is not None:  # its pixel size is settled
                self._look_at_steps(field, field.recipe, view)

    def _look_at_stain(self, field: Field, view: Region) -> None:
        slide, method = field.slide, self._stain.chosen
        assert slide is not None
        if slide.shape[0] * slide.shape[1] <= WHOLE:
            region, step = Region(0, 0, *slide.shape), 1.0
        else:
            region = view.grow(max(view.height, view.width) // 4).clip(*slide.shape)
            step = max(1.0, 1 / self._view.zoom)
        if self._covered(field, method, view, step):
            return

        def work() -> Picture:
            if self._appearance is None or self._appearance[0] is not field:
                self._appearance = field, slide_appearance(slide)
            return normalised(slide, method, self._appearance[1], region, step)

        def show(picture: Picture) -> None:
            self._shown = field, method, region, step
            self._view.lens.show(picture.rgba, picture.region, f"Stain normalised: {NAMES[method]}")

        self._ask(work, show)

    def _look_at_steps(self, field: Field, recipe: Recipe, view: Region) -> None:
        slide, um = field.slide, recipe.pixel_size_um or ASSUMED_UM
        assert slide is not None
        core = area(view, um, slide.shape)
        if self._covered(field, Lens.STEPS, core, 1.0):
            return

        def work() -> tuple[Step, ...]:
            if self._route is None or self._route[:2] != (field, recipe):
                self._route = field, recipe, slide_route(slide, recipe.segmenter, recipe.preprocessing, um)
            return steps(slide, self._route[2], core)

        def show(made: tuple[Step, ...]) -> None:
            self._shown, self._steps = (field, Lens.STEPS, core, 1.0), made
            self.row = min(self.row, max(0, len(made) - 1))
            self._panel.show_steps(recipe.segmenter, made, self.row)
            self.choose(self.row)

        self._ask(work, show)

    def _covered(self, field: Field, what: str, wanted: Region, step: float) -> bool:
        """Whether what is shown will do: the same thing, as fine, and most of the place."""
        if self._shown is None or self._shown[0] is not field or self._shown[1] != what:
            return False
        there, fine = self._shown[2], self._shown[3]
        rows = min(there.y1, wanted.y1) - max(there.y0, wanted.y0)
        columns = min(there.x1, wanted.x1) - max(there.x0, wanted.x0)
        most = 0.75 if what == Lens.STEPS else 1.0
        held = max(0, rows) * max(0, columns)
        return fine <= 1.5 * step and held >= most * wanted.height * wanted.width

    def _ask(self, work: Callable[[], T], show: Callable[[T], None]) -> None:
        """Run ``work`` on the worker and ``show`` its answer here, unless something else was asked meanwhile."""
        self._asked += 1
        asked = self._asked
        if self._pending is not None:
            self._pending.cancel()

        def answer(done: Future[T]) -> None:
            if not done.cancelled():
                self._post(lambda: tell(done))

        def tell(done: Future[T]) -> None:
            error = done.exception()
            if asked != self._asked:
                return
            if error is not None:
                self._desk.failed.emit(failure_of("This view could not be worked out", error))
            else:
                show(done.result())

        future = self._worker.submit(work)
        self._pending = future  # type: ignore[assignment]
        future.add_done_callback(answer)
