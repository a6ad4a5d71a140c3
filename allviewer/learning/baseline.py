"""The trivial baseline: nine colour numbers and a random forest. What a network must beat to have learnt cells."""

import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import RGB, Floats

TREES = 300


def colour_numbers(crops: RGB) -> Floats:
    """Mean, standard deviation and 10th percentile of each channel: (n, 9) float32 of crops (n, S, S, 3)."""
    flat = crops[:, ::2, ::2].reshape(len(crops), -1, 3).astype(np.float32)
    return np.concatenate([flat.mean(1), flat.std(1), np.percentile(flat, 10, axis=1)], axis=1).astype(np.float32)


def out_of_fold(crops: RGB, labels: NDArray[np.int64], fold: NDArray[np.int64], train: NDArray[np.bool_]) -> Floats:
    """(n, C) float32 probabilities of the colour baseline, each fold predicted by a forest grown on the others.

    ``train`` marks the samples that may be trained on.
    """
    from sklearn.ensemble import RandomForestClassifier

    numbers = colour_numbers(crops)
    answer = np.zeros((len(labels), int(labels.max()) + 1), np.float32)
    for f in np.unique(fold):
        forest = RandomForestClassifier(TREES, class_weight="balanced", min_samples_leaf=3, random_state=0, n_jobs=1)
        rows = train & (fold != f)
        forest.fit(numbers[rows], labels[rows])
        answer[np.ix_(fold == f, forest.classes_)] = forest.predict_proba(numbers[fold == f])
    return answer
