"""Outlines, distances and textures from which cells are drawn. Lengths are µm; distances are positive inside."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from allviewer.vocab.arrays import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Blob:
    """A closed curve ``r(angle)``: an ellipse with a few smooth waves.

    Attributes
    ----------
    radius : mean radius, µm.
    waves : (n, 3) float64: wave number, relative amplitude, phase.
    """

    radius: float
    waves: NDArray[np.float64]

    @property
    def reach(self) -> float:
        """No point of the curve is farther from the centre than this, µm."""
        return float(self.radius * (1 + np.abs(self.waves[:, 1]).sum()))

    def radius_at(self, dy: Floats, dx: Floats) -> Floats:
        """Radius (µm) in the direction of each offset from the centre."""
        angle = np.arctan2(dy, dx)
        out = np.ones_like(dy)
        for number, amplitude, phase in self.waves:
            out += np.float32(amplitude) * np.cos(np.float32(number) * angle + np.float32(phase))
        radius: Floats = out * np.float32(self.radius)
        return radius


def blob(rng: Generator, radius: float, oval: float, waviness: float) -> Blob:
    """A random `Blob`; ``oval`` and ``waviness`` are the relative amplitudes of the ellipse and of finer waves."""
    numbers = np.arange(2, 8)
    amplitudes = waviness * rng.normal(0, 1, 6) / (numbers - 0.5)
    amplitudes[0] = oval * abs(rng.normal(0, 1))
    return Blob(radius, np.stack([numbers, np.clip(amplitudes, -0.25, 0.25), rng.uniform(0, 2 * np.pi, 6)], axis=1))


def disc(dy: Floats, dx: Floats, at: tuple[float, float], radius: float) -> Floats:
    """Distance to a circle."""
    distance: Floats = np.float32(radius) - np.hypot(dy - np.float32(at[0]), dx - np.float32(at[1]))
    return distance


def ellipse(dy: Floats, dx: Floats, at: tuple[float, float], long: float, short: float, angle: float) -> Floats:
    """Approximate distance to an ellipse whose long axis points along ``angle`` (from +x towards +y)."""
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    v, u = dy - np.float32(at[0]), dx - np.float32(at[1])
    rho = np.hypot((u * c + v * s) / np.float32(long), (v * c - u * s) / np.float32(short))
    return (1 - rho) * np.float32(min(long, short))


def capsule(dy: Floats, dx: Floats, a: tuple[float, float], b: tuple[float, float], radius: float) -> Floats:
    """Distance to a straight band of half width ``radius`` from a to b."""
    ey, ex = b[0] - a[0], b[1] - a[1]
    v, u = dy - np.float32(a[0]), dx - np.float32(a[1])
    t = np.clip((v * np.float32(ey) + u * np.float32(ex)) / np.float32(ey * ey + ex * ex + 1e-9), 0, 1)
    distance: Floats = np.float32(radius) - np.hypot(v - t * np.float32(ey), u - t * np.float32(ex))
    return distance


def soft_cover(distance: Floats, soft: float) -> Floats:
    """Like `cover`, for an edge that fades over about ``soft`` µm on each side."""
    share: Floats = 0.5 * (1 + np.tanh(distance / np.float32(2 * soft)))
    return share


def join(a: Floats, b: Floats, soft: float) -> Floats:
    """Union of two shapes, rounded over ``soft`` µm where they meet."""
    h = np.clip(0.5 + (a - b) / np.float32(2 * soft), 0, 1)
    joined: Floats = b + (a - b) * h + np.float32(soft) * h * (1 - h)
    return joined


def within(a: Floats, b: Floats, soft: float) -> Floats:
    """Intersection of two shapes, rounded over ``soft`` µm."""
    return -join(-a, -b, soft)


def cover(distance: Floats, um_per_px: float) -> Floats:
    """Share of each pixel inside the shape, 0 to 1: the antialiased edge."""
    share: Floats = np.clip(distance / np.float32(um_per_px) + np.float32(0.5), 0, 1)
    return share


def texture(rng: Generator, shape: tuple[int, int], grain_px: float) -> Floats:
    """Gaussian noise of mean about 0 and deviation about 1, smooth over ``grain_px`` pixels."""
    noise = rng.standard_normal(shape, np.float32)
    if grain_px < 0.3:
        return noise
    smooth: Floats = cv2.GaussianBlur(noise, (0, 0), grain_px, borderType=cv2.BORDER_REFLECT)
    smooth *= np.float32(max(1.0, 2 * np.sqrt(np.pi) * grain_px))
    return smooth
