"""The dense head of xincept over pooled features: its arrays, its forward pass and its gradient, in numpy.

::

    per backbone   dense 64, activation, dense C, linear      the branch
    joined         dense 128, activation, dense 64, activation, dense C, linear

"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allviewer.systems.bundle import Arrays
from allviewer.vocab.arrays import Floats
from allviewer.vocab.errors import ModelError

BRANCH, WIDE, NARROW = 64, 128, 64
ACTIVATIONS = ("gelu", "relu")


def shapes(widths: Sequence[int], classes: int) -> dict[str, tuple[int, ...]]:
    """Name → shape of every array of the head; all float32."""
    layers: dict[str, tuple[int, int]] = {}
    for i, width in enumerate(widths):
        layers |= {f"branch.{i}.dense": (BRANCH, width), f"branch.{i}.out": (classes, BRANCH)}
    sizes = pairwise((classes * len(widths), WIDE, NARROW, classes))
    layers |= {f"fusion.{name}": (out, of) for name, (of, out) in zip(("wide", "narrow", "out"), sizes, strict=True)}
    both = {f"{name}.weight": shape for name, shape in layers.items()}
    return both | {f"{name}.bias": (shape[0],) for name, shape in layers.items()}


def learnables(widths: Sequence[int], classes: int) -> int:
    """Trainable numbers of the head: 271,558 for two networks of 2,048 channels and two classes."""
    return sum(math.prod(shape) for shape in shapes(widths, classes).values())


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One forward pass: inputs of every activation, and what came out.

    Attributes
    ----------
    before : (n, 64) a branch, then (n, 128) and (n, 64): what each activation took.
    features : (n, 64) penultimate features; logits : (n, C).
    """

    before: tuple[Floats, ...]
    features: Floats
    logits: Floats


@dataclass(frozen=True, slots=True, eq=False)
class DenseHead:
    """A trained head; ``activation`` is ``gelu`` or ``relu``."""

    arrays: dict[str, Floats]
    widths: tuple[int, ...]
    activation: str

    def run(self, pooled: Floats) -> Pass:
        """Forward pass over pooled features (n, sum of widths)."""
        parts = np.split(pooled, np.cumsum(self.widths)[:-1], axis=1)
        before: list[Floats] = []
        joined: list[Floats] = []
        for i, part in enumerate(parts):
            before.append(self._dense(f"branch.{i}.dense", part))
            joined.append(self._dense(f"branch.{i}.out", activate(before[-1], self.activation)))
        x: Floats = np.concatenate(joined, axis=1)
        for name in ("wide", "narrow"):
            before.append(self._dense(f"fusion.{name}", x))
            x = activate(before[-1], self.activation)
        return Pass(tuple(before), x, self._dense("fusion.out", x))

    def slopes(self, seen: Pass) -> Floats:
        """Gradient (n, C, sum of widths) of every class's logit at the pooled features."""
        w, n = self.arrays, len(seen.logits)
        back: Floats = np.repeat(w["fusion.out.weight"][None], n, axis=0)
        for name, before in (("narrow", seen.before[-1]), ("wide", seen.before[-2])):
            gated: Floats = back * slope(before, self.activation)[:, None]
            back = np.matmul(gated, w[f"fusion.{name}.weight"], dtype=np.float32)
        parts: list[Floats] = []
        for i, part in enumerate(np.split(back, len(self.widths), axis=2)):
            inner: Floats = part @ w[f"branch.{i}.out.weight"] * slope(seen.before[i], self.activation)[:, None]
            parts.append(np.matmul(inner, w[f"branch.{i}.dense.weight"], dtype=np.float32))
        return np.concatenate(parts, axis=2)

    def _dense(self, name: str, x: Floats) -> Floats:
        answer: Floats = x @ self.arrays[f"{name}.weight"].T + self.arrays[f"{name}.bias"]
        return answer


def head_of(arrays: Arrays, widths: tuple[int, ...], classes: int, activation: str) -> DenseHead:
    """A head from a model's arrays; ModelError where they do not fit."""
    own: dict[str, Floats] = {}
    for name, shape in shapes(widths, classes).items():
        array: NDArray[Any] | None = arrays.get(name)
        if array is None or array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
            got = "nothing" if array is None else f"{array.dtype} {array.shape}"
            raise ModelError(
                f"the model's array '{name}' does not fit xincept", expected=f"finite float32 {shape}", got=got
            )
        own[name] = array
    if activation not in ACTIVATIONS:
        raise ModelError(f"'{activation}' is no activation of xincept", expected=" or ".join(ACTIVATIONS))
    return DenseHead(own, widths, activation)


def activate(x: Floats, activation: str) -> Floats:
    """GELU (x times the normal distribution function) or ReLU."""
    if activation == "relu":
        rectified: Floats = np.maximum(x, 0)
        return rectified
    from scipy.special import ndtr

    answer: Floats = (x * ndtr(x)).astype(np.float32)
    return answer


def slope(x: Floats, activation: str) -> Floats:
    """Derivative of `activate`."""
    if activation == "relu":
        return (x > 0).astype(np.float32)
    from scipy.special import ndtr

    answer: Floats = (ndtr(x) + x * np.exp(-0.5 * np.square(x)) / math.sqrt(2 * math.pi)).astype(np.float32)
    return answer
