"""Are these cells like those that the model was trained on? Distance to its training cells in its own embedding."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from allviewer.systems.bundle import Arrays
from allviewer.systems.card import SystemCard
from allviewer.vocab.arrays import Floats
from allviewer.vocab.errors import ModelError
from allviewer.vocab.prediction import Prediction

NEIGHBOURS = 5
_AXES = 24
_LARGEST_BANK = 2000
_FEWEST = 3
"""Unlike cells below which a slide is not called unlike."""
_NAMES = ("mean", "axes", "rest", "bank", "scales")


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Where a model's training cells lie in its embedding.

    Attributes
    ----------
    mean : (d,) float32, of the embedding over the training cells.
    axes : (d, k) float32, their principal axes, each divided by the cells' spread along it.
    rest : (d, k) float32, the same axes multiplied by it, so that ``axes @ rest.T`` projects onto them.
    leftover : one over the root mean square of what the axes leave of a cell; 0 where they leave nothing.
    bank : (m, k + 1) float16, the training cells in that frame (a sample of them where they are many).
    unit : usual distance of a training cell to those of other groups.

    Source
    ------
    Sun Y., Ming Y., Zhu X., Li Y., Out-of-distribution detection with deep nearest neighbors, ICML 2022; the distance
    is taken after whitening, as in Lee K. et al., NeurIPS 2018, with what lies off the principal axes as an axis of
    its own.
    """

    mean: Floats
    axes: Floats
    rest: Floats
    leftover: float
    bank: NDArray[np.float16]
    unit: float

    @classmethod
    def of(cls, embedding: NDArray[np.floating], groups: NDArray[np.str_]) -> Self:
        """From training cells.

        Parameters
        ----------
        embedding : (n, d), n at least 2.
        groups : (n,), their sessions or subjects. The unit distance is between groups, because a new slide is one.
        """
        x = np.asarray(embedding, np.float64)
        if len(x) > _LARGEST_BANK:
            keep = np.sort(np.random.default_rng(0).choice(len(x), _LARGEST_BANK, replace=False))
            x, groups = x[keep], groups[keep]
        mean = x.mean(axis=0).astype(np.float32)
        _, spread, axes = np.linalg.svd(x - mean, full_matrices=False)
        spread = spread / np.sqrt(len(x) - 1)
        # Axes along which the cells hardly differ would, once scaled, be noise as loud as the others.
        kept = spread[:_AXES] > max(spread[0] * 1e-2, 1e-12)
        main, along = axes[:_AXES][kept].T, spread[:_AXES][kept]
        left = float(np.sqrt((((x - mean) - (x - mean) @ main @ main.T) ** 2).sum(axis=1).mean()))
        leftover = 1 / left if left > spread[0] * 1e-3 else 0.0
        empty, narrow = np.zeros((0, len(along) + 1), np.float16), np.float32
        frame = cls(mean, (main / along).astype(narrow), (main * along).astype(narrow), leftover, empty, 1.0)
        bank = frame._place(x)
        far = _distance(bank, bank, groups)
        usual = far[np.isfinite(far)]
        unit = float(np.median(usual)) if len(usual) else 1.0
        return replace(frame, bank=bank.astype(np.float16), unit=max(unit, 1e-6))

    def distance(self, embedding: NDArray[np.floating]) -> Floats:
        """(n,) float32 mean distance to the nearest `NEIGHBOURS` training cells; 1 is usual for a new slide's cell."""
        return (_distance(self._place(embedding), self.bank.astype(np.float64)) / self.unit).astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What `of_arrays` takes, under names that no system uses."""
        scales = np.array([self.leftover, self.unit])
        values = (self.mean, self.axes, self.rest, self.bank, scales)
        return {f"likeness.{name}": np.asarray(value) for name, value in zip(_NAMES, values, strict=True)}

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self | None:
        """From a model file's arrays; None where it has none.

        Raises
        ------
        ModelError : they do not fit each other.
        """
        if "likeness.mean" not in arrays:
            return None
        none: NDArray[Any] = np.zeros(0, np.float32)
        mean, axes, rest, bank, scales = (arrays.get(f"likeness.{name}", none) for name in _NAMES)
        shaped = mean.ndim == 1 and axes.ndim == bank.ndim == 2 and scales.shape == (2,) and len(bank) > 0
        if not shaped or not (axes.shape == rest.shape == (len(mean), bank.shape[1] - 1) and scales[1] > 0):
            raise ModelError("the arrays that tell unlike cells do not fit each other", expected="likeness.* arrays")
        return cls(mean, axes, rest, float(scales[0]), bank.astype(np.float16), float(scales[1]))

    def _place(self, embedding: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n, k + 1) cells in the frame of the training cells."""
        x = np.asarray(embedding, np.float64) - self.mean
        along = x @ self.axes
        left = np.sqrt(((x - along @ self.rest.T) ** 2).sum(axis=1)) * self.leftover
        return np.concatenate([along, left[:, None]], axis=1)


@dataclass(frozen=True, slots=True)
class SlideLikeness:
    """How a slide's cells stand to the training cells.

    Attributes
    ----------
    cells, unlike : how many were classified, and how many of them are unlike the training cells.
    doubtful : more are unlike than the card allows: no suggestion on this slide should be trusted.
    sentence : for people.
    """

    cells: int
    unlike: int
    doubtful: bool
    sentence: str


def slide_likeness(card: SystemCard, prediction: Prediction) -> SlideLikeness | None:
    """What a model can say of a slide as a whole; None where it cannot tell, or classified nothing."""
    if card.likeness is None or prediction.unlike is None or not prediction.classified.any():
        return None
    cells, unlike = int(prediction.classified.sum()), int(prediction.unlike[prediction.classified].sum())
    # One odd cell among three says nothing about the slide.
    doubtful = unlike >= _FEWEST and unlike > card.likeness.share * cells
    words = f"{unlike} of {cells} cells are unlike those that {card.name} was trained on"
    words += ": do not rely on its suggestions here." if doubtful else "."
    return SlideLikeness(cells, unlike, doubtful, words)


def _distance(
    at: NDArray[np.float64], bank: NDArray[np.float64], groups: NDArray[np.str_] | None = None
) -> NDArray[np.float64]:
    """Mean distance to the nearest bank rows; with ``groups`` to those of other groups, infinite where none are."""
    squared = (at**2).sum(1)[:, None] + (bank**2).sum(1)[None] - 2 * at @ bank.T
    if groups is not None:
        squared[groups[:, None] == groups[None]] = np.inf
    near = min(NEIGHBOURS, squared.shape[1])
    nearest = np.partition(squared, near - 1, axis=1)[:, :near]
    answer: NDArray[np.float64] = np.sqrt(np.maximum(nearest, 0)).mean(axis=1)
    return answer
