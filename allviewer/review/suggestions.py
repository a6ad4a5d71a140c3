"""What the model suggests for each row of a growing table."""

import numpy as np
from numpy.typing import NDArray

from allviewer.review.growth import Column, GrowingPrediction
from allviewer.review.labels import NONE, LabelCodes
from allviewer.vocab.arrays import Floats, Rows
from allviewer.vocab.prediction import Prediction


class Suggestions:
    """Predictions as they come in, and their arg-max as label codes.

    Parameters
    ----------
    codes : the labels of the taxonomy under review.
    """

    def __init__(self, codes: LabelCodes) -> None:
        self._codes = codes
        self._prediction: GrowingPrediction | None = None
        self._code: Column[np.int16] = Column(np.int16)
        self._confidence: Column[np.float32] = Column(np.float32)

    @property
    def code(self) -> NDArray[np.int16]:
        """(n,) code of the suggested class, -1 where not classified."""
        return self._code.values

    @property
    def confidence(self) -> Floats:
        """(n,) its probability, NaN where not classified."""
        return self._confidence.values

    @property
    def prediction(self) -> Prediction | None:
        """Row for row with the table; None before the first part."""
        return None if self._prediction is None else self._prediction.values

    def grow(self, count: int) -> None:
        """Add rows that are not classified yet."""
        self._code.extend(count, NONE)
        self._confidence.extend(count, np.nan)
        if self._prediction is not None:
            self._prediction.grow(len(self._code))

    def put(self, rows: Rows, part: Prediction) -> None:
        """Set some rows; ValueError for another number of rows or a class that the taxonomy does not have."""
        foreign = [key for key in part.classes if self._codes.code(key) == NONE]
        if foreign or len(rows) != len(part):
            raise ValueError(f"{len(part)} predictions for {len(rows)} cells; classes not of this taxonomy: {foreign}")
        if self._prediction is None:
            self._prediction = GrowingPrediction(part)
            self._prediction.grow(len(self._code))
        self._prediction.put(rows, part)
        code = np.array([*(self._codes.code(key) for key in part.classes), NONE], np.int16)
        self._code.values[rows] = code[part.predicted]  # -1, not classified, picks the last
        self._confidence.values[rows] = part.confidence
