"""Pictures of one white cell each."""

from pathlib import Path

from allviewer.learning.segmentation.figures import mean, share
from allviewer.learning.segmentation.finder import Finder, manifest, marks_of, pixels_of, read_mask
from allviewer.learning.segmentation.overlap import best_dice, percent
from allviewer.learning.segmentation.words import Case, Row, Section, View
from allviewer.vocab.cells import Kind

_WBC_UM = 0.2
"""µm per pixel of segmentation_wbc's Dataset 1, near enough: its crops of 120 pixels hold about 24 µm. The files do not
say; it is told only in the rows that say so."""


def masked(folder: Path, finder: Finder) -> Section:
    """segmentation_wbc: three-level masks; the files name no scale, so the program has to find one."""
    rows: list[Row] = []
    cases: list[Case] = []
    files, masks = [], []
    for row in manifest(folder):
        if row.get("mask"):
            files.append(row["file"])
            masks.append(read_mask(folder / row["mask"]))
    for name, um, words in (("", None, ""), ("_told", _WBC_UM, f", {_WBC_UM} µm a pixel told")):
        scores = []
        for file, (cell, nucleus) in zip(files, masks, strict=True):
            found = finder.of_file(folder / file, um)
            score = best_dice(found.cells, cell, nucleus)
            scores.append(score)
            if um is None:
                size = found.pixel_size
                what = f"{percent(score)}; pixel size {size.source}" + (f" {size.um:.2f} µm" if size.um else "")
                view = View(pixels_of(folder / file), found.cells, marks_of(cell, nucleus))
                cases.append(Case(file, what, 2 - sum(score), view))
        for k, part, what in ((0, "cell", "whole cell"), (1, "nucleus", "nucleus")):
            key = f"segmentation_wbc.{part}{name}"
            rows.append(mean(key, what + words, "Dice", [s[k] for s in scores], files, of="crops"))
    kept = [finder.of_file(folder / file).cells.kind for file in files]
    called = sum(len(kind) > 0 and bool((kind == Kind.SMUDGE).all()) for kind in kept)
    rows.append(share("segmentation_wbc.smudges", "called a smudge", called, len(kept), of="crops"))
    note = "A smudge counts as the cell: each crop holds one. The files do not say how large a pixel is."
    return Section("segmentation_wbc", tuple(rows), tuple(sorted(cases, key=lambda c: -c.loss)), note=note)
