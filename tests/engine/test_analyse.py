"""The whole headless path on a rendered field: order of events, tiling, cancel, resume."""

import sys

import numpy as np
import pytest
from PIL import Image

from allviewer.engine import RunStore, analyse
from allviewer.segment.outlines import draw
from allviewer.slides import open_slide
from allviewer.synth import render_field
from allviewer.systems import load_model
from allviewer.vocab.cells import CellTable
from allviewer.vocab.errors import RecipeError
from allviewer.vocab.events import Cancelled, CellsClassified, CellsFound, FieldJudged, Finished, Started
from allviewer.vocab.optics import PixelSizeSource
from allviewer.vocab.prediction import Prediction
from allviewer.vocab.region import Region


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    field = render_field(1200, 1600, seed=11, um_per_px=0.1, white_cells=14)
    path = tmp_path_factory.mktemp("slide") / "field.png"
    Image.fromarray(field.rgb).save(path)
    return open_slide(path)


@pytest.fixture(scope="module")
def model():
    return load_model("alnet-1", "cpu")


def run(slide, **settings):
    events = list(analyse(slide, pixel_size_um=0.1, **settings))
    cells = CellTable.concat([e.cells for e in events if isinstance(e, CellsFound)])
    parts = [e.prediction for e in events if isinstance(e, CellsClassified)]
    return events, cells, Prediction.concat(parts) if parts else None


@pytest.fixture(scope="module")
def whole(slide, model):
    return run(slide, model=model, heat=True)


SMALL = {"longest_tile": 600}


def test_events_come_in_order_and_name_their_cells(whole, slide):
    events, cells, prediction = whole
    assert isinstance(events[0], Started)
    assert events[0].pixel_size.source is PixelSizeSource.GIVEN
    assert isinstance(events[-1], Finished)
    assert events[-1].run == events[0].recipe.digest
    assert {"survey", "segment", "classify"} <= set(events[-1].seconds)
    assert len(cells) >= 12
    assert len(set(cells.ids.tolist())) == len(cells)
    assert np.concatenate([e.ids for e in events if isinstance(e, CellsClassified)]).tolist() == cells.ids.tolist()
    assert prediction.heat.shape[:2] == (len(cells), 2)
    inside = (cells.centroid >= cells.bbox[:, :2]) & (cells.centroid < cells.bbox[:, 2:])
    assert inside.all()


def test_another_model_does_not_look_for_the_cells_again(slide, whole, model, tmp_path):
    store = RunStore(tmp_path)
    first, cells, _ = run(slide, model=None, store=store, **SMALL)
    assert "segment" in first[-1].seconds
    events, again, prediction = run(slide, model=model, store=store, heat=True, **SMALL)
    assert "segment" not in events[-1].seconds
    assert "judge" not in events[-1].seconds
    assert np.array_equal(again.ids, cells.ids)
    assert np.array_equal(again.cell.points, cells.cell.points)
    order, other = (np.lexsort(t.centroid.T) for t in (again, whole[1]))
    expected = whole[2].probabilities[other]
    assert np.allclose(prediction.probabilities[order], expected, atol=1e-3, equal_nan=True)
    kept = run(slide, model=None, store=store, **SMALL)[2]
    assert kept is None  # the run without a model stays one


@pytest.mark.parametrize("longest", [450, 600, 777])
def test_tiles_find_the_very_cells_that_the_whole_field_has(slide, whole, longest):
    _, cells, _ = run(slide, model=None, longest_tile=longest)
    a, b = (t.take(np.lexsort(t.centroid.T)) for t in (cells, whole[1]))
    assert np.allclose(a.centroid, b.centroid, rtol=0, atol=1e-3)
    assert np.array_equal(a.bbox, b.bbox)
    # The same pixels. A vertex may differ: the last bits of float32 filters depend on where a tile begins, and
    # thinning an outline drops one of two equally good vertices by them.
    for part in ("cell", "nucleus"):
        one, other = (draw(getattr(t, part), slide.shape) for t in (a, b))
        assert np.mean(one[other > 0] == other[other > 0]) > 0.9999
        assert np.mean(other[one > 0] == one[one > 0]) > 0.9999
    assert np.array_equal(a.touches_border, b.touches_border)


def test_tiles_are_classified_as_the_whole_field_is(slide, model, whole):
    _, cells, said = run(slide, model=model, **SMALL)
    a, b = np.lexsort(cells.centroid.T), np.lexsort(whole[1].centroid.T)
    assert np.allclose(said.probabilities[a], whole[2].probabilities[b], atol=1e-3)
    assert np.allclose(said.boxes[a], whole[2].boxes[b], atol=1e-2)


def test_what_is_on_screen_first_changes_no_cell(slide):
    _, cells, _ = run(slide, model=None, **SMALL)
    other, again, _ = run(slide, model=None, first=Region(1100, 1500, 1200, 1600), **SMALL)
    first = next(e.region for e in other if isinstance(e, CellsFound))
    assert first.y1 == 1200
    assert first.x1 == 1600
    order = np.argsort(again.ids)
    assert np.array_equal(again.ids[order], np.sort(cells.ids))
    assert np.allclose(again.centroid[order], cells.centroid[np.argsort(cells.ids)])


def test_a_cancelled_run_resumes_without_doing_its_tiles_again(slide, model, tmp_path, monkeypatch):
    store = RunStore(tmp_path)
    asked = []

    def stop_after_some() -> bool:
        asked.append(1)
        return len(asked) > 5

    events, _, _ = run(slide, model=model, store=store, cancelled=stop_after_some, **SMALL)
    assert isinstance(events[-1], Cancelled)
    assert 0 < events[-1].done < events[-1].tiles
    assert store.load(slide.digest, events[0].recipe.digest) is None

    classified = []
    room = sys.modules["allviewer.engine.analyse"]  # the package's own name for it is the function
    true_classify = room.classify
    monkeypatch.setattr(room, "classify", lambda m, rgb, cells, *a, **k: (
        classified.append(len(cells)), true_classify(m, rgb, cells, *a, **k))[1])  # fmt: skip
    again, cells, prediction = run(slide, model=model, store=store, **SMALL)
    assert isinstance(again[-1], Finished)
    assert sum(classified) < len(cells)
    kept, said = store.load(slide.digest, again[0].recipe.digest)
    assert np.array_equal(kept.ids, cells.ids)
    assert np.array_equal(said.probabilities, prediction.probabilities, equal_nan=True)


def test_heat_is_added_to_a_stored_run_that_lacks_it(slide, model, tmp_path):
    store = RunStore(tmp_path)
    assert run(slide, model=model, store=store)[2].heat is None
    assert run(slide, model=model, store=store, heat=True)[2].heat is not None
    recipe = store.runs(slide.digest)[0]
    assert store.load(slide.digest, recipe.digest)[1].heat is not None


def test_pixel_size_is_estimated_from_red_cells_and_says_so(slide):
    started = next(iter(analyse(slide, model=None)))
    if slide.pixel_size.um is None:
        assert started.pixel_size.source is PixelSizeSource.ESTIMATE
        assert started.pixel_size.um == pytest.approx(0.1, rel=0.15)


@pytest.mark.parametrize("preprocessing", ["reinhard", "macenko", "wiener", "dhe"])
def test_preprocessing_is_what_cells_are_looked_for_in_and_nothing_else(slide, model, whole, preprocessing):
    events, cells, said = run(slide, model=model, preprocessing=preprocessing)
    assert events[0].recipe.preprocessing == preprocessing
    assert events[0].recipe.digest != whole[0][0].recipe.digest
    assert events[0].pixel_size == whole[0][0].pixel_size
    counted = whole[1].centroid[whole[1].kind == 0]
    near = np.linalg.norm(counted[:, None] - cells.centroid[None], axis=2).min(axis=1)
    assert np.mean(near < 15) > 0.9  # the same cells, within 1.5 µm
    measured = [t.measurements["nucleus_green_od_mean"].mean() for t in (cells, whole[1])]
    assert measured[0] != measured[1]
    # the crop a model sees is cut round other outlines, from the same pixels: suggestions hardly move
    near_row = np.linalg.norm(counted[:, None] - cells.centroid[None], axis=2).argmin(axis=1)
    agree = said.predicted[near_row] == whole[2].predicted[whole[1].kind == 0]
    assert agree.mean() > 0.85


def test_stain_normalisation_finds_the_same_cells_for_any_tiling(slide):
    one, other = (run(slide, model=None, preprocessing="macenko", longest_tile=n)[1] for n in (450, 4096))
    a, b = (t.take(np.lexsort(t.centroid.T)) for t in (one, other))
    assert np.allclose(a.centroid, b.centroid, rtol=0, atol=1e-3)
    assert np.array_equal(a.bbox, b.bbox)


def test_a_wrong_preprocessing_is_refused_before_any_work(slide):
    with pytest.raises(RecipeError, match="--preprocess"):
        next(analyse(slide, model=None, preprocessing="gamma"))


def test_every_tile_is_judged_and_a_run_opened_again_says_the_same(slide, whole, tmp_path):
    store = RunStore(tmp_path)
    first, *_ = run(slide, model=None, store=store, **SMALL)
    judged = {e.tile: e.quality for e in first if isinstance(e, FieldJudged)}
    assert sorted(judged) == list(range(first[0].tiles))
    again, *_ = run(slide, model=None, store=store, **SMALL)
    assert {e.tile: e.quality for e in again if isinstance(e, FieldJudged)} == judged
    assert sum(isinstance(e, FieldJudged) for e in whole[0]) == 1


def test_preprocessing_does_not_change_what_is_said_of_the_light(slide, whole):
    prepared, *_ = run(slide, model=None, preprocessing="dhe")
    said, plain = (next(e.quality for e in events if isinstance(e, FieldJudged)) for events in (prepared, whole[0]))
    assert said["exposure"] == plain["exposure"]
