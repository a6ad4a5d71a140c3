"""Fields with boxes or masks, fields of red cells alone, and pictures without truth."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np

from allviewer.learning.layouts import read_table
from allviewer.learning.segmentation.figures import detection, mean, share
from allviewer.learning.segmentation.finder import Finder, manifest, marks_of, pixels_of, read_mask, white
from allviewer.learning.segmentation.overlap import best_dice
from allviewer.learning.segmentation.words import Case, Found, Marks, Row, Section, View
from allviewer.segment.outlines import draw
from allviewer.segment.score import Agreement, dice, owners, pair_boxes
from allviewer.vocab.arrays import Floats, Mask
from allviewer.vocab.cells import Kind
from allviewer.vocab.errors import DataError

_MANY = 160
"""Folders that hold more pictures are sampled evenly down to about this many."""

_SPECK = 800
"""Pixels: smaller pieces of a BCCD mask are crumbs, no cells (a red cell has about 6,000)."""


def bccd(folder: Path, finder: Finder) -> Section:
    """BCCD: boxes of the masks' pieces, boxes of the annotations, Dice of nuclei and cells."""
    files: list[str] = []
    by_mask: list[Agreement] = []
    by_box: list[Agreement] = []
    parts: list[tuple[float, float]] = []
    single: list[tuple[float, float]] = []
    owners_of: list[str] = []
    cases: list[Case] = []
    for row in manifest(folder):
        if not row.get("mask"):
            continue
        found = finder.of_file(folder / row["file"])
        cell, nucleus = read_mask(folder / row["mask"])
        pieces = _pieces(cell)
        drawn = np.array([_box(piece) for piece in pieces]).reshape(-1, 4)
        annotated = _voc(folder / "Annotations" / f"{Path(row['file']).stem}.xml", "WBC")
        shape = cell.shape[0], cell.shape[1]
        files.append(row["file"])
        by_mask.append(boxes(found, drawn))
        by_box.append(boxes(found, annotated))
        parts.append(
            (dice(draw(found.cells.cell, shape) > 0, cell), dice(draw(found.cells.nucleus, shape) > 0, nucleus))
        )
        single += [best_dice(found.cells, piece, piece & nucleus) for piece in pieces]
        owners_of += [row["file"]] * len(pieces)
        view = View(pixels_of(folder / row["file"]), found.cells, marks_of(cell, nucleus))
        cases.append(_boxes_case(row["file"], by_mask[-1], parts[-1], len(annotated), view))
    rows = [
        detection("bccd.f1", "cells against the masks' pieces, boxes at IoU 0.5", by_mask, files, of="cells"),
        detection("bccd.f1_boxes", "cells against the annotated boxes", by_box, files, of="boxes"),
        mean("bccd.nucleus", "nuclei, all of a field together", "Dice", [p[1] for p in parts], files, of="fields"),
        mean("bccd.cell", "whole cells, all of a field together", "Dice", [p[0] for p in parts], files, of="fields"),
        mean("bccd.nucleus_each", "nucleus, cell by cell", "Dice", [s[1] for s in single], owners_of, of="cells"),
        mean("bccd.cell_each", "whole cell, cell by cell", "Dice", [s[0] for s in single], owners_of, of="cells"),
    ]
    cases = [c for c in cases if c.loss > 0.3]
    return Section("bccd", tuple(rows), tuple(sorted(cases, key=lambda c: -c.loss)))


def _pieces(mask: Mask) -> list[Mask]:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    pieces = (labels == k for k in range(1, count))
    return [piece for piece in pieces if piece.sum() > _SPECK]


def _box(mask: Mask) -> tuple[int, int, int, int]:
    ys, xs = np.nonzero(mask)
    return int(ys.min()), int(xs.min()), int(ys.max()) + 1, int(xs.max()) + 1


def _voc(path: Path, name: str) -> Floats:
    """(n, 4) boxes (y0, x0, y1, x1) of one class in a Pascal VOC file, which counts pixels from 1."""
    try:
        tree = ElementTree.parse(path)
    except (OSError, ElementTree.ParseError) as error:
        raise DataError("this annotation cannot be read", where=str(path), got=str(error)) from error
    out = []
    for one in tree.iter("object"):
        box = one.find("bndbox")
        if one.findtext("name") == name and box is not None:
            out.append([float(box.findtext(k) or 0) - 1 for k in ("ymin", "xmin", "ymax", "xmax")])
    return np.array(out, np.float32).reshape(-1, 4) + np.array([0, 0, 1, 1], np.float32)


def boxes(found: Found, true: Floats) -> Agreement:
    """White cells against true boxes, paired at an intersection over union of one half."""
    cells = white(found.cells)
    return Agreement(len(true), len(cells), len(pair_boxes(cells.bbox.astype(float), true)))


def _boxes_case(file: str, score: Agreement, parts: tuple[float, float], annotated: int, view: View) -> Case:
    missed, spare = score.true - score.pairs, score.found - score.pairs
    what = (
        f"of {score.true} cells {missed} not matched, {spare} found beside; Dice cell {parts[0]:.2f} nucleus "
        f"{parts[1]:.2f}"
    )
    if annotated != score.true:
        what += f" (the boxes say {annotated} cells)"
    return Case(file, what, missed + spare + 2 - sum(parts), view)


def boxed(folder: Path, finder: Finder) -> Section:
    """draaslan_rbc_wbc: small fields with boxes of red and white cells, as shares of the image."""
    true = defaultdict(list)
    for row in read_table(folder / "annotations.csv", ("image", "label", "xmin", "ymin", "xmax", "ymax")):
        if row["label"] == "wbc":
            true[row["image"]].append([float(row[k]) for k in ("ymin", "xmin", "ymax", "xmax")])
    files = [row["file"] for row in manifest(folder)]
    found = [finder.of_file(folder / file) for file in files]
    want = [
        np.array(true[Path(f).name], np.float32).reshape(-1, 4) * np.array(2 * each.shape, np.float32)
        for f, each in zip(files, found, strict=True)
    ]
    return _detected("draaslan_rbc_wbc", folder, files, found, want, [])


def _detected(
    data: str, folder: Path, files: Sequence[str], found: Sequence[Found], true: Sequence[Floats], rows: list[Row]
) -> Section:
    """Boxes of white cells: one row, and a case for each field that has one missed or one too many."""
    scores = [boxes(f, t) for f, t in zip(found, true, strict=True)]
    first = detection(f"{data}.f1", "white cells, boxes at IoU 0.5", scores, files, of=f"boxes, {len(files)} fields")
    cases = []
    for file, each, box, score in zip(files, found, true, scores, strict=True):
        missed, spare = score.true - score.pairs, score.found - score.pairs
        if missed or spare:
            view = View(pixels_of(folder / file), each.cells, Marks(boxes=box))
            cases.append(
                Case(file, f"of {score.true} boxes {missed} not matched, {spare} found beside", missed + spare, view)
            )
    return Section(data, (first, *rows), tuple(sorted(cases, key=lambda c: -c.loss)))


def red_cells(folder: Path, finder: Finder) -> Section:
    """chula_rbc_negative_controls: fields of red cells, where every white cell found is false."""
    files, counts, cases = [], [], []
    for row in manifest(folder):
        found = finder.of_file(folder / row["file"])
        files.append(row["file"])
        counts.append(len(white(found.cells)))
        if counts[-1]:
            view = View(pixels_of(folder / row["file"]), found.cells, Marks())
            cases.append(Case(row["file"], f"{counts[-1]} found", counts[-1], view))
    key = "chula_rbc_negative_controls.false_cells"
    rows = (mean(key, "white cells found where there are none", "cells a field", counts, files, of="fields"),)
    return Section("chula_rbc_negative_controls", rows, tuple(sorted(cases, key=lambda c: -c.loss)))


def barcelona(folder: Path, finder: Finder) -> Section:
    """pbc_barcelona_subset: one cell in the middle of each picture, and boxes for some of them."""
    true = defaultdict(list)
    for row in read_table(folder / "txl_pbc_boxes.csv", ("file", "cls", "xc", "yc", "w", "h")):
        if row["cls"] == "WBC":
            y, x, h, w = (float(row[k]) for k in ("yc", "xc", "h", "w"))
            true[row["file"]].append([y - h / 2, x - w / 2, y + h / 2, x + w / 2])
    every = manifest(folder)
    chosen = {*true, *sampled([row["file"] for row in every])}
    hits = trials = 0
    files, found, want = [], [], []
    lost: list[Case] = []
    for row in (r for r in every if r["file"] in chosen):
        each = finder.of_file(folder / row["file"])
        if row["file"] in true:
            files.append(row["file"])
            found.append(each)
            want.append(np.array(true[row["file"]], np.float32) * np.array(2 * each.shape, np.float32))
        if row.get("label") == "platelet":
            continue
        middle = np.array([each.shape], np.float32) * np.float32(0.5)
        hit = bool(owners(each.cells, middle)[0] >= 0)
        hits, trials = hits + hit, trials + 1
        if not hit:
            view = View(pixels_of(folder / row["file"]), each.cells, Marks(points=middle))
            lost.append(Case(row["file"], f"{row.get('label')}: no cell in the middle", 1.5, view))
    middle_row = share(
        "pbc_barcelona_subset.middle", "a cell in the middle of the picture", hits, trials, of="pictures"
    )
    section = _detected("pbc_barcelona_subset", folder, files, found, want, [middle_row])
    cases = sorted([*lost, *section.cases], key=lambda c: -c.loss)
    return Section(section.data, section.rows, tuple(cases))


def sampled(files: Sequence[str]) -> list[str]:
    """About `_MANY` of them, evenly spread; all where there are fewer."""
    return list(files[:: max(1, round(len(files) / _MANY))])


def counted(folder: Path, finder: Finder, data: str) -> Section:
    """Any folder with a manifest: what is found, without truth to compare it with."""
    files = sampled([row["file"] for row in manifest(folder)])
    found = [finder.of_file(folder / file) for file in files]
    counts = [len(white(f.cells)) for f in found]
    smudges = [int((f.cells.kind == Kind.SMUDGE).sum()) for f in found]
    known = sum(f.pixel_size.um is not None for f in found)
    rows = (
        mean(f"{data}.cells", "white cells found, no truth", "cells a field", counts, files, of="fields"),
        mean(f"{data}.smudges", "smudges found, no truth", "smudges a field", smudges, files, of="fields"),
        share(f"{data}.sized", "pixel size known or estimated", known, len(found), of="fields"),
    )
    cases = [
        Case(file, f"{n} cells, {s} smudges", 0.0, View(pixels_of(folder / file), f.cells, Marks()))
        for file, n, s, f in zip(files, counts, smudges, found, strict=True)
    ]
    return Section(data, rows, tuple(cases), note="Nobody said what is there: look at the pictures.")
