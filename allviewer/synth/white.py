"""Draw one white cell: outline flattened against its neighbours, nucleus by class, cytoplasm, granules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
from numpy.random import Generator

from allviewer.synth.bodies import SMUDGE, Body, outline
from allviewer.synth.nuclei import NUCLEI
from allviewer.synth.scene import Scene
from allviewer.synth.shapes import Blob, cover, texture, within
from allviewer.synth.stains import AZUROPHILIA, BASOPHILIA, CHROMATIN, EOSINOPHILIA, NEUTROPHILIA
from allviewer.vocab.arrays import Floats, Mask

FACETS = {
    "blast": (0.25, 0.3, 0.25, 0.2),
    "neutrophil": (0.5, 0.3, 0.2, 0.0),
    "eosinophil": (0.5, 0.3, 0.2, 0.0),
}
"""Class → probability of 0 to 3 flattened sides; others are as blasts."""


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """Something drawn on its own small grid, to be laid on the smear.

    Attributes
    ----------
    y0, x0 : pixel of the image on which the grid's first pixel lies; may be outside the image.
    cover : (h, w) float32 share of each pixel that hides what lies below.
    amounts : substance → (h, w) float32.
    cell, nucleus : (h, w) bool truth; both empty for what is no white cell.
    fringe : (h, w) float32, light refracted out of the edge, or None.
    """

    y0: int
    x0: int
    cover: Floats
    amounts: Mapping[int, Floats]
    cell: Mask
    nucleus: Mask
    fringe: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """The grid of one sprite: offsets from the body's centre in µm, and its generator."""

    y0: int
    x0: int
    dy: Floats
    dx: Floats
    um: float
    rng: Generator

    def texture(self, grain_um: float) -> Floats:
        """Smooth noise with grains of ``grain_um``."""
        return texture(self.rng, (self.dy.shape[0], self.dy.shape[1]), grain_um / self.um)


def canvas(scene: Scene, body: Body, reach: float) -> Canvas:
    """A grid wide enough for ``reach`` µm around a body's centre."""
    um = scene.um_per_px
    half = reach / um + 3
    y0, x0 = int(np.floor(body.y - half)), int(np.floor(body.x - half))
    ys = (np.arange(y0, int(np.ceil(body.y + half)) + 1) + 0.5 - body.y) * um
    xs = (np.arange(x0, int(np.ceil(body.x + half)) + 1) + 0.5 - body.x) * um
    dy, dx = np.meshgrid(ys.astype(np.float32), xs.astype(np.float32), indexing="ij")
    return Canvas(y0, x0, dy, dx, um, scene.rng(17, *body.key))


def draw_white(scene: Scene, body: Body, parcel: tuple[Body, ...]) -> Sprite:
    """Draw a white cell among the bodies of its parcel.

    Parameters
    ----------
    scene : what is rendered.
    body : the cell, one of ``parcel``.
    parcel : all white cells and smudges placed together with it.
    """
    own = outline(scene, body)
    sheet = canvas(scene, body, own.reach)
    cell = _pressed(scene, body, own, parcel, sheet)
    if not scene.clumps:  # there each cell's own side is flattened, and must meet its neighbour's
        cell = _facets(cell, sheet, body)
    edge = cover(cell, sheet.um)
    look = NUCLEI[body.cls](sheet, body.radius, cell)
    nucleus = within(look.distance, cell - np.float32(0.16), 0.2)
    inside = cover(nucleus, sheet.um) * edge
    amounts = _CYTOPLASM[body.cls](sheet, cell, nucleus)
    amounts = {k: v * edge * (1 - 0.9 * inside) for k, v in amounts.items()}
    rim: Floats = np.float32(0.16) * np.exp(-np.maximum(nucleus, 0) / np.float32(0.22)) + np.float32(1)
    pink = np.float32(max(0.0, sheet.rng.normal(0.06, 0.10)))
    amounts[CHROMATIN] = amounts.get(CHROMATIN, np.float32(0)) + inside * look.chromatin * rim * (1 - pink)
    amounts[AZUROPHILIA] = amounts.get(AZUROPHILIA, np.float32(0)) + inside * look.chromatin * pink
    if look.blue is not None:
        amounts[BASOPHILIA] = amounts.get(BASOPHILIA, np.float32(0)) + inside * look.blue
    mask = cell > 0
    # the denser the cytoplasm, the more its edge bends the light
    bend = 0.35 if body.cls in ("neutrophil", "monocyte") else 0.9
    fringe = np.float32(bend) * np.exp(-(((cell + np.float32(0.27)) / np.float32(0.18)) ** 2))
    return Sprite(sheet.y0, sheet.x0, edge, amounts, mask, mask & (nucleus > 0), fringe)


def _facets(cell: Floats, sheet: Canvas, body: Body) -> Floats:
    """Flatten up to three sides: cells dry against what lay beside them."""
    for _ in range(int(sheet.rng.choice([0, 1, 2, 3], p=FACETS.get(body.cls, FACETS["blast"])))):
        angle, far = sheet.rng.uniform(0, 2 * pi), body.radius * sheet.rng.uniform(0.84, 0.98)
        side = np.float32(far) - sheet.dy * np.float32(sin(angle)) - sheet.dx * np.float32(cos(angle))
        cell = within(cell, side, 0.9)
    return cell


def _pressed(scene: Scene, body: Body, own: Blob, parcel: tuple[Body, ...], sheet: Canvas) -> Floats:
    """Distance (µm) to the outline, cut halfway towards each neighbour that it would overlap."""
    rho = np.hypot(sheet.dy, sheet.dx)
    half = 0.5 * scene.cleft_um
    radius = own.radius_at(sheet.dy, sheet.dx)
    distance = radius - rho
    share = rho / radius
    for other in parcel:
        if other.key == body.key or other.cls == SMUDGE:
            continue
        v, u = (other.y - body.y) * sheet.um, (other.x - body.x) * sheet.um
        theirs = outline(scene, other)
        if np.hypot(v, u) > own.reach + theirs.reach + 4 * half:
            continue
        dy, dx = sheet.dy - np.float32(v), sheet.dx - np.float32(u)
        share_theirs = np.hypot(dy, dx) / theirs.radius_at(dy, dx)
        # where both shares are equal the two membranes press: a curved line between the centres
        line = (share_theirs - share) * np.float32(0.5 * body.radius) - np.float32(half)
        distance = np.minimum(distance, line)
    return distance


def _scanty(sheet: Canvas, cell: Floats, nucleus: Floats) -> dict[int, Floats]:
    """Blast: deep blue, darkest at the membrane, paler beside the nucleus, at times with vacuoles."""
    rim = np.exp(-np.maximum(cell, 0) / np.float32(0.45))
    hof = np.exp(-(((nucleus + np.float32(0.9)) / np.float32(0.8)) ** 2))
    angle = sheet.rng.uniform(0, 2 * pi)
    side = (sheet.dy * np.float32(sin(angle)) + sheet.dx * np.float32(cos(angle))) / np.float32(6)
    blue = 0.55 + 0.85 * rim - 0.36 * hof * (1 + side) + 0.15 * sheet.texture(0.3) + 0.18 * sheet.texture(0.8)
    if sheet.rng.random() < 0.25:
        blue *= 1 - _spots(sheet, cell, int(sheet.rng.integers(2, 8)), 0.25, 0.55, 0.8)
    return {BASOPHILIA: np.clip(blue, 0.05, 1.6), AZUROPHILIA: np.clip(0.14 + 0.08 * sheet.texture(0.6), 0, 1)}


def _sky(sheet: Canvas, cell: Floats, nucleus: Floats) -> dict[int, Floats]:
    """Lymphocyte: clear pale blue, slightly deeper at the membrane, rarely a few azurophil granules."""
    rim = np.exp(-np.maximum(cell, 0) / np.float32(0.4))
    blue = 0.46 + 0.34 * rim + 0.10 * sheet.texture(0.3) + 0.10 * sheet.texture(1.0)
    out = {BASOPHILIA: np.clip(blue, 0.05, 1.2)}
    if sheet.rng.random() < 0.2:
        out[AZUROPHILIA] = _spots(sheet, cell, int(sheet.rng.integers(3, 9)), 0.16, 0.26, 0.7)
    return out


def _pink(sheet: Canvas, cell: Floats, nucleus: Floats) -> dict[int, Floats]:
    """Neutrophil: pale lilac pink, sown with fine granules; the membrane hardly shows."""
    fine, finer = sheet.texture(0.22), sheet.texture(0.13)
    dust = np.clip(fine - 0.8, 0, 1.6) * np.float32(sheet.rng.uniform(0.35, 0.95))
    pink = 0.72 + 0.13 * finer + 0.10 * sheet.texture(0.8)
    return {
        NEUTROPHILIA: np.clip(pink, 0.1, 2) + 0.6 * dust,
        AZUROPHILIA: 0.45 * dust,
        CHROMATIN: 0.15 * dust,
        BASOPHILIA: np.full_like(cell, np.float32(0.03)),
    }


def _ground_glass(sheet: Canvas, cell: Floats, nucleus: Floats) -> dict[int, Floats]:
    """Monocyte: grey-blue, cloudy, with fine dust and often vacuoles."""
    blue = 0.46 + 0.07 * sheet.texture(0.3) + 0.08 * sheet.texture(1.3)
    blue += 0.16 * np.exp(-np.maximum(cell, 0) / np.float32(0.5))
    if sheet.rng.random() < 0.6:
        blue *= 1 - _spots(sheet, cell, int(sheet.rng.integers(2, 11)), 0.3, 0.7, 0.75)
    return {
        BASOPHILIA: np.clip(blue, 0.05, 1.2),
        NEUTROPHILIA: np.clip(0.35 + 0.15 * sheet.texture(0.18), 0, 1),
    }


def _orange(sheet: Canvas, cell: Floats, nucleus: Floats) -> dict[int, Floats]:
    """Eosinophil: packed with round refractile orange granules."""
    beads = _spots(sheet, cell - np.float32(0.25), 220, 0.28, 0.42, 1.0)
    return {
        EOSINOPHILIA: np.clip(0.22 + 0.62 * beads + 0.06 * sheet.texture(0.2), 0, 1.6),
        BASOPHILIA: np.full_like(cell, np.float32(0.08)),
    }


def _spots(sheet: Canvas, cell: Floats, count: int, least: float, most: float, depth: float) -> Floats:
    """(h, w) 0..depth: ``count`` round soft spots of radius ``least`` to ``most`` µm, centres inside the cell."""
    out = np.zeros_like(cell)
    ys, xs = np.nonzero(cell > least)
    if not len(ys):
        return out
    for pick in sheet.rng.integers(len(ys), size=count):
        radius, strength = sheet.rng.uniform(least, most), depth * sheet.rng.uniform(0.6, 1)
        pad = int(np.ceil(1.6 * radius / sheet.um)) + 1
        box = np.s_[max(ys[pick] - pad, 0) : ys[pick] + pad + 1, max(xs[pick] - pad, 0) : xs[pick] + pad + 1]
        y, x = sheet.dy[ys[pick], xs[pick]], sheet.dx[ys[pick], xs[pick]]
        rho2 = ((sheet.dy[box] - y) ** 2 + (sheet.dx[box] - x) ** 2) / np.float32(radius * radius)
        np.maximum(out[box], np.float32(strength) * np.exp(-(rho2**2)), out=out[box])
    return out


_CYTOPLASM: Mapping[str, Callable[[Canvas, Floats, Floats], dict[int, Floats]]] = {
    "blast": _scanty,
    "lymphocyte": _sky,
    "neutrophil": _pink,
    "monocyte": _ground_glass,
    "eosinophil": _orange,
}
