"""The quality table: its arithmetic by hand, and data sets made here."""

import csv
import json
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from allviewer.cli.main import main
from allviewer.learning.segmentation import (
    HELD,
    Case,
    Curve,
    Held,
    Row,
    data_sets,
    judged,
    section_text,
    write_curves,
    write_pictures,
)
from allviewer.learning.segmentation.figures import detection, mean, panoptic, pooled, share
from allviewer.learning.segmentation.finder import middle_piece
from allviewer.learning.segmentation.overlap import best_dice
from allviewer.learning.segmentation.pictures import FOUND, TRUTH, picture
from allviewer.learning.segmentation.report import shown
from allviewer.segment.score import Agreement
from allviewer.synth import render_field
from allviewer.vocab.cells import CellTable
from allviewer.vocab.errors import DataError


def test_sums_are_pooled_and_the_worst_image_is_named():
    row = pooled("x.y", "found", "share", [3, 0, 5], [4, 0, 10], ["a", "none", "b"], of="centres")
    assert row.value == pytest.approx(8 / 14)
    assert row.n == 14
    assert row.median == pytest.approx((0.75 + 0.5) / 2)
    assert row.worst == (0.5, "b")
    assert row.low <= row.value <= row.high
    assert row.held is None
    assert row.reached is None


def test_of_what_should_be_small_the_largest_is_the_worst():
    row = mean("chula_rbc_negative_controls.false_cells", "", "cells", [0, 2, 0, 0], list("abcd"), of="fields")
    assert row.value == 0.5
    assert row.worst == (2, "b")
    assert row.reached is False
    held = HELD[row.key]
    assert held.at_most
    assert held.reached(held.target)
    assert not held.reached(held.target + 0.01)
    assert Held(0.9, 0.8).kept(0.8)
    assert not Held(0.9, 0.8).kept(0.79)


def test_nothing_measured_is_no_figure():
    for row in (pooled("a.b", "", "share", [], [], [], of=""), share("a.b", "", 0, 0, of="")):
        assert row.value is None
        assert row.worst is None
        assert shown(row.value, row.unit) == "-"


def test_an_interval_is_over_groups():
    values, files = [0.0] * 10 + [1.0] * 10, [str(k) for k in range(20)]
    alone = mean("a.b", "", "Dice", values, files, of="")
    together = mean("a.b", "", "Dice", values, files, of="", groups=["p"] * 10 + ["q"] * 10)
    assert alone.value == together.value == 0.5
    assert (together.low, together.high) == (0, 1)
    assert alone.low > 0.2
    assert alone.high < 0.8


def test_detection_and_panoptic_quality_add_fields_up():
    scores = [Agreement(4, 4, 4, 3.6), Agreement(2, 0, 0, 0.0), Agreement(0, 0, 0, 0.0)]
    f1 = detection("a.b", "", scores, list("abc"), of="cells")
    assert f1.value == pytest.approx(8 / 10)
    assert f1.worst == (0, "b")
    assert f1.n == 6
    assert panoptic("a.b", "", scores, list("abc"), of="cells").value == pytest.approx(7.2 / 10)


def test_a_share_has_wilsons_interval():
    row = share("a.b", "", 95, 100, of="clumps")
    assert (row.low, row.high) == pytest.approx((0.888, 0.978), abs=2e-3)


def test_the_piece_in_the_middle():
    mask = np.zeros((20, 30), bool)
    mask[2:6, 2:6] = mask[8:12, 17:25] = True
    piece = middle_piece(mask)
    assert piece.sum() == 32
    assert piece[9, 20]
    assert not middle_piece(np.zeros((5, 5), bool)).any()


def test_dice_of_no_cell():
    mask = np.ones((4, 4), bool)
    assert best_dice(CellTable.empty(), mask, mask) == (0, 0)


def write_rows(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def smears(tmp_path_factory):
    """A folder of two data sets: BCCD's layout with one field lost on purpose, and red cells alone."""
    folder = tmp_path_factory.mktemp("smears")
    masks, bare = folder / "masks", folder / "bare"
    (masks / "Annotations").mkdir(parents=True)
    bare.mkdir()
    field = render_field(700, 900, seed=11, white_cells=5, smudges=0)
    rows = []
    for name, pixels in (("good", field.rgb), ("lost", np.full_like(field.rgb, 220))):
        cv2.imwrite(str(masks / f"{name}.png"), pixels[..., ::-1])
        truth = np.where(field.nuclei > 0, 255, np.where(field.cells > 0, 155, 0)).astype(np.uint8)
        cv2.imwrite(str(masks / f"{name}_mask.png"), truth)
        (masks / "Annotations" / f"{name}.xml").write_text(voc(field))
        rows.append({"file": f"{name}.png", "dataset": "bccd", "mask": f"{name}_mask.png"})
    write_rows(masks / "manifest.csv", rows)
    without = render_field(600, 800, seed=3, white_cells=0, smudges=0)
    cv2.imwrite(str(bare / "red.png"), without.rgb[..., ::-1])
    write_rows(bare / "manifest.csv", [{"file": "red.png", "dataset": "chula_rbc_negative_controls", "mask": ""}])
    return folder


def voc(field):
    out = ["<annotation>"]
    for k in range(1, len(field) + 1):
        ys, xs = np.nonzero(field.cells == k)
        box = {"xmin": xs.min() + 1, "ymin": ys.min() + 1, "xmax": xs.max() + 1, "ymax": ys.max() + 1}
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in box.items())
        out.append(f"<object><name>WBC</name><bndbox>{inner}</bndbox></object>")
    return "".join([*out, "<object><name>RBC</name></object></annotation>"])


@pytest.fixture(scope="module")
def sections(smears):
    return {section.data: section for section in judged([str(smears)])}


def test_data_sets_are_known_by_what_they_say_they_are(smears):
    assert data_sets([]) == [("synthetic", None)]
    assert [name for name, _ in data_sets([str(smears)])] == ["bccd", "chula_rbc_negative_controls"]
    assert data_sets([str(smears / "bare"), "synthetic"])[1] == ("synthetic", None)
    with pytest.raises(DataError, match="no such data"):
        data_sets([str(smears / "nowhere")])
    with pytest.raises(DataError, match="no data set is here"):
        data_sets([str(smears / "masks" / "Annotations")])


def test_figures_of_known_truth(sections):
    bccd = sections["bccd"]
    assert bccd.row("f1_boxes").value == pytest.approx(2 / 3, abs=0.06)
    assert bccd.row("nucleus").value == pytest.approx(0.5, abs=0.05)
    assert bccd.row("cell").worst == (0, "lost.png")
    assert bccd.row("nucleus").reached is False
    assert bccd.cases[0].file == "lost.png"
    assert "not matched" in bccd.cases[0].what
    with pytest.raises(KeyError):
        bccd.row("nonsense")
    bare = sections["chula_rbc_negative_controls"]
    assert bare.row("false_cells").value == 0
    assert bare.row("false_cells").reached is True
    assert not bare.cases


def test_the_table_as_text_and_as_data(sections):
    text = section_text(sections["bccd"])
    for word in ("95 % interval", "SHORT", "worst 0.000  lost.png", "≥ 0.900", "2 fields"):
        assert word in text
    assert "floor" in text
    whole = json.loads(json.dumps(sections["bccd"].as_dict()))
    row = next(r for r in whole["rows"] if r["key"] == "bccd.cell")
    assert row["target"] == HELD["bccd.cell"].target
    assert row["worst"]["file"] == "lost.png"
    assert whole["cases"][0]["file"] == "lost.png"


def test_pictures_show_what_was_found_and_what_is_true(sections, tmp_path):
    (path,) = write_pictures(tmp_path, "bccd", sections["bccd"].cases[:1])
    assert path.name == "01_lost.png"
    drawn = picture(sections["bccd"].cases[0])
    assert (drawn == TRUTH).all(axis=2).any()
    assert not (drawn == FOUND).all(axis=2).any()
    with pytest.raises(ValueError, match="nothing to show"):
        picture(Case("a.png", "", 1))


def test_curves_are_drawn_as_svg(tmp_path):
    curve = Curve("blur", "blur <of the lens>", "µm", (0.1, 0.2, 0.4), {"F1": (1.0, 0.5, 0.0)}, (9, 9, 9))
    (path,) = write_curves(tmp_path, "synthetic", (curve,))
    root = ElementTree.parse(path).getroot()
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "blur <of the lens> [µm]" in words
    assert {"0.1", "0.2", "0.4", "F1"} <= set(words)
    (line,) = root.iter("{http://www.w3.org/2000/svg}polyline")
    (_, top), (_, middle), (_, bottom) = (map(float, p.split(",")) for p in line.get("points").split())
    assert middle == pytest.approx((top + bottom) / 2)
    assert top < bottom


def test_a_missing_mask_is_a_sentence(smears, tmp_path):
    write_rows(tmp_path / "manifest.csv", [{"file": "a.png", "dataset": "bccd", "mask": "b.png"}])
    cv2.imwrite(str(tmp_path / "a.png"), np.full((90, 90, 3), 200, np.uint8))
    with pytest.raises(DataError, match="mask cannot be read"):
        list(judged([str(tmp_path)]))


def test_the_command(smears, tmp_path, capsys):
    out = tmp_path / "table.json"
    line = ["evaluate", "segmentation", str(smears / "bare"), "--json", str(out), "--segmenter", "oadls"]
    assert main(line) == 0
    told = capsys.readouterr().out
    assert "segmentation 'oadls'" in told
    assert "white cells found where there are none" in told
    assert json.loads(out.read_text())["segmenter"] == "oadls"


@pytest.mark.parametrize(
    "line",
    [
        ["segmentation", "--epochs", "3"],
        ["segmentation", "--split", "image"],
        ["segmentation", "--json", "nowhere/x.json"],
        ["alnet-1"],
        ["alnet-1", "one", "two"],
        ["alnet-1", "one", "--segmenter", "oadls"],
        ["alnet-1", "one", "--pictures", "there"],
    ],
)
def test_wrong_usage_is_said_before_any_work(line, capsys):
    assert main(["evaluate", *line]) == 2
    assert "Nothing was done." in capsys.readouterr().err


def test_a_row_without_a_target_is_neither_reached_nor_short():
    assert Row("a.b", "", "Dice", 0.4, 3, "").reached is None
