"""Labelled cells that exist in numbers only, and models whose skill is chosen."""

from pathlib import Path

import numpy as np

from allviewer.learning.answers import Answers
from allviewer.learning.samples import Samples
from allviewer.learning.splits import make_split
from allviewer.systems.model import calibrated
from allviewer.vocab.taxonomy import taxonomy_of
from tests.systems.conftest import make_card

TWO = ("blast", "normal")
FOUR = ("benign", "early", "pre", "pro")
KEYS = {TWO: "all-hem", FOUR: "benign-early-pre-pro"}


def cells(n=200, classes=TWO, groups=8, *, seed=0, cut=0.1, grouped=True, labels=None):
    """Samples of so many sessions; the last two sessions lack the first class, cameras alternate."""
    rng = np.random.default_rng(seed)
    group = np.sort(rng.integers(0, groups, n))
    if labels is None:
        labels = rng.integers(0, len(classes), n)
        labels[(group >= groups - 2) & (labels == 0)] = 1
    files = tuple(f"im/<{i}>&_{g}.png" for i, g in enumerate(range(groups)))
    return Samples(
        name="numbers", citation="none", licence="none", taxonomy=taxonomy_of(KEYS[classes], classes),
        root=Path("nowhere"), files=files,
        file=group.astype(np.int64), centres=rng.uniform(20, 900, (n, 2)).astype(np.float32),
        um_per_px=np.full(n, 0.12, np.float32), labels=np.asarray(labels, np.int64),
        groups=np.array([f"S{g}" for g in group]) if grouped else np.arange(n).astype(str), grouped=grouped,
        cut=rng.uniform(size=n) < cut, camera=np.array([f"camera {g % 2}" for g in group]), note="Drawn <here>.",
    )  # fmt: skip


def rival(samples, name="one-1", *, seed=1, skill=1.5, folds=4):
    """A model whose logits lean to the truth by ``skill``; out of fold where there are folds."""
    rng = np.random.default_rng(seed)
    classes = len(samples.classes)
    logits = rng.normal(0, 1, (len(samples), classes)) + skill * np.eye(classes)[samples.labels]
    card = make_card(
        classes=samples.classes, taxonomy=samples.taxonomy.key,
        calibration={"scale": 1.2, "bias": (0.0,) * classes, "fitted_on": "numbers"},
    )  # fmt: skip
    card = card.model_copy(
        update={"data": (card.data[0].model_copy(update={"cells": {samples.classes[0]: 70, samples.classes[1]: 30}}),)}
    )
    p = calibrated(logits.astype(np.float32), card.calibration)
    crops = rng.integers(0, 255, (len(samples), 8, 8, 3)).astype(np.uint8)
    crops[samples.labels == 0, ..., 0] //= 2
    split = make_split(samples, "fold", folds) if folds else None
    words = split.words if split else "whole data set"
    return Answers(
        name, f"{seed:064x}", card, p, p >= 0.3, unlike=p.max(1) < 0.6, split=words, out_of_fold=split is not None,
        optimistic=bool(split and split.optimistic), parted=split, crops=crops,
    )  # fmt: skip
