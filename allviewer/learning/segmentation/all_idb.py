"""ALL-IDB: white-cell centres of whole fields, masks of crops of the same fields, pixel size, magnification."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from allviewer.learning.layouts import ALL_IDB_CAMERAS, read_table
from allviewer.learning.segmentation.figures import mean, pooled
from allviewer.learning.segmentation.finder import (
    Finder,
    drawn,
    manifest,
    marks_of,
    middle_piece,
    pixels_of,
    read_mask,
    white,
)
from allviewer.learning.segmentation.held import HELD
from allviewer.learning.segmentation.overlap import best_dice, percent
from allviewer.learning.segmentation.words import Case, Found, Marks, Row, Section, View
from allviewer.segment.outlines import draw
from allviewer.segment.score import Agreement, CentreScore, dice, owners, pair_labels, score_centres
from allviewer.vocab.arrays import Floats
from allviewer.vocab.errors import DataError
from allviewer.vocab.region import Region

_SCALED = 6
"""Every so many-th field is also looked at in half and in double size."""


@dataclass(frozen=True, slots=True, eq=False)
class _Field:
    """One field: file, recording session, expert centres (n, 2) (y, x), and what was found."""

    file: str
    session: str
    centres: Floats
    found: Found
    score: CentreScore


def fields(folder: Path, finder: Finder) -> Section:
    """ALL-IDB1: every centre of a lymphoblast or another white cell, platelet-like marks left out."""
    done = [_field(folder, finder, row, centres) for row, centres in true_centres(folder)]
    files, groups = [f.file for f in done], [f.session for f in done]
    total = [f.score.centres for f in done]

    def of(name: str, what: str, attribute: str, rows: Sequence[int], unit: str, thing: str = "centres") -> Row:
        return pooled(
            f"all_idb1.{name}", what, unit, [getattr(done[i].score, attribute) for i in rows], [total[i] for i in rows],
            [files[i] for i in rows], groups=[groups[i] for i in rows], of=f"{thing}, {len(rows)} fields",
        )  # fmt: skip

    every = range(len(done))
    healthy = [i for i in every if groups[i].startswith("H")]
    rows = [
        of("found", "centres that lie in a cell", "found", every, "share"),
        of("own", "centres with a cell of their own", "own", every, "share"),
        of("per_centre", "cells reported a centre", "reported", every, "cells"),
        of("per_centre_healthy", "the same, healthy fields", "reported", healthy, "cells"),
        *_cameras(done),
        *_magnified(folder, finder, done[::_SCALED]),
    ]
    cases = [case for f in done for case in [_case(folder, f)] if case.loss > 0]
    return Section("all_idb1", tuple(rows), tuple(sorted(cases, key=lambda c: -c.loss)))


def true_centres(folder: Path) -> list[tuple[dict[str, str], Floats]]:
    """Each row of the manifest with its field's true centres."""
    points = defaultdict(list)
    for row in read_table(folder / "cells.csv", ("image", "x", "y", "label", "kind_guess")):
        if row["label"] == "lymphoblast" or row["kind_guess"] == "wbc_like":
            points[row["image"]].append((float(row["y"]), float(row["x"])))
    return [
        (row, np.array(points[Path(row["file"]).name], np.float32).reshape(-1, 2)) for row in manifest(folder)
    ]  # fmt: skip


def _field(folder: Path, finder: Finder, row: dict[str, str], centres: Floats) -> _Field:
    found = finder.of_file(folder / row["file"])
    return _Field(row["file"], row.get("subject_id", ""), centres, found, score_centres(found.cells, centres))


def _case(folder: Path, field: _Field) -> Case:
    score, cells = field.score, white(field.found.cells)
    owner = owners(cells, field.centres)
    spare = np.setdiff1d(np.arange(len(cells)), owner)
    missed, shared = score.centres - score.found, score.found - score.own
    what = (
        f"of {score.centres} centres {missed} missed, {shared} in a cell with another; {len(spare)} cells without one"
    )
    crowded = np.isin(owner, np.flatnonzero(np.bincount(owner[owner >= 0], minlength=1) > 1))
    wrong = np.concatenate([field.centres[(owner < 0) | crowded], cells.centroid[spare]])
    view = View(pixels_of(folder / field.file), field.found.cells, Marks(points=field.centres), look=wrong)
    return Case(field.file, what, missed + shared + 0.5 * len(spare), view)


def _cameras(done: Sequence[_Field]) -> list[Row]:
    """Estimated pixel size against each camera's."""
    rows: list[Row] = []
    for (width, height), (um, name) in ALL_IDB_CAMERAS.items():
        mine = [f for f in done if f.found.shape == (height, width)]
        known = [f for f in mine if f.found.pixel_size.um is not None]
        off = [abs((f.found.pixel_size.um or 0) / um - 1) for f in known]
        if not mine:
            continue
        sizes = [f.found.pixel_size.um or 0 for f in known]
        row = mean(
            f"all_idb1.camera_{width}", f"estimated µm a pixel, {name} ({um:.3f})", "µm", sizes,
            [f.file for f in known], of=f"of {len(mine)} fields", groups=[f.session for f in known],
        )  # fmt: skip
        at = int(np.argmax(off)) if off else 0
        rows.append(replace(row, worst=(sizes[at], known[at].file) if off else None))
    off = [abs((r.median or 0) / um - 1) for r, um in zip(rows, _nominal(rows), strict=True) if r.median]
    if off:
        key = "all_idb1.cameras"
        what = "deviation of a camera's median from its own size, the larger"
        rows.append(Row(key, what, "share", max(off), len(off), "cameras", held=HELD[key]))
    return rows


def _nominal(rows: Sequence[Row]) -> list[float]:
    sizes = {f"all_idb1.camera_{width}": um for (width, _), (um, _) in ALL_IDB_CAMERAS.items()}
    return [sizes[row.key] for row in rows]


def _magnified(folder: Path, finder: Finder, done: Sequence[_Field]) -> list[Row]:
    """The same fields in half and in double size, their pixel size told: the same cells by whole-cell outline."""
    scores: list[Agreement] = []
    for field in done:
        um = field.found.pixel_size.um
        if um is None:
            continue
        rgb = pixels_of(folder / field.file)()
        size = rgb.shape[1], rgb.shape[0]
        half = cv2.resize(rgb, (size[0] // 2, size[1] // 2), interpolation=cv2.INTER_AREA)
        double = cv2.resize(rgb, (2 * size[0], 2 * size[1]), interpolation=cv2.INTER_CUBIC)
        base = drawn(finder.of_pixels(rgb, um), field.found.shape, 1)
        for view, scale in ((half, 0.5), (double, 2.0)):
            again = drawn(finder.of_pixels(view, um / scale), field.found.shape, 1 / scale)
            scores.append(pair_labels(again, base).agreement)
    files = [f"{f.file} in {word} size" for f in done if f.found.pixel_size.um for word in ("half", "double")]
    return [
        pooled(
            "all_idb1.scale", "the same cells in half and in double size", "share", [2 * s.pairs for s in scores],
            [s.true + s.found for s in scores], files, of=f"cells, {len(scores)} views", n=sum(s.true for s in scores),
        )
    ]  # fmt: skip


def crops(folder: Path, finder: Finder) -> Section:
    """ALL-IDB2: masks of nucleus and whole cell drawn by hand, looked up in the whole fields they were cut from."""
    whole = folder.parent / "all_idb1"
    if not (whole / "manifest.csv").is_file():
        raise DataError(
            "the masks of ALL-IDB2 are crops of ALL-IDB1's fields", where=str(whole), expected="those fields beside it"
        )
    there = {Path(row["file"]).name: whole / row["file"] for row in manifest(whole)}
    names, sessions, scores, pixels, cases = [], [], [], [], []
    for row in read_table(folder / "crops.csv", ("field", "x", "y", "w", "h", "mask")):
        if row["field"] not in there or "platelet" in row.get("notes", "").lower():
            continue
        path, file = there[row["field"]], row["mask"]
        y, x, h, w = (int(row[k]) for k in ("y", "x", "h", "w"))
        cells = white(finder.of_file(path).cells)
        reach = np.abs(cells.centroid - [y + h / 2, x + w / 2]) < max(h, w)
        near = cells.take(np.flatnonzero(reach.all(axis=1))).shift(-y, -x)
        cell, nucleus = read_mask(folder / file)
        shape = cell.shape[0], cell.shape[1]
        pixels.append((dice(draw(near.cell, shape) > 0, cell), dice(draw(near.nucleus, shape) > 0, nucleus)))
        cell = middle_piece(cell)
        nucleus &= cell
        score = best_dice(near, cell, nucleus)
        names.append(file)
        sessions.append(row.get("session", ""))
        scores.append(score)
        view = View(pixels_of(path), near.shift(y, x), marks_of(cell, nucleus, y, x), Region(y, x, y + h, x + w))
        cases.append(Case(file, percent(score), 2 - sum(score), view))
    rows = [
        mean(f"all_idb2.{part}", what, "Dice", [s[k] for s in scores], names, of="crops", groups=sessions)
        for k, part, what in ((0, "cell", "whole cell"), (1, "nucleus", "nucleus"))
    ] + [
        mean(f"all_idb2.{part}_pixels", what, "Dice", [p[k] for p in pixels], names, of="crops", groups=sessions)
        for k, part, what in ((0, "cell", "all of the mask, whole cells"), (1, "nucleus", "all of the mask, nuclei"))
    ]
    note = "Crops of all_idb1's fields, scored inside the whole field: the masks' piece in the middle against the cell "
    note += "that shares most with it. Crops marked as platelets are left out."
    return Section("all_idb2", tuple(rows), tuple(sorted(cases, key=lambda c: -c.loss)), note=note)
