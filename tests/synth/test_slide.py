"""Any tile is the same however it is asked for, and a streamed slide is the one-shot render."""

import csv
import json

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from allviewer.synth import Scene, render_field, truth_paths, write_slide
from allviewer.synth.allot import allot
from allviewer.synth.smear import TILE, Smear

SCENE = Scene(1300, 1500, seed=8, white_cells=14, smudges=2)
GRID = [(i, j) for i in range(3) for j in range(3)]


@pytest.fixture(scope="module")
def whole():
    return render_field(1300, 1500, seed=8, white_cells=14, smudges=2)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.sampled_from(GRID), min_size=1, max_size=4))
def test_a_tile_is_the_same_whatever_was_rendered_before_it(whole, order):
    smear = Smear(SCENE)
    for i, j in order:
        tile = smear.tile(i, j)
        at = np.s_[i * TILE : (i + 1) * TILE, j * TILE : (j + 1) * TILE]
        for name in ("rgb", "cells", "nuclei", "smudges"):
            np.testing.assert_array_equal(getattr(tile, name), getattr(whole, name)[at])


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 9),
    st.floats(0, 1),
    st.integers(0, 2**40),
    st.sampled_from([None, 0.1, 0.9, 8.0]),
)
def test_what_is_allotted_adds_up(places, slots, share, seed, evenness):
    total = int(share * places * slots)

    def rng(first, end):
        return np.random.default_rng((seed, first, end))

    parts = [allot(rng, total, places, slots, k, evenness) for k in range(places)]
    here = np.array([n for n, _ in parts])
    assert here.sum() == total
    assert here.min() >= 0
    assert here.max() <= slots
    before = np.concatenate([[0], np.cumsum(here)[:-1]])
    occupied = here > 0
    np.testing.assert_array_equal(np.array([b for _, b in parts])[occupied], before[occupied])


def test_no_seam_between_tiles():
    field = render_field(1024, 1024, seed=3, white_cells=12, noise=0, smudges=1)
    steps = np.abs(np.diff(field.rgb.astype(int), axis=1)).mean(axis=(0, 2))
    assert steps[TILE - 1] < 1.5 * np.median(steps)


def test_a_streamed_slide_is_the_one_shot_render(tmp_path):
    path = tmp_path / "synthetic.ome.tif"
    written = write_slide(path, 1100, 1700, seed=9, white_cells=12)
    field = render_field(1100, 1700, seed=9, white_cells=12, vignette=0)
    with tifffile.TiffFile(path) as tiff:
        levels = tiff.series[0].levels
        assert [level.shape for level in levels] == [(1100, 1700, 3), (550, 850, 3), (275, 425, 3)]
        assert all(level.keyframe.is_tiled for level in levels)
        np.testing.assert_array_equal(levels[0].asarray(), field.rgb)
        mean = field.rgb.astype(np.uint16).reshape(550, 2, 850, 2, 3).sum(axis=(1, 3))
        np.testing.assert_array_equal(levels[1].asarray(), (mean + 2) // 4)
        assert "synthetic" in tiff.ome_metadata
        assert 'PhysicalSizeX="0.096"' in tiff.ome_metadata
        assert tiff.pages[0].get_resolution("MICROMETER")[0] == pytest.approx(1 / 0.096, rel=1e-4)
    truth = truth_paths(path)
    assert written == [path, *truth.values()]
    np.testing.assert_array_equal(tifffile.imread(truth["cells"]), field.cells)
    np.testing.assert_array_equal(tifffile.imread(truth["nuclei"]), field.nuclei)
    with truth["table"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows.sort(key=lambda r: int(r["cell_id"]))
    assert tuple(r["class"] for r in rows) == field.classes
    np.testing.assert_allclose([(float(r["centre_y"]), float(r["centre_x"])) for r in rows], field.centres, atol=1e-3)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in written)


def test_jpeg_slide_is_close_and_smaller(tmp_path):
    exact, small = tmp_path / "a.tif", tmp_path / "b.tif"
    write_slide(exact, 600, 600, seed=1, truth=False)
    write_slide(small, 600, 600, seed=1, truth=False, compression="jpeg")
    a, b = tifffile.imread(exact).astype(int), tifffile.imread(small).astype(int)
    assert np.abs(a - b).mean() < 4
    assert small.stat().st_size < 0.4 * exact.stat().st_size


def test_the_description_renders_the_slide_again(tmp_path):
    path = tmp_path / "s.tif"
    write_slide(path, 300, 400, seed=5, truth=False, stain="pale")
    with tifffile.TiffFile(path) as tiff:
        text = tiff.ome_metadata
        pixels = tiff.asarray()
    import html

    facts = html.unescape(text.split("cells; ")[1].split("</Description>")[0])
    scene = json.loads(facts)
    np.testing.assert_array_equal(render_field(**scene).rgb, pixels)


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("allviewer.synth.slide._Spool.put", full)
    from allviewer.vocab.errors import ExportError

    with pytest.raises(ExportError, match="No space left"):
        write_slide(tmp_path / "s.tif", 100, 100)
    assert not list(tmp_path.iterdir())
