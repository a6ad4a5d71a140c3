"""Where the white cells and smudges lie: parcel by parcel, each from its own seed."""

from dataclasses import dataclass, replace
from math import cos, hypot, pi, sin

from numpy.random import Generator

from allviewer.synth.allot import allot
from allviewer.synth.clumps import clump, extent
from allviewer.synth.scene import SLOTS, Scene
from allviewer.synth.shapes import Blob, blob

CLASSES = ("blast", "lymphocyte", "neutrophil", "monocyte", "eosinophil")
"""Classes of rendered white cells."""
SMUDGE = "smudge"

# cell radius on a dried smear, µm: mean, standard deviation, least, most
RADII = {
    "blast": (6.2, 0.65, 4.9, 8.2),
    "lymphocyte": (5.0, 0.45, 4.1, 6.2),
    "neutrophil": (6.4, 0.35, 5.5, 7.3),
    "monocyte": (7.5, 0.5, 6.4, 8.8),
    "eosinophil": (6.6, 0.4, 5.8, 7.6),
    SMUDGE: (6.6, 1.1, 4.6, 9.0),
}
# shares of the white cells that are no blasts, near those of normal blood
_OTHERS = (("neutrophil", 0.46), ("lymphocyte", 0.38), ("monocyte", 0.12), ("eosinophil", 0.04))
_TRIES = 80
_CLUMP_TRIES = 8
_EVENNESS = 0.9  # of white cells over parcels: blasts gather


@dataclass(frozen=True, slots=True)
class Body:
    """One white cell or smudge.

    Attributes
    ----------
    id : 1, 2, … over the whole image, white cells and smudges counted apart.
    y, x : centre, pixels, continuous frame.
    radius : µm.
    cls : one of `CLASSES`, or ``smudge``.
    key : (parcel row, parcel column, number in it), seeds how it looks.
    """

    id: int
    y: float
    x: float
    radius: float
    cls: str
    key: tuple[int, int, int]


def outline(scene: Scene, body: Body) -> Blob:
    """The free outline of a white cell, before its neighbours press on it."""
    oval = {"blast": 0.06, "monocyte": 0.06}.get(body.cls, 0.045)
    wave = {"blast": 0.030, "monocyte": 0.04}.get(body.cls, 0.022)
    return blob(scene.rng(16, *body.key), body.radius, oval, wave)


def place_parcel(scene: Scene, row: int, col: int) -> tuple[Body, ...]:
    """The white cells and smudges of one parcel; centres lie inside the parcel and so inside the image."""
    if scene.clumps:
        return _place_clump(scene, row, col)
    rows, cols = scene.parcels
    here, before = allot(
        lambda a, b: scene.rng(11, a, b), scene.bodies, rows * cols, SLOTS, row * cols + col, _EVENNESS
    )
    if not here:
        return ()
    smudges, smudges_before = _smudges(scene, here, before)
    rng = scene.rng(13, row, col)
    first = before - smudges_before
    blasts = sum(_is_blast(scene, k) for k in range(first, first + here - smudges))
    classes = ["blast"] * blasts + [_draw_other(rng) for _ in range(here - smudges - blasts)] + [SMUDGE] * smudges
    radii = [_draw_radius(rng, c) for c in classes]
    spots = _arrange(scene, rng, row, col, classes, radii)
    out = []
    for k, (c, r, (y, x)) in enumerate(zip(classes, radii, spots, strict=True)):
        number = 1 + (smudges_before + k - (here - smudges) if c == SMUDGE else first + k)
        out.append(Body(number, y, x, r, c, (row, col, k)))
    return tuple(out)


def _smudges(scene: Scene, here: int, before: int) -> tuple[int, int]:
    """Of the bodies numbered ``before`` to ``before + here - 1``, how many are smudges, and of those before them."""
    total, smudges = scene.bodies, scene.smudge_count

    def rng(first: int, end: int) -> Generator:
        return scene.rng(12, first, end)

    first = allot(rng, smudges, total, 1, before)[1]
    if before + here == total:
        return smudges - first, first
    return allot(rng, smudges, total, 1, before + here)[1] - first, first


def _is_blast(scene: Scene, number: int) -> bool:
    """Whether the white cell of that number, from 0, is a blast: in runs, so that blasts lie beside blasts."""
    blasts = round(scene.blast_fraction * scene.whites)
    return bool(allot(lambda a, b: scene.rng(14, a, b), blasts, scene.whites, 1, number, _EVENNESS)[0])


def _draw_other(rng: Generator) -> str:
    at = rng.random()
    for name, share in _OTHERS:
        at -= share
        if at < 0:
            return name
    return _OTHERS[0][0]


def _draw_radius(rng: Generator, cls: str) -> float:
    mean, sd, least, most = RADII[cls]
    return min(max(float(rng.normal(mean, sd)), least), most)


Box = tuple[float, float, float, float]


def _place_clump(scene: Scene, row: int, col: int) -> tuple[Body, ...]:
    """The clump of one parcel, if one falls to it; all of it lies inside the parcel."""
    rows, cols = scene.parcels
    here, which = allot(lambda a, b: scene.rng(11, a, b), len(scene.clumps), rows * cols, 1, row * cols + col)
    if not here:
        return ()
    rng, first, um = scene.rng(13, row, col), sum(scene.clumps[:which]), scene.um_per_px
    radii = [_draw_radius(rng, "blast") for _ in range(scene.clumps[which])]
    bodies = [Body(1 + first + k, 0, 0, r, "blast", (row, col, k)) for k, r in enumerate(radii)]
    shapes = [outline(scene, body) for body in bodies]
    # the narrowest of a few, so that it fits its parcel, whatever its shape
    spots = min((clump(rng, shapes) for _ in range(_CLUMP_TRIES)), key=lambda s: max(b - a for a, b in extent(s)))
    corner = []
    for (low, high), k, n, size in zip(
        extent(spots), (row, col), scene.parcels, (scene.height, scene.width), strict=True
    ):
        spare = size / n * um - (high - low)
        corner.append(k * size / n * um - low + spare * float(rng.uniform(0.25, 0.75)))
    return tuple(
        replace(body, y=(y + corner[0]) / um, x=(x + corner[1]) / um)
        for body, (y, x, _) in zip(bodies, spots, strict=True)
    )


def _arrange(
    scene: Scene, rng: Generator, row: int, col: int, classes: list[str], radii: list[float]
) -> list[tuple[float, float]]:
    """Centres (y, x) in pixels: solitary, or blast touching blast where the neighbourhood clumps."""
    clumped = rng.random() < scene.clumping
    blasts, whites = classes.count("blast"), len(classes) - classes.count(SMUDGE)
    placed: list[tuple[float, float, float]] = []
    for k, radius in enumerate(radii):
        room = _room(scene, row, col, radius)
        best, least = (0.0, 0.0), float("inf")
        for attempt in range(_TRIES):
            if clumped and 0 < k < blasts and attempt < _TRIES // 2:
                y, x = _beside(rng, placed[int(rng.integers(k))], radius)
                y, x = min(max(y, room[0]), room[2]), min(max(x, room[1]), room[3])
                slack = 0.93
            else:
                y, x = float(rng.uniform(room[0], room[2])), float(rng.uniform(room[1], room[3]))
                slack = 1.12 if k < whites else 1.0
            squeeze = max((slack * (radius + r) - hypot(y - v, x - u) for v, u, r in placed), default=0.0)
            if squeeze < least:
                best, least = (y, x), squeeze
            if squeeze <= 0:
                break
        placed.append((*best, radius))
    return [(y / scene.um_per_px, x / scene.um_per_px) for y, x, _ in placed]


def _beside(rng: Generator, other: tuple[float, float, float], radius: float) -> tuple[float, float]:
    """A centre (µm) from which a cell of ``radius`` just touches another, slightly flattened."""
    angle, gap = rng.uniform(0, 2 * pi), (radius + other[2]) * rng.uniform(0.935, 1.0)
    return other[0] + gap * sin(angle), other[1] + gap * cos(angle)


def _room(scene: Scene, row: int, col: int, radius: float) -> Box:
    """Where a centre may lie, µm: a radius and a bit inside the parcel, but right up to the image's edge."""
    um, edges = scene.um_per_px, []
    for k, n, size in ((row, scene.parcels[0], scene.height), (col, scene.parcels[1], scene.width)):
        low, high = k * size / n * um, (k + 1) * size / n * um
        margin = min(1.06 * radius, 0.45 * (high - low))
        edges.append((low + (margin if k else 0.5 * um), high - (margin if k < n - 1 else 0.5 * um)))
    (y0, y1), (x0, x1) = edges
    return y0, x0, max(y0, y1), max(x0, x1)
