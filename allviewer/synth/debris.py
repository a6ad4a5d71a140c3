"""What lies between the cells: smudges, platelets, stain precipitate."""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from allviewer.synth.bodies import Body
from allviewer.synth.scene import Scene
from allviewer.synth.shapes import blob, capsule, cover, join, soft_cover
from allviewer.synth.stains import AZUROPHILIA, BASOPHILIA, CHROMATIN
from allviewer.synth.white import Sprite, canvas
from allviewer.vocab.arrays import Floats


@dataclass(frozen=True, slots=True)
class Speck:
    """A platelet or a grain of precipitate: centre in pixels, radius in µm, and what seeds its look."""

    y: float
    x: float
    radius: float
    kind: str
    key: tuple[int, int, int]


def draw_smudge(scene: Scene, body: Body) -> Sprite:
    """A burst nucleus: ragged, streaked, magenta, without a cell around it."""
    sheet = canvas(scene, body, 1.9 * body.radius)
    rng = sheet.rng
    shape = blob(rng, body.radius * 0.8, 0.10, 0.13)
    frayed: Floats = 0.5 * sheet.texture(0.5) + 0.9 * sheet.texture(1.5)
    distance: Floats = shape.radius_at(sheet.dy, sheet.dx) - np.hypot(sheet.dy, sheet.dx) + np.float32(0.55) * frayed
    # threads of chromatin drawn out while the smear was made, mostly one way
    pull = rng.uniform(0, 2 * pi)
    for _ in range(int(rng.integers(0, 5))):
        angle, far = pull + rng.normal(0, 0.5), body.radius * rng.uniform(0.9, 1.5)
        side = rng.normal(0, 0.3) * body.radius
        a = (-side * cos(angle), side * sin(angle))
        b = (a[0] + far * sin(angle), a[1] + far * cos(angle))
        distance = join(distance, capsule(sheet.dy, sheet.dx, a, b, rng.uniform(0.3, 0.9)) + 0.3 * frayed, 0.6)
    soft = soft_cover(distance, rng.uniform(0.12, 0.45))
    along = np.float32(0.10) * sheet.texture(0.3) - np.float32(0.20) * np.abs(sheet.texture(0.8))
    density = (rng.uniform(0.45, 1.0) * np.clip(along + 1.1, 0.05, 2)).astype(np.float32)
    mix = rng.uniform(0.25, 0.75)
    amounts = {
        CHROMATIN: soft * density * np.float32(1 - mix) * np.float32(0.85),
        AZUROPHILIA: soft * density * np.float32(mix),
    }
    mask = distance > 0
    return Sprite(sheet.y0, sheet.x0, soft * 0.9, amounts, mask, np.zeros_like(mask))


def draw_speck(scene: Scene, speck: Speck) -> Sprite:
    """A platelet (granular, magenta, pale at the rim) or a grain of precipitate (dark, sharp)."""
    body = Body(0, speck.y, speck.x, speck.radius, speck.kind, speck.key)
    sheet = canvas(scene, body, 1.5 * speck.radius + 0.2)
    shape = blob(sheet.rng, speck.radius, 0.12, 0.08)
    distance = shape.radius_at(sheet.dy, sheet.dx) - np.hypot(sheet.dy, sheet.dx)
    none = np.zeros(distance.shape, np.bool_)
    if speck.kind == "precipitate":
        edge = cover(distance, max(sheet.um, 0.15))
        return Sprite(sheet.y0, sheet.x0, edge * 0, {CHROMATIN: edge * 1.1, BASOPHILIA: edge * 0.5}, none, none)
    edge = soft_cover(distance, 0.14)
    core = np.clip(distance / np.float32(0.55 * speck.radius), 0, 1)
    grains = np.clip(0.75 + 0.35 * sheet.texture(0.2) + 0.2 * sheet.texture(0.5), 0.1, 2)
    strength = np.float32(sheet.rng.uniform(0.45, 0.85))
    amounts = {
        AZUROPHILIA: edge * strength * core * grains * np.float32(0.8),
        CHROMATIN: edge * strength * core * grains * np.float32(0.35),
        BASOPHILIA: edge * strength * np.float32(0.35),
    }
    return Sprite(sheet.y0, sheet.x0, edge * 0.5, amounts, none, none)
