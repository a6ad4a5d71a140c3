"""What a model says of labelled cells, without ever being asked about a cell that it was trained on."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from allviewer.learning import baseline
from allviewer.learning.judge import cross_banded, cross_calibrated
from allviewer.learning.patches import cut_patches
from allviewer.learning.samples import Samples
from allviewer.learning.splits import Split, make_split
from allviewer.systems.bundle import read_bundle
from allviewer.systems.card import SystemCard
from allviewer.systems.model import load_model, locate_model
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.errors import DataError

_BATCH = 32


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """One model's answers about n cells.

    Attributes
    ----------
    name, digest : of the model file; digest is its sha256.
    card : what the model says of itself.
    probabilities : (n, C) float32, calibrated without the cell.
    possible : (n, C) bool, classes that reach the unsure band's threshold.
    unlike : (n,) bool, unlike the cells it was trained on; None where it cannot tell, or was trained on these.
    split : how it was kept from knowing the cells, in words.
    out_of_fold : the answers are those stored when it was trained on these very cells.
    optimistic : cells of one subject may stand on both sides.
    parted : the folds, where there are any.
    crops : (n, S, S, 3) uint8 as the model takes them.
    """

    name: str
    digest: str
    card: SystemCard
    probabilities: Floats
    possible: NDArray[np.bool_]
    unlike: NDArray[np.bool_] | None
    split: str
    out_of_fold: bool
    optimistic: bool
    parted: Split | None
    crops: RGB = field(repr=False)

    @property
    def called(self) -> NDArray[np.int64]:
        """(n,) arg-max."""
        best: NDArray[np.int64] = self.probabilities.argmax(1)
        return best

    @property
    def unsure(self) -> NDArray[np.bool_]:
        """(n,) bool: whether not exactly one class is possible."""
        answer: NDArray[np.bool_] = self.possible.sum(1) != 1
        return answer


def answers_of(asked: str | Path, samples: Samples, device: str = "auto") -> Answers:
    """A model's answers: stored out-of-fold ones where it was trained on these cells, else predictions.

    Parameters
    ----------
    asked : a model's name or file.
    samples : labelled cells, in the order and with the classes of the model's card.

    Raises
    ------
    ModelError : no such model, or it cannot be loaded.
    DataError : it was trained on these cells and never judged out of fold; it tells other classes apart; or it is a
        model of whole fields and these are cells, or the other way round.
    """
    path = locate_model(asked)
    card, arrays, digest = read_bundle(path)
    if card.classes != samples.classes:
        raise DataError(
            f"the model {path.stem} tells other classes apart", where=str(samples.root),
            expected=", ".join(samples.classes), got=", ".join(card.classes),
        )  # fmt: skip
    if (card.unit == "field") != (samples.unit == "field") and (
        samples.unit == "field" or bool(np.isfinite(samples.um_per_px).any())
    ):
        raise DataError(
            f"the model {path.stem} is of {card.unit}s, and these are {samples.unit}s", where=str(samples.root),
            todo=f"Judge it on labelled {card.unit}s.",
        )  # fmt: skip
    crops = cut_patches(samples, card.crop_um, card.input_px, card.white, card.nucleus, margin=1)
    if any(source.digest == samples.digest for source in card.data):
        logits, fold = arrays.get("judged.logits"), arrays.get("judged.fold")
        if logits is None or fold is None or len(logits) != len(samples):
            raise DataError(
                f"the model {path.stem} was trained on these very cells and was not judged out of fold",
                where=str(samples.root), todo="Evaluate it on other data, or train it again with --split fold.",
            )  # fmt: skip
        words = f"{card.judged.split} (out-of-fold predictions stored with the model)"
        optimistic = "optimistic" in card.judged.split
        parted = Split(fold, int(fold.max()) + 1, card.judged.split, optimistic)
        known = logits, samples.labels, fold, ~samples.cut
        possible = cross_banded(*known, card.unsure.coverage or 0.9)
        return Answers(
            path.stem, digest, card, cross_calibrated(*known), possible, unlike=None, split=words, out_of_fold=True,
            optimistic=optimistic, parted=parted, crops=crops,
        )  # fmt: skip
    model = load_model(path, device)
    told = [model.predict(crops[i : i + _BATCH]) for i in range(0, len(crops), _BATCH)]
    shares = np.concatenate([t.probabilities for t in told])
    strange = [t.unlike for t in told if t.unlike is not None]
    unlike = np.concatenate(strange) if len(strange) == len(told) else None
    possible = shares >= np.asarray(card.unsure.thresholds, np.float32)
    words = "whole data set, none of it named by the model's card as training data"
    return Answers(
        path.stem, digest, card, shares, possible, unlike=unlike, split=words, out_of_fold=False, optimistic=False,
        parted=None, crops=crops,
    )  # fmt: skip


def colour_answers(samples: Samples, crops: RGB, parted: Split | None) -> tuple[Floats, str] | None:
    """Probabilities of the trivial colour baseline out of fold, and its split in words.

    Parameters
    ----------
    parted : the folds of the model beside it; None: whole groups dealt into folds.

    Returns
    -------
    None where the data allow no folds.
    """
    try:
        split = parted or make_split(samples, "fold")
    except DataError:
        return None
    return baseline.out_of_fold(crops, samples.labels, split.fold, ~samples.cut), split.words
