"""Rendered smears, whose truth is exact: every stain, blur, noise and JPEG quality, clumps, bare fields."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import cv2
import numpy as np

from allviewer.learning.segmentation.figures import detection, mean, panoptic, share
from allviewer.learning.segmentation.finder import Finder, marks_of, white
from allviewer.learning.segmentation.synthetic_scale import magnified, pixel_sizes
from allviewer.learning.segmentation.words import Case, Curve, Marks, Row, Section, View
from allviewer.segment.outlines import draw
from allviewer.segment.score import Agreement, pair_labels, split_right
from allviewer.synth import STAINS, Scene, SyntheticField, render, render_through
from allviewer.vocab.arrays import RGB, Labels
from allviewer.vocab.cells import CellTable

BLUR_UM = (0.1, 0.2, 0.3)
NOISE = (1.6, 4.0, 8.0)
JPEG = (100, 75, 50)
"""Levels every stain is crossed with: from a good camera to a poor one. JPEG 100 stands for pixels never packed."""
FAR_BLUR_UM, FAR_NOISE, FAR_JPEG = (0.4, 0.5, 0.7), (12.0, 16.0, 24.0), (30, 15, 8)
"""Beyond those, one at a time: how quality falls where a picture is no longer fit to be read."""

CLUMP_SIZES = (2, 3, 4, 5, 6, 7, 8)
_SHAPE = (700, 900)
_CELLS = 12


@dataclass(frozen=True, slots=True)
class Setting:
    """One picture: stain, optics, packing, and how the nuclei found agree with the truth."""

    stain: str
    blur_um: float
    noise: float
    jpeg: int
    nuclei: Agreement
    cells: Agreement

    @property
    def name(self) -> str:
        """What renders it again."""
        packed = f", JPEG {self.jpeg}" if self.jpeg < 100 else ""
        return f"{self.stain}, blur {self.blur_um:g} µm, noise {self.noise:g}{packed}"


def synthetic(finder: Finder) -> Section:
    """Everything that needs no data."""
    settings: list[Setting] = []
    cases: list[Case] = []
    for setting, case in swept(finder):
        settings.append(setting)
        if case.loss > 0:
            cases.append(case)
    near = [s for s in settings if s.blur_um in BLUR_UM and s.noise in NOISE and s.jpeg in JPEG]
    names, stains = [s.name for s in near], [s.stain for s in near]
    of = f"nuclei, {len(near)} pictures"
    rows = [
        detection("synthetic.f1", "nuclei at IoU 0.5", [s.nuclei for s in near], names, of=of, groups=stains),
        panoptic("synthetic.pq", "panoptic quality, nuclei", [s.nuclei for s in near], names, of=of, groups=stains),
        detection("synthetic.f1_cells", "whole cells at IoU 0.5", [s.cells for s in near], names, of=of, groups=stains),
        panoptic("synthetic.pq_cells", "the same, whole cells", [s.cells for s in near], names, of=of, groups=stains),
        *_bare(finder),
    ]
    clump_rows, clump_curve, clump_cases = clumps(finder)
    sizes, scale = pixel_sizes(), magnified(finder)
    return Section(
        "synthetic", (*rows, *clump_rows, *sizes, *scale),
        tuple(sorted(cases + clump_cases, key=lambda c: -c.loss)), (*curves(settings), clump_curve),
        note="Rendered by the program itself: exact, but kinder than a real smear.",
    )  # fmt: skip


def scene(stain: str) -> Scene:
    """The smear of one stain that all its pictures show."""
    return Scene(*_SHAPE, seed=11 + sorted(STAINS).index(stain), stain=stain, white_cells=_CELLS, smudges=0)


def swept(finder: Finder, stains: Sequence[str] = tuple(STAINS), far: bool = True) -> Iterator[tuple[Setting, Case]]:
    """Every stain through every camera; with ``far`` the worst optics too, one fault at a time."""
    cameras = list(product(BLUR_UM, NOISE))
    if far:
        cameras += [(b, NOISE[0]) for b in FAR_BLUR_UM] + [(BLUR_UM[0], n) for n in FAR_NOISE]
    for stain in stains:
        smear = scene(stain)
        pictures = render_through(smear, ({"blur_um": b, "noise": n} for b, n in cameras))
        for (blur, noise), field in zip(cameras, pictures, strict=True):
            near = blur in BLUR_UM and noise in NOISE
            first = far and (blur, noise) == (BLUR_UM[0], NOISE[0])
            for jpeg in (*(JPEG if near else JPEG[:1]), *(FAR_JPEG if first else ())):
                yield _scored(finder, field, stain, blur, noise, jpeg)


def _scored(
    finder: Finder, field: SyntheticField, stain: str, blur: float, noise: float, jpeg: int
) -> tuple[Setting, Case]:
    rgb = packed(field.rgb, jpeg)
    cells = finder.of_pixels(rgb, field.um_per_px)
    nuclei, whole = labels(cells, field)
    setting = Setting(
        stain, blur, noise, jpeg, pair_labels(nuclei, field.nuclei).agreement, pair_labels(whole, field.cells).agreement
    )
    missed, spare = setting.nuclei.true - setting.nuclei.pairs, setting.nuclei.found - setting.nuclei.pairs
    what = f"of {setting.nuclei.true} nuclei {missed} not matched, {spare} found beside"
    again = replace(scene(stain), blur_um=blur, noise=noise)
    view = View(partial(_again, again, jpeg), cells, marks_of(field.cells > 0, field.nuclei > 0))
    return setting, Case(setting.name, what, missed + spare, view if missed + spare else None)


def packed(rgb: RGB, quality: int) -> RGB:
    """Pixels as they come back from a JPEG of that quality; 100 leaves them as they are."""
    if quality >= 100:
        return rgb
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    unpacked = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if unpacked is None:
        raise ValueError(f"OpenCV cannot read its own JPEG of quality {quality}")
    return np.ascontiguousarray(unpacked[..., ::-1]).astype(np.uint8, copy=False)


def _again(smear: Scene, jpeg: int) -> RGB:
    return packed(render(smear).rgb, jpeg)


def labels(cells: CellTable, field: SyntheticField) -> tuple[Labels, Labels]:
    """Nuclei and whole cells found, as label images of the field's shape; smudges are no cells."""
    shape = field.rgb.shape[0], field.rgb.shape[1]
    keep = white(cells)
    return draw(keep.nucleus, shape), draw(keep.cell, shape)


def curves(settings: Sequence[Setting]) -> Iterator[Curve]:
    """Quality against blur, noise and JPEG quality, the other two at their best, all stains; and by stain, all near."""
    best = {"blur_um": BLUR_UM[0], "noise": NOISE[0], "jpeg": JPEG[0]}
    for name, what, unit, levels in (
        ("blur_um", "optical blur, standard deviation", "µm", (*BLUR_UM, *FAR_BLUR_UM)),
        ("noise", "sensor noise at full light", "grey levels", (*NOISE, *FAR_NOISE)),
        ("jpeg", "JPEG quality", "", (*JPEG, *FAR_JPEG)),
    ):
        others = {k: v for k, v in best.items() if k != name}
        pick = [s for s in settings if all(getattr(s, k) == v for k, v in others.items())]
        yield _curve(name, what, unit, levels, [[s for s in pick if getattr(s, name) == v] for v in levels])
    near = [s for s in settings if s.blur_um in BLUR_UM and s.noise in NOISE and s.jpeg in JPEG]
    stains = tuple(STAINS)
    yield _curve("stain", "stain, all cameras", "", stains, [[s for s in near if s.stain == v] for v in stains])


def _curve(key: str, what: str, unit: str, levels: Sequence[float | str], groups: Sequence[Sequence[Setting]]) -> Curve:
    nuclei = [sum((s.nuclei for s in group), Agreement()) for group in groups]
    whole = [sum((s.cells for s in group), Agreement()) for group in groups]
    figures = {
        "nucleus F1": tuple(a.f1 for a in nuclei),
        "nucleus PQ": tuple(a.panoptic_quality for a in nuclei),
        "cell PQ": tuple(a.panoptic_quality for a in whole),
    }
    return Curve(key, what, unit, tuple(levels), figures, tuple(a.true for a in nuclei))


def _bare(finder: Finder) -> list[Row]:
    """Fields of red cells, platelets and dirt alone."""
    counts = []
    for k, stain in enumerate(STAINS):
        field = render(Scene(*_SHAPE, seed=70 + k, stain=stain, white_cells=0, smudges=0, platelets_per_mm2=2500))
        counts.append(len(white(finder.of_pixels(field.rgb, field.um_per_px))))
    what = "white cells found where there are none"
    return [mean("synthetic.bare", what, "cells a field", counts, list(STAINS), of="fields")]


def clumps(
    finder: Finder, stains: Sequence[str] = tuple(STAINS), sizes: Sequence[int] = CLUMP_SIZES
) -> tuple[list[Row], Curve, list[Case]]:
    """Clumps of touching blasts: right where every blast is one nucleus found, and nothing else is found there.

    Returns
    -------
    A row for cells that share one border and one for cells with a cleft between them; the first by size of clump; and
    the fields where a clump was not split right.
    """
    joined = [_clumped(finder, stain, seed, 0.0, sizes) for stain in stains for seed in _seeds(stain, 20, 2)]
    cleft = [_clumped(finder, stain, seed, 0.2, sizes) for stain in stains for seed in _seeds(stain, 50, 1)]
    rows = [
        share(key, words, sum(sum(good) for good, _ in fields), len(fields) * len(sizes), of="clumps of 2 to 8")
        for key, words, fields in (
            ("synthetic.clumps", "clumps split right, cells sharing one border", joined),
            ("synthetic.clumps_cleft", "the same with a cleft of 0.2 µm", cleft),
        )
    ]
    shares = tuple(float(np.mean([good[k] for good, _ in joined])) for k in range(len(sizes)))
    curve = Curve(
        "clump", "blasts in a clump, one border", "", tuple(sizes), {"split right": shares}, (len(joined),) * len(sizes)
    )
    return rows, curve, [case for _, case in joined + cleft if case.loss > 0]


def _seeds(stain: str, first: int, count: int) -> range:
    """Seeds of its own for each stain, so that no two fields show the same clumps."""
    start = first + count * list(STAINS).index(stain)
    return range(start, start + count)


def _clumped(finder: Finder, stain: str, seed: int, cleft: float, sizes: Sequence[int]) -> tuple[list[bool], Case]:
    """A field with one clump of every size: which are split right."""
    smear = Scene(1250, 2490, seed=seed, um_per_px=0.1, stain=stain, clumps=tuple(sizes), cleft_um=cleft)
    field = render(smear)
    cells = finder.of_pixels(field.rgb, field.um_per_px)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    good: list[bool] = split_right(labels(cells, field)[0], field.nuclei, groups).tolist()
    wrong = [str(size) for size, one in zip(sizes, good, strict=True) if not one]
    name = f"{stain}, clumps, seed {seed}" + (f", cleft {cleft:g} µm" if cleft else "")
    view = View(partial(_again, smear, 100), cells, Marks(points=field.centres))
    return good, Case(name, f"clumps of {', '.join(wrong)} not split right", len(wrong), view if wrong else None)
