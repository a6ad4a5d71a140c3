"""One running analysis: its events cross from the engine's thread to the Qt thread, in order and a little at a time."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from psygnal import Signal

from allviewer.engine import RunStore, ThreadRunner, analyse
from allviewer.engine.runner import Status
from allviewer.gui.fields import Field
from allviewer.gui.models import Gate, ModelShelf
from allviewer.gui.outline_geometry import Patch, pack
from allviewer.gui.threads import step_behind
from allviewer.vocab.cells import CellTable
from allviewer.vocab.events import Cancelled, CellsClassified, CellsFound, Event, FieldJudged, Finished, Started
from allviewer.vocab.region import Region

SLICE_S = 0.008
"""Seconds of the Qt thread taken at a time; the rest waits for the next turn, after painting and keys."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Cells of one tile, and their outlines packed for drawing."""

    cells: CellTable
    patch: Patch


Told = Started | Found | FieldJudged | CellsClassified | Finished | Cancelled


class Analysis:
    """Runs `engine.analyse` on one image, ``how`` naming its segmenter and its preprocessing.

    ``gate`` admits the model. ``told(field, event)`` and ``ended(field, error)`` are emitted on the Qt thread.
    """

    told = Signal(object, object)
    ended = Signal(object, object)

    def __init__(
        self,
        field: Field,
        models: ModelShelf,
        how: tuple[str, str],
        pixel_size_um: float | None,
        store: RunStore | None,
        first: Region | None,
        post: Callable[[Callable[[], object]], None],
        gate: Gate,
    ) -> None:
        assert field.slide is not None
        slide = field.slide
        segmenter, preprocessing = how
        self.field, self.models = field, models
        self._post = post
        self._queue: deque[Told] = deque()
        self._rows = 0
        self._over = False
        self._asked = False

        def work(cancelled: Callable[[], bool]) -> Iterator[Event]:
            step_behind()
            yield from analyse(
                slide, model=models.load(gate), segmenter=segmenter, preprocessing=preprocessing,
                pixel_size_um=pixel_size_um, heat=True, store=store, first=first, cancelled=cancelled,
            )  # fmt: skip

        self._runner = ThreadRunner(work)
        self._runner.event.connect(self._on_event)
        self._runner.ended.connect(self._on_end)

    def start(self) -> None:
        """Begin."""
        self._runner.start()

    def cancel(self) -> None:
        """Stop after the tile in work."""
        self._runner.cancel()

    def join(self, timeout: float) -> None:
        """Wait for the worker to stop, at most so many seconds; an error it ended with was told already."""
        end = time.monotonic() + timeout
        while self._runner.status is Status.RUNNING and time.monotonic() < end:
            time.sleep(0.02)

    # on the engine's thread
    def _on_event(self, event: Event) -> None:
        if isinstance(event, CellsFound):
            told: Told = Found(event.cells, pack(event.cells, self._rows))
            self._rows += len(event.cells)
        else:
            told = event
        self._queue.append(told)
        self._ask()

    def _on_end(self, _: Status) -> None:
        self._over = True
        self._asked = False
        self._ask()

    def _ask(self) -> None:
        if not self._asked:
            self._asked = True
            self._post(self._drain)

    # on the Qt thread
    def _drain(self) -> None:
        self._asked = False
        until = time.perf_counter() + SLICE_S
        while self._queue:
            self.told.emit(self.field, self._queue.popleft())
            if time.perf_counter() > until:
                break
        if self._queue:
            self._ask()
        elif self._over:
            self._over = False
            self.ended.emit(self.field, self._runner.error)
