"""What a peer found, judged: speed without quality is nothing."""

import numpy as np

from allviewer.segment.score import pair_labels


def judge(labels, picture):
    """Detection of nuclei: against masks where there are any, else against centres.

    Parameters
    ----------
    labels : (H, W) int, nuclei found, 0 background.
    picture : the field with its truth.

    Returns
    -------
    Against masks ``precision``, ``recall``, ``f1`` (intersection over union above 0.5) and ``dice`` (mean of the
    pairs); what lies mostly on a smudge cell counts neither way. Against centres ``found`` (share of the centres that
    lie in a nucleus), ``own`` (in one that holds no other) and ``per_centre`` (nuclei reported for each).
    """
    labels = np.asarray(labels, np.int32)
    return _against_centres(labels, picture.centres) if picture.nuclei is None else _against_masks(labels, picture)


def _against_masks(labels, picture):
    sizes = np.bincount(labels.ravel())
    smudged = np.bincount(labels[picture.smudges > 0], minlength=len(sizes))
    labels = np.where((2 * smudged > sizes)[labels], 0, labels)
    pairing = pair_labels(labels, picture.nuclei)
    hits, found, true = len(pairing.pairs), len(pairing.found), len(pairing.true)
    dice = 2 * pairing.overlap / (1 + pairing.overlap)
    return {
        "precision": hits / max(found, 1),
        "recall": hits / max(true, 1),
        "f1": 2 * hits / max(found + true, 1),
        "dice": float(dice.mean()) if hits else 0.0,
    }


def _against_centres(labels, centres):
    y, x = np.clip(np.rint(centres).astype(int), 0, np.array(labels.shape) - 1).T
    at = labels[y, x]
    held = np.bincount(at, minlength=2)
    return {
        "found": float(np.mean(at > 0)),
        "own": float(np.mean((at > 0) & (held[at] == 1))),
        "per_centre": (len(np.unique(labels)) - 1) / max(len(centres), 1),
    }


def words(score):
    """A score as one short cell of the table."""
    if "f1" in score:
        return "P {precision:.2f} R {recall:.2f} F1 {f1:.2f} Dice {dice:.3f}".format(**score)
    return "found {found:.2f} own {own:.2f} per centre {per_centre:.2f}".format(**score)
