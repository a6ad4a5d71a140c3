"""What an analysis leaves behind: opened with other people's libraries, not with ours."""

import csv
import json
import os
import uuid

import cv2
import numpy as np
import pytest
import shapely
from PIL import Image

from allviewer.export import Analysed, write_results
from allviewer.export.folder import whole_folder
from allviewer.segment.dictionary import MEASUREMENTS
from allviewer.slides import open_slide
from allviewer.vocab.cells import CellTable, Kind
from allviewer.vocab.errors import ExportError
from allviewer.vocab.optics import PixelSize, PixelSizeSource
from allviewer.vocab.prediction import Prediction
from allviewer.vocab.quality import SUBJECTS, FieldQuality, Verdict
from allviewer.vocab.recipe import Recipe
from allviewer.vocab.taxonomy import ALL_HEM
from tests.tables import some_cells, some_prediction

QUALITY = FieldQuality(tuple(Verdict(n, 0.61234567, "", "fair", "It is soft.", {"x": 0.1}) for n in SUBJECTS))


@pytest.fixture
def slide(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "field one ß.png"
    Image.fromarray(rng.integers(180, 240, (1000, 1000, 3), dtype=np.uint8)).save(path)
    return open_slide(path)


def analysed(slide, cells: CellTable, prediction: Prediction | None) -> Analysed:
    return Analysed(
        slide, PixelSize(0.1, PixelSizeSource.GIVEN), Recipe("default", "1", 0.1, "given", "m" * 64),
        cells, prediction, ALL_HEM, "alnet-1", {"segment": 0.5}, QUALITY,
    )  # fmt: skip


def test_the_table_holds_every_cell_and_no_smudge(slide, tmp_path):
    cells = some_cells(12)
    cells.kind[3] = Kind.SMUDGE
    prediction = some_prediction(cells, heat=False)
    prediction.probabilities[3] = np.nan
    write_results(tmp_path / "out", analysed(slide, cells, prediction))
    with (tmp_path / "out" / "cells.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [int(r["cell_id"]) for r in table] == [i for i in cells.ids if i != cells.ids[3]]
    header = list(table[0])
    assert header[:10] == [
        "cell_id", "centroid_y", "centroid_x", "bbox_y0", "bbox_x0", "bbox_y1", "bbox_x1",
        "area_px", "nucleus_area_px", "touches_border",
    ]  # fmt: skip
    assert header[10:16] == ["predicted", "confidence", "unsure", "unlike_training", "p_blast", "p_normal"]
    assert header[16:] == [m.name for m in MEASUREMENTS]
    for r in table:
        p = {key: float(r[f"p_{key}"]) for key in ALL_HEM.keys}
        assert r["predicted"] == max(p, key=p.get)
        assert float(r["confidence"]) == pytest.approx(max(p.values()), abs=1e-4)
        assert sum(p.values()) == pytest.approx(1, abs=1e-5)
        assert float(r["bbox_y0"]) - 1 <= float(r["centroid_y"]) <= float(r["bbox_y1"]) + 1
    with (tmp_path / "out" / "data_dictionary.csv").open() as file:
        assert [r["column"] for r in csv.DictReader(file)] == header


def test_no_cells_leaves_the_header_alone(slide, tmp_path):
    cells = CellTable.empty([m.name for m in MEASUREMENTS])
    prediction = some_prediction(cells)
    write_results(tmp_path / "out", analysed(slide, cells, prediction))
    (line,) = (tmp_path / "out" / "cells.csv").read_text().splitlines()
    assert line.startswith("cell_id,")
    collection = json.loads((tmp_path / "out" / "cells.geojson").read_text())
    assert collection == {"type": "FeatureCollection", "features": []}
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["counts"]["cells"] == 0


def test_geojson_is_what_qupath_reads(slide, tmp_path):
    cells = some_cells(12)
    cells.kind[3] = Kind.SMUDGE
    cells.measurements[MEASUREMENTS[0].name][5] = np.nan
    prediction = some_prediction(cells)
    write_results(tmp_path / "out", analysed(slide, cells, prediction))
    text = (tmp_path / "out" / "cells.geojson").read_text()
    assert "NaN" not in text
    collection = json.loads(text)
    assert collection["type"] == "FeatureCollection"
    ids = {uuid.UUID(f["id"]) for f in collection["features"]}
    assert len(ids) == len(cells)
    for i, feature in enumerate(collection["features"]):
        shape, properties = shapely.from_geojson(json.dumps(feature["geometry"])), feature["properties"]
        assert shape.is_valid
        assert shape.area == pytest.approx(float(cells.area_px[i]), rel=0.15)
        y, x = cells.centroid[i]
        assert shape.contains(shapely.Point(x, y))  # (x, y), not (y, x)
        assert properties["name"] == str(cells.ids[i])
        if i == 3:
            assert properties["objectType"] == "detection"
            assert "nucleusGeometry" not in feature
            continue
        assert properties["objectType"] == "cell"
        nucleus = shapely.from_geojson(json.dumps(feature["nucleusGeometry"]))
        assert shape.buffer(1).contains(nucleus)
        assert properties["classification"]["name"] == ALL_HEM.keys[prediction.predicted[i]]
        assert len(properties["classification"]["color"]) == 3
        assert properties["measurements"]["p_blast"] == pytest.approx(float(prediction.probabilities[i, 0]), abs=1e-5)


def test_the_overlay_is_the_field_with_coloured_outlines(slide, tmp_path):
    cells = some_cells(12)
    prediction = some_prediction(cells)
    write_results(tmp_path / "out", analysed(slide, cells, prediction))
    overlay = cv2.imread(str(tmp_path / "out" / "overlay.png"))[..., ::-1]
    assert overlay.shape == (1000, 1000, 3)
    ring = next(iter(cells.cell.rings(0)))
    y, x = ring[0].astype(int)
    near = overlay[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).astype(int)
    colour = ALL_HEM.classes[prediction.predicted[0]].colour
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    assert np.abs(near - wanted).sum(1).min() < 60


def test_heat_is_written_raw_and_on_one_scale(slide, tmp_path):
    cells = some_cells(6)
    prediction = some_prediction(cells)
    write_results(tmp_path / "out", analysed(slide, cells, prediction))
    with np.load(tmp_path / "out" / "heat.npz") as file:
        assert np.array_equal(file["maps"], prediction.heat)
        assert np.array_equal(file["cell_id"], cells.ids)
    for key in ALL_HEM.keys:
        assert cv2.imread(str(tmp_path / "out" / f"heat_{key}.png")).shape == (1000, 1000, 3)
    facts = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert facts["heat"]["raw_scale_top"] == pytest.approx(float(prediction.heat.max()))


def test_the_summary_says_what_was_done(slide, tmp_path):
    cells = some_cells(12)
    cells.kind[3] = Kind.SMUDGE
    prediction = some_prediction(cells)
    write_results(tmp_path / "out", analysed(slide, cells, prediction))
    facts = json.loads((tmp_path / "out" / "summary.json").read_text())
    counted = (cells.kind == Kind.CELL) & ~cells.touches_border
    assert facts["counts"]["smudge_cells"] == 1
    assert facts["counts"]["counted"] == counted.sum() == sum(facts["counts"]["suggested"].values())
    assert facts["image"]["sha256"] == slide.digest
    assert facts["pixel_size"] == {"um_per_px": 0.1, "source": "given"}
    assert facts["field_quality"]["grade"] == "fair"
    for name in SUBJECTS:
        said = {"grade": "fair", "value": 0.6123, "unit": "", "sentence": "It is soft.", "x": 0.1}
        assert facts["field_quality"][name] == said
    assert facts["model"]["sha256"] == "m" * 64
    assert "diagnos" in facts["notice"]


def test_existing_results_are_kept_unless_told(slide, tmp_path):
    done = analysed(slide, some_cells(2), some_prediction(some_cells(2)))
    write_results(tmp_path / "out", done)
    before = (tmp_path / "out" / "cells.csv").read_bytes()
    with pytest.raises(ExportError, match="already there"):
        write_results(tmp_path / "out", analysed(slide, some_cells(3), some_prediction(some_cells(3))))
    assert (tmp_path / "out" / "cells.csv").read_bytes() == before
    write_results(tmp_path / "out", analysed(slide, some_cells(3), some_prediction(some_cells(3))), overwrite=True)
    assert (tmp_path / "out" / "cells.csv").read_bytes() != before
    assert [p.name for p in tmp_path.iterdir() if p.is_dir()] == ["out"]


def test_nothing_half_written_stays(tmp_path):
    class PowerCutError(Exception):
        pass

    def half() -> None:
        with whole_folder(tmp_path / "out", overwrite=False) as folder:
            (folder / "half").write_text("x")
            raise PowerCutError

    with pytest.raises(PowerCutError):
        half()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(ExportError, match="cannot be written"),
        whole_folder(tmp_path / "file" / "out", overwrite=False),
    ):
        pass


def test_a_cell_that_was_not_classified_has_no_suggestion(slide, tmp_path):
    cells = some_cells(3)
    prediction = some_prediction(cells, heat=False)
    prediction.probabilities[1] = np.nan
    write_results(tmp_path / "out", analysed(slide, cells, prediction))
    with (tmp_path / "out" / "cells.csv").open() as file:
        row = list(csv.DictReader(file))[1]
    assert {row[c] for c in ("predicted", "confidence", "unsure", "unlike_training", "p_blast")} == {""}
    assert float(row["area_px"]) > 0


def test_overwrite_replaces_results_and_nothing_else(tmp_path):
    mine = tmp_path / "field"
    mine.mkdir()
    (mine / "cells.csv").write_text("old results")
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(ExportError, match=r"thesis\.txt"), whole_folder(mine, overwrite=True):
        pass
    assert (mine / "thesis.txt").read_text() == "years of work"
    (tmp_path / "file").write_text("mine too")
    with pytest.raises(ExportError, match="not replaced"), whole_folder(tmp_path / "file", overwrite=True):
        pass
    assert (tmp_path / "file").read_text() == "mine too"
    assert {p.name for p in tmp_path.iterdir()} == {"field", "file"}


def test_a_link_to_results_is_replaced_and_what_it_led_to_is_kept(tmp_path):
    there, link = tmp_path / "there", tmp_path / "field"
    there.mkdir()
    (there / "cells.csv").write_text("elsewhere")
    link.symlink_to(there, target_is_directory=True)
    with whole_folder(link, overwrite=True) as folder:
        (folder / "cells.csv").write_text("new")
    assert (link / "cells.csv").read_text() == "new"
    assert (there / "cells.csv").read_text() == "elsewhere"
    assert {p.name for p in tmp_path.iterdir()} == {"there", "field"}


def test_what_a_killed_run_left_is_swept_and_a_running_one_is_not(tmp_path):
    dead, alive = tmp_path / ".field.0123abcd.partial", tmp_path / ".field.4567cdef.partial"
    for folder in (dead, alive):
        folder.mkdir()
        (folder / "cells.csv").write_text("half")
    os.utime(dead, (0, 0))
    with whole_folder(tmp_path / "field", overwrite=False):
        pass
    assert {p.name for p in tmp_path.iterdir()} == {"field", alive.name}


def test_the_longest_name_a_disk_allows_can_be_written(tmp_path):
    final = tmp_path / ("f" * 250)
    with whole_folder(final, overwrite=False) as folder:
        (folder / "cells.csv").write_text("x")
    assert (final / "cells.csv").exists()
