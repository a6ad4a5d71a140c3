"""What a model says of cells: machine output, never a label."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import Floats, Halves, Rows


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Calibrated probabilities of n cells, row for row with their CellTable.

    Attributes
    ----------
    classes : the model's class keys, C of them.
    probabilities : (n, C) float32 in [0, 1], rows sum to 1; NaN in every column where a row was not classified.
    unsure : (n,) bool, the model's own reject band (the card says how it was chosen).
    boxes : (n, 4) float32 (y0, x0, y1, x1), the square of the slide each crop covered, level-0 pixels.
    model : digest of the model file.
    heat : (n, C, h, w) float16 raw Grad-CAM (not rescaled, >= 0) over ``boxes``, or None where not asked for.
    embedding : (n, d) float16, what the model's last layer sees, or None.
    unlike : (n,) bool, the cell is unlike those that the model was trained on; None where the model cannot tell.
    """

    classes: tuple[str, ...]
    probabilities: Floats
    unsure: NDArray[np.bool_]
    boxes: Floats
    model: str
    heat: Halves | None = None
    embedding: Halves | None = None
    unlike: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.probabilities)

    @property
    def classified(self) -> NDArray[np.bool_]:
        """(n,) bool: rows that have probabilities."""
        return ~np.isnan(self.probabilities[:, 0])

    @property
    def predicted(self) -> NDArray[np.int16]:
        """(n,) int16 arg-max class index; -1 where not classified."""
        best = np.nan_to_num(self.probabilities, nan=-1).argmax(axis=1)
        return np.where(self.classified, best, -1).astype(np.int16)

    @property
    def confidence(self) -> Floats:
        """(n,) float32 probability of the arg-max class; NaN where not classified."""
        best = np.nan_to_num(self.probabilities, nan=-1).max(axis=1, initial=-1)
        return np.where(self.classified, best, np.nan).astype(np.float32)

    def take(self, rows: Rows | NDArray[np.bool_]) -> Self:
        """Some rows, by number or mask."""
        heat = None if self.heat is None else self.heat[rows]
        embedding = None if self.embedding is None else self.embedding[rows]
        return type(self)(
            self.classes,
            self.probabilities[rows],
            self.unsure[rows],
            self.boxes[rows],
            self.model,
            heat,
            embedding,
            None if self.unlike is None else self.unlike[rows],
        )

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """Predictions of one model one after another.

        Parts that lack heat, embedding or likeness make the whole lack it, unless they classified nothing (a tile
        without cells, or with smudges alone): those count as zeros.
        """

        def joined(name: str) -> NDArray[Any] | None:
            shape = next((getattr(p, name).shape[1:] for p in parts if getattr(p, name) is not None), None)
            if shape is None or any(getattr(p, name) is None and p.classified.any() for p in parts):
                return None
            columns = [getattr(p, name) for p in parts]
            kind = next(getattr(p, name).dtype for p in parts if getattr(p, name) is not None)
            blank = [np.zeros((len(p), *shape), kind) for p in parts]
            return np.concatenate([b if c is None else c for b, c in zip(blank, columns, strict=True)])

        return cls(
            parts[0].classes,
            np.concatenate([p.probabilities for p in parts]),
            np.concatenate([p.unsure for p in parts]),
            np.concatenate([p.boxes for p in parts]),
            parts[0].model,
            joined("heat"),
            joined("embedding"),
            joined("unlike"),
        )
