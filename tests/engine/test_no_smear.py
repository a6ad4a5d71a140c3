"""Files that show no smear go the whole way: a run that finishes, no cell, and verdicts that say what is wrong."""

import cv2
import numpy as np
import pytest
from PIL import Image

from allviewer.engine import RunStore, analyse
from allviewer.slides import open_slide
from allviewer.synth import render_field
from allviewer.vocab.events import CellsFound, FieldJudged, Finished, Started

SHAPES = {"one pixel": (1, 1), "a long strip": (10, 100_000), "one row": (1, 900), "a field": (400, 500)}
FILLS = ("black", "white", "lilac", "noise", "faint noise")


def _picture(fill, shape):
    rng = np.random.default_rng(3)
    if fill == "noise":
        return rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
    if fill == "faint noise":
        return rng.normal(215, 12, (*shape, 3)).clip(0, 255).astype(np.uint8)
    value = {"black": 0, "white": 255, "lilac": (201, 160, 220)}[fill]
    return np.full((*shape, 3), value, np.uint8)


def _run(path, **settings):
    slide = open_slide(path)
    events = list(analyse(slide, model=None, **settings))
    slide.close()
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    cells = sum(len(e.cells) for e in events if isinstance(e, CellsFound))
    return cells, [(e.tile, e.quality) for e in events if isinstance(e, FieldJudged)], events[0].tiles


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fill", FILLS)
def test_no_smear_no_cell_and_a_stated_verdict(tmp_path, fill, shape):
    path = tmp_path / "picture.png"
    Image.fromarray(_picture(fill, SHAPES[shape])).save(path)
    cells, judged, tiles = _run(path)
    assert cells == 0
    assert len(judged) == tiles
    for _, quality in judged:
        assert quality.grade == "poor"
        assert all(v.sentence.endswith(".") for v in quality.verdicts)


def test_far_out_of_focus_is_no_cell_and_says_so(tmp_path):
    sharp = render_field(700, 900, seed=6, um_per_px=0.15, white_cells=6, smudges=0).rgb
    path = tmp_path / "picture.png"
    Image.fromarray(cv2.GaussianBlur(sharp, (0, 0), 7 / 0.15)).save(path)
    cells, judged, _ = _run(path, pixel_size_um=0.15)
    assert cells == 0
    assert judged[0][1]["focus"].grade == "poor"


def test_a_run_opened_again_says_the_same_of_every_tile(tmp_path):
    path = tmp_path / "picture.png"
    Image.fromarray(render_field(700, 900, seed=6, um_per_px=0.15, white_cells=6, smudges=0).rgb).save(path)
    store = RunStore(tmp_path / "runs")
    settings = {"pixel_size_um": 0.15, "store": store, "longest_tile": 500}
    _, first, tiles = _run(path, **settings)
    _, again, _ = _run(path, **settings)
    assert tiles > 1
    assert sorted(tile for tile, _ in first) == list(range(tiles))
    assert first == again
