"""Save → load = same, and a run is there whole or not at all."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allviewer.engine.store import RunStore
from allviewer.vocab.cells import CellTable
from allviewer.vocab.errors import RunError
from allviewer.vocab.recipe import Recipe
from tests.tables import some_cells, some_prediction

RECIPE = Recipe("default", "1", 0.1, "given", "m" * 64)
SLIDE = "a" * 64


def same(a, b):
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def assert_equal_tables(a: CellTable, b: CellTable) -> None:
    for name in ("ids", "kind", "centroid", "bbox", "area_px", "nucleus_area_px", "touches_border"):
        assert same(getattr(a, name), getattr(b, name)), name
        assert getattr(a, name).dtype == getattr(b, name).dtype, name
    for part in ("cell", "nucleus"):
        for name in ("points", "starts", "owner"):
            assert same(getattr(getattr(a, part), name), getattr(getattr(b, part), name)), (part, name)
    assert list(a.measurements) == list(b.measurements)
    assert all(same(a.measurements[k], b.measurements[k]) for k in a.measurements)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(n=st.integers(0, 12), seed=st.integers(0, 1000), heat=st.booleans(), classified=st.booleans())
def test_a_tile_comes_back_as_it_was(tmp_path, n, seed, heat, classified):
    store = RunStore(tmp_path)
    store.begin(SLIDE, RECIPE, 1)
    cells = some_cells(n, seed)
    prediction = some_prediction(cells, seed, heat=heat) if classified else None
    store.save_tile(SLIDE, RECIPE.digest, 0, cells, prediction)
    back, said = store.load_tile(SLIDE, RECIPE.digest, 0)
    assert_equal_tables(cells, back)
    assert (said is None) == (prediction is None)
    if prediction is not None:
        assert said.classes == prediction.classes
        assert said.model == prediction.model
        for name in ("probabilities", "unsure", "boxes", "embedding", "unlike"):
            assert same(getattr(prediction, name), getattr(said, name)), name
        assert (said.heat is None) == (not heat)
        assert not heat or same(prediction.heat, said.heat)


def test_a_run_is_loaded_only_when_it_is_finished(tmp_path):
    store = RunStore(tmp_path)
    store.begin(SLIDE, RECIPE, 2)
    first, second = some_cells(3, 1), some_cells(4, 2).renumber(100_001)
    store.save_tile(SLIDE, RECIPE.digest, 1, second, some_prediction(second))
    assert store.load(SLIDE, RECIPE.digest) is None
    store.save_tile(SLIDE, RECIPE.digest, 0, first, some_prediction(first))
    assert store.load(SLIDE, RECIPE.digest) is None
    store.finish(SLIDE, RECIPE.digest, {"segment": 1.0})
    cells, prediction = store.load(SLIDE, RECIPE.digest)
    assert cells.ids.tolist() == [1, 2, 3, 100_001, 100_002, 100_003, 100_004]
    assert len(prediction) == 7
    assert store.runs(SLIDE) == [RECIPE]
    assert store.runs("b" * 64) == []


@pytest.mark.parametrize("damage", [b"", b"not arrow", None])
def test_a_damaged_tile_is_named(tmp_path, damage):
    store = RunStore(tmp_path)
    store.begin(SLIDE, RECIPE, 1)
    store.save_tile(SLIDE, RECIPE.digest, 0, some_cells(3), None)
    (path,) = store.folder(SLIDE, RECIPE.digest).glob("tile-*.arrow")
    path.write_bytes(path.read_bytes()[:200] if damage is None else damage)
    with pytest.raises(RunError, match="cannot be read"):
        store.load_tile(SLIDE, RECIPE.digest, 0)


def test_runs_that_differ_by_the_model_alone_found_the_same_cells(tmp_path):
    store = RunStore(tmp_path)
    for change in ({"model": "n" * 64}, {"model": ""}, {"pixel_size_um": 0.2}, {"preprocessing": "dhe"}):
        store.begin(SLIDE, replace(RECIPE, **change), 2)
    store.begin(SLIDE, replace(RECIPE, model="other cut"), 3)
    store.begin("b" * 64, replace(RECIPE, model="other slide"), 2)
    spoilt = tmp_path / SLIDE[:16] / "spoilt"
    spoilt.mkdir()
    (spoilt / "run.json").write_text("{")
    same = {replace(RECIPE, model=model).digest for model in ("n" * 64, "")}
    assert set(store.same_cells(SLIDE, RECIPE, 2)) == same
    store.begin(SLIDE, RECIPE, 2)
    assert set(store.same_cells(SLIDE, RECIPE, 2)) == same  # not itself


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match="cannot be stored"):
        RunStore(tmp_path / "file").begin(SLIDE, RECIPE, 1)
