"""Rendered smears at many magnifications: pixel size from red cells, and the same cells whatever the magnification."""

from collections.abc import Sequence

from allviewer.learning.segmentation.figures import pooled, share
from allviewer.learning.segmentation.finder import Finder, drawn
from allviewer.learning.segmentation.held import HELD
from allviewer.learning.segmentation.words import Row
from allviewer.segment.pixel_size import estimate_pixel_size
from allviewer.segment.score import pair_labels
from allviewer.synth import STAINS, Scene, render

MAGNIFICATIONS = (0.05, 0.07, 0.1, 0.14, 0.2, 0.28)
"""µm per pixel: from a 100x objective on a fine sensor to a scanner's 40x."""
_UM = (80, 100)
"""Height and width of the fields that red cells are measured in, µm."""


def pixel_sizes(magnifications: Sequence[float] = MAGNIFICATIONS) -> list[Row]:
    """How far the estimate is off, at every magnification in two stains."""
    stains, off, names, unknown = list(STAINS), [], [], 0
    for k, um in enumerate(magnifications):
        for turn in (0, 3):
            stain = stains[(k + turn) % len(stains)]
            height, width = (round(side / um) for side in _UM)
            field = render(Scene(height, width, seed=30 + k, um_per_px=um, stain=stain))
            found = estimate_pixel_size(field.rgb).um
            if found is None:
                unknown += 1
                continue
            off.append(abs(found / um - 1))
            names.append(f"{stain}, {um:g} µm a pixel")
    key, n = "synthetic.pixel_size", len(off) + unknown
    worst = max(zip(off, names, strict=True), default=None)
    what = "pixel size, largest error of an estimate"
    top = Row(key, what, "share", worst[0] if worst else None, n, "fields", worst=worst, held=HELD[key])
    return [top, share("synthetic.pixel_size_known", "pixel size estimated at all", len(off), n, of="fields")]


def magnified(finder: Finder, seeds: Sequence[int] = (4, 5, 6)) -> list[Row]:
    """One smear rendered at the usual, at half and at double magnification: the same cells by whole-cell outline."""
    scores, names = [], []
    for seed, stain in zip(seeds, ("wright-giemsa", "pale", "leishman"), strict=True):
        tables = {}
        for um in (0.1, 0.2, 0.05):
            smear = Scene(
                round(80 / um), round(110 / um), seed=seed, um_per_px=um, stain=stain, white_cells=12, smudges=0
            )
            tables[um] = finder.of_pixels(render(smear).rgb, um)
        shape = 800, 1100
        base = drawn(tables[0.1], shape, 1)
        for um in (0.2, 0.05):
            scores.append(pair_labels(drawn(tables[um], shape, um / 0.1), base).agreement)
            names.append(f"{stain}, seed {seed}, {um:g} µm a pixel")
    return [
        pooled(
            "synthetic.scale", "the same cells, half and double magnification", "share", [2 * s.pairs for s in scores],
            [s.true + s.found for s in scores], names, of=f"cells, {len(scores)} views", n=sum(s.true for s in scores),
        )
    ]  # fmt: skip
