"""A support vector machine with a cubic polynomial kernel, one machine a class against the rest, as plain arrays.

Kernel ``(gamma * <x, s> + 1) ** 3`` with gamma one over the number of features, box constraint 1: what "cubic SVM"
means in the toolbox the paper used. Two classes need one machine, whose second logit is the first one's negative.
scikit-learn fits; what it found (support vectors, dual coefficients, intercepts) is kept and evaluated here, so that
predicting needs no scikit-learn and the gradient of a decision is at hand.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from allviewer.systems.bundle import Arrays
from allviewer.vocab.arrays import Floats
from allviewer.vocab.errors import ModelError

COEF0 = 1.0
_NAMES = ("svm.vectors", "svm.dual", "svm.intercept")


@dataclass(frozen=True, slots=True, eq=False)
class CubicSVM:
    """A fitted machine.

    Attributes
    ----------
    vectors : (m, d) float32 support vectors of all machines, standardised.
    dual : (machines, m) float64 signed dual coefficients; 0 where a vector supports another machine.
    intercept : (machines,) float64. One machine for two classes, else one a class.
    """

    vectors: Floats
    dual: NDArray[np.float64]
    intercept: NDArray[np.float64]

    @classmethod
    def fit(cls, x: Floats, labels: NDArray[np.int64], weights: NDArray[np.float64], box: float = 1.0) -> Self:
        """Fit on standardised x (n, d), with sample weights (n,) that average 1."""
        from sklearn.svm import SVC

        x = np.ascontiguousarray(x, np.float32)
        classes = int(labels.max()) + 1
        dual = np.zeros((1 if classes == 2 else classes, len(x)))
        intercept = np.zeros(len(dual))
        for c in range(len(dual)):
            machine = SVC(C=box, kernel="poly", degree=3, gamma=1 / x.shape[1], coef0=COEF0, cache_size=500)
            machine.fit(x.astype(np.float64), labels == c, sample_weight=weights)
            dual[c, machine.support_] = machine.dual_coef_[0]
            intercept[c] = machine.intercept_[0]
        used = (dual != 0).any(axis=0)
        return cls(x[used], dual[:, used], intercept)

    @classmethod
    def from_arrays(cls, arrays: Arrays, features: int, classes: int) -> Self:
        """From what `arrays` gave; ModelError where it is not that."""
        try:
            vectors, dual, intercept = (arrays[name] for name in _NAMES)
        except KeyError as error:
            raise ModelError(f"the model has no array {error}") from None
        machines = 1 if classes == 2 else classes
        shapes = (
            ("float32", (len(vectors), features)),
            ("float64", (machines, len(vectors))),
            ("float64", (machines,)),
        )
        for name, array, (dtype, shape) in zip(_NAMES, (vectors, dual, intercept), shapes, strict=True):
            if array.dtype != dtype or array.shape != shape or not np.isfinite(array).all():
                raise ModelError(
                    f"the model's array '{name}' is no part of such a support vector machine",
                    expected=f"finite {dtype} {shape}", got=f"{array.dtype} {array.shape}",
                )  # fmt: skip
        return cls(vectors, dual, intercept)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything to save."""
        return dict(zip(_NAMES, (self.vectors, self.dual, self.intercept), strict=True))

    @property
    def gamma(self) -> float:
        """The kernel's scale."""
        return 1.0 / int(self.vectors.shape[1])

    def decide(self, x: Floats) -> NDArray[np.float64]:
        """Decision values (n, C) of standardised x (n, d): above 0 speaks for the class."""
        kernel = self._affine(x) ** 3
        return self._both(kernel @ self.dual.T + self.intercept)

    def slopes(self, x: Floats) -> NDArray[np.float64]:
        """Gradient (n, C, d) of every decision value at x (n, d): ``3 gamma sum_i a_i (gamma <x, s_i> + 1)^2 s_i``."""
        squares = self._affine(x) ** 2
        each = (squares[:, None, :] * self.dual) @ self.vectors.astype(np.float64) * (3 * self.gamma)
        return self._both(each)

    def _affine(self, x: Floats) -> NDArray[np.float64]:
        """``gamma <x, s> + 1``, (n, m)."""
        product: NDArray[np.float64] = x.astype(np.float64) @ self.vectors.T.astype(np.float64)
        return product * self.gamma + COEF0

    def _both(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """One machine's answer as two classes' answers; several machines' as they are."""
        return np.concatenate([values, -values], axis=1) if len(self.intercept) == 1 else values
