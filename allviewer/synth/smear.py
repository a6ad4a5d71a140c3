"""The smear: rendered tile by tile, every tile the same however it is asked for."""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from allviewer.synth.bodies import RADII, SMUDGE, Body, place_parcel
from allviewer.synth.camera import expose, halo_px
from allviewer.synth.debris import Speck, draw_smudge, draw_speck
from allviewer.synth.red import BLOCK_UM, Disc, Proposals, RedCell, draw_red, propose, settle
from allviewer.synth.scene import Scene
from allviewer.synth.stains import HAEMOGLOBIN, SUBSTANCES
from allviewer.synth.white import Sprite, draw_white
from allviewer.vocab.arrays import RGB, Floats, Labels
from allviewer.vocab.region import Region

CAMERA = frozenset({"blur_um", "noise", "vignette", "fringe_um"})
"""Settings of a scene that decide how the smear is seen, not what lies on it."""
TILE = 512
"""Side of the tiles that are rendered whole, anchored at the image's origin."""
_REACH_UM = 2.2 * max(most for _, _, _, most in RADII.values())


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One rendered tile, cut at the image's edges: colour, and truth as in `SyntheticField`."""

    rgb: RGB
    cells: Labels
    nuclei: Labels
    smudges: Labels


class Smear:
    """One scene, with the parts drawn last kept at hand.

    Two tiles that share a cell draw it from the same seed on the same grid, so it continues over the border; each pixel
    belongs to one tile of a fixed grid, so its value cannot depend on what was asked for.

    Parameters
    ----------
    scene : what is rendered.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._parcel = lru_cache(256)(lambda i, j: place_parcel(scene, i, j))
        self._propose = lru_cache(1024)(lambda i, j: propose(scene, i, j))
        self._reds = lru_cache(512)(self._settle)
        self._specks = lru_cache(512)(self._scatter)
        self._body = lru_cache(48)(self._draw_body)
        self._disc = lru_cache(600)(lambda cell: draw_red(scene, cell))

    def through(self, **camera: float) -> "Smear":
        """The same smear with other settings of `CAMERA`; what is drawn is shared."""
        if camera.keys() - CAMERA:
            raise ValueError(f"{', '.join(sorted(camera.keys() - CAMERA))} is drawn, not seen: make another smear")
        other = copy(self)
        other.scene = replace(self.scene, **camera)  # type: ignore[arg-type]
        return other

    def bodies(self, region: Region) -> Iterator[Body]:
        """White cells and smudges of every parcel that touches a region (pixels), ascending parcels."""
        rows, cols = self.scene.parcels
        i0, i1 = (int(np.floor(v * rows / self.scene.height)) for v in (region.y0, region.y1))
        j0, j1 = (int(np.floor(v * cols / self.scene.width)) for v in (region.x0, region.x1))
        for i in range(max(i0, 0), min(i1, rows - 1) + 1):
            for j in range(max(j0, 0), min(j1, cols - 1) + 1):
                yield from self._parcel(i, j)

    def red_cells(self, region: Region) -> Iterator[RedCell]:
        """Red cells of every block that touches a region, those that would lie under a white cell left out."""
        for i, j in self._blocks(region):
            yield from self._reds(i, j)

    def specks(self, region: Region) -> Iterator[Speck]:
        """Platelets and precipitate of every block that touches a region."""
        for i, j in self._blocks(region):
            yield from self._specks(i, j)

    def tile(self, row: int, col: int) -> Tile:
        """Render the tile in that row and column of the fixed grid."""
        scene, halo = self.scene, halo_px(self.scene)
        box = Region(row * TILE, col * TILE, (row + 1) * TILE, (col + 1) * TILE)
        wide = box.grow(halo)
        side = TILE + 2 * halo
        amounts = np.zeros((side, side, SUBSTANCES), np.float32)
        fringe = np.zeros((side, side), np.float32)
        near = wide.grow(int(np.ceil(_REACH_UM / scene.um_per_px)) + 4)
        for red in self.red_cells(near):
            _lay_red(amounts[..., HAEMOGLOBIN], fringe, self._disc(red), wide)
        fringe *= np.clip(1 - 2.2 * amounts[..., HAEMOGLOBIN], 0.3, 1)
        truth = np.zeros((3, TILE, TILE), np.int32)
        for body in self.bodies(near):
            sprite = self._body(body)
            if _lay(amounts, fringe, sprite, wide):
                _label(truth, sprite, body, box)
        for speck in self.specks(near):
            _lay(amounts, fringe, draw_speck(scene, speck), wide)
        rgb = expose(scene, amounts, fringe, box.y0, box.x0, halo)
        h, w = (min(TILE, size - at) for size, at in ((scene.height, box.y0), (scene.width, box.x0)))
        cells, nuclei, smudges = (np.ascontiguousarray(t[:h, :w]) for t in truth)
        return Tile(np.ascontiguousarray(rgb[:h, :w]), cells, nuclei, smudges)

    def _blocks(self, region: Region) -> Iterator[tuple[int, int]]:
        side = BLOCK_UM / self.scene.um_per_px
        for i in range(int(region.y0 // side), int(region.y1 // side) + 1):
            for j in range(int(region.x0 // side), int(region.x1 // side) + 1):
                yield i, j

    def _settle(self, i: int, j: int) -> tuple[RedCell, ...]:
        around: Proposals = np.concatenate([self._propose(i + a, j + b) for a in (0, -1, 1) for b in (0, -1, 1)])
        cells = settle(self.scene, i, j, around)
        return tuple(c for c in cells if not self._under_white(c.y, c.x, 0.40 * c.diameter, smudges=False))

    def _scatter(self, i: int, j: int) -> tuple[Speck, ...]:
        scene = self.scene
        out: list[Speck] = []
        rng = scene.rng(41, i, j)
        for kind, density, least, most in (
            ("platelet", scene.platelets_per_mm2, 0.7, 1.6),
            ("precipitate", scene.precipitate_per_mm2, 0.12, 0.4),
        ):
            for _ in range(rng.poisson(density * BLOCK_UM**2 * 1e-6)):
                y, x = (np.array([i, j]) + rng.random(2)) * BLOCK_UM / scene.um_per_px
                radius = float(rng.uniform(least, most))
                if not self._under_white(y, x, radius, smudges=True):
                    out.append(Speck(float(y), float(x), radius, kind, (i, j, len(out) + 1_000_000)))
        return tuple(out)

    def _under_white(self, y: float, x: float, reach: float, *, smudges: bool) -> bool:
        """Whether a body within ``reach`` µm of its edge covers a point (pixels)."""
        um = self.scene.um_per_px
        wide = int(np.ceil(12 / um))
        for body in self.bodies(Region(int(y) - wide, int(x) - wide, int(y) + wide, int(x) + wide)):
            covers = 0.55 * body.radius if body.cls == SMUDGE and not smudges else body.radius
            if np.hypot(body.y - y, body.x - x) * um < covers + reach:
                return True
        return False

    def _draw_body(self, body: Body) -> Sprite:
        if body.cls == SMUDGE:
            return draw_smudge(self.scene, body)
        return draw_white(self.scene, body, self._parcel(body.key[0], body.key[1]))


def _cut(
    y0: int, x0: int, shape: tuple[int, ...], frame: Region
) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
    """Slices of the frame and of a grid laid at (y0, x0) where they overlap, or None."""
    h, w = shape
    a0, b0 = max(y0, frame.y0), max(x0, frame.x0)
    a1, b1 = min(y0 + h, frame.y1), min(x0 + w, frame.x1)
    if a1 <= a0 or b1 <= b0:
        return None
    return (
        (slice(a0 - frame.y0, a1 - frame.y0), slice(b0 - frame.x0, b1 - frame.x0)),
        (slice(a0 - y0, a1 - y0), slice(b0 - x0, b1 - x0)),
    )


def _lay_red(haemoglobin: Floats, fringe: Floats, disc: Disc, frame: Region) -> None:
    """Lay a red cell over those already there: denser where two overlap, but less than twice as dense."""
    cut = _cut(disc.y0, disc.x0, disc.haemoglobin.shape, frame)
    if cut is None:
        return
    there, here = cut
    below, above = haemoglobin[there], disc.haemoglobin[here]
    haemoglobin[there] = np.maximum(below, above) + np.float32(0.20) * np.minimum(below, above)
    np.maximum(fringe[there], disc.fringe[here], out=fringe[there])


def _lay(amounts: Floats, fringe: Floats, sprite: Sprite, frame: Region) -> bool:
    """Lay a sprite on the smear; says whether any of it lies in the frame."""
    cut = _cut(sprite.y0, sprite.x0, sprite.cover.shape, frame)
    if cut is None:
        return False
    there, here = cut
    rest = 1 - sprite.cover[here]
    amounts[there] *= (1 - np.float32(0.92) * sprite.cover[here])[..., None]
    fringe[there] = (
        np.maximum(fringe[there] * rest, sprite.fringe[here]) if sprite.fringe is not None else fringe[there] * rest
    )
    for substance, amount in sprite.amounts.items():
        amounts[there][..., substance] += amount[here]
    return True


def _label(truth: Labels, sprite: Sprite, body: Body, box: Region) -> None:
    """Write a body's number into the truth planes: cells, nuclei, smudges."""
    cut = _cut(sprite.y0, sprite.x0, sprite.cell.shape, box)
    if cut is None:
        return
    there, here = cut
    if body.cls == SMUDGE:
        plane = truth[2][there]
        plane[sprite.cell[here] & (truth[0][there] == 0)] = body.id
        return
    truth[0][there][sprite.cell[here]] = body.id
    truth[1][there][sprite.cell[here]] = np.where(sprite.nucleus[here], body.id, 0)[sprite.cell[here]]
    truth[2][there][sprite.cell[here]] = 0
