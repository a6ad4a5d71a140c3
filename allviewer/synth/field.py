"""One field in memory, with its exact truth."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from allviewer.synth.bodies import SMUDGE
from allviewer.synth.scene import Scene
from allviewer.synth.smear import TILE, Smear
from allviewer.vocab.arrays import RGB, Floats, Labels
from allviewer.vocab.region import Region

SAMPLE = Scene(1944, 2592, seed=367, white_cells=35, smudges=3, clumping=0.8)
"""The sample field of the program: rendered on the spot, the same everywhere."""


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticField:
    """A rendered field and what truly is on it.

    Attributes
    ----------
    rgb : (H, W, 3) uint8.
    cells, nuclei : (H, W) int32, 0 background, else the white cell's number 1..n; a nucleus lies inside its cell.
    classes : class of cell k + 1 at position k: blast, lymphocyte, neutrophil, monocyte or eosinophil.
    centres : (n, 2) float32 (y, x), pixels, inside the image and inside the cell.
    radii_um : (n,) float32, mean radius of each free cell, µm, before neighbours pressed on it.
    smudges : (H, W) int32, smudge cells, numbered on their own from 1.
    red_cells : (m, 3) float32 y, x, mean diameter, pixels; centre inside the image.
    platelets : (p, 3) float32 y, x, diameter, pixels; centre inside the image.
    um_per_px, stain, seed : as asked for.
    """

    rgb: RGB
    cells: Labels
    nuclei: Labels
    classes: tuple[str, ...]
    centres: Floats
    radii_um: Floats
    smudges: Labels
    red_cells: Floats
    platelets: Floats
    um_per_px: float
    stain: str
    seed: int

    def __len__(self) -> int:
        return len(self.classes)


def render_field(height: int = 1944, width: int = 2592, *, seed: int = 0, **settings: Any) -> SyntheticField:
    """Render a smear with known truth.

    Parameters
    ----------
    height, width : pixels.
    seed : the same seed and settings give the same pixels.
    **settings : any other field of `Scene`, such as ``um_per_px``, ``stain``, ``white_cells``, ``blast_fraction``,
        ``blur_um``, ``noise``.

    Raises
    ------
    ValueError
        A setting is out of range, or more white cells are asked for than fit.

    Examples
    --------
    >>> field = render_field(256, 256, seed=1, white_cells=2)
    >>> field.rgb.shape, len(field.classes)
    ((256, 256, 3), 2)
    """
    return render(Scene(height, width, seed=seed, **settings))


def render_sample() -> SyntheticField:
    """Render the sample field of the program."""
    return render(SAMPLE)


def render(scene: Scene) -> SyntheticField:
    """Render a scene in one piece."""
    return _render(Smear(scene))


def render_through(scene: Scene, cameras: Iterable[Mapping[str, float]]) -> Iterator[SyntheticField]:
    """One smear photographed again and again: as `render` of each scene, sooner.

    Parameters
    ----------
    scene : the smear.
    cameras : for each picture what is to differ, of ``blur_um``, ``noise``, ``vignette`` and ``fringe_um``.
    """
    smear = Smear(scene)
    for camera in cameras:
        yield _render(smear.through(**camera))


def _render(smear: Smear) -> SyntheticField:
    scene = smear.scene
    rgb = np.empty((scene.height, scene.width, 3), np.uint8)
    cells, nuclei, smudges = (np.empty((scene.height, scene.width), np.int32) for _ in range(3))
    for i in range(0, scene.height, TILE):
        for j in range(0, scene.width, TILE):
            tile = smear.tile(i // TILE, j // TILE)
            at = np.s_[i : i + TILE, j : j + TILE]
            rgb[at], cells[at], nuclei[at], smudges[at] = tile.rgb, tile.cells, tile.nuclei, tile.smudges
    whole = Region(0, 0, scene.height, scene.width)
    whites = sorted((b for b in smear.bodies(whole) if b.cls != SMUDGE), key=lambda b: b.id)
    reds = [(c.y, c.x, c.diameter / scene.um_per_px) for c in smear.red_cells(whole)]
    platelets = [(s.y, s.x, 2 * s.radius / scene.um_per_px) for s in smear.specks(whole) if s.kind == "platelet"]
    return SyntheticField(
        rgb, cells, nuclei, tuple(b.cls for b in whites),
        np.array([(b.y, b.x) for b in whites], np.float32).reshape(-1, 2),
        np.array([b.radius for b in whites], np.float32),
        smudges, _inside(reds, scene), _inside(platelets, scene), scene.um_per_px, scene.stain, scene.seed,
    )  # fmt: skip


def settings(scene: Scene) -> dict[str, Any]:
    """Everything that decides a rendered smear, for a file's description."""
    return asdict(scene)


def _inside(rows: list[tuple[float, float, float]], scene: Scene) -> Floats:
    table = np.array(rows, np.float32).reshape(-1, 3)
    keep = (table[:, :2] >= 0).all(axis=1) & (table[:, 0] < scene.height) & (table[:, 1] < scene.width)
    return table[keep]
