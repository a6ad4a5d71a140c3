"""What lies between the cells: smudges, platelets, stain precipitate."""

from dataclasses import dataclass
from math import cos, pi, sin

import cv2
import numpy as np

from allviewer.synth.bodies import Body
from allviewer.synth.scene import Scene
from allviewer.synth.shapes import blob, capsule, cover, ellipse, join, soft_cover
from allviewer.synth.stains import AZUROPHILIA, BASOPHILIA, CHROMATIN
from allviewer.synth.white import Canvas, Sprite, canvas
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
    sheet = canvas(scene, body, 2.1 * body.radius)
    rng = sheet.rng
    pull = rng.uniform(0, 2 * pi)  # the way the smear was drawn
    threads = _streaks(sheet, pull, rng.uniform(1.5, 4.0))
    distance = _burst(sheet, body.radius, pull, threads)
    soft = soft_cover(distance, rng.uniform(0.05, 0.3))
    # dense and torn, or loose and faint
    level, torn = rng.uniform(0.45, 1.15), rng.uniform(0.02, 0.11)
    grain = torn * threads + 0.11 * sheet.texture(0.35) + 0.16 * sheet.texture(1.1)
    density = (level * np.clip(1 + grain, 0.08, 2)).astype(np.float32)
    mix = rng.uniform(0.2, 0.8)
    amounts = {
        CHROMATIN: soft * density * np.float32(0.85 * (1 - mix)),
        AZUROPHILIA: soft * density * np.float32(mix),
    }
    mask = distance > 0
    return Sprite(sheet.y0, sheet.x0, soft * np.float32(0.9), amounts, mask, np.zeros_like(mask))


def _burst(sheet: Canvas, radius: float, pull: float, threads: Floats) -> Floats:
    """Distance (µm) to a torn blob, drawn out along ``pull`` into tails."""
    rng = sheet.rng
    long, short = radius * rng.uniform(0.75, 1.05), radius * rng.uniform(0.55, 0.8)
    frayed = 0.30 * sheet.texture(0.4) + 0.75 * sheet.texture(1.6) + 0.10 * threads
    distance: Floats = ellipse(sheet.dy, sheet.dx, (0.0, 0.0), long, short, pull) + frayed
    for _ in range(int(rng.integers(0, 4))):
        angle, far = pull + rng.normal(0, 0.45) + pi * rng.integers(2), radius * rng.uniform(0.9, 1.5)
        side = rng.normal(0, 0.25) * radius
        a = (side * cos(pull), -side * sin(pull))
        b = (a[0] + far * sin(angle), a[1] + far * cos(angle))
        # a tail is widest where it leaves the blob
        middle = (0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1]))
        width = rng.uniform(0.3, 0.8)
        for start, end, thick in ((a, middle, 1.9 * width), (middle, b, width)):
            distance = join(distance, capsule(sheet.dy, sheet.dx, start, end, thick) + 0.4 * frayed, 0.7)
    return distance


def _streaks(sheet: Canvas, angle: float, length: float) -> Floats:
    """Noise drawn out over ``length`` µm along ``angle``, of deviation about 1."""
    half = max(1, round(0.5 * length / sheet.um))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    step = (round(half * cos(angle)), round(half * sin(angle)))
    cv2.line(kernel, (half - step[0], half - step[1]), (half + step[0], half + step[1]), 1.0)
    out: Floats = cv2.filter2D(sheet.texture(0.25), -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
    out /= np.float32(max(float(out.std()), 1e-3))
    return out


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
