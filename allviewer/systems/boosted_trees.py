"""Gradient-boosted trees as plain arrays: grown by XGBoost, evaluated here.

Chen T., Guestrin C., XGBoost: a scalable tree boosting system, KDD 2016. Predicting needs no xgboost, and a model file
holds numbers only. Every tree is one row of node tables; its root is node 0 and children come behind their parents.
"""

import json
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from allviewer.systems.bundle import Arrays
from allviewer.vocab.arrays import Floats
from allviewer.vocab.errors import ModelError

_DTYPES = {
    "trees.feature": "int16", "trees.left": "int16", "trees.right": "int16", "trees.value": "float32",
    "trees.speaks_for": "int16", "trees.base": "float32",
}  # fmt: skip
_TOO_MANY = 1 << 12
"""Nodes of a tree."""


@dataclass(frozen=True, slots=True, eq=False)
class BoostedTrees:
    """T trees of up to N nodes.

    Attributes
    ----------
    feature : (T, N) int16, what a node looks at; -1: a leaf.
    left, right : (T, N) int16, where to go where the feature is below the value, and where it is not.
    value : (T, N) float32, a node's threshold or a leaf's answer.
    speaks_for : (T,) int16, class that a tree's answer is added to.
    base : (C,) float32, every class's margin before any tree.
    """

    feature: NDArray[np.int16]
    left: NDArray[np.int16]
    right: NDArray[np.int16]
    value: Floats
    speaks_for: NDArray[np.int16]
    base: Floats

    @classmethod
    def grow(
        cls, x: Floats, labels: NDArray[np.int64], weights: NDArray[np.float64], classes: int, seed: int,
        rounds: int = 100, rate: float = 0.1, depth: int = 3, l2: float = 1.0,
    ) -> Self:  # fmt: skip
        """Boost softmax trees on x (n, d) with sample weights (n,), by XGBoost, the same for the same seed.

        Parameters
        ----------
        rounds, rate, l2 : the paper's T, eta and lambda, whose values it does not print; every round grows one tree a
            class.
        """
        import xgboost

        settings = {
            "objective": "multi:softprob", "num_class": classes, "eta": rate, "lambda": l2, "max_depth": depth,
            "tree_method": "hist", "nthread": 1, "seed": seed, "verbosity": 0,
        }  # fmt: skip
        data = xgboost.DMatrix(np.ascontiguousarray(x, np.float32), label=labels, weight=weights)
        booster = xgboost.train(settings, data, num_boost_round=rounds)
        return cls._of(json.loads(bytes(booster.save_raw("json"))), classes)

    @classmethod
    def _of(cls, model: dict[str, Any], classes: int) -> Self:
        """From XGBoost's JSON."""
        learner = model["learner"]
        trees = learner["gradient_booster"]["model"]["trees"]
        size = max(len(tree["left_children"]) for tree in trees)
        feature, left, right = (np.full((len(trees), size), fill, np.int16) for fill in (-1, 0, 0))
        value = np.zeros((len(trees), size), np.float32)
        for t, tree in enumerate(trees):
            goes_left, goes_right = np.array(tree["left_children"]), np.array(tree["right_children"])
            nodes, leaf = len(goes_left), goes_left < 0
            feature[t, :nodes] = np.where(leaf, -1, tree["split_indices"])
            left[t, :nodes], right[t, :nodes] = np.where(leaf, 0, goes_left), np.where(leaf, 0, goes_right)
            value[t, :nodes] = np.array(tree["split_conditions"], np.float32)
        base = np.array(json.loads(learner["learner_model_param"]["base_score"]), np.float32).reshape(-1)
        speaks_for = np.array(learner["gradient_booster"]["model"]["tree_info"], np.int16)
        return cls(feature, left, right, value, speaks_for, np.broadcast_to(base, (classes,)).copy())

    @classmethod
    def from_arrays(cls, arrays: Arrays, features: int, classes: int) -> Self:
        """From what `arrays` gave; ModelError where that is no forest over so many features and classes."""
        own = []
        for name, dtype in _DTYPES.items():
            if name not in arrays or arrays[name].dtype != dtype:
                got = str(arrays[name].dtype) if name in arrays else "nothing"
                raise ModelError(f"the model's array '{name}' is no part of boosted trees", expected=dtype, got=got)
            own.append(arrays[name])
        trees = cls(*own)
        _check(trees, features, classes)
        return trees

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything to save."""
        return {name: getattr(self, name.removeprefix("trees.")) for name in _DTYPES}

    def margins(self, x: Floats) -> Floats:
        """(n, C) float32 margins, the softmax's logits, of finite x (n, d) float32."""
        x = np.ascontiguousarray(x, np.float32)
        rows, trees = np.arange(len(x))[:, None], np.arange(len(self.feature))[None]
        node = np.zeros((len(x), len(self.feature)), np.intp)
        while True:
            feature = self.feature[trees, node]
            if (feature < 0).all():
                break
            below = x[rows, np.maximum(feature, 0)] < self.value[trees, node]
            child = np.where(below, self.left[trees, node], self.right[trees, node])
            node = np.where(feature < 0, node, child)
        answers = self.value[trees, node]
        margins = np.tile(self.base, (len(x), 1))
        for c in range(len(self.base)):
            margins[:, c] += answers[:, self.speaks_for == c].sum(axis=1, dtype=np.float64)
        return margins


def _check(trees: BoostedTrees, features: int, classes: int) -> None:
    """Every walk from a root ends in a leaf, and looks only at features there are."""
    shape = trees.feature.shape
    same = all(a.shape == shape for a in (trees.left, trees.right, trees.value))
    if len(shape) != 2 or not same or not 1 <= shape[1] <= _TOO_MANY or trees.speaks_for.shape != shape[:1]:
        raise ModelError("the model's trees are not all of one table", got=str(shape))
    if trees.base.shape != (classes,) or not np.isfinite(trees.base).all() or not np.isfinite(trees.value).all():
        raise ModelError("the model's trees hold numbers that are not finite, or speak for other classes")
    inner = trees.feature >= 0
    here = np.broadcast_to(np.arange(shape[1]), shape)
    for child in (trees.left, trees.right):
        if ((child <= here) & inner).any() or (child >= shape[1]).any():
            raise ModelError("a tree of the model does not lead from its root to its leaves")
    if trees.feature.max(initial=-1) >= features or trees.feature.min(initial=-1) < -1:
        raise ModelError("a tree of the model looks at a feature that there is not", expected=f"below {features}")
    if trees.speaks_for.min(initial=0) < 0 or trees.speaks_for.max(initial=0) >= classes:
        raise ModelError("a tree of the model speaks for a class that there is not", expected=f"below {classes}")
