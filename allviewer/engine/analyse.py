"""Analyse one slide: survey once, then tile by tile segment, classify and store, telling each step as an event."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import ceil
from time import perf_counter

import numpy as np

from allviewer.engine.optics import overview, settle_pixel_size
from allviewer.engine.store import RunStore
from allviewer.engine.tiles import LONGEST_TILE, Tile, nearest_first, tiles
from allviewer.pixels.prepare import NONE, prepare
from allviewer.segment import segmenter as segmenter_named
from allviewer.segment.quality import judge_field
from allviewer.segment.survey import Survey, grounded
from allviewer.slides import Slide
from allviewer.systems import Model
from allviewer.systems.crops import classify
from allviewer.systems.stain import Stain, slide_stain
from allviewer.vocab.arrays import RGB, Ints
from allviewer.vocab.cells import CellTable
from allviewer.vocab.events import Cancelled, CellsClassified, CellsFound, Event, FieldJudged, Finished, Started
from allviewer.vocab.prediction import Prediction
from allviewer.vocab.quality import FieldQuality
from allviewer.vocab.recipe import Recipe
from allviewer.vocab.region import Region

IDS_PER_TILE = 100_000
"""Cell k of tile t has id ``t * IDS_PER_TILE + k``, so ids do not depend on the order tiles are done in."""

BATCH = 32
"""Cells classified between two events: small enough to show, cancel and repaint, large enough to be fast."""


def analyse(
    slide: Slide,
    *,
    model: Model | None,
    segmenter: str = "default",
    preprocessing: str = NONE,
    pixel_size_um: float | None = None,
    heat: bool = False,
    store: RunStore | None = None,
    first: Region | None = None,
    longest_tile: int = LONGEST_TILE,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Find and classify the cells of a slide.

    Parameters
    ----------
    slide : an open slide.
    model : classifies the cells; None finds and measures them only.
    segmenter : registered name; RecipeError for another.
    preprocessing : what the segmenter's pixels are put through, see `prepare.PREPARATIONS`; RecipeError for another.
        Outlines and measurements are then those of the prepared pixels. Pixel size, classification and heat keep the
        pixels as read: a model brings its own way to level a slide's stain (`systems.stain`).
    pixel_size_um : µm per pixel where a person knows it; else the file's, else estimated from red cells.
    heat : keep each class's raw Grad-CAM map of every cell.
    store : finished tiles are written there, and read from there instead of being done again; cells that another model
        classified under the same recipe are not looked for again either.
    first : tiles nearest to this region come first. It changes the order of events, never a cell or its id.
    longest_tile : pixels; smaller tiles take less memory and find the same cells.
    cancelled : looked at between tiles and between batches of cells.

    Yields
    ------
    Started, then for each tile CellsFound, FieldJudged and its CellsClassified batches, then Finished or Cancelled.
    """
    finder = segmenter_named(segmenter)
    clock = _Clock()
    with clock("survey"):
        pixel_size, um = settle_pixel_size(slide, pixel_size_um)
        view, scale = overview(slide)
        prepared = prepare(preprocessing, view)
        survey = finder.survey(prepared(view), um * scale)
        as_read = survey if preprocessing == NONE else finder.survey(view, um * scale)
        stain = slide_stain(grounded(view, as_read))
    recipe = Recipe(
        finder.name, finder.version, pixel_size.um, pixel_size.source,
        model.digest if model is not None else "", preprocessing,
    )  # fmt: skip
    cut = tiles(slide.shape, ceil(finder.halo_um / um), longest=longest_tile)
    found_by: list[str] = []
    if store is not None:
        store.begin(slide.digest, recipe, len(cut))
        found_by = [recipe.digest, *store.same_cells(slide.digest, recipe, len(cut))]
    yield Started(recipe, pixel_size, len(cut))

    for done, tile in enumerate(nearest_first(cut, first)):
        if cancelled():
            yield Cancelled(done, len(cut))
            return
        cells, prediction, quality = _stored(store, slide.digest, found_by, tile.index, heat)
        if cells is not None and quality is not None and (model is None or prediction is not None):
            yield CellsFound(tile.index, tile.core, cells)
            yield FieldJudged(tile.index, quality)
            if prediction is not None:
                yield CellsClassified(tile.index, cells.ids, prediction)
            continue
        whole = len(cut) == 1 and scale == 1.0
        with clock("read"):
            rgb = view if whole else slide.read(tile.view)
        if cells is None:
            with clock("segment"):
                found = finder.cells(prepared(rgb), um, survey)
                cells = _owned(found.shift(tile.view.y0, tile.view.x0), tile, slide.shape)
        yield CellsFound(tile.index, tile.core, cells)
        if quality is None:
            with clock("judge"):
                quality = _judged(rgb, tile, cells, um, as_read)
        yield FieldJudged(tile.index, quality)
        if model is not None:
            parts = []
            for ids, part in _classified(model, grounded(rgb, as_read), tile, cells, um, heat, stain, clock):
                parts.append(part)
                yield CellsClassified(tile.index, ids, part)
                if cancelled():
                    yield Cancelled(done, len(cut))
                    return
            prediction = Prediction.concat(parts)
        if store is not None:
            with clock("store"):
                store.save_tile(slide.digest, recipe.digest, tile.index, cells, prediction, quality)
    if store is not None:
        store.finish(slide.digest, recipe.digest, clock.seconds)
    yield Finished(recipe.digest, clock.seconds)


def _stored(
    store: RunStore | None, slide: str, runs: list[str], tile: int, heat: bool
) -> tuple[CellTable | None, Prediction | None, FieldQuality | None]:
    """What earlier runs left of a tile: the first of ``runs`` is this one, the others found the same cells.

    A prediction is taken from this run alone, and without the heat maps asked for it does not count.
    """
    run = next((run for run in runs if store is not None and store.has_tile(slide, run, tile)), None)
    if store is None or run is None:
        return None, None, None
    cells, prediction = store.load_tile(slide, run, tile)
    lacking = prediction is not None and heat and prediction.heat is None and prediction.classified.any()
    if run != runs[0] or lacking:
        prediction = None
    return cells, prediction, store.load_quality(slide, run, tile)


def _judged(rgb: RGB, tile: Tile, cells: CellTable, um: float, survey: Survey) -> FieldQuality:
    """The verdicts on a tile's core; ``cells`` in the slide's frame, ``rgb`` the tile's view as read."""
    core, view = tile.core, tile.view
    own = rgb[core.y0 - view.y0 : core.y1 - view.y0, core.x0 - view.x0 : core.x1 - view.x0]
    return judge_field(own, um, survey, cells.shift(-core.y0, -core.x0))


def _owned(cells: CellTable, tile: Tile, shape: tuple[int, int]) -> CellTable:
    """The cells whose centre lies in the tile's core, numbered, with the slide's own border marked."""
    mine = np.array([tile.owns(y, x) for y, x in cells.centroid], bool)
    own = cells.take(mine).renumber(tile.index * IDS_PER_TILE + 1)
    y0, x0, y1, x1 = own.bbox.T if len(own) else np.empty((4, 0), np.int32)
    at_edge = (y0 <= 1) | (x0 <= 1) | (y1 >= shape[0] - 1) | (x1 >= shape[1] - 1)
    return replace(own, touches_border=own.touches_border & at_edge)


def _classified(
    model: Model, rgb: RGB, tile: Tile, cells: CellTable, um: float, heat: bool, stain: Stain, clock: "_Clock"
) -> Iterator[tuple[Ints, Prediction]]:
    """Batches of predictions in the slide's frame; one empty batch where the tile has no cell."""
    origin = tile.view.y0, tile.view.x0
    for start in range(0, max(1, len(cells)), BATCH):
        batch = cells.take(np.arange(start, min(start + BATCH, len(cells))))
        with clock("classify"):
            part = classify(model, rgb, batch, um, heat=heat, stain=stain, origin=origin)
        yield batch.ids, part


class _Clock:
    """Wall seconds per stage: ``with clock("segment"): …`` adds to that stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stage, self._since = "", 0.0

    def __call__(self, stage: str) -> "_Clock":
        self._stage = stage
        return self

    def __enter__(self) -> None:
        self._since = perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + perf_counter() - self._since
