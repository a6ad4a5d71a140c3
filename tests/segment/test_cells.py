"""Both routes on rendered smears with known truth, and on images that hold no cell."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allviewer.segment import SEGMENTERS, segmenter
from allviewer.segment.dictionary import MEASUREMENTS, NAMES
from allviewer.segment.outlines import draw
from allviewer.segment.score import dice, score_centres
from allviewer.synth.field import render_field
from allviewer.synth.stains import STAINS
from allviewer.vocab.cells import CellTable, Kind
from allviewer.vocab.errors import RecipeError


@pytest.fixture(scope="module")
def field():
    return render_field(1000, 1300, seed=5, white_cells=14, smudges=1)


def found(name, rgb, um):
    finder = segmenter(name)
    return finder.cells(rgb, um, finder.survey(rgb, um))


def white(table):
    return table.take(table.kind == Kind.CELL)


def test_segmenters_by_name():
    assert SEGMENTERS == ("default", "oadls")
    for name in SEGMENTERS:
        made = segmenter(name)
        assert made.name == name
        assert made.version
        assert made.halo_um >= 20
    with pytest.raises(RecipeError, match=r"default or oadls.*'watershed'"):
        segmenter("watershed")


@pytest.mark.parametrize("name", SEGMENTERS)
def test_cells_of_a_rendered_field(name, field):
    table = found(name, field.rgb, field.um_per_px)
    score = score_centres(table, field.centres)
    assert score.found >= len(field) - 1
    assert score.own >= len(field) - 1
    assert score.reported <= len(field) + 2


@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_table_is_whole(name, field):
    table = found(name, field.rgb, field.um_per_px)
    n = len(table)
    assert table.ids.tolist() == list(range(1, n + 1))
    assert tuple(table.measurements) == NAMES
    assert len({m.name for m in MEASUREMENTS}) == len(NAMES)
    assert all(m.definition and m.source for m in MEASUREMENTS)
    assert all(np.isfinite(column).all() for column in table.measurements.values())
    assert set(table.nucleus.owner) == set(range(n))
    height, width = field.rgb.shape[:2]
    points = table.cell.points
    assert points.min() >= 0
    assert (points <= [height, width]).all()
    for row in range(n):
        ring = next(table.cell.rings(row))
        y0, x0, y1, x1 = table.bbox[row]
        assert (ring >= [y0, x0]).all()
        assert (ring <= [y1, x1]).all()
        assert (y0, x0) >= (0, 0)
        assert y1 <= height
        assert x1 <= width
    assert (table.nucleus_area_px <= 1.1 * table.area_px).all()
    um2 = field.um_per_px**2
    assert table.measurements["cell_area_um2"] == pytest.approx(table.area_px * um2, rel=1e-4)
    ratio = table.measurements["nucleus_cytoplasm_ratio"]
    assert (ratio > 0).all()


def test_outlines_lie_on_the_truth(field):
    table = white(found("default", field.rgb, field.um_per_px))
    cells, nuclei = (draw(o, field.rgb.shape[:2]) for o in (table.cell, table.nucleus))
    scores = []
    for k in range(len(field)):
        true = field.cells == k + 1
        hit = np.bincount(cells[true], minlength=2)
        row = int(hit[1:].argmax()) + 1
        scores.append((dice(cells == row, true), dice(nuclei == row, field.nuclei == k + 1)))
    cell, nucleus = np.median(scores, axis=0)
    assert cell > 0.94
    assert nucleus > 0.94


def test_measurements_follow_from_the_truth(field):
    table = white(found("default", field.rgb, field.um_per_px))
    cells = draw(table.cell, field.rgb.shape[:2])
    um2 = field.um_per_px**2
    ratios, nuclei = [], []
    for k in range(len(field)):
        true = field.cells == k + 1
        edge = true[0].any() or true[-1].any() or true[:, 0].any() or true[:, -1].any()
        row = int(np.bincount(cells[true], minlength=2)[1:].argmax())
        if not edge and field.classes[k] in ("blast", "lymphocyte"):
            ratios.append(table.measurements["cell_area_um2"][row] / (true.sum() * um2))
            nuclei.append(table.measurements["nucleus_area_um2"][row] / ((field.nuclei == k + 1).sum() * um2))
            assert table.measurements["nucleus_lobes"][row] == 1
            diameter = 2 * np.sqrt(table.measurements["cell_area_um2"][row] / np.pi)
            assert table.measurements["cell_diameter_um"][row] == pytest.approx(diameter, rel=1e-4)
    assert len(ratios) >= 4
    assert np.median(ratios) == pytest.approx(1, abs=0.1)
    assert np.median(nuclei) == pytest.approx(1, abs=0.1)
    azure = table.measurements["nucleus_azure_od_mean"] - table.measurements["cytoplasm_azure_od_mean"]
    assert (azure > 0).all()


@pytest.mark.parametrize("stain", sorted(STAINS))
def test_every_stain(stain):
    field = render_field(800, 1000, seed=3, stain=stain, white_cells=8, smudges=0)
    table = found("default", field.rgb, field.um_per_px)
    score = score_centres(table, field.centres)
    assert score.found >= len(field) - 1
    assert score.reported <= len(field) + 2


@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_sharpening_scanner_loses_no_cell(name):
    field = render_field(1000, 1300, seed=5, white_cells=14, smudges=0, blur_um=0.05)
    soft = field.rgb.astype(np.float32)
    sharp = np.clip(soft + 4 * (soft - cv2.GaussianBlur(soft, (0, 0), 2.5)), 0, 255).astype(np.uint8)
    score = score_centres(found(name, sharp, field.um_per_px), field.centres)
    assert score.found >= len(field) - 1
    assert score.reported <= len(field) + 2


@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_field_without_white_cells_gives_none(name):
    field = render_field(1000, 1300, seed=8, white_cells=0, smudges=0)
    assert len(found(name, field.rgb, field.um_per_px)) == 0


def test_the_same_cells_at_half_and_double_the_magnification():
    tables = []
    for um in (0.192, 0.096, 0.048):
        field = render_field(round(110 / um), round(150 / um), seed=4, um_per_px=um, white_cells=14, smudges=0)
        table = white(found("default", field.rgb, um))
        tables.append((table.centroid * um, field))
    reference = tables[1][0]
    for centres, _ in tables:
        assert len(centres) == len(reference)
        nearest = np.hypot(*(centres[:, None] - reference[None]).transpose(2, 0, 1)).min(axis=1)
        assert (nearest < 1).all()


@settings(max_examples=6, deadline=None)
@given(core=st.integers(40, 110).map(lambda v: 8 * v))
def test_any_tiling_gives_the_same_cells(core):
    field = render_field(1000, 1300, seed=5, white_cells=14, smudges=1)
    finder = segmenter("default")
    um = field.um_per_px
    survey = finder.survey(field.rgb, um)
    whole = finder.cells(field.rgb, um, survey)
    halo = -(-int(finder.halo_um / um) // 8) * 8
    parts = []
    for y in range(0, 1000, core):
        for x in range(0, 1300, core):
            y0, x0 = max(0, y - halo), max(0, x - halo)
            y1, x1 = min(1000, y + core + halo), min(1300, x + core + halo)
            table = finder.cells(field.rgb[y0:y1, x0:x1], um, survey).shift(y0, x0)
            cy, cx = table.centroid.T
            parts.append(table.take((cy >= y) & (cy < y + core) & (cx >= x) & (cx < x + core)))
    tiled = CellTable.concat([p.renumber(1 + 1000 * k) for k, p in enumerate(parts)])
    order, other = (np.lexsort(t.centroid.T) for t in (whole, tiled))
    assert len(tiled) == len(whole)
    assert np.abs(whole.centroid[order] - tiled.centroid[other]).max() < 1e-3
    assert whole.kind[order].tolist() == tiled.kind[other].tolist()
    a, b = whole.take(order), tiled.take(other)
    assert np.array_equal(a.cell.starts, b.cell.starts)
    assert np.array_equal(a.nucleus.starts, b.nucleus.starts)
    assert np.abs(a.cell.points - b.cell.points).max() < 0.01
    assert np.abs(a.nucleus.points - b.nucleus.points).max() < 0.01


def test_cells_cut_by_the_edge_stay_and_say_so(field):
    table = white(found("default", field.rgb, field.um_per_px))
    inside = table.take(~table.touches_border)
    row = int(np.argmax(inside.area_px))
    y0, x0, y1, x1 = inside.bbox[row]
    cut = field.rgb[:, : (x0 + x1) // 2]
    finder = segmenter("default")
    half = finder.cells(cut, field.um_per_px, finder.survey(field.rgb, field.um_per_px))
    near = np.abs(half.centroid[:, 0] - (y0 + y1) / 2) < (y1 - y0) / 2
    touching = half.take(near & half.touches_border)
    assert len(touching) >= 1
    assert touching.bbox[:, 3].max() == cut.shape[1]
    assert not inside.touches_border.any()


def _flat(value, shape=(300, 400)):
    return np.full((*shape, 3), value, np.uint8)


_rng = np.random.default_rng(0)
HOPELESS = {
    "black": _flat(0),
    "white": _flat(255),
    "grey": _flat(127),
    "purple": _flat((120, 40, 140)),
    "noise": _rng.integers(0, 256, (600, 800, 3)).astype(np.uint8),
    "faint noise": _rng.normal(180, 30, (600, 800, 3)).clip(0, 255).astype(np.uint8),
    "one dark pixel": _flat(0, (1, 1)),
    "one bright pixel": _flat(200, (1, 1)),
    "a thread": _rng.integers(0, 256, (10, 5000, 3)).astype(np.uint8),
    "nothing": np.zeros((0, 5, 3), np.uint8),
    "a ramp": np.tile(np.linspace(0, 255, 800).astype(np.uint8)[None, :, None], (600, 1, 3)),
}


@pytest.mark.parametrize("name", SEGMENTERS)
@pytest.mark.parametrize("image", HOPELESS)
def test_images_without_cells_give_none_and_no_exception(name, image):
    table = found(name, HOPELESS[image], 0.1)
    assert len(table) == 0
    assert tuple(table.measurements) == NAMES
