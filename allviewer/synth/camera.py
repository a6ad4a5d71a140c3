"""From amounts of dyed substances to the grey levels a camera would give."""

from functools import cache
from math import pi

import cv2
import numpy as np

from allviewer.synth.scene import Scene
from allviewer.synth.stains import STAINS
from allviewer.vocab.arrays import RGB, Floats


def halo_px(scene: Scene) -> int:
    """Pixels around a tile that its blur looks at."""
    return int(np.ceil((4 * scene.blur_um + 2 * scene.fringe_um) / scene.um_per_px)) + 3


def expose(scene: Scene, amounts: Floats, fringe: Floats, y0: int, x0: int, halo: int) -> RGB:
    """Photograph one tile.

    Parameters
    ----------
    scene : what is rendered.
    amounts : (h, w, 6) float32 substances, with a halo of ``halo`` pixels on each side.
    fringe : (h, w) float32, 0 to 1, light refracted out of red cells' edges.
    y0, x0 : pixel of the image at which the tile, without its halo, begins.
    halo : pixels to cut off on each side.

    Returns
    -------
    (h - 2 halo, w - 2 halo, 3) uint8.
    """
    stain = STAINS[scene.stain]
    density = amounts.reshape(-1, amounts.shape[2]) @ stain.densities
    light = np.exp(-density).reshape(*amounts.shape[:2], 3)
    light += fringe[..., None] * np.float32(0.075)
    light = light * np.float32(1 - stain.flare) + np.float32(stain.flare)
    light = _through_lens(scene, light)
    h, w = amounts.shape[0] - 2 * halo, amounts.shape[1] - 2 * halo
    light = np.ascontiguousarray(light[halo : halo + h, halo : halo + w])
    light *= _lamp(scene, y0, x0, h, w)[..., None] * np.array(stain.light, np.float32)
    noise = scene.rng(31, y0, x0).standard_normal((h, w, 3), np.float32)
    # shot noise grows with the root of the light; a little of the noise is shared by neighbouring pixels
    noise = np.array([0.65, 0.65, 0.85], np.float32) * noise + np.float32(2.0) * cv2.GaussianBlur(noise, (0, 0), 0.9)
    light += noise * (np.float32(scene.noise / 16) * np.sqrt(np.maximum(light, 1) + 12))
    rgb: RGB = np.clip(np.rint(light), 0, 255).astype(np.uint8)
    return rgb


def _through_lens(scene: Scene, light: Floats) -> Floats:
    """Blur, and shift red against blue."""
    sigma = scene.blur_um / scene.um_per_px
    if sigma > 0.2:
        light = cv2.GaussianBlur(light, (0, 0), sigma)
    shift = scene.fringe_um / scene.um_per_px
    if shift > 0.05:
        for channel, sign in ((0, 1.0), (2, -1.0)):
            move = np.array([[1, 0, sign * shift], [0, 1, 0.6 * sign * shift]], np.float32)
            plane = np.ascontiguousarray(light[..., channel])
            size = (light.shape[1], light.shape[0])
            light[..., channel] = cv2.warpAffine(plane, move, size, borderMode=cv2.BORDER_REPLICATE)
    return light


@cache
def _unevenness(seed: int) -> tuple[tuple[float, float, float], ...]:
    rng = np.random.default_rng((seed, 33))
    return tuple((float(a), float(b), float(c)) for a, b, c in rng.uniform(0, 1, (3, 3)))


def _lamp(scene: Scene, y0: int, x0: int, h: int, w: int) -> Floats:
    """(h, w) share of the light that arrives: brightest off centre, with a slow ripple."""
    side = max(scene.height, scene.width)
    y = ((np.arange(y0, y0 + h, dtype=np.float32) + 0.5 - scene.height / 2) / side)[:, None]
    x = ((np.arange(x0, x0 + w, dtype=np.float32) + 0.5 - scene.width / 2) / side)[None, :]
    waves = _unevenness(scene.seed)
    oy, ox = 0.30 * (waves[0][0] - 0.5), 0.30 * (waves[0][1] - 0.5)
    lamp = 1 - np.float32(scene.vignette / 0.5) * ((y - np.float32(oy)) ** 2 + (x - np.float32(ox)) ** 2)
    for direction, phase, length in waves[1:]:
        along = y * np.float32(np.sin(2 * pi * direction)) + x * np.float32(np.cos(2 * pi * direction))
        lamp += np.float32(0.08 * scene.vignette) * np.sin(2 * pi * (along * np.float32(0.7 + length) + phase))
    out: Floats = np.maximum(lamp, np.float32(0.05)).astype(np.float32)
    return out
