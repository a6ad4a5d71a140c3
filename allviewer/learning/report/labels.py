"""Short names of figures, in the order and under the headings in which people read them."""

from allviewer.learning.judge import SPECIFICITY
from allviewer.learning.report.words import Data
from allviewer.systems.card import Figure

HEADINGS: dict[str, tuple[str, ...]] = {
    "telling the classes apart": (
        "auroc", "auroc_whole_cells", "auroc_inside_groups", "auroc_inside_whole_cells", "auroc_group_mean",
        "auroc_group_mean_whole_cells", "average_precision", "sensitivity_at_specificity",
        "sensitivity_at_specificity_whole_cells",
    ),
    "called by the largest probability": (
        "accuracy", "balanced_accuracy", "sensitivity", "specificity", "precision", "f1", "weighted_f1",
    ),
    "probabilities": ("calibration_error", "log_loss"),
    "what the autoencoder draws again": ("reconstruction_correlation",),
    "a check on the data": ("camera_check",),
}  # fmt: skip
"""Heading → names of figures."""
UNIT_FREE = ("log_loss",)
"""Figures that are not shares from 0 to 1."""
_LABELS = {
    "auroc": "AUROC",
    "auroc_whole_cells": "… whole cells",
    "auroc_inside_groups": "… inside {groups} that hold both",
    "auroc_inside_whole_cells": "… … whole cells",
    "auroc_group_mean": "… mean of {counted}",
    "auroc_group_mean_whole_cells": "… … whole cells",
    "average_precision": "average precision",
    "sensitivity_at_specificity": f"sensitivity at specificity ≥ {SPECIFICITY:.2f}",
    "sensitivity_at_specificity_whole_cells": "… whole cells",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "weighted_f1": "weighted F1",
    "calibration_error": "calibration error",
    "log_loss": "log loss",
    "camera_check": "camera check (0.5 is blind to it)",
}
BAND = {
    "unlike": "unlike the training cells",
    "unsure": "left unsure",
    "accuracy_sure": "accuracy among the sure",
    "sensitivity_sure": "sensitivity among the sure",
    "specificity_sure": "specificity among the sure",
}
"""Names of the band's figures."""


def label(name: str, data: Data | None = None) -> str:
    """A figure's short name; of data also which groups it is of."""
    words = _LABELS.get(name, name.replace("_", " "))
    return words.format(groups=data.drawn if data else "groups", counted=_listed(data.mean_of if data else ()))


def _listed(groups: tuple[str, ...]) -> str:
    if not groups:
        return "groups, each by itself"
    return ", ".join(groups) if len(groups) <= 4 else f"{len(groups)} groups, each by itself"


def number(value: float | None) -> str:
    """Three decimals, or a dash."""
    return "–" if value is None else f"{value:.3f}"


def interval(figure: Figure | None, *, sign: bool = False) -> str:
    """``0.812 – 0.985``, or nothing."""
    if figure is None or figure.low is None or figure.high is None:
        return ""
    return f"{figure.low:+.3f} – {figure.high:+.3f}" if sign else f"{figure.low:.3f} – {figure.high:.3f}"


def share(value: float) -> str:
    """A share in percent, finer where it is small."""
    return f"{100 * value:.1f} %" if 0 < value < 0.1 else f"{100 * value:.0f} %"
